"""An operator stops what is at work: the record says who and why, the original stays, and a redrive goes on."""

from datetime import UTC, datetime, timedelta

import pytest

from tasks.shared.records.model import facts_of
from tests.unit.cloud import INGEST
from tests.unit.images import sample
from workflow.operator.operations.redrive import redrive
from workflow.operator.operations.stop import AtWork, Stopped, at_work, stop, stop_all
from workflow.operator.stack import NotThereError


@pytest.fixture
def working(cloud, machine):
    """An execution that has come to its asset, and one step."""

    def work(key="photos/cat.jpg", steps=1):
        at = cloud.upload(key, sample("JPEG"))
        execution = machine.start({"bucket": at.bucket, "key": key, "version_id": at.version_id, "trigger": "upload"})
        for _ in range(steps):
            execution.step()
        return execution

    return work


def record_of(sluice, execution):
    return facts_of(sluice.records.assets.get(sluice.records.links.asset_of(execution.name)))


def test_stopped_execution_is_recorded_with_who_and_why_and_can_be_redriven(cloud, sluice, machine, working):
    execution = working()
    assert stop(sluice, execution.name, by="ada", why="a wrong recipe") == Stopped(execution.name, "stopped")
    assert execution.status == "ABORTED"
    machine.report_end(execution)
    record = record_of(sluice, execution)
    assert (record["status"], record["reason"]["code"]) == ("failed", "Stopped")
    assert record["reason"]["message"] == "By ada: a wrong recipe"
    assert cloud.keys(INGEST) == ["photos/cat.jpg"]
    assert redrive(sluice, execution.name, by="ada").how == "redriven"
    assert execution.run().status == "SUCCEEDED"


def test_stopping_what_has_ended_changes_nothing(sluice, working):
    execution = working(steps=6)
    assert execution.status == "SUCCEEDED"
    done = stop(sluice, execution.name, by="ada", why="too late")
    assert (done.how, execution.status) == ("left", "SUCCEEDED")
    assert "SUCCEEDED" in done.because


def test_one_that_is_not_there_keeps_no_other_from_being_stopped(sluice, working):
    execution = working()
    with pytest.raises(NotThereError, match="There is no execution nobody"):
        stop(sluice, "nobody", by="ada", why="x")
    done = list(stop_all(sluice, ["nobody", execution.name], by="ada", why="x"))
    assert [each.how for each in done] == ["refused", "stopped"]


def test_what_is_at_work_is_found_by_prefix_and_age(sluice, working):
    cat, waiting, ended = working("photos/cat.jpg"), working("photos/new.jpg", steps=0), working("ended.jpg", steps=6)
    other = working("other.jpg")
    assert ended.status == "SUCCEEDED"

    def names(**wanted):
        return {each.execution for each in at_work(sluice, AtWork(**wanted))}

    assert names() == {cat.name, waiting.name, other.name}
    assert names(prefix="photos/") == {cat.name, waiting.name}
    now = datetime.now(UTC)
    assert names(before=now - timedelta(hours=1)) == names(since=now + timedelta(hours=1)) == set()
    cat.started -= timedelta(hours=2)
    assert names(before=now - timedelta(hours=1)) == {cat.name}
    assert next(iter(at_work(sluice, AtWork()))).execution == cat.name
