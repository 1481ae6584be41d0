"""Step Functions as the tasks need it: which executions of a state machine live, how one ended, start another."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from workflow.shapes import CaughtError, ExecutionInput, Run, dump

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

LIVE = frozenset({"RUNNING", "PENDING_REDRIVE"})
ENDED_BADLY = frozenset({"FAILED", "TIMED_OUT", "ABORTED"})


@dataclass(frozen=True)
class Execution:
    """An execution as Step Functions describes it. `wanted` is None where the input is not one of ours."""

    run: Run
    status: str
    redrives: int
    error: CaughtError
    wanted: ExecutionInput | None

    @property
    def lives(self) -> bool:
        return self.status in LIVE

    @property
    def ended_badly(self) -> bool:
        return self.status in ENDED_BADLY


class Executions:
    """The Step Functions adapter, for one state machine."""

    def __init__(self, stepfunctions: "SFNClient", state_machine_arn: str) -> None:
        self._stepfunctions = stepfunctions
        self._state_machine_arn = state_machine_arn

    def running(self) -> Iterator[str]:
        """Names of those that run, as of some seconds ago: the list lags behind."""
        pages = self._stepfunctions.get_paginator("list_executions").paginate(
            stateMachineArn=self._state_machine_arn, statusFilter="RUNNING"
        )
        return (execution["name"] for page in pages for execution in page["executions"])

    def find(self, name: str) -> Execution | None:
        """How an execution is doing now; None where Step Functions does not know it, or no longer."""
        try:
            return self.describe(execution_arn(self._state_machine_arn, name))
        except self._stepfunctions.exceptions.ExecutionDoesNotExist:
            return None

    def describe(self, arn: str) -> Execution:
        """How an execution is doing now."""
        found: Any = self._stepfunctions.describe_execution(executionArn=arn)
        return Execution(
            run=Run(arn=arn, name=found["name"], started=found["startDate"].isoformat()),
            status=found["status"],
            redrives=found.get("redriveCount", 0),
            error=CaughtError(error=found.get("error") or found["status"], cause=found.get("cause") or ""),
            wanted=_wanted(found.get("input", "")),
        )

    def start(self, name: str, wanted: ExecutionInput) -> bool:
        """Start an execution, once under this name; False where there was one that has ended."""
        try:
            self._stepfunctions.start_execution(
                stateMachineArn=self._state_machine_arn, name=name, input=json.dumps(dump(wanted))
            )
        except self._stepfunctions.exceptions.ExecutionAlreadyExists:
            return False
        return True

    def last_state(self, run: Run) -> str:
        """The state that an execution entered last; "" where it entered none."""
        history = self._stepfunctions.get_paginator("get_execution_history")
        for page in history.paginate(executionArn=run.arn, reverseOrder=True, includeExecutionData=False):
            for event in page["events"]:
                if entered := event.get("stateEnteredEventDetails"):
                    return entered["name"]
        return ""


def execution_arn(machine_arn: str, name: str) -> str:
    """The ARN that an execution of a state machine has under this name."""
    return f"{machine_arn.replace(':stateMachine:', ':execution:')}:{name}"


def _wanted(text: str) -> ExecutionInput | None:
    try:
        return msgspec.json.decode(text, type=ExecutionInput)
    except msgspec.DecodeError:
        return None
