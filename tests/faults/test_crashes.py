"""A function's process may die at any of its calls to AWS: what is left is finished by whoever comes next."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.faults.wire import Wire, crash_after, crash_before
from tests.faults.world import ACCEPTED, REFUSED, World
from tests.unit.state_machine import Execution
from workflow.limits import EXECUTION_TIMEOUT_SECONDS

OUTCOMES = pytest.mark.parametrize(
    ("data", "check"),
    [
        pytest.param(ACCEPTED, World.check_succeeded, id="succeeded"),
        pytest.param(REFUSED, World.check_rejected, id="rejected"),
    ],
)
STATES = ["validate", "transform_image", "thumbnail_image", "store_metadata", "notify", "archive"]


def crashes_at_every_call(calls: list[str]) -> Iterator[Wire]:
    """Before each call, and after the last one of each function: after any other is the same as before its next."""
    functions = [call.partition(" ")[0] for call in calls]
    for number, (function, following) in enumerate(zip(functions, [*functions[1:], ""], strict=True)):
        yield Wire(number, crash_before)
        if function != following:
            yield Wire(number, crash_after)


def crashes_at_every_write(calls: list[str]) -> Iterator[Wire]:
    """After each call that leaves something behind; nothing else makes a difference to another execution."""
    for number, call in enumerate(calls):
        if not call.partition(":")[2].startswith(("Get", "Head", "Query")):
            yield Wire(number, crash_after)


def last_call(calls: list[str], function: str) -> int:
    return max(number for number, call in enumerate(calls) if call.startswith(f"{function} "))


def fail(world: World) -> Execution:
    """An execution that the crash ends."""
    world.machine.retries = False
    execution = world.deliver()
    world.machine.retries = True
    assert execution.status == "FAILED"
    return execution


@OUTCOMES
def test_retry_after_a_crash_anywhere_ends_the_same(world_of, undisturbed, subtests, data, check):
    calls, made = undisturbed(data)
    for wire in crashes_at_every_call(calls):
        with subtests.test(fault=wire.fault.__name__, call=calls[wire.breaks_at]), world_of(data, wire) as world:
            execution = world.deliver()
            assert [failure for visit in execution.visits for failure in visit.failures].count("Runtime.ExitError") == 1
            assert world.made() == made
            check(world)


@OUTCOMES
def test_new_execution_after_a_crash_anywhere_ends_as_if_nothing_had_happened(
    world_of, undisturbed, subtests, data, check
):
    calls, made = undisturbed(data)
    for wire in crashes_at_every_write(calls):
        with subtests.test(call=calls[wire.breaks_at]), world_of(data, wire) as world:
            failed = fail(world)
            world.machine.report_end(failed)
            world.deliver()
            world.machine.report_end(failed)  # the event about the failure may come again, and late
            assert world.made() == made
            check(world)


@pytest.mark.parametrize("state", STATES)
def test_redrive_goes_on_where_the_execution_failed(world_of, undisturbed, state):
    calls, made = undisturbed(ACCEPTED)
    with world_of(ACCEPTED, Wire(last_call(calls, state), crash_after)) as world:
        execution = fail(world)
        world.machine.report_end(execution)
        assert world.record["status"] == "failed"
        failed_at = execution.path[-1]
        execution.redrive()
        world.machine.report_end(execution)  # the event about the failure may be late
        assert execution.path.count(failed_at) == 2
        assert len(execution.path) == len(STATES) + 1
        assert world.made() == made
        world.check_succeeded()


@pytest.mark.parametrize("state", STATES)
def test_asset_of_a_vanished_execution_is_free_when_its_claim_runs_out(world_of, undisturbed, monkeypatch, state):
    calls, made = undisturbed(ACCEPTED)
    before_last = last_call(calls, state) - 1
    with world_of(ACCEPTED, Wire(before_last, crash_after)) as world:
        fail(world)
        assert world.deliver().path == ["Validate", "Duplicate"]
        late = datetime.now(UTC) + timedelta(seconds=EXECUTION_TIMEOUT_SECONDS + 1)
        monkeypatch.setattr("tasks.shared.records.claims.now", lambda: late)
        world.deliver()
        assert world.made() == made
        world.check_succeeded()


@pytest.mark.parametrize("fault", [crash_before, crash_after])
@pytest.mark.parametrize("number", range(9))
def test_failure_is_recorded_although_its_recording_crashes(world_of, number, fault):
    wire = Wire(0, crash_after)
    with world_of(ACCEPTED, wire) as world:
        failed = world.machine.start(world.event())
        failed.step()
        failed.end("TIMED_OUT")
        wire.breaks_at, wire.fault = len(wire.calls) + number, fault
        world.report_until_heard(failed)
        assert wire.calls[wire.breaks_at].startswith("record_failure ")
        assert world.record["status"] == "failed"
        assert world.record["reason"] == {"code": "TIMED_OUT", "message": "", "state": "Transform"}
        assert world.records.claims.holder(world.asset) is None
        assert len({event["id"] for event in world.cloud.announced()}) == 1
