"""The ingest state machine: six steps from an uploaded file to its archived original."""

import re
from collections.abc import Mapping
from typing import Any

from tasks.kinds import KINDS
from workflow.asl import Chain, Fail, Graph, LambdaTask, Retry, Succeed
from workflow.errors import DuplicateEvent, ThumbnailError, TransientError, rejections
from workflow.limits import BY_KIND, EXECUTION_TIMEOUT_SECONDS, state_timeout_seconds

THROTTLED = ["Lambda.TooManyRequestsException"]
SERVICE_TROUBLE = [
    "Lambda.ServiceException",
    "Lambda.AWSLambdaException",
    "Lambda.SdkClientException",
    "Lambda.ClientExecutionTimeoutException",
]
ENDED_WITHOUT_ANSWER = ["Sandbox.Timedout", "Lambda.Unknown", "Runtime.ExitError", "States.Timeout"]

STATE = {"state.$": "$"}
START = {
    "state": {
        "wanted.$": "$",
        "functions": {kind: {each: f"${{{each}_{kind}}}" for each in BY_KIND} for kind in KINDS},
    }
}
"""Validate decides the kind, and with it which functions the later states call: routing costs no state."""


def ingest() -> Graph:
    """The definition; `${validate}` and its like stand for the functions' ARNs."""
    duplicate = Succeed("Duplicate", comment="Another execution serves, or has just served, this version")
    rejected = Fail("Rejected", error_path="$.quarantine.code", cause_path="$.quarantine.message")
    quarantine = task("Quarantine", "Move the original aside, with the reason")
    quarantine.then(rejected)

    validate = task("Validate", "Is it a file that we accept, and is it ours to do?", gets=START)
    transform = task("Transform", "Read it once, whole; publish a rendition")
    thumbnail = task("Thumbnail", "Draw previews from the rendition")
    store_metadata = task("StoreMetadata", "Write down all that was learnt and made")
    notify = task("Notify", "Tell the subscribers")
    archive = task("Archive", "Copy the original, verify the copy, then remove the original")

    validate.on_error(DuplicateEvent.__name__, then=duplicate)
    validate.on_error(*rejections(), then=quarantine)
    transform.on_error(*rejections(), then=quarantine)
    thumbnail.on_error(ThumbnailError.__name__, then=store_metadata, keep_as="$.thumbnail_error")

    # What is caught nowhere fails the execution in its state, so that a redrive resumes right there.
    return Graph(
        Chain([validate, transform, thumbnail, store_metadata, notify, archive]),
        comment="Sluice: validate, transform, preview, record, announce and archive one uploaded file",
        timeout_seconds=EXECUTION_TIMEOUT_SECONDS,
    )


def task(name: str, comment: str, *, gets: Mapping[str, Any] = STATE) -> LambdaTask:
    """One state. Its function gets the run and the state so far, and returns the state with its result added."""
    does = task_name(name)
    return LambdaTask(
        name,
        comment=comment,
        function=f"$.asset.functions.{does}" if does in BY_KIND else f"${{{does}}}",
        payload={
            "run": {"arn.$": "$$.Execution.Id", "name.$": "$$.Execution.Name", "started.$": "$$.Execution.StartTime"},
            **gets,
        },
        timeout_seconds=state_timeout_seconds(does),
        retry=[
            retry(THROTTLED, first_delay=1, attempts=90),
            retry(SERVICE_TROUBLE, first_delay=2, attempts=6),
            retry([TransientError.__name__], first_delay=2, attempts=6),
            retry(ENDED_WITHOUT_ANSWER, first_delay=5, attempts=1),
        ],
    )


def retry(errors: list[str], *, first_delay: int, attempts: int) -> Retry:
    """Doubling delays in seconds, capped, and drawn at random so that a burst does not come back as one."""
    return Retry(
        error_equals=errors,
        interval_seconds=first_delay,
        max_attempts=attempts,
        backoff_rate=2.0,
        max_delay_seconds=20,
        jitter_strategy="FULL",
    )


def task_name(state_name: str) -> str:
    """The task of a state: StoreMetadata → store_metadata."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", state_name).lower()
