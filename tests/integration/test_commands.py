"""Each command: what it prints for people and programs, and its exit code."""

import json
import os
import signal
import subprocess

import pytest

from infra.local.samples import FOLDER
from tests.integration.conftest import SLUICE, LocalStack
from tests.waiting import until

COMMANDS = [
    "up", "down", "demo", "doctor", "status", "env", "put", "executions", "execution",
    "assets", "asset", "get", "logs", "start", "reprocess", "batches", "batch", "redrive",
    "restore", "release", "discard", "dead-letters", "stop", "sweep", "asl",
]  # fmt: skip


@pytest.fixture(scope="module")
def asset(stack: LocalStack) -> dict:
    (made,) = stack.json("put", str(FOLDER / "fig-cut-out.png"), "--prefix", "commands/", "--wait")
    return made


@pytest.mark.parametrize("command", COMMANDS)
def test_help_explains_every_command(command):
    shown = subprocess.run([SLUICE, command, "--help"], capture_output=True, text=True, check=True).stdout
    assert "Usage: sluice" in shown


def test_status_names_every_resource(stack):
    found = stack.json("status")
    machines = {"state_machine_arn", "state_machine_alias_arn", "reprocess_machine_arn"}
    others = {"table", "old_indexes", "topic", "outcome_bus", "buckets", "dead_letters", "sources"}
    assert found.keys() == {"stage", "endpoint", "region"} | machines | others
    assert found["buckets"].keys() == {"ingest", "expanded", "output", "archive", "quarantine", "operations"}
    assert found["stage"] == "local"


def test_executions_can_be_filtered(stack, asset):
    found = stack.json("executions", "--status", "succeeded", "--since", "1h")
    assert asset["execution"] in [each["name"] for each in found]
    assert {each["status"] for each in found} == {"SUCCEEDED"}
    assert asset["key"] in stack.run("executions").stdout


def test_execution_shows_states_with_attempts_seconds_and_errors(stack, asset):
    found = stack.json("execution", asset["execution"])
    assert found["status"] == "SUCCEEDED"
    assert all(state.keys() >= {"name", "attempts", "seconds", "error"} for state in found["states"])
    assert "StoreMetadata" in stack.run("execution", asset["execution"]).stdout


def test_assets_can_be_listed_by_status_and_kind(stack, asset):
    for filters in (("--status", "succeeded"), ("--kind", "image"), ("--status", "succeeded", "--kind", "image")):
        assert asset["asset_id"] in [each["asset_id"] for each in stack.json("assets", "--limit", "500", *filters)]
    assert asset["asset_id"] in stack.run("assets", "--limit", "500").stdout


def test_asset_is_found_by_id_by_upload_address_and_by_where_its_original_is(stack, asset):
    original = asset["original"]
    addresses = (
        asset["asset_id"],
        f"s3://{asset['bucket']}/{asset['key']}",
        f"s3://{original['bucket']}/{original['key']}",
    )
    for ref in addresses:
        found = stack.json("asset", ref)
        assert found["asset_id"] == asset["asset_id"]
        assert found.keys() >= {"status", "versions", "attempts"}


def test_people_see_in_the_table_what_programs_get(stack, asset):
    (started,) = stack.json("put", str(FOLDER / "dandelions.jpg"), "--prefix", "started/", "--wait")
    shown = {
        ("asset", asset["asset_id"]): (asset["key"], "image/webp", "upload", "current"),
        ("logs", asset["asset_id"]): ("validate", "archive", "done"),
        ("assets", "--status", "succeeded", "--since", "1h", "--limit", "500"): (asset["asset_id"], asset["key"]),
        ("status",): ("state machine", stack.client.buckets.quarantine),
        ("doctor",): ("Node for the CDK", "embedded AWS"),
        ("start", f"s3://{started['bucket']}/{started['key']}"): ("sluice execution",),
        ("put", str(FOLDER / "shopping-list.jpg"), "--prefix", "seen/"): ("Uploaded 1 files",),
    }
    for command, words in shown.items():
        text = stack.run(*command).stdout
        assert all(word in text for word in words), text


def test_people_see_what_became_of_each_file_and_why(stack):
    paths = (str(FOLDER / "fig-cut-out.png"), str(FOLDER / "shopping-list.jpg"))
    text = stack.run("put", *paths, "--prefix", "told/", "--wait", expect=1).stdout
    for word in ("succeeded", "webp 847×647", "same content as", "rejected", "UnsupportedType", "plain text"):
        assert word in text


def test_get_brings_what_was_made_and_on_demand_the_original(stack, asset, tmp_path):
    files = stack.json("get", asset["asset_id"], "--out", str(tmp_path), "--original")
    names = sorted(path.name for path in tmp_path.rglob("*") if path.is_file())
    assert names == ["128.webp", "256.webp", "512.webp", "fig-cut-out.png", "sidecar.json", "web.webp"]
    assert len(files) == len(names)


def test_logs_of_an_asset_come_from_all_tasks_in_order(stack, asset):
    lines = stack.json("logs", asset["asset_id"])
    tasks = [line["task"] for line in lines if line.get("message") == "done"]
    assert tasks == ["validate", "transform", "thumbnail", "store_metadata", "notify", "archive"]
    assert {line["correlation_id"] for line in lines if "correlation_id" in line} == {
        f"{asset['execution']}/{asset['asset_id']}"
    }
    only = stack.json("logs", asset["execution"], "--task", "archive")
    assert {line["task"] for line in only} == {"archive"}


def test_asl_prints_the_definition(stack):
    definition = json.loads(stack.run("asl", "ingest").stdout)
    assert definition["StartAt"] == "Validate"


def test_doctor_finds_nothing_missing_where_the_stack_runs(stack):
    assert all(each["ok"] for each in stack.json("doctor"))


@pytest.mark.parametrize(
    "arguments",
    [
        ("put", "no-such-file.jpg"),
        ("start", "not-an-address"),
        ("executions", "--since", "yesterday"),
        ("executions", "--status", "GREEN"),
        ("assets", "--kind", "smell"),
        ("nonsense",),
    ],
)
def test_wrong_usage_is_exit_code_2(stack, arguments):
    stack.run(*arguments, expect=2)


@pytest.mark.parametrize(
    "arguments", [("asset", "0" * 32), ("execution", "no-such-execution"), ("get", "0" * 32), ("logs", "nope")]
)
def test_what_does_not_exist_is_a_sentence_and_exit_code_1(stack, arguments):
    failed = stack.run(*arguments, expect=1)
    assert "There is no" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_without_a_stack_each_command_says_how_to_start_one(tmp_path):
    environment = {**os.environ, "SLUICE_STATE_DIR": str(tmp_path / "none")}
    failed = subprocess.run([SLUICE, "status"], env=environment, capture_output=True, text=True, check=False)
    assert failed.returncode == 1
    assert "sluice up" in failed.stderr


def test_file_that_is_not_there_ends_in_a_sentence_without_a_stack_trace(stack):
    failed = stack.run("start", f"s3://{stack.client.buckets.ingest}/nope.jpg", "--wait", expect=1)
    assert "ObjectNotFound" in failed.stderr
    assert "stackTrace" not in failed.stderr


def test_upload_that_was_interrupted_goes_on_with_what_is_missing(stack, tmp_path):
    """Ctrl-C while parts of a large file are sent: what S3 has answered for is told, and not sent again."""
    folder = tmp_path / "interrupted"
    folder.mkdir()
    (folder / "1.csv").write_text("a,b\n1,2\n")
    with (folder / "2.bin").open("wb") as large:
        large.truncate(4 * 1024**3)
    (folder / ".hidden").touch()
    s3, bucket = stack.connection.s3, stack.client.buckets.ingest

    command = [SLUICE, "put", str(folder), "--json"]
    with subprocess.Popen(
        command, cwd=stack.folder, env=stack.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as uploading:
        until(lambda: stack.client.records.assets.newest_of_key(bucket, "interrupted/1.csv"))
        until(lambda: s3.list_multipart_uploads(Bucket=bucket).get("Uploads"))
        uploading.send_signal(signal.SIGINT)
        shown, said = uploading.communicate()
    assert uploading.returncode == 130
    known = json.loads(shown)  # the answer for the small one may still have been on its way
    assert f"Interrupted: {len(known)} of 2 files are known to be there." in said
    assert "The same command again sends what is missing." in said
    assert "Traceback" not in said
    assert ".hidden: hidden" in said

    (folder / "2.bin").write_bytes(b"small now")
    first, second = stack.json("put", str(folder))
    assert (first["how"], first["key"]) == ("there", "interrupted/1.csv")
    assert known in ([], [{**first, "how": "uploaded"}])
    assert (second["how"], second["key"]) == ("uploaded", "interrupted/2.bin")
    (again,) = stack.json("put", str(folder / "1.csv"), "--prefix", "interrupted/", "--force")
    assert again["version_id"] != first["version_id"]


def test_execution_that_step_functions_has_forgotten_does_not_run(stack):
    assert not stack.client.running(stack.client.execution_arn("forgotten"))
