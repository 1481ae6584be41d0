"""What AWS refuses only for the moment is tried again by the state machine; what it refuses for good is not."""

import pytest

from tests.faults.wire import Wire, throttled
from tests.faults.world import ACCEPTED

REFUSALS = {
    "s3:HeadObject": ("503", 503),
    "s3:GetObject": ("SlowDown", 503),
    "s3:PutObject": ("InternalError", 500),
    "s3:CopyObject": ("SlowDown", 503),
    "s3:DeleteObject": ("RequestTimeout", 400),
    "dynamodb:GetItem": ("ProvisionedThroughputExceededException", 400),
    "dynamodb:UpdateItem": ("ThrottlingException", 400),
    "dynamodb:Query": ("RequestLimitExceeded", 400),
    "sns:Publish": ("Throttled", 429),
}


def call_number(calls: list[str], operation: str) -> int:
    return next(number for number, call in enumerate(calls) if call.endswith(f" {operation}"))


@pytest.mark.parametrize("operation", REFUSALS)
def test_throttle_is_tried_again(world_of, undisturbed, operation):
    wire = Wire(call_number(undisturbed(ACCEPTED).calls, operation), throttled(*REFUSALS[operation]))
    with world_of(ACCEPTED, wire) as world:
        execution = world.deliver()
        failures = [failure for visit in execution.visits for failure in visit.failures]
        assert failures == ["TransientError"]
        world.check_succeeded()


@pytest.mark.parametrize("operation", REFUSALS)
def test_refusal_for_good_fails_the_execution_at_once(world_of, undisturbed, operation):
    wire = Wire(call_number(undisturbed(ACCEPTED).calls, operation), throttled("AccessDenied", 403))
    with world_of(ACCEPTED, wire) as world:
        execution = world.deliver()
        assert (execution.status, execution.error) == ("FAILED", "ClientError")
        assert "AccessDenied" in str(execution.cause)
        assert execution.visits[-1].failures == ("ClientError",)
        world.check_not_lost()


def test_throttle_that_does_not_end_fails_the_execution_after_its_retries(world_of, monkeypatch):
    with world_of(ACCEPTED) as world:
        monkeypatch.setattr(world.wire, "_pass", throttled("SlowDown", 503))
        execution = world.deliver()
        assert (execution.status, execution.error) == ("FAILED", "TransientError")
        assert execution.visits[-1].failures == ("TransientError",) * 7
