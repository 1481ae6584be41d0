"""An execution's history, in the shapes that AWS documents, read as a person tells it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from workflow.history import StateRun, state_runs

START = datetime(2026, 11, 23, 10, tzinfo=UTC)
RESOURCE = {"resourceType": "lambda", "resource": "invoke"}


def event(kind: str, details: str = "", **values: Any) -> dict[str, Any]:
    return {"type": kind, **({details: values} if details else {})}


def entered(name: str, kind: str = "Task") -> dict[str, Any]:
    return event(f"{kind}StateEntered", "stateEnteredEventDetails", name=name, input="{}", inputDetails={})


def exited(name: str, kind: str = "Task") -> dict[str, Any]:
    return event(f"{kind}StateExited", "stateExitedEventDetails", name=name, output="{}", outputDetails={})


SCHEDULED = event("TaskScheduled", "taskScheduledEventDetails", **RESOURCE, region="us-east-1", parameters="{}")
STARTED_TASK = event("TaskStarted", "taskStartedEventDetails", **RESOURCE)
SUCCEEDED_TASK = event("TaskSucceeded", "taskSucceededEventDetails", **RESOURCE, output="{}")
STARTED = event("ExecutionStarted", "executionStartedEventDetails", input="{}", roleArn="arn:aws:iam::1:role/r")
SUCCEEDED = event("ExecutionSucceeded", "executionSucceededEventDetails", output="{}")
ABORTED = event("ExecutionAborted", "executionAbortedEventDetails")
TIMED_OUT = event("ExecutionTimedOut", "executionTimedOutEventDetails")
REDRIVEN = event("ExecutionRedriven", "executionRedrivenEventDetails", redriveCount=1)


def failed_task(error: str) -> dict[str, Any]:
    return event("TaskFailed", "taskFailedEventDetails", **RESOURCE, error=error, cause=f"{error} it was")


def failed(error: str) -> dict[str, Any]:
    return event("ExecutionFailed", "executionFailedEventDetails", error=error, cause="")


def attempt(*ending: dict[str, Any]) -> list[dict[str, Any]]:
    return [SCHEDULED, STARTED_TASK, *ending]


def read(*events: dict[str, Any]) -> list[StateRun]:
    """The runs of a history in which a second lies between events."""
    return state_runs(_numbered(events))


def _numbered(events: tuple[dict[str, Any], ...]) -> Iterator[dict[str, Any]]:
    for number, each in enumerate(events, start=1):
        yield {**each, "id": number, "previousEventId": number - 1, "timestamp": START + timedelta(seconds=number)}


def told(run: StateRun) -> tuple[Any, ...]:
    return run.name, run.outcome, run.attempts, run.seconds, run.error


def test_states_are_told_in_their_order_with_their_times():
    runs = read(
        STARTED,
        *(entered("Validate"), *attempt(SUCCEEDED_TASK), exited("Validate")),
        *(entered("Transform"), *attempt(SUCCEEDED_TASK), exited("Transform")),
        SUCCEEDED,
    )
    assert [told(run) for run in runs] == [
        ("Validate", "succeeded", 1, 4.0, None),
        ("Transform", "succeeded", 1, 4.0, None),
    ]
    assert runs[0].entered == START + timedelta(seconds=2)


def test_state_at_work_has_no_end_yet():
    assert [told(run) for run in read(STARTED, entered("Validate"), *attempt())] == [
        ("Validate", "running", 1, None, None)
    ]


def test_retries_are_counted_and_forgiven():
    failing = attempt(failed_task("TransientError"))
    (run,) = read(STARTED, entered("Notify"), *failing, *failing, *attempt(SUCCEEDED_TASK), exited("Notify"), SUCCEEDED)
    assert told(run) == ("Notify", "succeeded", 3, 10.0, None)
    assert run.failures == ["TransientError", "TransientError"]


def test_caught_error_is_told():
    caught = (entered("Validate"), *attempt(failed_task("EmptyFile")), exited("Validate"))
    set_aside = (entered("Quarantine"), *attempt(SUCCEEDED_TASK), exited("Quarantine"))
    runs = read(STARTED, *caught, *set_aside, entered("Rejected", "Fail"), failed("EmptyFile"))
    assert [told(run) for run in runs] == [
        ("Validate", "caught", 1, 4.0, "EmptyFile"),
        ("Quarantine", "succeeded", 1, 4.0, None),
        ("Rejected", "failed", 0, 1.0, None),
    ]
    assert runs[0].cause == "EmptyFile it was"


def test_duplicate_ends_well():
    runs = read(
        STARTED,
        *(entered("Validate"), *attempt(failed_task("DuplicateEvent")), exited("Validate")),
        *(entered("Duplicate", "Succeed"), exited("Duplicate", "Succeed"), SUCCEEDED),
    )
    assert [(run.name, run.kind, run.outcome) for run in runs] == [
        ("Validate", "TaskState".removesuffix("State"), "caught"),
        ("Duplicate", "Succeed", "succeeded"),
    ]


def test_error_that_nothing_catches_is_told_of_its_state():
    runs = read(STARTED, entered("Archive"), *attempt(failed_task("CopyNotVerified")), failed("CopyNotVerified"))
    assert [told(run) for run in runs] == [("Archive", "failed", 1, 4.0, "CopyNotVerified")]


@pytest.mark.parametrize(
    ("kind", "details", "error"),
    [
        ("TaskTimedOut", "taskTimedOutEventDetails", "States.Timeout"),
        ("TaskStartFailed", "taskStartFailedEventDetails", "Lambda.SdkClientException"),
        ("TaskSubmitFailed", "taskSubmitFailedEventDetails", "Lambda.TooManyRequestsException"),
    ],
)
def test_attempt_that_never_answered_is_a_failed_one(kind, details, error):
    missed = [SCHEDULED, event(kind, details, **RESOURCE, error=error)]
    (run,) = read(STARTED, entered("Transform"), *missed, *attempt(SUCCEEDED_TASK), exited("Transform"), SUCCEEDED)
    assert (run.outcome, run.attempts, run.failures) == ("succeeded", 2, [error])


@pytest.mark.parametrize("end", [ABORTED, TIMED_OUT])
def test_end_from_outside_fails_the_state_that_was_at_work(end):
    assert [told(run) for run in read(STARTED, entered("Transform"), *attempt(), end)] == [
        ("Transform", "failed", 1, 3.0, None)
    ]


def test_redriven_state_goes_on():
    failing = (STARTED, entered("Archive"), *attempt(failed_task("TransientError")), failed("TransientError"))
    (at_work,) = read(*failing, REDRIVEN, *attempt())
    assert (at_work.outcome, at_work.seconds, at_work.attempts) == ("running", None, 2)
    (run,) = read(*failing, REDRIVEN, *attempt(SUCCEEDED_TASK), exited("Archive"), SUCCEEDED)
    assert told(run) == ("Archive", "succeeded", 2, 9.0, None)


def test_execution_that_ended_before_its_first_state_has_none():
    assert read(STARTED, ABORTED) == []
