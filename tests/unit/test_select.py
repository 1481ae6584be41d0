"""What a person means by a name, a list, a place or a filter: those records, each once, and nothing by accident."""

from datetime import UTC, datetime, timedelta

import pytest

from tasks.shared.naming import asset_id
from tests.unit.cloud import INGEST
from tests.unit.images import sample
from tests.unit.operating import operated
from tests.unit.state_machine import Machine
from workflow.operator.operations import NotPossibleError
from workflow.operator.operations.select import Readable, Selection, select
from workflow.operator.stack import NotThereError

TEXT = b"no picture"


@pytest.fixture
def sluice(cloud, functions):
    """A stage that has processed two good files and rejected two bad ones."""
    machine = Machine(functions)
    files = {
        "photos/cat.jpg": sample("JPEG"),
        "photos/2026/dog.png": sample("PNG"),
        "bad.jpg": TEXT,
        "photos/empty": b"",
    }
    for key, data in files.items():
        at = cloud.upload(key, data)
        machine.run({"bucket": INGEST, "key": key, "version_id": at.version_id, "trigger": "upload"})
    return operated(cloud)


def keys(sluice, **selection):
    return sorted(record.key for record in select(sluice, Selection(**selection)))


def test_nothing_selected_is_not_everything(sluice):
    with pytest.raises(NotPossibleError, match="--all"):
        select(sluice, Selection())
    assert len(keys(sluice, everything=True)) == 4


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ({"status": "rejected"}, ["bad.jpg", "photos/empty"]),
        ({"kind": "image"}, ["photos/2026/dog.png", "photos/cat.jpg"]),
        ({"code": "EmptyFile"}, ["photos/empty"]),
        ({"code": "EmptyFile", "status": "failed"}, []),
        ({"prefix": "photos/"}, ["photos/2026/dog.png", "photos/cat.jpg", "photos/empty"]),
        ({"prefix": "photos/c"}, ["photos/cat.jpg"]),
        ({"prefix": "b"}, ["bad.jpg"]),
        ({"prefix": "photos/", "status": "rejected"}, ["photos/empty"]),
        ({"kind": "image", "status": "succeeded", "prefix": "photos/2026"}, ["photos/2026/dog.png"]),
    ],
    ids=str,
)
def test_conditions_hold_together(sluice, selection, expected):
    assert keys(sluice, **selection) == expected


def test_since_is_the_last_change(sluice):
    now = datetime.now(UTC)
    assert keys(sluice, since=now + timedelta(minutes=1)) == []
    assert len(keys(sluice, since=now - timedelta(minutes=5))) == 4


def test_what_is_at_work_is_not_selected_by_a_filter(cloud, sluice, functions):
    at = cloud.upload("photos/late.jpg", sample("JPEG"))
    Machine(functions).start({"bucket": INGEST, "key": at.key, "version_id": at.version_id}).step()
    assert "photos/late.jpg" not in keys(sluice, everything=True) + keys(sluice, prefix="photos/")
    assert keys(sluice, prefix="photos/", status="processing") == ["photos/late.jpg"]


def test_names_are_ids_and_addresses_and_taken_once(sluice):
    (cat,) = select(sluice, Selection(prefix="photos/cat"))
    refs = (cat.asset_id, cat.asset_id, f"s3://{INGEST}/bad.jpg")
    assert keys(sluice, refs=refs) == ["bad.jpg", "photos/cat.jpg"]
    with pytest.raises(NotThereError):
        keys(sluice, refs=("0" * 32,))


def test_manifest_names_assets_by_id_or_by_version(sluice, tmp_path):
    cat, dog = (next(select(sluice, Selection(prefix=prefix))) for prefix in ("photos/cat", "photos/2026"))
    manifest = tmp_path / "list.csv"
    manifest.write_text(f"asset_id,note\n{cat.asset_id},x\n{'0' * 32},unknown\n{cat.asset_id},again\n")
    assert keys(sluice, manifest=manifest) == ["photos/cat.jpg"]
    manifest.write_text(f"bucket,key,version_id\n{dog.bucket},{dog.key},{dog.version_id}\n")
    assert keys(sluice, manifest=manifest) == ["photos/2026/dog.png"]


@pytest.mark.parametrize("text", ["", "name\ncat.jpg\n", "bucket,key\nin,cat.jpg\n", "asset_id\n\xff"])
def test_manifest_without_the_columns_is_refused_or_empty(sluice, tmp_path, text):
    manifest = tmp_path / "list.csv"
    manifest.write_bytes(text.encode("latin-1"))
    if text:
        with pytest.raises(NotPossibleError, match="asset_id"):
            keys(sluice, manifest=manifest)
    else:
        assert keys(sluice, manifest=manifest) == []


def test_missing_manifest_is_a_sentence(sluice, tmp_path):
    with pytest.raises(NotThereError, match="no file"):
        keys(sluice, manifest=tmp_path / "none.csv")


def test_originals_in_glacier_are_left_out_and_named(cloud, sluice):
    (cat,) = select(sluice, Selection(prefix="photos/cat"))
    original = cat.original
    source = {"Bucket": original.bucket, "Key": original.key}
    cloud.s3.copy_object(**source, CopySource=source, StorageClass="GLACIER")
    pointer = {"bucket": original.bucket, "key": original.key}
    cloud.set_record(cat.asset_id, original=pointer)
    readable = Readable(sluice, select(sluice, Selection(everything=True)))
    assert asset_id(INGEST, cat.key, cat.version_id) not in [record.asset_id for record in readable]
    assert readable.frozen == [cat.asset_id]
