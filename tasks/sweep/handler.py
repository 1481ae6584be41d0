"""sweep: finds what a crash or a lost event left undone, puts it right, and says so in metrics and a report.

Started by a schedule; and by hand with {"older_than_minutes": N}, where the stage's own N is too long to wait for.
"""

import json
import time
from datetime import datetime, timedelta
from typing import Any

import msgspec
from aws_lambda_powertools.metrics import MetricUnit

from tasks.shared import clients
from tasks.shared.announce import Announcer
from tasks.shared.executions import Executions
from tasks.shared.failures import Failures
from tasks.shared.live_settings import LiveParameter
from tasks.shared.objects import Objects
from tasks.shared.observe import count, counting, metrics
from tasks.shared.outcome_events import bus_called
from tasks.shared.records.adapter import Records
from tasks.shared.settings import from_environment
from tasks.sweep.report import METRICS, Report
from tasks.sweep.sweep import Stage, Sweep
from workflow.limits import FUNCTIONS
from workflow.shapes import parse

LAST_STEP_SECONDS = 60
"""What is left of the function's time for the asset that it is at when it stops looking, and for the report."""
MAX_REPORTED = 1000
"""Findings in what the function returns, which is limited to 6 MB; the report has all."""
LATEST = "sweeps/latest.json"


class Settings(msgspec.Struct, frozen=True):
    table_name: str
    topic_arn: str
    outcome_bus: str
    ingest_bucket: str
    expanded_bucket: str
    operations_bucket: str
    state_machine_arn: str
    sweep_older_than_minutes: float
    live_settings: str
    old_indexes: str = ""


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The event. None stands for the operators' setting, or else the stage's."""

    older_than_minutes: float | None = None


settings = from_environment(Settings)
live = LiveParameter(clients.ssm(), settings.live_settings)
objects = Objects(clients.s3())
records = Records(clients.dynamodb(), settings.table_name, settings.old_indexes)
executions = Executions(clients.stepfunctions(), settings.state_machine_arn)
announcer = Announcer(clients.sns(), records, settings.topic_arn, bus_called(settings.outcome_bus))
stage = Stage(
    objects=objects,
    records=records,
    executions=executions,
    failures=Failures(executions, records, announcer),
    ways_in=(settings.ingest_bucket, settings.expanded_bucket),
)


@counting()
def handle(event: Any, _context: Any) -> dict[str, Any]:
    ends = time.monotonic() + FUNCTIONS["sweep"].timeout_seconds - LAST_STEP_SECONDS
    older_than = timedelta(minutes=minutes(parse(event, Wanted)))
    report = Sweep(stage, older_than, time_is_up=lambda: time.monotonic() > ends).run()
    measure(report)
    told = msgspec.to_builtins(report)
    return {**told, "findings": told["findings"][:MAX_REPORTED], "counts": report.counts, "reports": write(report)}


def minutes(wanted: Wanted) -> float:
    told = (wanted.older_than_minutes, live.now().sweep_older_than_minutes, settings.sweep_older_than_minutes)
    return next(each for each in told if each is not None)


def measure(report: Report) -> None:
    for did, metric in METRICS.items():
        count(metric, report.counts[did])
    metrics.add_metric("OldestUnprocessedSeconds", MetricUnit.Seconds, report.oldest_unprocessed_seconds)


def write(report: Report) -> list[str]:
    """Where the report is: always as the latest one, and for good where something was found."""
    text = json.dumps(msgspec.to_builtins(report), indent=2).encode()
    moment = datetime.fromisoformat(report.at).strftime("%Y-%m-%dT%H-%M-%S.%fZ")
    keys = [LATEST, *([f"sweeps/{moment}.json"] if report.findings else [])]
    for key in keys:
        objects.put(settings.operations_bucket, key, text, "application/json")
    return [f"s3://{settings.operations_bucket}/{key}" for key in keys]
