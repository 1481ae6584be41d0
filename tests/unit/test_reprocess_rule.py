"""What repeats a delivery is a duplicate; what a person wants again is done again, wherever the original is."""

from datetime import timedelta

import pytest

from tasks.shared.naming import asset_id
from tasks.shared.records import claims
from tasks.shared.records.model import facts_of
from tests.unit.cloud import INGEST
from tests.unit.images import sample
from tests.unit.operating import operated
from workflow.limits import DEDUPE_WINDOW_SECONDS


@pytest.fixture
def delivery(cloud, machine):
    """The input of an upload that was processed well."""
    at = cloud.upload("photos/cat.jpg", sample("JPEG"))
    wanted = {"bucket": INGEST, "key": at.key, "version_id": at.version_id, "trigger": "upload", "event_id": "e-1"}
    assert machine.run(wanted).status == "SUCCEEDED"
    return wanted


def last_state(execution):
    return execution.visits[-1].name


def record_of(cloud, wanted):
    return facts_of(operated(cloud).records.assets.get(asset_id(INGEST, wanted["key"], wanted["version_id"])))


def triggers(cloud, wanted):
    return [each["trigger"] for each in record_of(cloud, wanted)["attempts"]]


def pass_time(monkeypatch, seconds):
    later = claims.now() + timedelta(seconds=seconds)
    monkeypatch.setattr(claims, "now", lambda: later)


def test_copy_of_an_earlier_input_is_a_duplicate_within_the_window(cloud, machine, delivery):
    assert last_state(machine.run(delivery)) == "Duplicate"
    assert triggers(cloud, delivery) == ["upload"]


def test_copy_of_an_earlier_input_with_force_is_a_reprocess(cloud, machine, delivery):
    assert last_state(machine.run(delivery | {"force": True})) == "Archive"
    assert triggers(cloud, delivery) == ["upload", "reprocess"]


def test_copy_of_an_earlier_input_is_a_reprocess_after_the_window(cloud, machine, delivery, monkeypatch):
    pass_time(monkeypatch, DEDUPE_WINDOW_SECONDS + 60)
    assert last_state(machine.run(delivery)) == "Archive"
    assert triggers(cloud, delivery) == ["upload", "reprocess"]


def test_copy_of_an_earlier_input_is_still_a_duplicate_at_the_window_s_end(machine, delivery, monkeypatch):
    pass_time(monkeypatch, DEDUPE_WINDOW_SECONDS - 60)
    assert last_state(machine.run(delivery)) == "Duplicate"


def test_duplicate_says_how_it_can_be_wanted_all_the_same(machine, delivery):
    assert '"force": true' in machine.run(delivery).visits[-1].output["error"]["Cause"].replace("\\", "")


def test_bucket_and_key_alone_find_the_original_in_the_archive(cloud, machine, delivery):
    original = record_of(cloud, delivery)["original"]
    for wanted in ({"bucket": INGEST, "key": delivery["key"]}, {"bucket": original["bucket"], "key": original["key"]}):
        assert last_state(machine.run(wanted)) == "Archive"
    assert triggers(cloud, delivery) == ["upload", "manual", "manual"]


def test_bucket_and_key_alone_find_the_original_in_quarantine(cloud, machine):
    at = cloud.upload("bad.jpg", b"no picture")
    machine.run({"bucket": INGEST, "key": at.key, "version_id": at.version_id, "trigger": "upload"})
    original = record_of(cloud, {"key": at.key, "version_id": at.version_id})["original"]
    assert original["bucket"] != INGEST
    again = machine.run({"bucket": original["bucket"], "key": original["key"]})
    assert (last_state(again), again.error) == ("Rejected", "UnsupportedType")


def test_bucket_and_key_alone_find_the_original_in_ingest(cloud, machine):
    at = cloud.upload("new.jpg", sample("JPEG"))
    assert last_state(machine.run({"bucket": INGEST, "key": at.key})) == "Archive"


@pytest.mark.parametrize("more", [{"trigger": "reprocess"}, {"trigger": "upload", "force": True}])
def test_even_with_force_an_asset_at_work_is_left_to_its_execution(machine, cloud, more):
    at = cloud.upload("new.jpg", sample("JPEG"))
    machine.start({"bucket": INGEST, "key": at.key}).step()
    assert last_state(machine.run({"bucket": INGEST, "key": at.key, **more})) == "Duplicate"


# once for each batch


def of_batch(delivery, batch="b-1"):
    return delivery | {"trigger": "reprocess", "batch": batch, "by": "ada"}


def test_batch_processes_an_asset_once_however_often_it_is_resumed(cloud, machine, delivery):
    assert last_state(machine.run(of_batch(delivery))) == "Archive"
    assert last_state(machine.run(of_batch(delivery))) == "Duplicate"
    assert last_state(machine.run(of_batch(delivery, "b-2"))) == "Archive"
    assert triggers(cloud, delivery) == ["upload", "reprocess", "reprocess"]


def test_refused_repeat_of_a_batch_leaves_the_asset_free_and_repeats_of_its_event_known(machine, delivery):
    machine.run(of_batch(delivery))
    machine.run(of_batch(delivery))
    assert last_state(machine.run(delivery)) == "Duplicate"
    assert last_state(machine.run(delivery | {"trigger": "manual"})) == "Archive"


def test_resumed_batch_goes_on_with_what_failed(cloud, machine, delivery):
    failed = machine.start(of_batch(delivery))
    failed.step()
    failed.end("FAILED", "States.ServiceRestart")
    machine.report_end(failed)
    assert last_state(machine.run(of_batch(delivery))) == "Archive"
    assert triggers(cloud, delivery) == ["upload", "reprocess", "reprocess"]


def test_resumed_batch_leaves_what_the_sweeper_finished(cloud, machine, delivery):
    failed = machine.start(of_batch(delivery))
    failed.step()
    failed.end("FAILED", "States.ServiceRestart")
    machine.report_end(failed)
    machine.run(delivery | {"trigger": "sweep"})
    assert last_state(machine.run(of_batch(delivery))) == "Duplicate"
    assert triggers(cloud, delivery) == ["upload", "reprocess", "sweep"]
