"""Whatever a person names, the asset and its original are found: in ingest, in the archive or in quarantine."""

from dataclasses import replace

import pytest

from tasks.shared.naming import asset_id, original_key
from tasks.shared.objects import Objects
from tasks.shared.records.adapter import Records
from tasks.validate.locate import Places, locate
from tests.unit.cloud import ARCHIVE, EXPANDED, INGEST, OUTPUT, QUARANTINE, TABLE, Cloud
from workflow.errors import InputError, ObjectNotFound
from workflow.shapes import Asset, ExecutionInput, Pointer, Run

RUN = Run(arn="arn:first", name="first", started="2026-11-23T10:00:00+00:00")
KEY = "photos/a b+ü%20.jpg"


@pytest.fixture
def find(cloud: Cloud):
    def call(bucket: str = INGEST, key: str = KEY, **wanted: str) -> Asset:
        places = Places(INGEST, EXPANDED, ARCHIVE, QUARANTINE)
        records = Records(cloud.dynamodb, TABLE)
        return locate(ExecutionInput(bucket=bucket, key=key, **wanted), places, Objects(cloud.s3), records)

    return call


@pytest.fixture
def uploaded(cloud: Cloud, find) -> Asset:
    """An upload that an execution has begun."""
    at = cloud.upload(KEY, b"data", ContentType="image/jpeg")
    asset = find(version_id=at.version_id, sequencer="0A")
    Records(cloud.dynamodb, TABLE).assets.begin(
        asset, RUN, ExecutionInput(bucket=asset.bucket, key=asset.key, trigger="upload")
    )
    return asset


def move(cloud: Cloud, asset: Asset, bucket: str, **options: str) -> Pointer:
    """The original is elsewhere now."""
    kept_as = original_key(asset.key, asset.id)
    version_id = cloud.s3.put_object(Bucket=bucket, Key=kept_as, Body=b"data", **options)["VersionId"]
    cloud.s3.delete_object(Bucket=INGEST, Key=asset.key, VersionId=asset.version_id)
    return Pointer(bucket=bucket, key=kept_as, version_id=version_id)


def test_delivered_version_is_the_one_that_is_taken(cloud, find):
    old = cloud.upload(KEY, b"old", ContentType="image/jpeg")
    cloud.upload(KEY, b"newer")
    found = find(version_id=old.version_id)
    assert found.source == old
    assert found.id == asset_id(INGEST, KEY, str(old.version_id))
    assert (found.size, found.declared_type) == (3, "image/jpeg")


def test_without_a_version_the_newest_is_taken(cloud, find):
    cloud.upload(KEY, b"old")
    newest = cloud.upload(KEY, b"newer")
    assert find().source == newest


@pytest.mark.parametrize("bucket", [ARCHIVE, QUARANTINE])
def test_bucket_and_key_of_the_upload_find_an_original_that_has_moved(cloud, find, uploaded, bucket):
    at = move(cloud, uploaded, bucket)
    for wanted in ({}, {"version_id": uploaded.version_id}):
        found = find(**wanted)
        assert (found.id, found.source) == (uploaded.id, at)
        assert (found.bucket, found.key, found.version_id) == (INGEST, KEY, uploaded.version_id)


@pytest.mark.parametrize("bucket", [ARCHIVE, QUARANTINE])
def test_address_of_the_moved_original_finds_its_asset(cloud, find, uploaded, bucket):
    at = move(cloud, uploaded, bucket)
    found = find(bucket=bucket, key=at.key)
    assert (found.id, found.source, found.key) == (uploaded.id, at, KEY)


def test_moved_original_keeps_time_and_sequencer_of_its_upload(cloud, find, uploaded):
    cloud.set_record(uploaded.id, last_modified="2020-01-01T00:00:00+00:00")
    at = move(cloud, uploaded, ARCHIVE)
    found = find(bucket=ARCHIVE, key=at.key)
    assert (found.last_modified, found.sequencer) == ("2020-01-01T00:00:00+00:00", "0A")


def test_release_that_was_interrupted_while_moving_goes_on_from_quarantine(cloud, find, uploaded):
    move(cloud, uploaded, ARCHIVE)
    at = move(cloud, uploaded, QUARANTINE)
    assert find().source == at


def test_new_upload_under_the_key_is_preferred_to_an_archived_one(cloud, find, uploaded):
    move(cloud, uploaded, ARCHIVE)
    newest = cloud.upload(KEY, b"newest")
    assert find().source == newest


def test_delete_marker_hides_nothing_that_was_archived(cloud, find, uploaded):
    at = move(cloud, uploaded, ARCHIVE)
    cloud.s3.delete_object(Bucket=INGEST, Key=KEY)
    assert find().source == at


@pytest.mark.parametrize("bucket", ["elsewhere", OUTPUT])
def test_foreign_bucket_is_refused_with_the_names_of_ours(find, bucket):
    with pytest.raises(InputError, match=f"{bucket} is not one of ours.*{INGEST}.*{ARCHIVE}.*{QUARANTINE}"):
        find(bucket=bucket)


@pytest.mark.parametrize(
    "wanted",
    [
        {"key": "missing.jpg"},
        {"key": "missing.jpg", "version_id": "11111111-2222-3333-4444-555555555555"},
        {"key": "photos/a%20b%2B%C3%BC%2520.jpg"},
        {"bucket": ARCHIVE, "key": "no/asset.jpg"},
        {"bucket": QUARANTINE, "key": f"a/{'0' * 32}/cat.jpg"},
    ],
)
def test_missing_object_is_named(find, uploaded, wanted):
    with pytest.raises(ObjectNotFound, match=r"There is no object .*raw, not URL-encoded"):
        find(**wanted)


def test_record_whose_original_is_gone_everywhere_is_not_found(cloud, find, uploaded):
    cloud.s3.delete_object(Bucket=INGEST, Key=KEY, VersionId=uploaded.version_id)
    with pytest.raises(ObjectNotFound):
        find()


@pytest.mark.parametrize("storage_class", ["GLACIER", "DEEP_ARCHIVE"])
def test_frozen_original_must_be_restored_first(cloud, find, uploaded, storage_class):
    at = move(cloud, uploaded, ARCHIVE, StorageClass=storage_class)
    with pytest.raises(InputError, match=f"{storage_class} and cannot be read. `sluice restore {uploaded.id}`"):
        find()
    cloud.s3.restore_object(Bucket=ARCHIVE, Key=at.key, RestoreRequest={"Days": 1})
    assert find().source == replace(at, storage_class=storage_class)


@pytest.mark.parametrize("storage_class", ["STANDARD_IA", "GLACIER_IR", "INTELLIGENT_TIERING"])
def test_other_storage_classes_are_read_directly(cloud, find, uploaded, storage_class):
    at = move(cloud, uploaded, ARCHIVE, StorageClass=storage_class)
    assert find().source == replace(at, storage_class=storage_class)
