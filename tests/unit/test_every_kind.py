"""A file of each kind through the functions, chained as the definition chains them: what is there afterwards."""

import io
import json
import zipfile
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from infra.local.samples import FOLDER, SAMPLES, Sample
from tasks.shared.naming import asset_id, child_key
from tasks.shared.records.adapter import Records
from tasks.shared.work import Original, Recipe
from tasks.validate.inspect import inspect
from tests.unit.cloud import EXPANDED, OUTPUT, QUARANTINE, TABLE, Cloud, load_function
from tests.unit.state_machine import Execution, Machine
from workflow.errors import RejectedError
from workflow.limits import STATE_OUTPUT_MAX_BYTES
from workflow.shapes import Pointer

HAPPY_PATH = ["Validate", "Transform", "Thumbnail", "StoreMetadata", "Notify", "Archive"]
LONG_PATH = [*HAPPY_PATH[:2], "SplitVideo", "ConvertVideo", "JoinVideo", *HAPPY_PATH[2:]]

MADE = {
    "big-buck-bunny.mp4": ("video", {"web.mp4", "128.webp", "256.webp", "512.webp", "storyboard.webp"}),
    "big-buck-bunny.mp3": ("audio", {"web.m4a", "peaks.json", "cover.jpg", "128.webp", "256.webp", "512.webp"}),
    "seattle-weather.csv": ("table", {"tables/seattle-weather/data.parquet", "profile.json", "1024.webp"}),
    "notes-with-a-script.pdf": ("document", {"web.pdf", "text.txt", "128.webp", "256.webp", "512.webp"}),
    "harvest.zip": ("archive", {"contents.json", "1024.webp"}),
}


def run(machine: Machine, at: Pointer, **wanted: object) -> Execution:
    return machine.run({"bucket": at.bucket, "key": at.key, "version_id": at.version_id, "trigger": "upload", **wanted})


def record_of(cloud: Cloud, at: Pointer) -> dict[str, Any]:
    return cloud.record(asset_id(at.bucket, at.key, str(at.version_id)))


@pytest.mark.parametrize("name", MADE)
def test_file_of_each_kind_goes_all_the_way(cloud: Cloud, machine: Machine, name: str) -> None:
    kind, made = MADE[name]
    at = cloud.upload(f"a/{name}", (FOLDER / name).read_bytes())
    execution = run(machine, at)
    record = record_of(cloud, at)
    assert (execution.status, execution.path) == ("SUCCEEDED", HAPPY_PATH)
    assert (record["status"], record["kind"]) == ("succeeded", kind)
    listed = [*record["renditions"], *record["thumbnails"]]
    keys = cloud.keys(OUTPUT)
    assert all(file["key"] in keys for file in listed)
    assert made <= {file["key"].split("/", 3)[3] for file in listed}
    assert max(len(json.dumps(visit.output).encode()) for visit in execution.visits) < STATE_OUTPUT_MAX_BYTES


def test_same_bytes_under_another_name_are_no_duplicate_where_the_name_is_in_the_output(cloud: Cloud, machine: Machine):
    content = (FOLDER / "seattle-weather.csv").read_bytes()
    first, again, renamed = (cloud.upload(key, content) for key in ("a/one.csv", "b/one.csv", "two.csv"))
    for at in (first, again, renamed):
        run(machine, at)
    assert record_of(cloud, again)["reused_from"] == record_of(cloud, first)["asset_id"]
    assert "reused_from" not in record_of(cloud, renamed)


# archives


def packed(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), content)
    return buffer.getvalue()


TABLE_FILE = b"day,kilograms\n2026-09-07,4.2\n2026-09-09,6.8\n"


def test_files_in_an_archive_come_in_with_their_lineage(cloud: Cloud, machine: Machine) -> None:
    at = cloud.upload("a/trip.zip", packed(weights_csv=TABLE_FILE, notes_txt=b"just words"))
    run(machine, at)
    parent = record_of(cloud, at)
    assert parent["facts"]["children"] == 2
    assert sorted(cloud.keys(EXPANDED)) == sorted(
        child_key("a/trip.zip", parent["asset_id"], name) for name in ("weights.csv", "notes.txt")
    )
    key = child_key("a/trip.zip", parent["asset_id"], "weights.csv")
    assert machine.run({"bucket": EXPANDED, "key": key, "trigger": "upload"}).status == "SUCCEEDED"
    child = Records(cloud.dynamodb, TABLE).assets.newest_of_key(EXPANDED, key)
    assert (child.parent, child.kind, child.status) == (parent["asset_id"], "table", "succeeded")
    assert key not in cloud.keys(EXPANDED)


def test_rejected_file_of_an_archive_is_set_aside_by_itself(cloud: Cloud, machine: Machine) -> None:
    at = cloud.upload("trip.zip", packed(notes_txt=b"just words"))
    run(machine, at)
    key = child_key("trip.zip", record_of(cloud, at)["asset_id"], "notes.txt")
    assert machine.run({"bucket": EXPANDED, "key": key, "trigger": "upload"}).error == "UnsupportedType"
    assert cloud.keys(EXPANDED) == []
    assert any(name.endswith("notes.txt") for name in cloud.keys(QUARANTINE))


def test_archive_that_is_processed_again_takes_nothing_in_again(cloud: Cloud, machine: Machine) -> None:
    at = cloud.upload("trip.zip", packed(weights_csv=TABLE_FILE))
    run(machine, at)
    (key,) = cloud.keys(EXPANDED)
    (version,) = cloud.versions(EXPANDED)
    run(machine, at, trigger="manual")
    assert cloud.versions(EXPANDED) == [version]
    machine.run({"bucket": EXPANDED, "key": key, "trigger": "upload"})
    assert run(machine, at, trigger="manual").status == "SUCCEEDED"
    assert cloud.versions(EXPANDED) == []


def test_archives_in_archives_end_somewhere(cloud: Cloud, machine: Machine) -> None:
    deepest = packed(inner_zip=packed(inner_zip=packed(weights_csv=TABLE_FILE)))
    assert run(machine, cloud.upload("trip.zip", deepest)).status == "SUCCEEDED"
    for status, error in (("SUCCEEDED", None), ("FAILED", "TooDeep")):
        (key,) = cloud.keys(EXPANDED)
        execution = machine.run({"bucket": EXPANDED, "key": key, "trigger": "upload"})
        assert (execution.status, execution.error) == (status, error)
    assert cloud.keys(EXPANDED) == []


def test_lineage_is_believed_only_of_what_was_unpacked_here(cloud: Cloud, machine: Machine) -> None:
    at = cloud.upload("a.csv", TABLE_FILE, Metadata={"sluice-parent": "0" * 32, "sluice-depth": "1"})
    run(machine, at)
    assert "parent" not in record_of(cloud, at)


# long videos


@pytest.fixture
def impatient(cloud: Cloud, functions: dict[str, Any]) -> Machine:
    """Takes every video for a long one."""
    transform = load_function("transform_video", LONG_VIDEO_CPU_SECONDS="0.001")
    return Machine({**functions, "transform_video": transform})


MEASURED = ("duration_seconds", "loudness_lufs", "loudness_range_lu", "true_peak_dbfs")


def test_long_video_becomes_what_a_short_one_becomes(cloud: Cloud, machine: Machine, impatient: Machine) -> None:
    content = (FOLDER / "big-buck-bunny.mp4").read_bytes()
    short, long = cloud.upload("short.mp4", content), cloud.upload("long.mp4", content + b"\0\0\0\x08free")
    assert run(machine, short).path == HAPPY_PATH
    execution = run(impatient, long)
    assert (execution.status, execution.path) == ("SUCCEEDED", LONG_PATH)
    made = {name: record_of(cloud, at) for name, at in (("short", short), ("long", long))}
    measured = {each: {name: float(record["facts"].pop(name)) for name in MEASURED} for each, record in made.items()}
    assert made["short"]["facts"] == made["long"]["facts"]
    assert measured["short"] == pytest.approx(measured["long"], abs=0.2)
    assert [file["name"] for file in made["short"]["renditions"]] == [
        file["name"] for file in made["long"]["renditions"]
    ]
    assert max(len(json.dumps(visit.output).encode()) for visit in execution.visits) < STATE_OUTPUT_MAX_BYTES


def test_part_that_is_there_is_not_converted_again(cloud: Cloud, impatient: Machine, functions: dict[str, Any]) -> None:
    at = cloud.upload("long.mp4", (FOLDER / "big-buck-bunny.mp4").read_bytes())
    execution = impatient.start({"bucket": at.bucket, "key": at.key, "trigger": "upload"})
    while execution.at != "JoinVideo":
        execution.step()
    before = {key: cloud.s3.head_object(Bucket=OUTPUT, Key=key)["LastModified"] for key in cloud.keys(OUTPUT)}
    execution.at = "ConvertVideo"
    assert execution.run().status == "SUCCEEDED"
    after = {key: cloud.s3.head_object(Bucket=OUTPUT, Key=key)["LastModified"] for key in before}
    assert after == before


def test_duplicate_of_a_long_video_needs_no_parts(cloud: Cloud, impatient: Machine) -> None:
    content = (FOLDER / "big-buck-bunny.mp4").read_bytes()
    first, duplicate = cloud.upload("first.mp4", content), cloud.upload("duplicate.mp4", content)
    run(impatient, first)
    execution = run(impatient, duplicate)
    assert record_of(cloud, duplicate)["reused_from"] == record_of(cloud, first)["asset_id"]
    assert execution.path == LONG_PATH


def test_what_mediaconvert_made_is_published_like_our_own(cloud: Cloud, impatient: Machine) -> None:
    content = (FOLDER / "big-buck-bunny.mp4").read_bytes()
    at = cloud.upload("long.mp4", content)
    execution = impatient.start({"bucket": at.bucket, "key": at.key, "trigger": "upload"})
    while execution.at != "ConvertVideo":
        execution.step()
    destination = execution.state["split_video"]["converted"].removeprefix(f"s3://{OUTPUT}/")
    cloud.s3.put_object(Bucket=OUTPUT, Key=f"{destination}.mp4", Body=content)
    execution.state["convert_video"] = {"Job": {"Status": "COMPLETE"}}
    execution.at = "JoinVideo"
    assert execution.run().status == "SUCCEEDED"
    (rendition,) = record_of(cloud, at)["renditions"]
    assert (rendition["content_type"], rendition["width"], rendition["height"]) == ("video/mp4", 1280, 720)
    assert cloud.read(OUTPUT, rendition["key"]) == content


# the samples of the demo


@pytest.mark.parametrize("demo", SAMPLES, ids=lambda demo: demo.file)
def test_sample_turns_out_as_its_table_says(demo: Sample, tmp_path: Path) -> None:
    content = demo.path.read_bytes()
    try:
        found = inspect(key=demo.file, size=len(content), declared_type="", head=content[:65536], tail=content[-65536:])
        kind = import_module(f"tasks.transform.{found.kind}")
        rendered = kind.transform(Original(demo.path, demo.file, found.media_type, tmp_path), Recipe())
        outcome = ("succeeded", None) if rendered.files else None
    except RejectedError as exc:
        outcome = ("rejected", type(exc).__name__)
    assert outcome == (demo.outcome, demo.reason)
