"""A SIGKILL of the emulator loses nothing that it has acknowledged."""

import contextlib
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, FlexibleChecksumError

from tests.waiting import next_message, until

STOCK = {"SLUICE_STOCK_AWS": "1"}
ROLE = "arn:aws:iam::000000000000:role/execution"
PART = b"p" * 5 * 1024 * 1024


def create_table(cloud: Any) -> Any:
    table = cloud.client("dynamodb")
    table.create_table(
        TableName="assets",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return table


def start_execution(cloud: Any, name: str, state: dict[str, Any]) -> str:
    definition = {"StartAt": "Only", "States": {"Only": state | {"End": True}}}
    states = cloud.client("stepfunctions")
    machine = states.create_state_machine(name=name, definition=json.dumps(definition), roleArn=ROLE)
    return states.start_execution(stateMachineArn=machine["stateMachineArn"], input='{"key": "a.jpg"}')["executionArn"]


def status_of(cloud: Any, execution: str) -> str:
    return cloud.client("stepfunctions").describe_execution(executionArn=execution)["status"]


def history_of(cloud: Any, execution: str) -> list[str]:
    history = cloud.client("stepfunctions").get_execution_history(executionArn=execution)
    return [event["type"] for event in history["events"]]


def test_tables_and_executions_survive_a_kill(new_emulator: Callable[..., Any]) -> None:
    cloud = new_emulator()
    create_table(cloud).put_item(TableName="assets", Item={"id": {"S": "asset-1"}})
    execution = start_execution(cloud, "quick", {"Type": "Pass"})
    until(lambda: status_of(cloud, execution) == "SUCCEEDED")
    cloud.emulator.kill()

    cloud = new_emulator()
    item = cloud.client("dynamodb").get_item(TableName="assets", Key={"id": {"S": "asset-1"}})["Item"]
    assert item == {"id": {"S": "asset-1"}}
    assert status_of(cloud, execution) == "SUCCEEDED"
    passed = ["ExecutionStarted", "PassStateEntered", "PassStateExited", "ExecutionSucceeded"]
    assert history_of(cloud, execution) == passed


def test_a_table_survives_a_kill_right_after_it_was_made(new_emulator: Callable[..., Any]) -> None:
    cloud = new_emulator()
    create_table(cloud)
    cloud.emulator.kill()
    assert new_emulator().client("dynamodb").list_tables()["TableNames"] == ["assets"]


def test_the_stock_emulator_loses_its_tables_to_a_kill(new_emulator: Callable[..., Any]) -> None:
    cloud = new_emulator(settings=STOCK)
    create_table(cloud)
    cloud.emulator.kill()
    assert new_emulator(settings=STOCK).client("dynamodb").list_tables()["TableNames"] == []


def test_a_running_execution_fails_at_the_next_start_and_is_announced(new_emulator: Callable[..., Any]) -> None:
    cloud = new_emulator()
    queue = watch_failures(cloud)
    execution = start_execution(cloud, "slow", {"Type": "Wait", "Seconds": 600})
    until(lambda: history_of(cloud, execution)[1:] == ["WaitStateEntered"])
    cloud.emulator.kill()

    cloud = new_emulator()
    message = next_message(cloud.client("sqs"), queue(cloud))
    detail = json.loads(message["Body"])["detail"]
    assert (detail["executionArn"], detail["status"]) == (execution, "FAILED")
    assert detail["error"] == "States.ServiceRestart"
    assert history_of(cloud, execution) == ["ExecutionStarted", "WaitStateEntered", "ExecutionFailed"]


def watch_failures(cloud: Any) -> Callable[[Any], str]:
    """Sends every failed execution to a queue; returns what gives the queue's URL on a (restarted) emulator."""
    sqs, events = cloud.client("sqs"), cloud.client("events")
    url = sqs.create_queue(QueueName="failures")["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"source": ["aws.states"], "detail": {"status": ["FAILED"]}}
    events.put_rule(Name="failures", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="failures", Targets=[{"Id": "queue", "Arn": queue}])
    return lambda restarted: restarted.client("sqs").get_queue_url(QueueName="failures")["QueueUrl"]


class Bucket:
    def __init__(self, cloud: Any) -> None:
        self._s3 = cloud.client("s3")

    def create(self) -> None:
        self._s3.create_bucket(Bucket="kept")
        self._s3.put_bucket_versioning(Bucket="kept", VersioningConfiguration={"Status": "Enabled"})

    def put(self, key: str, body: bytes) -> str:
        return self._s3.put_object(
            Bucket="kept",
            Key=key,
            Body=body,
            ContentType="image/jpeg",
            Metadata={"origin": "camera"},
            Tagging="stage=raw",
            ChecksumAlgorithm="SHA256",
        )["VersionId"]

    def put_multipart(self, key: str) -> str:
        upload_id = self._s3.create_multipart_upload(Bucket="kept", Key=key)["UploadId"]
        upload = {"Bucket": "kept", "Key": key, "UploadId": upload_id}
        etags = [self._s3.upload_part(**upload, PartNumber=n, Body=PART)["ETag"] for n in (1, 2)]
        parts = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, 1)]
        return self._s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})["VersionId"]

    def delete(self, key: str, **version: str) -> None:
        self._s3.delete_object(Bucket="kept", Key=key, **version)

    def facts(self, key: str, version: str) -> dict[str, Any]:
        """All that an object's reader can see of one version."""
        which = {"Bucket": "kept", "Key": key, "VersionId": version}
        answer = self._s3.get_object(**which, ChecksumMode="ENABLED")
        facts = {name: answer.get(name) for name in ("ETag", "ContentType", "Metadata", "ChecksumSHA256")}
        return facts | {
            "body": answer["Body"].read(),
            "tags": self._s3.get_object_tagging(**which)["TagSet"],
            "parts": self._s3.head_object(**which, PartNumber=1).get("PartsCount"),
        }

    def versions(self) -> dict[str, list[tuple[str, str, bool]]]:
        listed = self._s3.list_object_versions(Bucket="kept")
        return {
            kind: sorted((item["Key"], item["VersionId"], item["IsLatest"]) for item in listed.get(kind, []))
            for kind in ("Versions", "DeleteMarkers")
        }

    def current(self, key: str) -> bytes | None:
        try:
            return self._s3.get_object(Bucket="kept", Key=key)["Body"].read()
        except ClientError as exc:
            assert exc.response["Error"]["Code"] == "NoSuchKey"  # noqa: PT017 - the expected refusal
            return None


def test_every_object_version_survives_a_kill_right_after_it_was_written(new_emulator: Callable[..., Any]) -> None:
    cloud = new_emulator()
    bucket = Bucket(cloud)
    bucket.create()
    written = [("a b/ü.jpg", bucket.put("a b/ü.jpg", body)) for body in (b"one", b"two", b"three")]
    written += [("moved.jpg", bucket.put("moved.jpg", b"moved")), ("film.mp4", bucket.put_multipart("film.mp4"))]
    bucket.delete("moved.jpg")
    erased = bucket.put("erased.jpg", b"erased")
    bucket.delete("erased.jpg", VersionId=erased)
    before = bucket.versions(), {key: bucket.facts(*key) for key in written}
    cloud.emulator.kill()

    bucket = Bucket(new_emulator())
    assert (bucket.versions(), {key: bucket.facts(*key) for key in written}) == before
    assert bucket.current("a b/ü.jpg") == b"three"
    assert bucket.current("moved.jpg") is None
    assert bucket.current("erased.jpg") is None


def overwrite_cut_short(new_emulator: Callable[..., Any], settings: dict[str, str]) -> tuple[Bucket, str]:
    """A restarted emulator's bucket, and the version of `a.jpg` whose overwrite a crash cut short."""
    cloud = new_emulator(settings=settings)
    bucket = Bucket(cloud)
    bucket.create()
    bucket.put("a.jpg", b"older")
    version = bucket.put("a.jpg", b"old")
    cloud.emulator.stop()
    cut_an_overwrite_short(cloud.emulator.state_dir / "s3", version)
    if settings != STOCK:
        announce_overwrite(cloud.emulator.state_dir / "services" / "state.sqlite")
    return Bucket(new_emulator(settings=settings)), version


def test_the_stock_emulator_mixes_versions_after_a_crash(new_emulator: Callable[..., Any]) -> None:
    bucket, _version = overwrite_cut_short(new_emulator, STOCK)
    with pytest.raises(FlexibleChecksumError):
        bucket.current("a.jpg")


def test_an_overwrite_that_a_crash_cut_short_did_not_happen(new_emulator: Callable[..., Any]) -> None:
    bucket, version = overwrite_cut_short(new_emulator, {})
    assert bucket.current("a.jpg") == b"old"
    assert bucket.facts("a.jpg", version)["body"] == b"old"
    bucket.put("a.jpg", b"newest")
    assert bucket.facts("a.jpg", version)["body"] == b"old"


def cut_an_overwrite_short(folder: Path, version: str) -> None:
    """Leaves what the emulator leaves when it is killed after it wrote the bytes, before it wrote about them."""
    (current,) = (file for file in folder.rglob("a.jpg") if file.is_file() and file.read_bytes() == b"old")
    (older,) = (file for file in folder.rglob("a.jpg") if file.is_file() and file.read_bytes() == b"older")
    aside = older.parents[1] / version / "a.jpg"
    aside.parent.mkdir()
    aside.write_bytes(b"old")
    current.write_bytes(b"new")


def announce_overwrite(file: Path) -> None:
    """What the store has of a write that was cut short."""
    row = "s3/writes", '["000000000000","kept","a.jpg"]', '{"etag":"other","version_id":"other","size":3}'
    with contextlib.closing(sqlite3.connect(file)) as database, database:
        database.execute("INSERT INTO rows VALUES (?, ?, ?)", row)
