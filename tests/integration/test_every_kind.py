"""Each kind on the embedded AWS, with its own functions: what a person finds afterwards."""

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pikepdf
import pytest
from PIL import Image

from infra.local import assembly, deploy
from infra.local.samples import FOLDER
from tasks.shared.naming import child_key
from tests.integration.conftest import LocalStack
from tests.unit.movies import Movie, Sound, counting
from tests.waiting import PATIENCE_SECONDS, told, until

KINDS = {
    "big-buck-bunny.mp4": ("video", "video/mp4"),
    "big-buck-bunny.mp3": ("audio", "audio/mp4"),
    "orders-with-decimal-commas.csv": ("table", "application/vnd.apache.parquet"),
    "notes-with-a-script.pdf": ("document", "application/pdf"),
    "harvest.zip": ("archive", "application/json"),
}


@pytest.fixture(scope="module")
def outcomes(stack: LocalStack) -> dict[str, dict]:
    paths = [str(FOLDER / name) for name in KINDS]
    found = stack.json("put", *paths, "--prefix", "kinds/", "--wait")
    return {Path(each["path"]).name: each for each in found}


def body(stack: LocalStack, file: dict) -> bytes:
    return stack.connection.s3.get_object(Bucket=file["bucket"], Key=file["key"])["Body"].read()


@pytest.mark.parametrize("name", KINDS)
def test_file_of_each_kind_succeeds_and_each_file_made_says_what_it_is(stack, outcomes, name):
    kind, main_type = KINDS[name]
    each = outcomes[name]
    assert (each["outcome"], each["kind"]) == ("succeeded", kind)
    assert each["renditions"][0]["content_type"] == main_type
    for file in each["renditions"] + each["thumbnails"]:
        head = stack.connection.s3.head_object(Bucket=file["bucket"], Key=file["key"])
        assert head["ContentType"] == file["content_type"]
        assert head["ContentLength"] == file["bytes"]
    previews = [file for file in each["thumbnails"] if file["name"].isdigit()]
    assert previews
    for file in previews:
        assert Image.open(io.BytesIO(body(stack, file))).size == (file["width"], file["height"])


def test_table_keeps_its_values_and_names_its_bad_row(stack, outcomes, tmp_path):
    files = {file["name"]: file for file in outcomes["orders-with-decimal-commas.csv"]["renditions"]}
    parquet = tmp_path / "data.parquet"
    parquet.write_bytes(body(stack, next(file for name, file in files.items() if name.startswith("tables/"))))
    (first,) = duckdb.sql(f"FROM '{parquet}' LIMIT 1").fetchall()
    assert [str(value) for value in first] == ["0001", "01067", "Dresden", "2026-09-02", "1234.5", "+49 351 4960"]
    rejects = [json.loads(line) for line in body(stack, files["rejects/orders-with-decimal-commas"]).splitlines()]
    assert [rejected["line"] for rejected in rejects] == [1, 8], "the title, which is no data, and the row that is bad"


def test_document_is_published_without_its_script(stack, outcomes):
    rendition = outcomes["notes-with-a-script.pdf"]["renditions"][0]
    content = body(stack, rendition)
    assert b"JavaScript" not in content
    with pikepdf.open(io.BytesIO(content)) as document:
        assert "/OpenAction" not in document.Root
        assert not document.attachments


def test_files_of_an_archive_end_well_too(stack, outcomes):
    each, client = outcomes["harvest.zip"], stack.client
    parent = client.records.assets.get(each["reused_from"] or each["asset_id"])
    bucket = client.buckets.expanded
    names = ("photos/dandelions.jpg", "photos/fig.png", "weights.csv")
    keys = [child_key(parent.key, parent.asset_id, name) for name in names]
    children = [until(lambda key=key: client.records.assets.newest_of_key(bucket, key)) for key in keys]
    records = told(client.wait([child.asset_id for child in children], timeout=PATIENCE_SECONDS))
    found = {(record["status"], record["parent"]) for record in records.values()}
    assert found == {("succeeded", parent.asset_id)}
    assert not stack.connection.s3.list_objects_v2(Bucket=bucket).get("Contents")


@pytest.fixture
def impatient(stack: LocalStack, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A deployment of the stage that takes every video for a long one."""
    templates = {name: for_long_videos(text) for name, text in assembly.templates(stack.state_dir).items()}
    monkeypatch.setattr(assembly, "templates", lambda _state_dir: templates)
    deploy.deploy(stack.connection.client, stack.state_dir)
    yield
    monkeypatch.undo()
    deploy.deploy(stack.connection.client, stack.state_dir)


def for_long_videos(template: str) -> str:
    """With the setting, and another name for the function's version, as the CDK gives it one for what has changed."""
    template = template.replace('"LONG_VIDEO_CPU_SECONDS": "120"', '"LONG_VIDEO_CPU_SECONDS": "0.1"')
    return re.sub(r"TransformVideoFunctionCurrentVersion\w+", r"\g<0>Impatient", template)


def test_long_video_is_converted_in_parts_at_the_same_time(stack, impatient, tmp_path):
    five_minutes = Movie([*counting(5 * 300)], rate=5, options={"g": "25"}, sounds=[Sound(seconds=300)])
    path = five_minutes.write(tmp_path / "long.mp4")
    (each,) = stack.json("put", str(path), "--prefix", "long/", "--wait")
    execution = stack.client.execution(each["execution"])
    (convert,) = (state for state in execution.states if state.name == "ConvertVideo")
    assert [state.name for state in execution.states][2:5] == ["SplitVideo", "ConvertVideo", "JoinVideo"]
    assert len(convert.inside) > 2
    assert all(part.outcome == "succeeded" for part in convert.inside)
    assert each["renditions"][0]["content_type"] == "video/mp4"
    record = stack.json("asset", each["asset_id"])
    assert record["facts"]["duration_seconds"] == pytest.approx(300, abs=1)
    assert "ConvertPart" in stack.run("execution", each["execution"]).stdout
