"""A person decides about a rejected file: it is checked again, or it goes, and the record says who and why."""

import pytest

from tests.unit.cloud import ARCHIVE, INGEST, QUARANTINE
from tests.unit.images import sample
from workflow.operator.operations import NotPossibleError
from workflow.operator.operations.quarantine import discard, release


@pytest.fixture
def ended(cloud, sluice, machine):
    """The record of an upload that has been processed."""

    def process(data):
        cloud.upload("photos/cat.jpg", data)
        execution = machine.run({"bucket": INGEST, "key": "photos/cat.jpg", "trigger": "upload"})
        return sluice.records.assets.get(sluice.records.links.asset_of(execution.name))

    return process


@pytest.fixture
def too_large(ended):
    """A good picture that was rejected by a limit which has been raised since."""
    with pytest.MonkeyPatch.context() as stricter:
        stricter.setattr("tasks.validate.inspect.MAX_BYTES", 1)
        record = ended(sample("JPEG"))
    assert record.code == "TooLarge"
    return record


def test_released_file_goes_all_the_way_and_the_attempt_says_who_and_why(sluice, machine, too_large):
    name = release(sluice, too_large, by="ada", why="the limit was raised")
    assert machine.executions[name].run().status == "SUCCEEDED"
    record = sluice.records.assets.get(too_large.asset_id)
    assert (record.status, record.original.bucket) == ("succeeded", ARCHIVE)
    attempt = record.attempts[-1]
    assert [getattr(attempt, field) for field in ("trigger", "by", "why")] == ["release", "ada", "the limit was raised"]


def test_released_file_that_is_still_bad_stays_in_quarantine(sluice, machine, ended):
    name = release(sluice, ended(b"no picture"), by="ada", why="hope")
    assert machine.executions[name].run().path[-1] == "Rejected"
    (record,) = sluice.records.assets.by("by_status", "rejected")
    assert record.original.bucket == QUARANTINE


def test_discarded_original_can_still_be_recovered_and_its_reason_stays(cloud, sluice, ended):
    record = ended(b"no picture")
    original = record.original
    discard(sluice, record, by="ada", why="spam")
    assert sluice.records.assets.get(record.asset_id).status == "discarded"
    assert cloud.keys(QUARANTINE) == [f"{original.key}.reason.json"]
    assert cloud.exists(QUARANTINE, original.key, original.version_id)


def test_discarding_again_adds_nothing(cloud, sluice, ended):
    record = ended(b"no picture")
    discard(sluice, record, by="ada", why="spam")
    before = sluice.records.assets.get(record.asset_id)
    discard(sluice, before, by="bob", why="again")
    assert sluice.records.assets.get(record.asset_id) == before
    assert len(cloud.s3.list_object_versions(Bucket=QUARANTINE)["DeleteMarkers"]) == 1


@pytest.mark.parametrize(("decide", "done"), [(release, "released"), (discard, "discarded")])
def test_only_rejected_files_are_decided_about(sluice, ended, decide, done):
    record = ended(sample("JPEG"))
    with pytest.raises(NotPossibleError, match=rf"is succeeded\. Only a rejected one can be {done}"):
        decide(sluice, record, by="ada", why="no reason")


def test_file_that_is_processed_again_meanwhile_is_not_discarded(cloud, sluice, machine, too_large):
    machine.run({"bucket": INGEST, "key": "photos/cat.jpg"})
    with pytest.raises(NotPossibleError, match="is succeeded"):
        discard(sluice, too_large, by="ada", why="spam")
    assert len(cloud.keys(ARCHIVE)) == 1


def test_archived_original_of_a_file_that_is_rejected_later_is_not_discarded(cloud, sluice, machine, ended):
    ended(sample("JPEG"))
    with pytest.MonkeyPatch.context() as stricter:
        stricter.setattr("tasks.validate.inspect.MAX_BYTES", 1)
        machine.run({"bucket": INGEST, "key": "photos/cat.jpg"})
    (record,) = sluice.records.assets.by("by_status", "rejected")
    with pytest.raises(NotPossibleError, match="not in quarantine"):
        discard(sluice, record, by="ada", why="spam")
    assert len(cloud.keys(ARCHIVE)) == 1
