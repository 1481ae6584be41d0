"""From upload to archive on real files: what a person types, and what is there afterwards."""

import io
import json
from pathlib import Path

import boto3
import pytest
from PIL import Image

from infra.local.samples import FOLDER, SAMPLES
from tasks.shared.naming import asset_id
from tests.integration.conftest import LocalStack
from tests.waiting import PATIENCE_SECONDS, until
from workflow.limits import STATE_OUTPUT_MAX_BYTES

PHOTO = FOLDER / "dandelions.jpg"
SHAPE = {"path", "bucket", "key", "asset_id", "execution", "outcome", "reason", "kind", "renditions", "thumbnails",
         "original", "seconds"}  # fmt: skip
FILE_SHAPE = {"bucket", "key", "content_type", "bytes"}
PIXELS = {"width", "height"}


def is_picture(file: dict) -> bool:
    return file["content_type"].startswith("image/")


@pytest.fixture(scope="session")
def outcomes(stack: LocalStack) -> dict[str, dict]:
    """The samples, uploaded in one command."""
    paths = [str(sample.path) for sample in SAMPLES]
    made = stack.json("put", *paths, "--prefix", "samples/", "--wait", expect=1)
    assert [each["path"] for each in made] == paths
    return {Path(each["path"]).name: each for each in made}


def test_each_sample_ends_as_it_should(outcomes):
    assert {name: (each["outcome"], each["reason"]) for name, each in outcomes.items()} == {
        sample.file: (sample.outcome, sample.reason) for sample in SAMPLES
    }


def test_put_prints_the_shape_that_programs_rely_on(outcomes):
    for each in outcomes.values():
        assert each.keys() >= SHAPE
        made = each["renditions"] + each["thumbnails"]
        assert all(file.keys() >= FILE_SHAPE | (PIXELS if is_picture(file) else set()) for file in made)
        assert each["original"].keys() >= {"bucket", "key", "version_id", "storage_class"}


def test_everything_the_record_lists_is_there_with_the_bytes_and_pixels_it_says(stack, outcomes):
    s3 = stack.connection.s3
    for each in outcomes.values():
        for file in each["renditions"] + each["thumbnails"]:
            found = s3.get_object(Bucket=file["bucket"], Key=file["key"])
            data = found["Body"].read()
            assert (len(data), found["ContentType"]) == (file["bytes"], file["content_type"])
            if is_picture(file):
                assert Image.open(io.BytesIO(data)).size == (file["width"], file["height"])


def test_each_original_is_in_exactly_one_place_and_unchanged(stack, outcomes):
    s3, buckets = stack.connection.s3, stack.client.buckets
    for name, each in outcomes.items():
        kept = each["original"]
        assert kept["bucket"] == (buckets.archive if each["outcome"] == "succeeded" else buckets.quarantine)
        body = s3.get_object(Bucket=kept["bucket"], Key=kept["key"], VersionId=kept["version_id"])["Body"].read()
        assert body == (FOLDER / name).read_bytes()
        versions = s3.list_object_versions(Bucket=buckets.ingest, Prefix=each["key"])
        assert not versions.get("Versions")
        assert not versions.get("DeleteMarkers")


def test_a_rejected_file_lies_beside_its_reason_and_its_execution_is_red(stack, outcomes):
    rejected = outcomes["sunset-cut-off.jpg"]
    kept = rejected["original"]
    reason = stack.connection.s3.get_object(Bucket=kept["bucket"], Key=f"{kept['key']}.reason.json")["Body"].read()
    assert json.loads(reason)["code"] == "TruncatedFile"
    execution = stack.json("execution", rejected["execution"])
    assert (execution["status"], execution["error"]) == ("FAILED", "TruncatedFile")
    assert execution["cause"] == rejected["message"]
    assert [state["name"] for state in execution["states"]] == ["Validate", "Transform", "Quarantine", "Rejected"]


def test_the_happy_path_takes_six_transitions_with_small_states(stack, outcomes):
    execution = stack.json("execution", outcomes["picos-de-europa-with-place.jpg"]["execution"])
    assert [state["name"] for state in execution["states"]] == [
        "Validate", "Transform", "Thumbnail", "StoreMetadata", "Notify", "Archive",
    ]  # fmt: skip
    assert all(state["attempts"] >= 1 and state["error"] is None for state in execution["states"])
    assert len(json.dumps(execution["output"])) < STATE_OUTPUT_MAX_BYTES


def test_a_place_in_exif_is_published_nowhere(stack, outcomes):
    each = outcomes["picos-de-europa-with-place.jpg"]
    record = stack.json("asset", each["asset_id"])
    assert record["facts"]["camera"]
    assert "gps" not in json.dumps(record).lower()
    s3 = stack.connection.s3
    sidecar = s3.get_object(Bucket=record["sidecar"]["bucket"], Key=record["sidecar"]["key"])["Body"].read()
    assert b"gps" not in sidecar.lower()
    for file in each["renditions"] + each["thumbnails"]:
        picture = Image.open(io.BytesIO(s3.get_object(Bucket=file["bucket"], Key=file["key"])["Body"].read()))
        assert not picture.getexif()
        assert not {"xmp", "comment"} & picture.info.keys()


def test_plain_boto3_uploads_work_against_the_environment_that_env_prints(stack, outcomes):
    exports = dict(line.removeprefix("export ").split("=", 1) for line in stack.run("env").stdout.splitlines())
    s3 = boto3.client(
        "s3",
        endpoint_url=exports["AWS_ENDPOINT_URL"],
        region_name=exports["AWS_REGION"],
        aws_access_key_id=exports["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=exports["AWS_SECRET_ACCESS_KEY"],
    )
    s3.upload_file(str(FOLDER / "fig-cut-out.png"), exports["SLUICE_INGEST_BUCKET"], "by boto3/fig ü+1.png")
    uri = f"s3://{exports['SLUICE_INGEST_BUCKET']}/by boto3/fig ü+1.png"
    found = wait_for_asset(stack, uri)
    assert found["status"] == "succeeded"
    assert found["reused_from"] == made_first_by(outcomes["fig-cut-out.png"])


def made_first_by(outcome: dict) -> str:
    """The asset whose files an outcome lists: other tests may have uploaded the same file before."""
    return outcome["reused_from"] or outcome["asset_id"]


def wait_for_asset(stack: LocalStack, uri: str) -> dict:
    client = stack.client
    bucket, key = uri.removeprefix("s3://").split("/", 1)
    record = until(lambda: client.records.assets.newest_of_key(bucket, key))
    client.wait([record.asset_id], timeout=PATIENCE_SECONDS)
    return client.asset(uri).facts()


def test_the_same_file_again_is_a_new_version_that_reuses_the_files(stack, outcomes):
    first = outcomes[PHOTO.name]
    (again,) = stack.json("put", str(PHOTO), "--prefix", "samples/", "--wait", "--force")
    assert again["asset_id"] != first["asset_id"]
    assert again["reused_from"] == made_first_by(first)
    assert again["renditions"] == first["renditions"]
    record = stack.json("asset", f"s3://{again['bucket']}/{again['key']}")
    assert record["asset_id"] == again["asset_id"]
    assert [version["asset_id"] for version in record["versions"]] == [again["asset_id"], first["asset_id"]]
    assert [version["current"] for version in record["versions"]] == [True, False]


def test_two_versions_in_quick_succession_both_end_and_the_later_one_is_current(stack):
    s3, bucket = stack.connection.s3, stack.client.buckets.ingest
    paths = (FOLDER / "drum-in-cmyk.jpg", FOLDER / "dogs-held-sideways.jpg")
    versions = [s3.put_object(Bucket=bucket, Key="quick.jpg", Body=path.read_bytes())["VersionId"] for path in paths]
    wait_for_asset(stack, f"s3://{bucket}/quick.jpg")
    client = stack.client
    until(lambda: len(client.records.assets.by("by_key", f"{bucket}/quick.jpg")) == len(versions))
    client.wait([asset_id(bucket, "quick.jpg", version) for version in versions], timeout=PATIENCE_SECONDS)
    record = client.asset(f"s3://{bucket}/quick.jpg").facts()
    assert {version["status"] for version in record["versions"]} == {"succeeded"}
    assert [version["version_id"] for version in record["versions"] if version["current"]] == [versions[1]]


def test_by_hand_with_bucket_and_key_alone_an_archived_file_is_made_anew(stack, outcomes):
    each = outcomes["nuthatch-20-megapixels.jpg"]
    again = stack.json("start", f"s3://{each['bucket']}/{each['key']}", "--wait")
    assert (again["outcome"], again["asset_id"]) == ("succeeded", each["asset_id"])
    assert (again["renditions"], again["thumbnails"]) == (each["renditions"], each["thumbnails"])
    attempts = stack.json("asset", each["asset_id"])["attempts"]
    assert [(attempt["trigger"], attempt["outcome"]) for attempt in attempts] == [
        ("upload", "succeeded"),
        ("manual", "succeeded"),
    ]


def test_by_hand_a_missing_file_fails_with_a_sentence_that_says_what_to_do(stack):
    failed = stack.run("start", f"s3://{stack.client.buckets.ingest}/nothing.jpg", "--wait", expect=1)
    assert "There is no object 'nothing.jpg'" in failed.stderr


def test_folders_keep_their_structure(stack, tmp_path):
    folder = tmp_path / "holiday"
    for name in ("a.jpg", "day two/b.jpg", ".hidden.jpg"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes((FOLDER / "fig-cut-out.png").read_bytes())
    made = stack.json("put", str(folder), "--wait")
    assert [each["key"] for each in made] == ["holiday/a.jpg", "holiday/day two/b.jpg"]


def test_demo_ends_well_and_finds_the_running_stack(stack):
    result = stack.json("demo")
    assert result["ok"]
    assert len(result["files"]) == len(SAMPLES) + 1
    assert result["files"][-1]["reused_from"]
    assert "All 18 files ended as they should." in stack.run("demo").stdout
