"""The functions, chained as the definition chains them, over real images: what a user finds after an upload."""

import json

import pytest
from PIL import ExifTags

from tasks.shared.naming import asset_id, original_key
from tests.unit.cloud import ARCHIVE, INGEST, OUTPUT, QUARANTINE, TABLE, Cloud, load_function
from tests.unit.images import encoded, exif, quarters, sample
from tests.unit.state_machine import Execution, Machine
from workflow import PIPELINE_VERSION
from workflow.errors import ThumbnailError
from workflow.kinds import MAX_KEY_BYTES
from workflow.limits import SMALLEST_COLD_BYTES, STATE_OUTPUT_MAX_BYTES
from workflow.shapes import Pointer

HAPPY_PATH = ["Validate", "Transform", "Thumbnail", "StoreMetadata", "Notify", "Archive"]
GPS = {1: "N", 2: (48.0, 51.0, 29.6), 3: "E", 4: (2.0, 17.0, 40.2)}
LATITUDE = "48.8582"


def run(machine: Machine, at: Pointer, **wanted: object) -> Execution:
    return machine.run({"bucket": at.bucket, "key": at.key, "version_id": at.version_id, "trigger": "upload", **wanted})


def record_of(cloud: Cloud, at: Pointer) -> dict:
    return cloud.record(asset_id(at.bucket, at.key, str(at.version_id)))


def test_accepted_image_goes_all_the_way(cloud, machine):
    at = cloud.upload("photos/cat.jpg", sample("JPEG"), Metadata={"by": "Ada"})
    execution = run(machine, at)
    record = record_of(cloud, at)
    asset = record["asset_id"]
    assert (execution.status, execution.path) == ("SUCCEEDED", HAPPY_PATH)
    assert (record["status"], record["kind"], record["media_type"]) == ("succeeded", "image", "image/jpeg")
    assert set(cloud.keys(OUTPUT)) == {
        f"renditions/{asset}/{PIPELINE_VERSION}-webp-2048/web.webp",
        f"thumbnails/{asset}/{PIPELINE_VERSION}-webp-2048/128.webp",
        f"metadata/{asset}/technical.json",
        f"metadata/{asset}/sidecar.json",
    }
    assert cloud.keys(INGEST) == []
    assert cloud.read(ARCHIVE, f"photos/{asset}/cat.jpg") == sample("JPEG")
    assert record["original"] == execution.visits[-1].output["archive"]["original"]
    assert record["original"]["storage_class"] == "STANDARD"


def test_an_original_of_128_kib_arrives_in_the_stage_s_class(cloud, machine):
    """What is smaller would cost as much there, and stays in Standard."""
    sizes = [SMALLEST_COLD_BYTES - 1, SMALLEST_COLD_BYTES]
    for size in sizes:
        content = b"a,b\n" + b"1,2\n" * (size // 4 - 1) + b"3" * (size % 4)
        run(machine, cloud.upload(f"{size}.csv", content))
    found = {key.rpartition("/")[2]: cloud.s3.head_object(Bucket=ARCHIVE, Key=key) for key in cloud.keys(ARCHIVE)}
    classes = [found[f"{size}.csv"].get("StorageClass", "STANDARD") for size in sizes]
    assert classes == ["STANDARD", "STANDARD_IA"]


def test_bucket_and_key_are_enough_to_start_by_hand(cloud, machine):
    at = cloud.upload("photos/cat.jpg", sample("JPEG"))
    assert machine.run({"bucket": INGEST, "key": "photos/cat.jpg"}).status == "SUCCEEDED"
    assert record_of(cloud, at)["attempts"][0]["trigger"] == "manual"


def test_sidecar_tells_everything_that_the_record_tells_of_the_file(cloud, machine):
    at = cloud.upload("photos/cat.jpg", encoded(quarters(), exif=exif({ExifTags.Base.Make: "Leica"})))
    run(machine, at)
    record = record_of(cloud, at)
    sidecar = json.loads(cloud.read(OUTPUT, record["sidecar"]["key"]))
    same = ("kind", "media_type", "sha256", "renditions", "thumbnails", "thumbhash", "dominant_color", "facts")
    assert {name: sidecar[name] for name in same} == {name: record[name] for name in same}
    assert sidecar["technical"]["exif"]["Make"] == "Leica"
    assert (sidecar["bucket"], sidecar["key"], sidecar["version_id"]) == (at.bucket, at.key, at.version_id)


def test_second_attempt_is_numbered(cloud, machine):
    at = cloud.upload("cat.jpg", sample("JPEG"))
    run(machine, at)
    again = run(machine, at, trigger="manual")
    assert [visit.output["asset"]["attempt"] for visit in again.visits] == [2] * len(HAPPY_PATH)


# rejected


@pytest.mark.parametrize(
    ("key", "data", "code", "path"),
    [
        ("a/empty.jpg", b"", "EmptyFile", ["Validate"]),
        ("a/folder/", b"", "FolderMarker", ["Validate"]),
        ("a/tool.jpg", b"MZ" + bytes(200), "ForbiddenType", ["Validate"]),
        ("a/notes.txt", b"plain text", "UnsupportedType", ["Validate"]),
        (f"{'n' * 256}.jpg", sample("JPEG"), "NameTooLong", ["Validate"]),
        ("a/broken.png", sample("PNG")[:60] + bytes(40) + sample("PNG")[100:], "CorruptImage", HAPPY_PATH[:2]),
    ],
)
def test_file_that_can_never_succeed_is_set_aside_with_its_reason(cloud, machine, key, data, code, path):
    at = cloud.upload(key, data)
    execution = run(machine, at)
    record = record_of(cloud, at)
    kept_as = original_key(key, record["asset_id"])
    reason = json.loads(cloud.read(QUARANTINE, f"{kept_as}.reason.json"))
    assert execution.path == [*path, "Quarantine", "Rejected"]
    assert (execution.status, execution.error) == ("FAILED", code)
    assert (record["status"], record["reason"]["code"], reason["code"]) == ("rejected", code, code)
    assert execution.cause == record["reason"]["message"] == reason["message"]
    assert cloud.read(QUARANTINE, kept_as) == data
    assert cloud.keys(INGEST) == []
    assert [event["type"] for event in cloud.announced()] == ["sluice.asset.rejected"]


def test_rejected_stays_rejected_when_its_execution_is_reported_as_failed(cloud, machine):
    at = cloud.upload("empty.jpg", b"")
    execution = run(machine, at)
    before = record_of(cloud, at)
    machine.report_end(execution)
    assert record_of(cloud, at) == before
    assert run(machine, at).path == ["Validate", "Duplicate"]
    assert len(cloud.announced()) == 1


def test_rejected_file_that_is_accepted_now_moves_on_to_the_archive(cloud, machine, functions, monkeypatch):
    at = cloud.upload("photos/cat.jpg", sample("JPEG"))
    with monkeypatch.context() as stricter:
        stricter.setattr("tasks.validate.inspect.MAX_BYTES", 1)
        assert run(machine, at).error == "TooLarge"
    kept_as = record_of(cloud, at)["original"]["key"]
    assert machine.run({"bucket": QUARANTINE, "key": kept_as}).status == "SUCCEEDED"
    record = record_of(cloud, at)
    assert (record["status"], record["original"]["bucket"]) == ("succeeded", ARCHIVE)
    assert "reason" not in record
    assert not cloud.exists(QUARANTINE, kept_as)


def test_archived_file_that_is_refused_now_stays_in_the_archive(cloud, machine, monkeypatch):
    at = cloud.upload("photos/cat.jpg", sample("JPEG"))
    run(machine, at)
    archived = record_of(cloud, at)["original"]
    monkeypatch.setattr("tasks.validate.inspect.MAX_BYTES", 1)
    assert machine.run({"bucket": ARCHIVE, "key": archived["key"]}).error == "TooLarge"
    record = record_of(cloud, at)
    assert (record["status"], record["original"]) == ("rejected", archived)
    assert cloud.read(ARCHIVE, archived["key"]) == sample("JPEG")
    assert cloud.keys(QUARANTINE) == []


# degraded


def without_thumbnails(monkeypatch: pytest.MonkeyPatch) -> None:
    def preview(_path):
        raise ThumbnailError("The rendition cannot be read.")

    monkeypatch.setattr("tasks.thumbnail.image.preview", preview)


def test_image_without_thumbnails_goes_on_and_says_so(cloud, machine, monkeypatch):
    at = cloud.upload("cat.jpg", sample("JPEG"))
    without_thumbnails(monkeypatch)
    execution = run(machine, at)
    record = record_of(cloud, at)
    assert (execution.status, execution.path) == ("SUCCEEDED", HAPPY_PATH)
    assert record["degraded"] == "No thumbnails: The rendition cannot be read."
    assert record["thumbnails"] == []
    assert cloud.announced()[0]["data"]["degraded"] == record["degraded"]


def test_degraded_image_is_no_longer_degraded_once_its_thumbnails_are_made(cloud, machine, monkeypatch):
    at = cloud.upload("cat.jpg", sample("JPEG"))
    with monkeypatch.context() as broken:
        without_thumbnails(broken)
        run(machine, at)
    run(machine, at, trigger="manual")
    record = record_of(cloud, at)
    assert len(record["thumbnails"]) == 1
    assert "degraded" not in record
    assert len(cloud.announced()) == 2


def test_image_that_lost_its_thumbnails_keeps_nothing_of_the_old_ones(cloud, machine, monkeypatch):
    at = cloud.upload("cat.jpg", sample("JPEG"))
    run(machine, at)
    without_thumbnails(monkeypatch)
    run(machine, at, trigger="manual")
    assert record_of(cloud, at).keys().isdisjoint({"thumbhash", "dominant_color"})


def test_degraded_image_is_no_model_for_its_duplicates(cloud, machine, monkeypatch):
    with monkeypatch.context() as broken:
        without_thumbnails(broken)
        run(machine, cloud.upload("cat.jpg", sample("JPEG")))
    duplicate = cloud.upload("duplicate.jpg", sample("JPEG"))
    run(machine, duplicate)
    assert "reused_from" not in record_of(cloud, duplicate)
    assert len(record_of(cloud, duplicate)["thumbnails"]) == 1


# what travels, and what must not


def crowded_exif() -> bytes:
    """As much as a camera could write, everywhere that facts are taken from."""
    text = dict.fromkeys((ExifTags.Base.Make, ExifTags.Base.Model, ExifTags.Base.ImageDescription), "猫" * 4000)
    return exif(text, photo={ExifTags.Base.LensModel: "猫" * 4000, ExifTags.Base.UserComment: b"x" * 9000}, gps=GPS)


@pytest.mark.parametrize("key", [("\U0001f408" * 60 + "/") * 3 + "ü" * 60 + ".jpg", "\x01" * 240 + ".jpg", '"\\' * 120])
def test_state_stays_small_with_the_worst_names_and_facts(cloud, machine, key):
    assert len(key.encode()) <= MAX_KEY_BYTES
    data = encoded(quarters(900, 700), exif=crowded_exif())
    executions = [run(machine, cloud.upload(each, data)) for each in (key, f"{key}2")]
    outputs = [visit.output for execution in executions for visit in execution.visits]
    assert [execution.status for execution in executions] == ["SUCCEEDED"] * 2
    assert max(len(json.dumps(output).encode()) for output in outputs) < STATE_OUTPUT_MAX_BYTES


def stored(cloud: Cloud) -> str:
    """Everything that is kept or told of an image, apart from its original."""
    table = json.dumps(cloud.dynamodb.scan(TableName=TABLE)["Items"])
    files = "".join(data.decode("latin-1") for data in cloud.contents(OUTPUT).values())
    return table + files + json.dumps(cloud.announced())


def test_place_is_kept_nowhere(cloud, machine):
    run(machine, cloud.upload("cat.jpg", encoded(quarters(), exif=exif({ExifTags.Base.Make: "Leica"}, gps=GPS))))
    assert "Leica" in stored(cloud)
    assert LATITUDE not in stored(cloud)
    assert "gps" not in stored(cloud).lower()


def test_place_is_kept_on_demand(cloud, functions):
    machine = Machine(
        {**functions, "transform_image": load_function("transform_image", PUBLISH_PRIVATE_METADATA="true")}
    )
    run(machine, cloud.upload("cat.jpg", encoded(quarters(), exif=exif({}, gps=GPS))))
    assert LATITUDE in stored(cloud)


# failures


def test_failed_execution_can_be_redriven_with_its_results_kept(cloud, machine, monkeypatch):
    at = cloud.upload("cat.jpg", sample("JPEG"))
    with monkeypatch.context() as broken:
        broken.setattr(machine.functions["archive"], "archived", None)
        execution = run(machine, at)
    assert (execution.status, execution.error, execution.path) == ("FAILED", "TypeError", HAPPY_PATH)
    execution.redrive()
    assert execution.path == [*HAPPY_PATH, "Archive"]
    assert record_of(cloud, at)["status"] == "succeeded"


@pytest.mark.parametrize(
    ("wanted", "error", "named"),
    [
        ({"bucket": INGEST}, "InputError", "key"),
        ({"bucket": INGEST, "key": ""}, "InputError", "Key"),
        ({"bucket": "elsewhere", "key": "cat.jpg"}, "InputError", "elsewhere"),
        ({"bucket": INGEST, "key": "missing.jpg"}, "ObjectNotFound", "missing.jpg"),
    ],
)
def test_input_that_cannot_be_used_fails_the_execution_and_moves_nothing(cloud, machine, wanted, error, named):
    cloud.upload("cat.jpg", sample("JPEG"))
    execution = machine.run(wanted)
    assert (execution.status, execution.error, execution.path) == ("FAILED", error, ["Validate"])
    assert named in str(execution.cause)
    machine.report_end(execution)
    assert cloud.keys(INGEST) == ["cat.jpg"]
    assert cloud.announced() == []
