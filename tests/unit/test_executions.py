"""Executions are started by the alias, found without it, and wait their turn where Step Functions is busy."""

import pytest
from botocore.stub import ANY, Stubber

from tasks.shared import clients
from tasks.shared.executions import BusyError, Executions
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
