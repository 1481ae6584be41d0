"""Executions are started by the alias, found without it, and wait their turn where Step Functions is busy."""

from datetime import UTC, datetime, timedelta

import pytest
from botocore.stub import ANY, Stubber
from hypothesis import given
from hypothesis import strategies as st

from tasks.shared import clients
from tasks.shared.executions import BusyError, Executions, back_to
from tests.unit.cloud import INGEST, STATE_MACHINE
from workflow.shapes import ExecutionInput

WANTED = ExecutionInput(bucket=INGEST, key="cat.jpg", trigger="sweep")
EXECUTION = f"{STATE_MACHINE.replace(':stateMachine:', ':execution:')}:one"


@pytest.fixture
def stub(functions):
    with Stubber(clients.stepfunctions()) as stub:
        yield stub
        stub.assert_no_pending_responses()


@pytest.mark.parametrize("qualifier", ["", ":live", ":12"])
def test_what_starts_is_named_as_it_was_given_and_what_lists_is_not_qualified(stub, qualifier):
    executions = Executions(clients.stepfunctions(), f"{STATE_MACHINE}{qualifier}")
    started = {"executionArn": EXECUTION, "startDate": 0}
    named = {"stateMachineArn": f"{STATE_MACHINE}{qualifier}", "name": "one", "input": ANY}
    stub.add_response("start_execution", started, named)
    stub.add_response(
        "list_executions", {"executions": []}, {"stateMachineArn": STATE_MACHINE, "statusFilter": "RUNNING"}
    )
    assert executions.start("one", WANTED)
    assert list(executions.running()) == []
    assert executions.arn("one") == EXECUTION


def test_name_that_was_used_before_starts_nothing(stub):
    stub.add_client_error("start_execution", "ExecutionAlreadyExists")
    assert not Executions(clients.stepfunctions(), STATE_MACHINE).start("one", WANTED)


@pytest.mark.parametrize("code", ["ThrottlingException", "ExecutionLimitExceeded"])
def test_busy_service_is_told_from_a_refusal(stub, code):
    stub.add_client_error("start_execution", code)
    with pytest.raises(BusyError, match=code):
        Executions(clients.stepfunctions(), STATE_MACHINE).start("one", WANTED)


# lists


def at(minute):
    return datetime(2026, 11, 23, tzinfo=UTC) + timedelta(minutes=minute)


def listed(start, took):
    """As ListExecutions tells of one; without `took` it runs."""
    return {"startDate": at(start), **({} if took is None else {"stopDate": at(start + took)})}


def age(each):
    return each.get("stopDate", each["startDate"])


ORDERS = {
    "by start": lambda each: each["startDate"],
    "by end": age,
    "running first": lambda each: ("stopDate" not in each, age(each)),
}


@pytest.mark.parametrize("order", ORDERS)
@given(
    runs=st.lists(st.tuples(st.integers(0, 100), st.none() | st.integers(0, 100)), max_size=30),
    minute=st.integers(0, 200),
)
def test_no_execution_that_was_started_since_is_left_out_however_the_list_is_sorted(order, runs, minute):
    found = sorted((listed(*each) for each in runs), key=ORDERS[order], reverse=True)
    since = at(minute)
    reached = [each for each in back_to(since, found) if each["startDate"] >= since]
    assert reached == [each for each in found if each["startDate"] >= since]


def test_list_ends_where_all_that_follow_are_older():
    old = [listed(minute, 1) for minute in range(50, 0, -1)]
    assert list(back_to(at(60), [listed(70, 5), *old])) == [listed(70, 5)]
