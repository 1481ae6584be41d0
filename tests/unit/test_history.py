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
    return state_runs(numbered(*events))


def numbered(*events: dict[str, Any]) -> Iterator[dict[str, Any]]:
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


# a Map, whose iterations run at the same time


def iteration(change: str, index: int) -> dict[str, Any]:
    details = f"mapIteration{change}EventDetails"
    return event(f"MapIteration{change}", details, name="ConvertVideo", index=index)


def after(number: int, each: dict[str, Any]) -> dict[str, Any]:
    """An event that follows another one than the last: that with this number."""
    return {**each, "after": number}


def read_interleaved(*events: dict[str, Any]) -> list[StateRun]:
    """The runs of a history in which an event may follow any earlier one."""
    chained = [{**each, "previousEventId": each.get("after", each["id"] - 1)} for each in numbered(*events)]
    return state_runs(chained)


MAP_BEGINS = (STARTED, entered("ConvertVideo", "Map"), event("MapStateStarted"))
"""Events 1 to 3."""
TWO_PARTS_AT_ONCE = (
    after(3, iteration("Started", 0)),  # 4
    after(3, iteration("Started", 1)),  # 5
    after(4, entered("ConvertPart")),  # 6
    after(5, entered("ConvertPart")),  # 7
    after(6, SCHEDULED),  # 8
    after(7, SCHEDULED),  # 9
)


def test_parts_that_run_at_once_are_told_apart():
    (convert,) = read_interleaved(
        *MAP_BEGINS,
        *TWO_PARTS_AT_ONCE,
        after(9, failed_task("TransientError")),  # 10
        after(8, SUCCEEDED_TASK),  # 11
        after(10, SCHEDULED),  # 12
        after(11, exited("ConvertPart")),  # 13
        after(13, iteration("Succeeded", 0)),  # 14
        after(12, SUCCEEDED_TASK),  # 15
        after(15, exited("ConvertPart")),  # 16
        after(16, iteration("Succeeded", 1)),  # 17
        event("MapStateSucceeded"),
        exited("ConvertVideo", "Map"),
        SUCCEEDED,
    )
    assert told(convert) == ("ConvertVideo", "succeeded", 0, 17, None)
    assert [told(part) for part in convert.inside] == [
        ("ConvertPart", "succeeded", 1, 7, None),
        ("ConvertPart", "succeeded", 2, 9, None),
    ]


def test_redriven_part_goes_on_in_the_state_that_it_had_entered():
    convert, join = read_interleaved(
        *MAP_BEGINS,
        *TWO_PARTS_AT_ONCE,
        after(8, SUCCEEDED_TASK),  # 10
        after(10, exited("ConvertPart")),  # 11
        after(11, iteration("Succeeded", 0)),  # 12
        after(9, failed_task("KeyError")),  # 13
        iteration("Failed", 1),
        event("MapStateFailed"),
        failed("KeyError"),
        REDRIVEN,  # 17
        iteration("Started", 1),
        SCHEDULED,
        SUCCEEDED_TASK,
        exited("ConvertPart"),
        iteration("Succeeded", 1),
        event("MapStateSucceeded"),
        exited("ConvertVideo", "Map"),
        entered("JoinVideo"),
    )
    assert [(part.outcome, part.attempts, part.failures) for part in convert.inside] == [
        ("succeeded", 1, []),
        ("succeeded", 2, ["KeyError"]),
    ]
    assert (convert.outcome, join.outcome) == ("succeeded", "running")


# as AWS was recorded to write it: events that close a Map or its items are skipped by `previousEventId`


def container(kind: str, change: str) -> dict[str, Any]:
    details = f"{kind[0].lower()}{kind[1:]}State{change}EventDetails"
    return event(f"{kind}State{change}", details) if change == "Started" else event(f"{kind}State{change}")


def item(change: str, index: int, name: str) -> dict[str, Any]:
    return event(f"MapIteration{change}", f"mapIteration{change}EventDetails", name=name, index=index)


def outline(runs: list[StateRun]) -> list[Any]:
    """Name and outcome of each visit, and a list of those inside it."""
    return [(run.name, run.outcome, *([outline(run.inside)] if run.inside else [])) for run in runs]


FAILING_ITEM = (
    item("Started", 0, "MapState"),
    entered("HandleItemFail", "Fail"),
    item("Failed", 0, "MapState"),
)


def test_a_map_whose_item_failed_is_left_through_its_catcher():
    """test_map_state_catch, recorded on 2023-07-18."""
    runs = read_interleaved(
        after(0, STARTED),  # 1
        after(0, entered("MapState", "Map")),  # 2
        container("Map", "Started"),  # 3
        *FAILING_ITEM,  # 4 to 6
        after(5, container("Map", "Failed")),  # 7
        exited("MapState", "Map"),
        entered("FinalCaught", "Pass"),
        exited("FinalCaught", "Pass"),
        SUCCEEDED,
    )
    assert outline(runs) == [("MapState", "caught", [("HandleItemFail", "failed")]), ("FinalCaught", "succeeded")]


def test_a_map_that_is_tried_again_keeps_all_its_rounds():
    """test_map_state_retry, recorded on 2023-07-18: no event says that a round failed before the last one."""
    runs = read_interleaved(
        after(0, STARTED),  # 1
        after(0, entered("MapState", "Map")),  # 2
        container("Map", "Started"),  # 3
        *FAILING_ITEM,  # 4 to 6
        after(5, container("Map", "Started")),  # 7
        *FAILING_ITEM,  # 8 to 10
        after(9, container("Map", "Failed")),  # 11
        failed("FailErrorType"),
    )
    assert outline(runs) == [("MapState", "failed", [("HandleItemFail", "failed")] * 2)]


def test_items_one_after_the_other_follow_the_last_state_of_the_item_before():
    """test_map_state_config_inline_parameters, recorded on 2024-02-08."""
    runs = read_interleaved(
        after(0, STARTED),  # 1
        after(0, entered("MapState", "Map")),  # 2
        container("Map", "Started"),  # 3
        *(item("Started", 0, "MapState"), entered("Inner", "Pass"), exited("Inner", "Pass")),  # 4 to 6
        item("Succeeded", 0, "MapState"),  # 7
        after(6, item("Started", 1, "MapState")),  # 8
        *(entered("Inner", "Pass"), exited("Inner", "Pass"), item("Succeeded", 1, "MapState")),  # 9 to 11
        container("Map", "Succeeded"),  # 12
        after(11, exited("MapState", "Map")),  # 13
        entered("Finish", "Succeed"),
        exited("Finish", "Succeed"),
        SUCCEEDED,
    )
    assert outline(runs) == [("MapState", "succeeded", [("Inner", "succeeded")] * 2), ("Finish", "succeeded")]


def test_a_map_within_a_map():
    """test_map_state_nested, recorded on 2024-03-29."""
    runs = read_interleaved(
        after(0, STARTED),  # 1
        after(0, entered("Outer", "Map")),  # 2
        *(container("Map", "Started"), item("Started", 0, "Outer")),  # 3 and 4
        *(entered("Inner", "Map"), container("Map", "Started"), item("Started", 0, "Inner")),  # 5 to 7
        *(entered("Step", "Pass"), exited("Step", "Pass"), item("Succeeded", 0, "Inner")),  # 8 to 10
        container("Map", "Succeeded"),  # 11
        after(10, exited("Inner", "Map")),  # 12
        item("Succeeded", 0, "Outer"),  # 13
        after(12, item("Started", 1, "Outer")),  # 14
        *(entered("Inner", "Map"), container("Map", "Started"), item("Started", 0, "Inner")),  # 15 to 17
        *(entered("Step", "Pass"), exited("Step", "Pass"), item("Succeeded", 0, "Inner")),  # 18 to 20
        container("Map", "Succeeded"),  # 21
        after(20, exited("Inner", "Map")),  # 22
        item("Succeeded", 1, "Outer"),  # 23
        container("Map", "Succeeded"),  # 24
        after(23, exited("Outer", "Map")),  # 25
        SUCCEEDED,
    )
    inner = ("Inner", "succeeded", [("Step", "succeeded")])
    assert outline(runs) == [("Outer", "succeeded", [inner, inner])]


def test_branches_of_a_parallel_state_are_told_apart_and_end_with_it():
    """test_parallel_catch_error, recorded on 2024-11-13: the branch that goes on is aborted once another one failed."""
    runs = read_interleaved(
        after(0, STARTED),  # 1
        after(0, entered("Both", "Parallel")),  # 2
        container("Parallel", "Started"),  # 3
        after(3, entered("Left")),  # 4
        after(3, entered("Right")),  # 5
        after(4, SCHEDULED),  # 6
        after(5, SCHEDULED),  # 7
        after(6, failed_task("TransientError")),  # 8
        after(7, event("TaskStateAborted")),  # 9
        after(8, container("Parallel", "Failed")),  # 10
        exited("Both", "Parallel"),
        entered("Fallback", "Pass"),
        exited("Fallback", "Pass"),
        SUCCEEDED,
    )
    assert outline(runs) == [
        ("Both", "caught", [("Left", "failed"), ("Right", "failed")]),
        ("Fallback", "succeeded"),
    ]


def test_the_run_of_a_distributed_map_belongs_to_its_state():
    arn = "arn:aws:states:us-east-1:1:mapRun:m/l:u"
    runs = read(
        *(STARTED, entered("Batch", "Map"), container("Map", "Started")),
        event("MapRunStarted", "mapRunStartedEventDetails", mapRunArn=arn),
        event("MapRunFailed", "mapRunFailedEventDetails", error="States.ExceedToleratedFailureThreshold"),
        *(container("Map", "Failed"), exited("Batch", "Map"), entered("Report")),
    )
    assert [(run.name, run.outcome, run.error) for run in runs] == [
        ("Batch", "caught", "States.ExceedToleratedFailureThreshold"),
        ("Report", "running", None),
    ]


@pytest.mark.parametrize("end", [ABORTED, TIMED_OUT])
def test_what_was_at_work_within_a_map_ends_with_the_execution(end):
    (convert,) = read_interleaved(*MAP_BEGINS, *TWO_PARTS_AT_ONCE, end)
    assert outline([convert]) == [("ConvertVideo", "failed", [("ConvertPart", "failed")] * 2)]


def test_functions_that_are_called_by_their_own_arn_have_attempts_too():
    missed = event("LambdaFunctionFailed", "lambdaFunctionFailedEventDetails", error="TransientError", cause="busy")
    called = (event("LambdaFunctionScheduled"), event("LambdaFunctionStarted"))
    done = event("LambdaFunctionSucceeded")
    (run,) = read(STARTED, entered("Notify"), *called, missed, *called, done, exited("Notify"), SUCCEEDED)
    assert (run.outcome, run.attempts, run.failures) == ("succeeded", 2, ["TransientError"])
