"""Has the stage's own sweeper look right now, with its own rights: it is the one home of what a sweep does."""

import json
from datetime import timedelta

from tasks.shared.records import Item
from workflow.errors import SluiceError
from workflow.limits import FUNCTIONS
from workflow.names import function_name
from workflow.operator.client import Sluice

FUNCTION = "sweep"
ANSWER_SECONDS = FUNCTIONS[FUNCTION].timeout_seconds + 30


class SweepFailedError(SluiceError):
    """The sweep ended with an error."""


def sweep(sluice: Sluice, *, older_than: timedelta | None = None) -> Item:
    """Look for what did not change for `older_than`, or for as long as the stage says; the report."""
    event = {} if older_than is None else {"older_than_minutes": older_than.total_seconds() / 60}
    function = function_name(sluice.aws.stage, FUNCTION)
    answer = sluice.aws.client("lambda", read_timeout=ANSWER_SECONDS).invoke(
        FunctionName=function, Payload=json.dumps(event)
    )
    report = json.loads(answer["Payload"].read())
    if "FunctionError" in answer:
        raise SweepFailedError(f"{function} failed: {report.get('errorMessage')} Its log says more.")
    return report
