"""Many assets are processed again in one batch, which a kill -9 cannot make process any of them twice, or none."""

import io
import json
from pathlib import Path

import pytest
from PIL import Image

from infra.local.stack import emulator_of
from tests.integration.conftest import LocalStack
from tests.waiting import PATIENCE_SECONDS, told, until
from workflow.operator.client import Sluice
from workflow.operator.operations import reprocess as batches
from workflow.operator.operations.select import Selection, select
from workflow.operator.uploads import Upload

MANY = 24
BAD = 2


def picture(number: int) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (32, 24), (number * 9 % 256, number, 99)).save(data, "PNG")
    return data.getvalue()


def uploaded(client: Sluice, folder: Path, prefix: str, count: int) -> list[str]:
    """Asset ids of small pictures, the last ones broken, once all were processed."""
    items = []
    for number in range(count):
        path = folder / f"p{number}.png"
        path.write_bytes(picture(number) if number < count - BAD else b"no picture")
        items.append(Upload(path, f"{prefix}{path.name}"))
    ids = [each.asset_id for each in client.put(items, lambda _: None)]
    client.wait(ids, timeout=PATIENCE_SECONDS)
    return ids


@pytest.fixture(scope="module")
def stack(start_stack) -> LocalStack:
    return start_stack("reprocessing")


@pytest.fixture(scope="module")
def assets(stack, tmp_path_factory) -> list[str]:
    return uploaded(stack.client, tmp_path_factory.mktemp("pictures"), "many/", MANY)


def test_dry_run_says_what_and_changes_nothing(stack, assets):
    shown = stack.json("reprocess", "--prefix", "many/", "--dry-run")
    assert (shown["count"], shown["frozen"]) == (MANY, [])
    assert shown["by_kind"] == {"image": MANY - BAD, "unknown": BAD}
    assert shown["dollars"] > 0
    text = stack.run("reprocess", "--code", "UnsupportedType", "--prefix", "many/", "--dry-run").stdout
    assert "state transitions" in text
    assert stack.json("batches") == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [((), "Nothing is selected"), (("--prefix", "none/"), "No asset is selected"), (("--prefix", "many/"), "--yes")],
)
def test_nothing_is_started_by_accident(stack, assets, arguments, sentence):
    assert sentence in stack.run("reprocess", *arguments, "--json", expect=1).stderr


@pytest.mark.parametrize("tolerate", ["many", "101%", "-1"])
def test_wrong_share_is_exit_code_2(stack, assets, tolerate):
    stack.run("reprocess", "--all", f"--tolerate={tolerate}", expect=2)


def test_few_assets_are_started_directly_and_followed(stack, assets):
    (outcome,) = stack.json("reprocess", assets[0], "--why", "to see", "--yes", "--follow")
    assert outcome["outcome"] == "succeeded"
    last = stack.client.asset(assets[0]).facts()["attempts"][-1]
    assert (last["trigger"], last["why"]) == ("reprocess", "to see")
    assert last["by"]


def test_batch_that_was_killed_and_resumed_has_processed_each_asset_once(stack, assets):
    name = stack.json("reprocess", "--prefix", "many/", "--yes", "--why", "killed")["name"]
    client = stack.client
    until(lambda: batches.batch(client, name).succeeded >= MANY // 4)
    emulator = emulator_of(stack.state_dir, stack.port)
    emulator.save()  # a crash may lose seconds: this one does not lose the batch itself
    emulator.kill()
    stack.run("up", "--detach", "--port", str(stack.port))

    client = stack.client
    interrupted = batches.batch(client, name)
    assert (interrupted.status, interrupted.error) == ("FAILED", "States.ServiceRestart")
    assert interrupted.aborted > 0
    ended = stack.json("batch", name, "--resume", "--follow", expect=1)
    assert (ended["name"], ended["status"], ended["total"]) == (name, "SUCCEEDED", MANY)
    assert ended["report"]["total"] == MANY

    records = told(client.wait(assets, timeout=PATIENCE_SECONDS))
    assert [good_attempts(records[asset], name) for asset in assets] == [1] * MANY
    assert {records[asset]["status"] for asset in assets[:-BAD]} == {"succeeded"}
    assert {records[asset]["status"] for asset in assets[-BAD:]} == {"rejected"}
    assert "is done" in stack.run("batch", name, "--resume", expect=1).stderr


def good_attempts(record: dict, batch: str) -> int:
    """Of those since the batch took the asset, how many have ended for good."""
    attempts = record["attempts"]
    first = next(n for n, each in enumerate(attempts) if each.get("batch") == batch)
    return sum(each.get("outcome") in {"succeeded", "rejected"} for each in attempts[first:])


def test_report_has_each_asset_with_its_reason(stack, assets):
    (batch, *_) = stack.json("batches")
    rows = {row["asset_id"]: row for row in stack.json("batch", batch["name"], "--report")}
    assert rows.keys() == set(assets)
    assert {rows[asset]["error"] for asset in assets[-BAD:]} == {"UnsupportedType"}
    assert "UnsupportedType" in stack.run("batch", batch["name"], "--report").stdout


def test_batch_of_too_many_failures_stops_with_a_report_and_the_rest_can_follow(stack, assets, tmp_path):
    manifest = tmp_path / "bad.csv"
    manifest.write_text("asset_id\n" + "\n".join(assets[-BAD:] + assets[: 11 - BAD]))
    arguments = ("--manifest", str(manifest), "--tolerate", "1%", "--concurrency", "1", "--yes", "--follow")
    ended = stack.json("reprocess", *arguments, expect=1)
    assert (ended["status"], ended["error"]) == ("FAILED", "TooManyFailures")
    assert ended["report"]["errors"] == {"UnsupportedType": 1}
    unwell = {each["check"]: each["advice"] for each in stack.json("health", expect=1) if not each["ok"]}
    assert unwell[f"batch {ended['name']}"] == f"sluice batch {ended['name']} --report"
    followed = stack.json("batch", ended["name"], "--resume", "--follow", expect=1)
    assert followed["name"] == f"{ended['name']}-r2"
    assert followed["total"] == 10


def test_batch_is_stopped_and_goes_on(stack, assets):
    client = stack.client
    records = select(client, Selection(prefix="many/", kind="image"))
    name = batches.reprocess(client, records, by="ada", concurrency=1).name
    until(lambda: batches.batch(client, name).running)
    batches.stop(client, name, by="ada")
    assert stack.json("batch", name)["status"] == "ABORTED"
    until(lambda: all_settled(stack, assets))
    ended = stack.json("batch", name, "--resume", "--follow")
    assert (ended["status"], ended["total"]) == ("SUCCEEDED", MANY - BAD)
    found = told(client.records.assets.many(assets[:-BAD])).values()
    assert {(record["status"], good_attempts(record, name)) for record in found} == {("succeeded", 1)}
    assert "is not at work" in stack.run("batch", name, "--stop", expect=1).stderr


def all_settled(stack, assets) -> bool:
    """A stop may come while Validate is at work, which then opens an attempt that only the sweeper closes."""
    stack.run("sweep", "--older-than", "1s")
    return all(record.status != "processing" for record in stack.client.records.assets.many(assets).values())


def test_person_starts_a_batch_in_the_console(stack, assets):
    """Any program may: the input is in docs/operating.md."""
    client = stack.client
    record = client.asset(assets[0]).facts()
    line = {name: record[name] for name in ("asset_id", "bucket", "key", "version_id")}
    manifest = {"bucket": client.buckets.operations, "key": "reprocess/mine/manifest.jsonl"}
    client.aws.s3.put_object(Bucket=manifest["bucket"], Key=manifest["key"], Body=json.dumps(line))
    wanted = {"manifest": manifest, "batch": "mine", "concurrency": 20, "tolerate_percent": 5, "by": "ada", "why": "x"}
    client.aws.stepfunctions.start_execution(
        stateMachineArn=client.stack.reprocess_machine_arn, name="mine", input=json.dumps(wanted)
    )
    assert stack.json("batch", "mine", "--follow")["report"]["outcomes"] == {"succeeded": 1}
    assert stack.client.asset(assets[0]).facts()["attempts"][-1]["batch"] == "mine"


def test_asl_prints_the_definition(stack):
    assert json.loads(stack.run("asl", "reprocess").stdout)["StartAt"] == "ReprocessEach"


def test_unknown_batch_is_a_sentence(stack):
    assert "sluice batches" in stack.run("batch", "none", expect=1).stderr
