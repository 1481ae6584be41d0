"""record_failure: what an execution that failed, timed out or was stopped leaves in its record.

Started by the "Step Functions Execution Status Change" event, so that ends which no Catch sees are recorded too.
"""

from typing import Any

import msgspec

from tasks.shared import clients
from tasks.shared.announce import Announcer
from tasks.shared.observe import count, counting, logger, working_for
from tasks.shared.records import Records
from tasks.shared.settings import from_environment
from workflow.shapes import CaughtError, Run, parse


class Settings(msgspec.Struct, frozen=True):
    table_name: str
    topic_arn: str


class Detail(msgspec.Struct, rename="camel"):
    """The part of the event that names the execution. Its status is asked for, as the event may be late."""

    execution_arn: str
    name: str


class StatusChange(msgspec.Struct):
    detail: Detail


ENDED_BADLY = {"FAILED", "TIMED_OUT", "ABORTED"}
REJECTED_END = "Rejected"
"""The state in which an execution ends whose file was quarantined with all that belongs to it."""

settings = from_environment(Settings)
records = Records(clients.dynamodb(), settings.table_name)
announcer = Announcer(clients.sns(), records, settings.topic_arn)


@counting()
def handle(event: Any, _context: Any) -> None:
    execution = parse(event, StatusChange).detail
    now = clients.stepfunctions().describe_execution(executionArn=execution.execution_arn)
    run = Run(arn=execution.execution_arn, name=execution.name, started=now["startDate"].isoformat())
    asset_id = records.asset_of(run.name)
    working_for(run, asset_id)
    if now["status"] not in ENDED_BADLY:
        logger.info("goes on", extra={"status": now["status"]})
        return
    caught = CaughtError(error=now.get("error") or now["status"], cause=now.get("cause") or "")
    reason = {"code": caught.error, "message": caught.message, "state": last_state(run.arn)}
    logger.error("execution failed", extra={"reason": reason})
    count("ExecutionsFailed")
    if asset_id:
        record(asset_id, run, reason)


def record(asset_id: str, run: Run, reason: dict[str, str]) -> None:
    """Mark the asset failed, free it for the next attempt and tell the subscribers; a rejected one already says why."""
    known = records.get(asset_id)
    failed = known if known and known["execution"] == run.name and reason["state"] != REJECTED_END else None
    if failed:
        records.finish(asset_id, run, "failed", {"reason": reason})
    records.release_claim(asset_id, run.name, done=failed is not None)
    if failed:
        announcer.announce({**failed, "status": "failed", "reason": reason}, "failed")


def last_state(execution_arn: str) -> str:
    """The state in which the execution ended."""
    history = clients.stepfunctions().get_paginator("get_execution_history")
    for page in history.paginate(executionArn=execution_arn, reverseOrder=True, includeExecutionData=False):
        for event in page["events"]:
            if entered := event.get("stateEnteredEventDetails"):
                return entered["name"]
    return ""
