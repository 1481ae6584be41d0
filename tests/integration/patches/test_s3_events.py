"""S3's EventBridge events have the fields that AWS documents."""

import json
import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from tests.waiting import next_message

KEY = "Ünïcode folder/with spaces+and%signs.jpg"


class WatchedBucket:
    """A versioned bucket whose events arrive in a queue."""

    def __init__(self, cloud: Any) -> None:
        self.name = f"watched-{uuid.uuid4().hex}"
        self.s3 = cloud.client("s3")
        self._sqs = cloud.client("sqs")
        self.s3.create_bucket(Bucket=self.name)
        self.s3.put_bucket_versioning(Bucket=self.name, VersioningConfiguration={"Status": "Enabled"})
        self.s3.put_bucket_notification_configuration(
            Bucket=self.name, NotificationConfiguration={"EventBridgeConfiguration": {}}
        )
        self._queue = self._sqs.create_queue(QueueName=self.name)["QueueUrl"]
        self._route_events(cloud.client("events"))

    def _route_events(self, events: Any) -> None:
        pattern = {"source": ["aws.s3"], "detail": {"bucket": {"name": [self.name]}}}
        queue = self._sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])["Attributes"]
        events.put_rule(Name=self.name, EventPattern=json.dumps(pattern))
        events.put_targets(Rule=self.name, Targets=[{"Id": "queue", "Arn": queue["QueueArn"]}])

    def next_event(self) -> dict[str, Any]:
        return json.loads(next_message(self._sqs, self._queue)["Body"])

    def put(self, body: bytes = b"content") -> str:
        return self.s3.put_object(Bucket=self.name, Key=KEY, Body=body)["VersionId"]


def put(bucket: WatchedBucket) -> str:
    return bucket.put()


def copy(bucket: WatchedBucket) -> str:
    source = {"Bucket": bucket.name, "Key": KEY, "VersionId": bucket.put()}
    bucket.next_event()
    return bucket.s3.copy_object(Bucket=bucket.name, Key=KEY, CopySource=source)["VersionId"]


def complete_multipart_upload(bucket: WatchedBucket) -> str:
    upload = {
        "Bucket": bucket.name,
        "Key": KEY,
        "UploadId": bucket.s3.create_multipart_upload(Bucket=bucket.name, Key=KEY)["UploadId"],
    }
    part = bucket.s3.upload_part(**upload, PartNumber=1, Body=b"content")
    parts = [{"PartNumber": 1, "ETag": part["ETag"]}]
    return bucket.s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})["VersionId"]


def delete(bucket: WatchedBucket) -> str:
    bucket.put()
    bucket.next_event()
    return bucket.s3.delete_object(Bucket=bucket.name, Key=KEY)["VersionId"]


def delete_version(bucket: WatchedBucket) -> str:
    version = bucket.put()
    bucket.next_event()
    bucket.s3.delete_object(Bucket=bucket.name, Key=KEY, VersionId=version)
    return version


@pytest.mark.parametrize("change", [put, copy, complete_multipart_upload, delete, delete_version])
def test_an_event_of_a_versioned_bucket_names_the_version(
    stock: Any, patched: Any, change: Callable[[WatchedBucket], str]
) -> None:
    bucket = WatchedBucket(stock)
    change(bucket)
    assert "version-id" not in bucket.next_event()["detail"]["object"]

    bucket = WatchedBucket(patched)
    version = change(bucket)
    assert bucket.next_event()["detail"]["object"]["version-id"] == version


def test_object_created_is_as_documented(patched: Any) -> None:
    bucket = WatchedBucket(patched)
    version = bucket.put()
    event = bucket.next_event()
    detail = event["detail"]
    assert event["detail-type"] == "Object Created"
    assert event["resources"] == [f"arn:aws:s3:::{bucket.name}"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", event["time"])
    assert detail["reason"] == "PutObject"
    assert detail["bucket"] == {"name": bucket.name}
    assert detail["object"] == {
        "key": KEY,
        "size": 7,
        "etag": "9a0364b9e99bb480dd25e1f0284c8555",
        "version-id": version,
        "sequencer": detail["object"]["sequencer"],
    }


def test_object_deleted_has_no_size_and_no_etag(stock: Any, patched: Any) -> None:
    bucket = WatchedBucket(stock)
    delete(bucket)
    assert bucket.next_event()["detail"]["object"]["size"] == 0

    bucket = WatchedBucket(patched)
    delete(bucket)
    detail = bucket.next_event()["detail"]
    assert detail["deletion-type"] == "Delete Marker Created"
    assert detail["object"].keys() == {"key", "version-id", "sequencer"}


def test_sequencers_grow_with_each_write_of_a_key(patched: Any) -> None:
    bucket = WatchedBucket(patched)
    versions = [bucket.put(bytes([count])) for count in range(8)]
    objects = [bucket.next_event()["detail"]["object"] for _ in versions]
    in_order = sorted(objects, key=lambda item: item["sequencer"])
    assert [item["version-id"] for item in in_order] == versions
    assert len({len(item["sequencer"]) for item in objects}) == 1
