"""An execution that failed is redriven after another one took its asset: one of them works, and nothing is undone."""

import pytest

from tests.faults.world import ACCEPTED, REFUSED
from tests.unit.cloud import INGEST, QUARANTINE
from workflow.errors import DuplicateEvent

STEPS = ["Transform", "Thumbnail", "StoreMetadata", "Notify", "Archive"]


def failed_before(world, state):
    """An execution that was stopped before a state, as its record says."""
    execution = world.machine.start(world.event())
    while execution.at != state:
        execution.step()
    world.machine.report_end(execution.end("ABORTED"))
    return execution


@pytest.mark.parametrize("state", STEPS)
def test_redriven_alone_it_goes_on_where_it_stopped(world_of, state):
    with world_of(ACCEPTED) as world:
        assert failed_before(world, state).redrive().status == "SUCCEEDED"
        world.check_succeeded()


@pytest.mark.parametrize("state", STEPS)
@pytest.mark.parametrize("steps", range(1, 6))
def test_redriven_while_another_is_at_work_it_stops_and_the_other_ends_well(world_of, state, steps):
    with world_of(ACCEPTED) as world:
        first = failed_before(world, state)
        second = world.machine.start(world.by_hand())
        for _ in range(steps):
            second.step()
        assert (first.redrive().status, first.error) == ("FAILED", DuplicateEvent.__name__)
        world.machine.report_end(first)
        assert second.run().status == "SUCCEEDED"
        assert world.record["execution"] == second.name
        world.check_succeeded()


@pytest.mark.parametrize("state", STEPS)
def test_redriven_after_another_has_ended_it_changes_nothing(world_of, state):
    with world_of(ACCEPTED) as world:
        first = failed_before(world, state)
        assert world.machine.run(world.by_hand()).status == "SUCCEEDED"
        before = world.record
        assert first.redrive().status == "FAILED"
        world.machine.report_end(first)
        assert {**world.record, "updated_at": ""} == {**before, "updated_at": ""}
        assert world.places() == ["sluice-archive"]


def test_rejection_that_dies_before_the_upload_is_removed_is_a_failure_until_it_is_redriven(
    world_of, functions, monkeypatch
):
    with world_of(REFUSED) as world:
        world.machine.retries = False
        with monkeypatch.context() as broken:
            broken.setattr(functions["quarantine"].objects, "delete_version", None)
            execution = world.deliver()
        assert (execution.status, execution.at) == ("FAILED", "Quarantine")
        assert world.places() == [INGEST, QUARANTINE]
        world.machine.report_end(execution)
        assert world.record["status"] == "failed"
        assert execution.redrive().path[-1] == "Rejected"
        world.check_rejected()
