"""An original in Glacier is restored, and S3's event starts what was asked for: once, however often it comes."""

import json
from dataclasses import replace

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from msgspec import structs

from tasks.shared.naming import asset_id
from tasks.shared.objects import Objects
from tests.unit.cloud import ARCHIVE, INGEST
from tests.unit.images import sample
from tests.unit.state_machine import FunctionError
from workflow.glacier import RETRIEVALS
from workflow.operator.operations import NotPossibleError
from workflow.operator.operations.restore import PRICES, price_of_restore, restore
from workflow.operator.stack import NotThereError
from workflow.shapes import Pointer


@pytest.fixture
def archived(cloud, sluice, machine):
    """The record of an upload whose original has moved to a storage class."""

    def archive(storage_class):
        at = cloud.upload("photos/cat.jpg", sample("JPEG"))
        machine.run({"bucket": INGEST, "key": at.key, "trigger": "upload"})
        record = sluice.records.assets.get(asset_id(INGEST, at.key, at.version_id))
        freeze(cloud, record.original.key, storage_class)
        return record

    return archive


def freeze(cloud, key, storage_class):
    """As an operator does: by a copy onto itself."""
    cloud.s3.copy_object(
        Bucket=ARCHIVE, Key=key, CopySource={"Bucket": ARCHIVE, "Key": key}, StorageClass=storage_class
    )


@pytest.fixture
def answer(machine):
    """Lets S3 answer as it does, with a status or an error code: in this process every restore takes no time."""
    with pytest.MonkeyPatch.context() as patched:  # undone before the machine's own

        def use(status=202, code=None):
            direct = BaseClient._make_api_call

            def call(client, operation, parameters):
                if operation != "RestoreObject":
                    return direct(client, operation, parameters)
                if code:
                    raise ClientError({"Error": {"Code": code}}, operation)
                direct(client, operation, parameters)
                return {"ResponseMetadata": {"HTTPStatusCode": status}}

            patched.setattr(BaseClient, "_make_api_call", call)

        yield use


def completed(record):
    """The event, as S3's user guide has it."""
    return {
        "version": "0",
        "id": "6924de0d-13e2-6bbf-c0c1-b903b753565e",
        "detail-type": "Object Restore Completed",
        "source": "aws.s3",
        "account": "111122223333",
        "time": "2021-11-12T00:00:00Z",
        "region": "ca-central-1",
        "resources": ["arn:aws:s3:::sluice-archive"],
        "detail": {
            "version": "0",
            "bucket": {"name": ARCHIVE},
            "object": {
                "key": record.original.key,
                "size": 5,
                "etag": "b1946ac92492d2347c6235b4d2611184",
                "version-id": "KKsjUC1.6gIjqtvhfg5AdMI0eCePIiT3",
            },
            "request-id": "189F19CB7FB1B6A4",
            "requester": "s3.amazonaws.com",
            "restore-expiry-time": "2021-11-13T00:00:00Z",
            "source-storage-class": "GLACIER",
        },
    }


def started(machine):
    return [each for each in machine.executions.values() if each.wanted.get("trigger") == "restore"]


def test_event_starts_what_was_asked_for_and_the_attempt_says_who(sluice, machine, archived, answer):
    record = archived("DEEP_ARCHIVE")
    answer(202)
    told = restore(sluice, record, tier="Bulk", days=2, by="ada", why="new recipe")
    assert (told.state, told.takes, told.execution) == ("asked", "up to 48 hours", None)
    assert sluice.records.assets.get(record.asset_id).restore.then_reprocess
    assert started(machine) == []
    machine.invoke("continue_restored", completed(record))
    (execution,) = started(machine)
    assert execution.run().status == "SUCCEEDED"
    now = sluice.records.assets.get(record.asset_id)
    assert [getattr(now.attempts[-1], field) for field in ("trigger", "by", "why")] == ["restore", "ada", "new recipe"]
    assert now.restored_until == "2021-11-13T00:00:00Z"
    assert now.restore is None


def test_original_stays_in_the_archive_as_it_is(cloud, sluice, machine, archived, answer):
    record = archived("DEEP_ARCHIVE")
    before = cloud.versions(ARCHIVE)
    answer(202)
    restore(sluice, record, by="ada")
    machine.invoke("continue_restored", completed(record))
    started(machine)[0].run()
    assert cloud.versions(ARCHIVE) == before
    original = sluice.records.assets.get(record.asset_id).original
    assert original.storage_class == "DEEP_ARCHIVE"
    assert (original.key, original.version_id) in before


@pytest.mark.parametrize("ended", [False, True])
def test_event_that_comes_again_starts_nothing(sluice, machine, archived, answer, ended):
    record = archived("GLACIER")
    answer(202)
    restore(sluice, record, by="ada")
    machine.invoke("continue_restored", completed(record))
    if ended:
        started(machine)[0].run()
    machine.invoke("continue_restored", completed(record))
    assert len(started(machine)) == 1


def test_event_that_comes_again_after_its_execution_failed_before_it_began_starts_nothing(
    sluice, machine, archived, answer
):
    record = archived("GLACIER")
    answer(202)
    restore(sluice, record, by="ada")
    machine.invoke("continue_restored", completed(record))
    started(machine)[0].end("ABORTED")
    machine.invoke("continue_restored", completed(record))
    assert len(started(machine)) == 1


def test_second_restore_starts_a_second_reprocess(sluice, machine, archived, answer):
    record = archived("GLACIER")
    answer(202)
    for _ in range(2):
        restore(sluice, record, by="ada")
        machine.invoke("continue_restored", completed(record))
        started(machine)[-1].run()
    assert [each.status for each in started(machine)] == ["SUCCEEDED", "SUCCEEDED"]


def test_without_a_reprocess_only_the_time_is_noted(sluice, machine, archived, answer):
    record = archived("GLACIER")
    answer(202)
    restore(sluice, record, by="ada", reprocess=False)
    machine.invoke("continue_restored", completed(record))
    assert started(machine) == []
    now = sluice.records.assets.get(record.asset_id)
    assert now.restored_until == "2021-11-13T00:00:00Z"
    assert now.restore is None


def test_restore_that_is_under_way_already_is_waited_for(sluice, machine, archived, answer):
    record = archived("GLACIER")
    answer(code="RestoreAlreadyInProgress")
    assert restore(sluice, record, by="ada").state == "under way"
    assert sluice.records.assets.get(record.asset_id).restore


def test_original_that_can_be_read_already_is_processed_at_once(sluice, machine, archived, answer):
    record = archived("GLACIER")
    answer(200)
    told = restore(sluice, record, by="ada")
    assert told.state == "readable"
    assert machine.executions[told.execution].run().status == "SUCCEEDED"


def test_event_that_comes_beside_the_answer_starts_nothing_more(sluice, machine, archived, answer):
    record = archived("GLACIER")
    answer(200)
    restore(sluice, record, by="ada")
    machine.invoke("continue_restored", completed(record))
    assert len(started(machine)) == 1


def test_original_that_can_be_read_already_and_is_not_to_be_processed(sluice, machine, archived, answer):
    record = archived("GLACIER")
    answer(200)
    assert restore(sluice, record, by="ada", reprocess=False).execution is None
    assert sluice.records.assets.get(record.asset_id).restore is None


def test_refusal_is_forgotten(sluice, archived, answer):
    record = archived("GLACIER")
    answer(code="AccessDenied")
    with pytest.raises(ClientError, match="AccessDenied"):
        restore(sluice, record, by="ada")
    assert sluice.records.assets.get(record.asset_id).restore is None


def test_deep_archive_has_no_expedited_retrieval(sluice, archived):
    record = archived("DEEP_ARCHIVE")
    with pytest.raises(NotPossibleError, match="no Expedited retrieval; choose Standard or Bulk"):
        restore(sluice, record, tier="Expedited", by="ada")
    assert sluice.records.assets.get(record.asset_id).restore is None


@pytest.mark.parametrize("storage_class", ["STANDARD_IA", "GLACIER_IR"])
def test_original_that_is_not_frozen_needs_no_restore(sluice, archived, storage_class):
    with pytest.raises(NotPossibleError, match=rf"is in {storage_class} and can be read at once: `sluice reprocess"):
        restore(sluice, archived(storage_class), by="ada")


def test_original_that_is_not_in_the_archive_needs_no_restore(cloud, sluice, machine):
    at = cloud.upload("cat.jpg", b"no picture")
    machine.run({"bucket": INGEST, "key": at.key})
    (record,) = sluice.records.assets.by("by_status", "rejected")
    with pytest.raises(NotPossibleError, match="can be read at once"):
        restore(sluice, record, by="ada")


def test_original_that_somebody_removed_is_not_restored(cloud, sluice, archived):
    record = archived("GLACIER")
    cloud.s3.delete_object(Bucket=ARCHIVE, Key=record.original.key)
    with pytest.raises(NotThereError, match="is not there"):
        restore(sluice, record, by="ada")


def test_restored_object_that_is_no_asset_is_logged(machine, archived, log):
    record = archived("GLACIER")
    stranger = structs.replace(record, original=Pointer(bucket=ARCHIVE, key=f"photos/{'0' * 32}/dog.jpg"))
    machine.invoke("continue_restored", completed(stranger))
    assert started(machine) == []
    assert f'"key":"photos/{"0" * 32}/dog.jpg"' in log.getvalue()


def test_event_of_another_shape_is_an_error_that_names_the_field(machine):
    with pytest.raises(FunctionError, match="InputError") as failed:
        machine.invoke("continue_restored", {"detail": {"object": {"key": "x"}}})
    assert "restore-expiry-time" in json.loads(failed.value.caught["Cause"])["errorMessage"]


def test_price_is_told_before_anything_is_asked_for(cloud, sluice, archived, monkeypatch):
    record = archived("DEEP_ARCHIVE")
    gigabyte = 1024**3
    facts = Objects.head
    monkeypatch.setattr(Objects, "head", lambda objects, at: replace(facts(objects, at), size=10 * gigabyte))
    priced = price_of_restore(sluice, [record], tier="Bulk", days=30)
    assert (priced.count, priced.bytes, priced.takes) == (1, 10 * gigabyte, ("up to 48 hours",))
    assert priced.dollars == pytest.approx(0.025 / 1000 + 10 * (0.0025 + 0.023))
    assert sluice.records.assets.get(record.asset_id).restore is None
    refused = price_of_restore(sluice, [record], tier="Expedited", days=30)
    assert (refused.count, refused.dollars) == (0, 0)
    assert "no Expedited retrieval" in refused.problems[record.asset_id]


def test_every_retrieval_has_its_price():
    assert PRICES.keys() == {(name, tier) for name, tiers in RETRIEVALS.items() for tier in tiers}
