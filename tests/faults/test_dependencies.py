"""What tells of outcomes, or keeps them, is gone for a while: until then nothing lies, and then all is done once."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tasks.shared.announce import is_owed
from tests.faults.wire import Call, throttled
from tests.faults.world import ACCEPTED, REFUSED, World
from tests.unit.operating import operated
from tests.unit.state_machine import Execution, FunctionError
from tests.unit.step_functions import answering
from workflow.operator.client import Sluice
from workflow.operator.operations.redrive import failed_executions, redrive

DEPENDENCIES = {
    "topic deleted": {"sns:Publish": throttled("NotFound", 404)},
    "bus deleted": {"events:PutEvents": throttled("ResourceNotFoundException", 400)},
    "table throttled": {"dynamodb:": throttled("ProvisionedThroughputExceededException", 400)},
    "table deleted": {"dynamodb:": throttled("ResourceNotFoundException", 400)},
    "S3 refuses": {"s3:": throttled("AccessDenied", 403)},
    "S3 takes nothing": {"s3:PutObject": throttled("SlowDown", 503), "s3:CopyObject": throttled("SlowDown", 503)},
    "parameter refused": {"ssm:GetParameter": throttled("AccessDeniedException", 400)},
    "key of the buckets disabled": {"s3:": throttled("KMS.DisabledException", 400)},
    "key of the topic disabled": {"sns:Publish": throttled("KMSDisabled", 400)},
}
TRIES = 3
"""Lambda's, of an asynchronous invocation; then the event is in the dead-letter queue."""
LATER = timedelta(minutes=20)


@pytest.fixture
def breaking(world_of, monkeypatch) -> Callable[..., Any]:
    """A world with an operator in it, whose own calls go through."""

    @contextmanager
    def make(data: bytes) -> Iterator[tuple[World, Sluice]]:
        worlds: list[World] = []
        with answering(lambda: worlds[0].machine, monkeypatch), world_of(data) as world:
            worlds.append(world)
            yield world, operated(world.cloud)

    return make


@pytest.fixture
def sweep(monkeypatch) -> Callable[[World], list[str]]:
    """What a sweep found that looks after a while."""

    def run(world: World) -> list[str]:
        with monkeypatch.context() as clock:
            clock.setattr("tasks.sweep.sweep.now", lambda: datetime.now(UTC) + LATER)
            return [each["because"] for each in world.machine.invoke("sweep", {})["findings"]]

    return run


def hear(world: World, execution: Execution) -> None:
    """The rule tells record_failure of a bad end, as often as Lambda tries."""
    for _ in range(TRIES):
        with suppress(FunctionError):
            return world.machine.report_end(execution)
    return None


def run_until_it_breaks(world: World, steps: int, down: dict[str, Callable[[str, Call], Any]]) -> Execution:
    """An execution whose dependency goes away after some states."""
    execution = world.machine.start(world.event())
    for _ in range(steps):
        execution.step()
    world.wire.down = down
    execution.run()
    if execution.status == "FAILED":
        hear(world, execution)
    return execution


def has_failed(world: World, sluice: Sluice, execution: Execution) -> None:
    """Wherever an operator looks."""
    (found,) = failed_executions(sluice)
    assert (found.execution, found.error) == (execution.name, execution.error)
    record = world.cloud.record(world.asset)
    if record and record["status"] == "failed":
        assert record["reason"]["code"] == execution.error
        assert world.records.claims.holder(world.asset) is None


def mend(world: World, sluice: Sluice, sweep: Callable[[World], list[str]]) -> None:
    """The dependency is there again; the sweeper comes by, and an operator redrives what has failed."""
    world.wire.down = {}
    sweep(world)
    for each in failed_executions(sluice):
        redrive(sluice, each.execution, by="ada")
    for execution in list(world.machine.executions.values()):
        execution.run()


def check_told_once(world: World, check: Callable[[World], None]) -> None:
    check(world)
    counts = Counter(event["id"] for event in world.cloud.announced())
    assert set(counts.values()) == {1}
    assert not is_owed(world.records.assets.get(world.asset))


@pytest.mark.parametrize("steps", [0, 1, 4, 5])
@pytest.mark.parametrize("dependency", DEPENDENCIES)
def test_accepted_file_ends_once_and_well_after_a_dependency_was_gone(breaking, sweep, dependency, steps):
    with breaking(ACCEPTED) as (world, sluice):
        execution = run_until_it_breaks(world, steps, DEPENDENCIES[dependency])
        if execution.status == "FAILED":
            has_failed(world, sluice, execution)
        else:
            assert execution.status == "SUCCEEDED"
        mend(world, sluice, sweep)
        assert failed_executions(sluice) == []
        check_told_once(world, World.check_succeeded)
        assert sweep(world) == []


@pytest.mark.parametrize("steps", range(2))
@pytest.mark.parametrize("dependency", DEPENDENCIES)
def test_refused_file_ends_once_and_rejected_after_a_dependency_was_gone(breaking, sweep, dependency, steps):
    with breaking(REFUSED) as (world, sluice):
        execution = run_until_it_breaks(world, steps, DEPENDENCIES[dependency])
        if execution.path[-1] != "Rejected":
            has_failed(world, sluice, execution)
        mend(world, sluice, sweep)
        assert failed_executions(sluice) == []
        check_told_once(world, World.check_rejected)
        assert sweep(world) == []


@pytest.mark.parametrize("dependency", ["topic deleted", "bus deleted", "key of the topic disabled"])
def test_failure_that_could_not_be_told_is_recorded_and_told_by_the_next_sweep_that_can(breaking, sweep, dependency):
    with breaking(ACCEPTED) as (world, _):
        execution = run_until_it_breaks(world, 2, DEPENDENCIES[dependency])
        assert (execution.status, world.record["status"]) == ("FAILED", "failed")
        assert world.cloud.announced() == []
        (trouble,) = sweep(world)
        assert "PutEvents" in trouble or "Publish" in trouble
        assert world.record["status"] == "failed"
        world.wire.down = {}
        assert sweep(world) == ["Nobody had been told."]
        assert sweep(world) == []
        assert [event["type"] for event in world.cloud.announced()] == ["sluice.asset.failed"]
        execution.redrive()
        check_told_once(world, World.check_succeeded)


def test_failure_that_nobody_was_told_is_not_told_once_it_is_mended(breaking, sweep):
    with breaking(ACCEPTED) as (world, _):
        execution = run_until_it_breaks(world, 2, DEPENDENCIES["topic deleted"])
        world.wire.down = {}
        execution.redrive()
        assert sweep(world) == []
        assert [event["type"] for event in world.cloud.announced()] == ["sluice.asset.succeeded"]


@pytest.mark.parametrize("data", [ACCEPTED, REFUSED], ids=["succeeded", "rejected"])
def test_whoever_is_told_finds_it_in_the_record(breaking, monkeypatch, data):
    said: list[str] = []

    def look(_call: str, take_effect: Call) -> Any:
        with world.wire.another():
            said.append(world.record["status"])
        return take_effect()

    with breaking(data) as (world, _):
        world.wire.down = {"sns:Publish": look, "events:PutEvents": look}
        world.deliver()
        outcome = "succeeded" if data == ACCEPTED else "rejected"
        assert said == [outcome, outcome]
