"""At night, by the commands: what failed is redriven, what was given up is sent again, what is frozen thaws."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from infra.local.samples import FOLDER
from tests.integration.conftest import LocalStack
from tests.integration.test_releases import execution_of, is_held
from tests.waiting import PATIENCE_SECONDS, until

STOPPED = "StoppedAtNight"


@contextmanager
def nobody_notifies(stack: LocalStack) -> Iterator[None]:
    """Notify takes nobody: executions wait there."""
    function = {"FunctionName": "sluice-local-notify"}
    stack.connection.lambda_.put_function_concurrency(**function, ReservedConcurrentExecutions=0)
    yield
    stack.connection.lambda_.delete_function_concurrency(**function)


def stopped_at_notify(stack: LocalStack, name: str) -> dict:
    """The record of an upload whose execution was stopped there."""
    (made,) = stack.json("put", str(FOLDER / name), "--prefix", "night/")
    execution = execution_of(stack, made["asset_id"])
    until(lambda: is_held(execution))
    execution.aws.stop_execution(executionArn=execution.arn, error=STOPPED, cause="the topic was gone")
    return until(
        lambda: next((r for r in [stack.client.asset(made["asset_id"]).facts()] if r["status"] == "failed"), None)
    )


def put(stack: LocalStack, name: str, prefix: str, *, well: bool = True) -> dict:
    (made,) = stack.json("put", str(FOLDER / name), "--prefix", prefix, "--wait", expect=0 if well else 1)
    return made


def attempts(stack: LocalStack, asset: str) -> list[tuple]:
    found = stack.client.asset(asset).facts()["attempts"]
    return [(each["trigger"], each["execution"], each.get("outcome")) for each in found]


def test_failed_executions_are_found_by_their_error_mended_and_redriven(stack):
    with nobody_notifies(stack):
        failed = [stopped_at_notify(stack, name) for name in ("dandelions.jpg", "fig-cut-out.png")]
    assert {(each["reason"]["code"], each["reason"]["state"]) for each in failed} == {(STOPPED, "Notify")}

    found = stack.json("redrive", "--error", STOPPED, "--since", "1h", "--dry-run")
    assert {each["execution"] for each in found} == {each["execution"] for each in failed}
    assert stack.json("redrive", "--error", "NoSuchError", "--since", "1h") == []
    told = stack.run("redrive", "--failed", "--since", "1h", "--dry-run").stdout
    assert ["2", STOPPED, "Notify"] in [line.split()[:3] for line in told.splitlines()]
    assert f"sluice redrive --error {STOPPED} --state Notify --wait" in told

    done = stack.json("redrive", "--error", STOPPED, "--yes", "--wait", "--why", "the topic is there again")
    assert [(each["how"], each["outcome"]) for each in done] == [("redriven", "succeeded")] * 2
    for each in failed:
        states = [state["name"] for state in stack.json("execution", each["execution"])["states"]]
        assert states.count("Transform") == 1
        assert attempts(stack, each["asset_id"]) == [
            ("upload", each["execution"], "failed"),
            ("redrive", each["execution"], "succeeded"),
        ]
    shown = stack.run("asset", failed[0]["asset_id"]).stdout
    assert "redrive" in shown
    assert "the topic is there again" in shown


def test_execution_that_needs_no_redrive_is_left_and_it_says_why(stack):
    made = put(stack, "drum-in-cmyk.jpg", "left/")
    (left,) = stack.json("redrive", made["execution"])
    assert (left["how"], left["started"]) == ("left", made["execution"])
    assert "it has succeeded" in stack.run("redrive", made["execution"]).stdout
    (refused,) = stack.json("redrive", "nobody", expect=1)
    assert "There is no execution nobody" in refused["because"]


def test_rejected_file_is_reprocessed_instead(stack):
    rejected = put(stack, "shopping-list.jpg", "rejected/", well=False)
    (done,) = stack.json("redrive", rejected["execution"], "--wait", expect=1)
    assert (done["how"], done["outcome"]) == ("reprocessed", "rejected")


def test_dead_letters_are_sent_again_and_unreadable_ones_stay(stack):
    buckets, queues = stack.client.buckets, stack.client.stack.dead_letters
    sqs = stack.connection.sqs
    made = put(stack, "fig-cut-out.png", "buried/")
    found = {"key": made["key"], "size": 1, "etag": "e", "version-id": made["version_id"], "sequencer": "0A"}
    event = {
        "id": "17793124",
        "detail-type": "Object Created",
        "source": "aws.s3",
        "detail": {"bucket": {"name": buckets.ingest}, "object": found},
    }
    failure = {
        "detail-type": "Step Functions Execution Status Change",
        "detail": {
            "name": made["execution"],
            "executionArn": stack.client.execution_arn(made["execution"]),
            "stateMachineArn": stack.client.stack.state_machine_arn,
        },
    }
    sqs.send_message(QueueUrl=queues["events"], MessageBody=json.dumps(event))
    sqs.send_message(QueueUrl=queues["failures"], MessageBody=json.dumps(failure))
    sqs.send_message(QueueUrl=queues["restores"], MessageBody="unreadable")

    assert "about 1 messages" in stack.run("redrive", "--dlq", "--dry-run").stdout
    sent = {each["queue"]: each for each in stack.json("redrive", "--dlq", "--yes", expect=1)}
    assert sent["failures"]["sent_to"] == "sluice-local-record-failure"
    assert "cannot be read" in sent["restores"]["kept"]
    repeated = stack.client.follow_execution(sent["events"]["sent_to"], timeout=PATIENCE_SECONDS)
    assert repeated.outcome == "duplicate"
    assert stack.json("redrive", "--dlq", "--dry-run")["restores"] == 1
    sqs.purge_queue(QueueUrl=queues["restores"])
    assert stack.run("redrive", "--dlq").stdout.strip() == "The dead-letter queues are empty."


def freeze(stack: LocalStack, original: dict) -> str:
    """The original is in Deep Archive; its version."""
    source = {name: original[field] for name, field in (("Bucket", "bucket"), ("Key", "key"))}
    frozen = stack.connection.s3.copy_object(**source, CopySource=source, StorageClass="DEEP_ARCHIVE")
    return frozen["VersionId"]


def test_frozen_original_is_restored_and_processed_without_anything_running_meanwhile(stack):
    made = put(stack, "drum-in-cmyk.jpg", "frozen/")
    version = freeze(stack, made["original"])
    refused = stack.run("start", f"s3://{made['bucket']}/{made['key']}", "--wait", expect=1)
    assert f"`sluice restore {made['asset_id']}`" in refused.stderr
    assert "no Expedited retrieval" in stack.run("restore", made["asset_id"], "--tier", "expedited", expect=1).stdout
    wanted = (made["asset_id"], "--tier", "bulk", "--days", "2", "--why", "a new recipe")
    priced = stack.json("restore", *wanted, "--dry-run")
    assert (priced["count"], priced["takes"]) == (1, ["up to 48 hours"])
    assert "Restore 1 original?" in stack.run("restore", *wanted, expect=1).stderr
    (told,) = stack.json("restore", *wanted, "--yes")
    assert (told["state"], told["takes"], told["storage_class"]) == ("asked", "up to 48 hours", "DEEP_ARCHIVE")
    assert stack.client.asset(made["asset_id"]).facts()["restore"]["why"] == "a new recipe"

    until(lambda: attempts(stack, made["asset_id"])[-1][::2] == ("restore", "succeeded"))
    record = stack.client.asset(made["asset_id"]).facts()
    assert "restore" not in record
    assert record["restored_until"].endswith("T00:00:00Z")
    assert (record["original"]["version_id"], record["original"]["storage_class"]) == (version, "DEEP_ARCHIVE")
    assert "readable until" in stack.run("asset", made["asset_id"]).stdout


def test_original_that_is_not_frozen_needs_no_restore(stack):
    made = put(stack, "brushes-in-adobe-rgb.jpg", "warm/")
    assert "can be read at once" in stack.run("restore", made["asset_id"], expect=1).stdout


def test_frozen_original_can_be_made_readable_only(stack):
    made = put(stack, "dogs-held-sideways.jpg", "frozen/")
    freeze(stack, made["original"])
    stack.run("restore", made["asset_id"], "--no-reprocess", "--yes")
    until(lambda: "restored_until" in stack.client.asset(made["asset_id"]).facts())
    assert [each[0] for each in attempts(stack, made["asset_id"])] == ["upload"]
    original = made["original"]
    body = stack.connection.s3.get_object(Bucket=original["bucket"], Key=original["key"])["Body"].read()
    assert body == (FOLDER / "dogs-held-sideways.jpg").read_bytes()


def test_rejected_file_is_released_and_rejected_again_then_discarded(stack):
    rejected = put(stack, "shopping-list.jpg", "decided/", well=False)
    asset, original = rejected["asset_id"], rejected["original"]
    (released,) = stack.json("release", asset, "--why", "plain text is welcome now", "--wait", expect=1)
    assert released["outcome"] == "rejected"
    assert attempts(stack, asset)[1:] == [("release", released["execution"], "rejected")]

    assert "Discard 1 rejected file?" in stack.run("discard", asset, "--why", "spam", expect=1).stderr
    stack.run("discard", asset, "--why", "spam", "--yes")
    record = stack.json("asset", asset)
    assert (record["status"], record["discarded"]["why"]) == ("discarded", "spam")
    assert asset in [each["asset_id"] for each in stack.json("assets", "--status", "discarded")]
    assert "spam" in stack.run("asset", asset).stdout
    listed = stack.connection.s3.list_objects_v2(Bucket=original["bucket"], Prefix=original["key"])["Contents"]
    assert [each["Key"] for each in listed] == [f"{original['key']}.reason.json"]
    again = stack.run("release", asset, "--why", "a mistake", expect=1)
    assert "is discarded. Only a rejected one can be released" in again.stdout


def test_rejected_files_are_released_and_discarded_by_code(stack):
    rejected = put(stack, "shopping-list.jpg", "by-code/", well=False)
    meant = ("--code", "UnsupportedType", "--prefix", "by-code/", "--why", "plain text is welcome now")
    (shown,) = stack.json("release", *meant, "--dry-run")
    assert shown["asset_id"] == rejected["asset_id"]
    assert "Release 1 rejected file?" in stack.run("release", *meant, expect=1).stderr
    (released,) = stack.json("release", *meant, "--yes", "--wait", expect=1)
    assert (released["asset_id"], released["outcome"]) == (rejected["asset_id"], "rejected")
    (gone,) = stack.json("discard", *meant, "--yes")
    assert (gone["asset_id"], gone["status"]) == (rejected["asset_id"], "discarded")
    assert stack.json("discard", *meant, "--yes") == []


def test_input_of_one_s_own_starts_an_execution(stack, tmp_path):
    made = put(stack, "fig-cut-out.png", "own/")
    own = tmp_path / "input.json"
    own.write_text(json.dumps({"bucket": made["bucket"], "key": made["key"], "why": "to see"}))
    outcome = stack.json("start", "--input", str(own), "--wait")
    assert (outcome["asset_id"], outcome["outcome"]) == (made["asset_id"], "succeeded")
    assert stack.client.asset(made["asset_id"]).facts()["attempts"][-1]["why"] == "to see"
    own.write_text('{"bucket": 1}')
    assert "bucket" in stack.run("start", "--input", str(own), expect=1).stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("stop",),
        ("stop", "some-execution"),
        ("stop", "some-execution", "--running", "--why", "x"),
        ("start",),
        ("dead-letters", "--discard", "--why", "x"),
        ("dead-letters", "events", "--discard"),
        ("discard", "--why", "x", "--yes"),
        ("redrive",),
        ("redrive", "some-execution", "--failed"),
        ("redrive", "some-execution", "--dry-run"),
        ("redrive", "--failed", "--dlq"),
        ("release", "0" * 32),
        ("discard", "0" * 32, "--yes"),
        ("restore", "0" * 32, "--tier", "lukewarm"),
    ],
)
def test_wrong_usage_is_exit_code_2(stack, arguments):
    stack.run(*arguments, expect=2)
