"""Has the stage's own sweeper look right now, with its own rights: it is the one home of what a sweep does."""

import json
from datetime import timedelta

import msgspec

from tasks.sweep.report import Did, Finding
from workflow.errors import SluiceError
from workflow.limits import FUNCTIONS
from workflow.names import function_name
from workflow.operator.client import Sluice

FUNCTION = "sweep"
ANSWER_SECONDS = FUNCTIONS[FUNCTION].timeout_seconds + 30


class SweepFailedError(SluiceError):
    """The sweep ended with an error."""


class Swept(msgspec.Struct, frozen=True, kw_only=True):
    """What the function answers: its report, the first findings of it, and the `reports` in the operations bucket."""

    at: str
    older_than_seconds: int
    looked_at: int
    oldest_unprocessed_seconds: int
    complete: bool
    findings: list[Finding]
    counts: dict[Did, int]
    reports: list[str]


def sweep(sluice: Sluice, *, older_than: timedelta | None = None) -> Swept:
    """Look for what did not change for `older_than`, or for as long as the stage says; the report."""
    event = {} if older_than is None else {"older_than_minutes": older_than.total_seconds() / 60}
    function = function_name(sluice.aws.stage, FUNCTION)
    answer = sluice.aws.client("lambda", read_timeout=ANSWER_SECONDS).invoke(
        FunctionName=function, Payload=json.dumps(event)
    )
    told = answer["Payload"].read()
    if "FunctionError" in answer:
        raise SweepFailedError(f"{function} failed: {json.loads(told).get('errorMessage')} Its log says more.")
    return msgspec.json.decode(told, type=Swept)
