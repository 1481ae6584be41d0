"""What AWS refuses only for the moment is tried again by the state machine; what it refuses for good is not."""

from contextlib import contextmanager

import pytest

from tasks.shared.indexes import filed
from tests.fakes.partitions import PARTITION_UNITS, Partitions
from tests.faults.wire import Wire, throttled
from tests.faults.world import ACCEPTED
from tests.unit.cloud import TABLE

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


class Exhausted(Partitions):
    """Of one partition of an index, others have taken all for as many requests as follow."""

    def __init__(self, index, place, requests):
        super().__init__()
        self._requests = requests
        super().take([(index, place, PARTITION_UNITS)])

    def take(self, wanted):
        self._requests -= 1
        if self._requests == 0:
            self.next_second()
        return super().take(wanted)


@pytest.fixture
def exhausted(world_of):
    """A world where an index takes no more records with a status, for so many requests to the table."""

    @contextmanager
    def make(status, requests):
        with world_of(ACCEPTED) as world:
            place = filed({"asset_id": world.asset, "status": status})["status_shard"]
            partitions = Exhausted("by_status_2", place, requests)
            world.account.services["dynamodb"].throttle(TABLE, partitions)
            yield world, partitions

    return make


@pytest.mark.parametrize("status", ["processing", "succeeded"])
def test_exhausted_partition_of_an_index_is_waited_for(exhausted, status):
    with exhausted(status, requests=10) as (world, _):
        execution = world.deliver()
        failures = [failure for visit in execution.visits for failure in visit.failures]
        assert set(failures) == {"TransientError"}
        world.check_succeeded()


def test_what_was_throttled_for_too_long_is_not_lost_and_goes_on_once_there_is_room(exhausted):
    with exhausted("succeeded", requests=1000) as (world, partitions):
        execution = world.deliver()
        assert (execution.status, execution.error) == ("FAILED", "TransientError")
        assert execution.visits[-1].name == "StoreMetadata"
        world.check_not_lost()
        partitions.next_second()
        world.machine.report_end(execution)
        execution.redrive()
        world.check_succeeded()
