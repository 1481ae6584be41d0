"""What the emulator took on before a SIGKILL it does after it: events, deliveries, queued invocations, uploads."""

import contextlib
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.integration.patches.stepfunctions_probe import function, queue
from tests.integration.patches.test_eventbridge_targets import Queue, send_event
from tests.integration.patches.test_s3_events import KEY, WatchedBucket
from tests.waiting import next_message

PART = b"p" * 5 * 1024 * 1024
REFUSED = "arn:aws:states:us-east-1:nobody:stateMachine:any"
SAYS_THAT_IT_BEGAN = """
    import boto3, time

    def handle(event, context):
        boto3.client("sqs").send_message(QueueUrl=event["queue"], MessageBody="began")
        time.sleep(event["seconds"])
"""


def test_a_queued_invocation_is_made_again(new_emulator: Callable[..., Any]) -> None:
    cloud = new_emulator()
    sqs, url = queue(cloud)
    slow = function(cloud, SAYS_THAT_IT_BEGAN, Timeout=900)
    event = json.dumps({"queue": url, "seconds": 600})
    cloud.client("lambda").invoke(FunctionName=slow, InvocationType="Event", Payload=event)
    next_message(sqs, url)
    cloud.emulator.kill()

    sqs = new_emulator().client("sqs")
    assert next_message(sqs, sqs.list_queues()["QueueUrls"][0])["Body"] == "began"


def test_a_delivery_that_was_refused_ends_in_the_dead_letter_queue(new_emulator: Callable[..., Any]) -> None:
    cloud = new_emulator()
    sqs, url = queue(cloud)
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    target = {"Arn": REFUSED, "DeadLetterConfig": {"Arn": arn}, "RetryPolicy": {"MaximumRetryAttempts": 2}}
    send_event(cloud, target, {"key": "a.jpg"})
    cloud.emulator.kill()

    sqs = new_emulator().client("sqs")
    letter = Queue(sqs, sqs.list_queues()["QueueUrls"][0], arn).receive()
    assert json.loads(letter["Body"])["detail"] == {"key": "a.jpg"}
    assert letter["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "ERROR_FROM_TARGET"


def test_an_event_of_an_acknowledged_upload_arrives(new_emulator: Callable[..., Any]) -> None:
    cloud = new_emulator()
    bucket = WatchedBucket(cloud)
    version = bucket.put()
    bucket.next_event()
    cloud.emulator.kill()
    leave_undone(cloud.emulator.state_dir, [bucket.name, KEY, "s3:ObjectCreated:Put"], version_id=version, size=7)

    sqs = new_emulator().client("sqs")
    event = json.loads(next_message(sqs, sqs.list_queues()["QueueUrls"][0])["Body"])
    assert event["detail"]["object"]["version-id"] == version


def leave_undone(state_dir: Path, of: list[str], **told: Any) -> None:
    """As if the process had been killed between the upload's answer and its event."""
    work = json.dumps(["S3 event", {"of": of, "told": told}])
    row = "pending/work", json.dumps(["000000000000", "us-east-1", "1"], separators=(",", ":")), work
    with contextlib.closing(sqlite3.connect(state_dir / "services" / "state.sqlite")) as database, database:
        database.execute("INSERT INTO rows VALUES (?, ?, ?)", row)


def test_nothing_is_left_once_it_is_done(new_emulator: Callable[..., Any]) -> None:
    cloud = new_emulator()
    bucket = WatchedBucket(cloud)
    bucket.put()
    bucket.next_event()
    cloud.emulator.stop()
    with contextlib.closing(sqlite3.connect(cloud.emulator.state_dir / "services" / "state.sqlite")) as database:
        assert database.execute("SELECT * FROM rows WHERE area = 'pending/work'").fetchall() == []


def test_an_upload_in_parts_goes_on(new_emulator: Callable[..., Any]) -> None:
    cloud = new_emulator()
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="kept")
    upload = {"Bucket": "kept", "Key": "film.mp4"}
    upload["UploadId"] = s3.create_multipart_upload(**upload, ChecksumAlgorithm="SHA256")["UploadId"]
    s3.upload_part(**upload, PartNumber=1, Body=b"sent anew" + PART, ChecksumAlgorithm="SHA256")
    first = s3.upload_part(**upload, PartNumber=1, Body=PART, ChecksumAlgorithm="SHA256")
    cloud.emulator.kill()

    cloud = new_emulator()
    s3 = cloud.client("s3")
    assert [part["ETag"] for part in s3.list_parts(**upload)["Parts"]] == [first["ETag"]]
    last = s3.upload_part(**upload, PartNumber=2, Body=b"end", ChecksumAlgorithm="SHA256")
    parts = [
        {"PartNumber": number, **{name: part[name] for name in ("ETag", "ChecksumSHA256")}}
        for number, part in enumerate((first, last), 1)
    ]
    completed = s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    assert s3.get_object(Bucket="kept", Key="film.mp4")["Body"].read() == PART + b"end"
    cloud.emulator.kill()

    cloud = new_emulator()
    again = cloud.client("s3").complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    assert again["ETag"] == completed["ETag"]
    assert list((cloud.emulator.state_dir / "services" / "parts").rglob("*")) == []
    assert "Uploads" not in cloud.client("s3").list_multipart_uploads(Bucket="kept")


def test_parts_of_an_upload_that_is_aborted_go(new_emulator: Callable[..., Any]) -> None:
    cloud = new_emulator()
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="kept")
    upload = {"Bucket": "kept", "Key": "film.mp4"}
    upload["UploadId"] = s3.create_multipart_upload(**upload)["UploadId"]
    s3.upload_part(**upload, PartNumber=1, Body=PART)
    s3.abort_multipart_upload(**upload)
    assert list((cloud.emulator.state_dir / "services" / "parts").rglob("*")) == []
