"""Originals in Glacier are read once they were restored, and S3 tells EventBridge of it as AWS documents."""

import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.waiting import next_message

KEY = "photos/a b+ü.jpg"
RESTORE = {"Days": 2, "GlacierJobParameters": {"Tier": "Bulk"}}


class Archive:
    """A versioned bucket with one object in Deep Archive, whose events arrive in a queue."""

    def __init__(self, cloud: Any) -> None:
        self.name = f"archive-{uuid.uuid4().hex}"
        self.s3, self._sqs, events = (cloud.client(service) for service in ("s3", "sqs", "events"))
        self.s3.create_bucket(Bucket=self.name)
        self.s3.put_bucket_versioning(Bucket=self.name, VersioningConfiguration={"Status": "Enabled"})
        put = self.s3.put_object(Bucket=self.name, Key=KEY, Body=b"original", StorageClass="DEEP_ARCHIVE")
        self.address = {"Bucket": self.name, "Key": KEY, "VersionId": put["VersionId"]}
        self.s3.put_bucket_notification_configuration(
            Bucket=self.name, NotificationConfiguration={"EventBridgeConfiguration": {}}
        )
        self._queue = self._sqs.create_queue(QueueName=self.name)["QueueUrl"]
        arn = self._sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])["Attributes"]
        pattern = {"detail-type": ["Object Restore Completed"], "detail": {"bucket": {"name": [self.name]}}}
        events.put_rule(Name=self.name, EventPattern=json.dumps(pattern))
        events.put_targets(Rule=self.name, Targets=[{"Id": "queue", "Arn": arn["QueueArn"]}])

    def restore(self) -> int:
        answer = self.s3.restore_object(**self.address, RestoreRequest=RESTORE)
        return answer["ResponseMetadata"]["HTTPStatusCode"]

    def completed(self) -> dict[str, Any]:
        """The event."""
        return json.loads(next_message(self._sqs, self._queue)["Body"])


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return error.value.response["Error"]["Code"]


def test_the_event_names_version_class_and_expiry(stock: Any, patched: Any) -> None:
    archive = Archive(stock)
    archive.restore()
    event = archive.completed()["detail"]
    assert "restore-expiry-time" not in event
    assert "version-id" not in event["object"]

    archive = Archive(patched)
    archive.restore()
    event = archive.completed()["detail"]
    assert event["object"].keys() == {"key", "size", "etag", "version-id"}
    assert (event["object"]["key"], event["object"]["version-id"]) == (KEY, archive.address["VersionId"])
    expiry = archive.s3.head_object(Bucket=archive.name, Key=KEY)["Restore"]
    assert 'ongoing-request="false"' in expiry
    assert event["restore-expiry-time"].endswith("T00:00:00Z")
    assert (event["source-storage-class"], event["requester"]) == ("DEEP_ARCHIVE", "s3.amazonaws.com")
    assert "source-ip-address" not in event


def test_an_original_is_read_when_it_is_restored_and_not_before(patched: Any) -> None:
    archive = Archive(patched)
    for read in (archive.address, {**archive.address, "Range": "bytes=0-3"}):
        with pytest.raises(ClientError) as refused:
            archive.s3.get_object(**read)
        assert code(refused) == "InvalidObjectState"
    archive.restore()
    archive.completed()
    assert archive.s3.get_object(**archive.address)["Body"].read() == b"original"
    assert archive.s3.get_object(**archive.address, Range="bytes=0-3")["Body"].read() == b"orig"


def test_restore_answers_whether_it_was_asked_is_under_way_or_done(patched: Any) -> None:
    archive = Archive(patched)
    assert archive.restore() == 202
    with pytest.raises(ClientError) as refused:
        archive.restore()
    assert code(refused) == "RestoreAlreadyInProgress"
    archive.completed()
    assert archive.restore() == 200
