"""record_failure: what an execution that failed, timed out or was stopped leaves in its record.

Started by the "Step Functions Execution Status Change" event, so that ends which no Catch sees are recorded too.
"""

from typing import Any

import msgspec

from tasks.shared import clients
from tasks.shared.announce import Announcer
from tasks.shared.executions import Executions
from tasks.shared.failures import Failures
from tasks.shared.observe import counting, logger, working_for
from tasks.shared.outcome_events import bus_called
from tasks.shared.records.adapter import Records
from tasks.shared.settings import from_environment
from workflow.shapes import parse


class Settings(msgspec.Struct, frozen=True):
    table_name: str
    topic_arn: str
    outcome_bus: str


class Detail(msgspec.Struct, rename="camel"):
    """The part of the event that names the execution. Its status is asked for, as the event may be late."""

    execution_arn: str
    state_machine_arn: str


class StatusChange(msgspec.Struct):
    detail: Detail


settings = from_environment(Settings)
records = Records(clients.dynamodb(), settings.table_name)
announcer = Announcer(clients.sns(), records, settings.topic_arn, bus_called(settings.outcome_bus))


@counting()
def handle(event: Any, _context: Any) -> None:
    detail = parse(event, StatusChange).detail
    executions = Executions(clients.stepfunctions(), detail.state_machine_arn)
    execution = executions.describe(detail.execution_arn)
    asset_id = records.links.asset_of(execution.run.name)
    working_for(execution.run, asset_id)
    if not execution.ended_badly:
        logger.info("goes on", extra={"status": execution.status})
        return
    Failures(executions, records, announcer).settle(execution, asset_id)
