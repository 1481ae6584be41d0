"""Starts executions for callers, and shows them."""

import hashlib
import uuid
from dataclasses import dataclass
from typing import Any

from tasks.api.problems import Conflict, NotFound, TooManyRequests, Unprocessable
from tasks.api.shapes import Execution, NewExecution, Started, State
from tasks.shared.executions import BusyError, Executions
from tasks.shared.records.adapter import Records
from workflow.history import StateRun, state_runs
from workflow.shapes import ExecutionInput

RETRY_AFTER_SECONDS = 5


@dataclass(frozen=True)
class CallersExecutions:
    """The state machine's executions, as callers may start and see them. Originals are in `places`."""

    executions: Executions
    records: Records
    places: frozenset[str]

    def start(self, wanted: NewExecution, by: str, idempotency_key: str | None) -> Started:
        name = f"api-{_digest(by, idempotency_key) if idempotency_key else uuid.uuid4()}"
        execution_input = self._input(wanted, by, name)
        try:
            fresh = self.executions.start(name, execution_input)
        except BusyError as exc:
            raise TooManyRequests(str(exc), retry_after=str(RETRY_AFTER_SECONDS)) from exc
        if not fresh and not self.executions.started_with(name, execution_input):
            raise Conflict("The Idempotency-Key was used for another request. Take a new one.")
        return Started(execution=name)

    def _input(self, wanted: NewExecution, by: str, name: str) -> ExecutionInput:
        if wanted.asset_id:
            return self._input_of_asset(wanted.asset_id, wanted, by, name)
        if wanted.bucket is None or wanted.key is None:
            raise Unprocessable("Name either an asset_id, or a bucket and a key.")
        if wanted.bucket not in self.places:
            raise Unprocessable(f"The bucket {wanted.bucket} is not one of ours: {', '.join(sorted(self.places))}.")
        return ExecutionInput(
            bucket=wanted.bucket,
            key=wanted.key,
            version_id=wanted.version_id,
            force=wanted.force,
            by=by,
            why=wanted.why,
        )

    def _input_of_asset(self, asset_id: str, wanted: NewExecution, by: str, name: str) -> ExecutionInput:
        if wanted.bucket or wanted.key or wanted.version_id:
            raise Unprocessable("An asset_id says it all: leave bucket, key and version_id out.")
        record = self.records.assets.get(asset_id)
        if record is None:
            raise NotFound(f"There is no asset {asset_id}. GET /assets lists them.")
        at_work = record.status == "processing" and record.execution != name
        if at_work and not wanted.force:
            raise Conflict(f"Execution {record.execution} is at work on the asset. Wait for it, or say `force`.")
        return ExecutionInput(
            bucket=record.bucket,
            key=record.key,
            version_id=record.version_id,
            trigger="reprocess",
            force=wanted.force,
            by=by,
            why=wanted.why,
        )

    def show(self, name: str) -> Execution:
        arn = self.executions.arn(name)
        stepfunctions = self.executions.stepfunctions
        try:
            found: Any = stepfunctions.describe_execution(executionArn=arn)
        except stepfunctions.exceptions.ExecutionDoesNotExist as exc:
            raise NotFound(f"There is no execution {name}, or it ended more than 90 days ago.") from exc
        return Execution(
            execution=name,
            status=found["status"],
            started=found["startDate"],
            stopped=found.get("stopDate"),
            redrives=found.get("redriveCount", 0),
            error=found.get("error"),
            cause=found.get("cause"),
            asset_id=self.records.links.asset_of(name),
            states=self._states(arn),
        )

    def _states(self, arn: str) -> list[State]:
        pages = self.executions.stepfunctions.get_paginator("get_execution_history").paginate(
            executionArn=arn, includeExecutionData=False
        )
        return [_state(run) for run in state_runs(event for page in pages for event in page["events"])]


def _state(run: StateRun) -> State:
    return State(
        name=run.name,
        entered=run.entered,
        outcome=run.outcome,
        attempts=run.attempts,
        seconds=run.seconds,
        error=run.error,
        cause=run.cause,
    )


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
