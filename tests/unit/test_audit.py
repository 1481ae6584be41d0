"""The audit trail's function, with the events that AWS documents for DynamoDB's streams."""

import json
from types import ModuleType
from typing import Any

import pytest
from boto3.dynamodb.types import TypeSerializer
from botocore.exceptions import EndpointConnectionError

from tests.unit.cloud import AUDIT, Cloud

EXPIRED = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
ATTEMPT = {"execution": "e-1", "trigger": "reprocess", "by": "ann", "why": "a better recipe", "number": 1}


def change(
    sequence: int, old: dict[str, Any] | None, new: dict[str, Any] | None, sk: str = "record", **more: Any
) -> dict[str, Any]:
    """A record of the stream as DynamoDB's guide shows it."""
    what = "INSERT" if old is None else "REMOVE" if new is None else "MODIFY"
    images = {"OldImage": old, "NewImage": new}
    wire = {name: TypeSerializer().serialize(image)["M"] for name, image in images.items() if image is not None}
    return {
        "eventID": f"c4ca4238a0b923820dcc509a6f75849{sequence}",
        "eventName": what,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "eu-central-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1764000000,
            "Keys": {"pk": {"S": "asset#0a1b"}, "sk": {"S": sk}},
            "SequenceNumber": str(4421584500000000017450439091 + sequence),
            "SizeBytes": 26,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
            **wire,
        },
        "eventSourceARN": "arn:aws:dynamodb:eu-central-1:123456789012:table/t/stream/2026-11-23T00:00:00.000",
        **more,
    }


@pytest.fixture
def audit(functions: dict[str, ModuleType], cloud: Cloud) -> Any:
    """The function: gives the numbers that are to come again."""

    def handle(*changes: dict[str, Any]) -> list[str]:
        answered = functions["audit"].handle({"Records": list(changes)}, None)
        return [each["itemIdentifier"] for each in answered["batchItemFailures"]]

    return handle


def entries(cloud: Cloud) -> list[dict[str, Any]]:
    """In the order of their keys."""
    return [json.loads(cloud.read(AUDIT, key)) for key in cloud.keys(AUDIT)]


def test_entry_says_who_changed_what_and_when_with_only_what_changed(audit, cloud):
    old = {"kind": "image", "status": "processing", "attempts": [ATTEMPT], "width": 12}
    assert audit(change(1, old, {**old, "status": "succeeded", "ratio": "1.5"})) == []
    (entry,) = entries(cloud)
    assert entry == {
        "asset_id": "0a1b",
        "sequence": "4421584500000000017450439092",
        "event_id": "c4ca4238a0b923820dcc509a6f758491",
        "at": "2025-11-24T16:00:00+00:00",
        "what": "changed",
        "who": {"by": "ann", "why": "a better recipe", "trigger": "reprocess", "execution": "e-1"},
        "before": {"status": "processing"},
        "after": {"status": "succeeded", "ratio": "1.5"},
    }


def test_created_and_removed_records_are_kept_whole(audit, cloud):
    record = {"status": "processing", "size": 3}
    audit(change(1, None, record), change(2, record, None))
    assert [(each["what"], each["before"], each["after"]) for each in entries(cloud)] == [
        ("created", {}, record),
        ("removed", record, {}),
    ]


def test_what_dynamodb_removes_by_itself_is_marked(audit, cloud):
    audit(change(1, {"status": "succeeded", "attempts": [ATTEMPT]}, None, userIdentity=EXPIRED))
    assert [each["who"] for each in entries(cloud)] == [{"by": "dynamodb.amazonaws.com"}]


@pytest.mark.parametrize("damaged", [{"attempts": "none"}, {"attempts": [7]}, {"discarded": []}])
def test_change_of_an_unreadable_record_is_kept_without_who(audit, cloud, damaged):
    assert audit(change(1, {"status": "failed"}, {"status": "failed", **damaged})) == []
    assert [(each["who"], each["after"]) for each in entries(cloud)] == [({}, damaged)]


def test_person_who_gave_the_original_up_is_named(audit, cloud):
    audit(change(1, {"attempts": [ATTEMPT]}, {"attempts": [ATTEMPT], "discarded": {"by": "bob", "why": "spam"}}))
    ((who,),) = ([each["who"]] for each in entries(cloud))
    assert (who["by"], who["why"]) == ("bob", "spam")


@pytest.mark.parametrize("sk", ["claim", "asset", "current"])
def test_claims_links_and_current_versions_are_left_out(audit, cloud, sk):
    assert audit(change(1, None, {"held": True}, sk)) == []
    assert cloud.keys(AUDIT) == []


def test_changes_of_an_asset_are_in_the_order_of_their_keys(audit, cloud):
    changes = [change(number, {"step": number}, {"step": number + 1}) for number in (2, 10, 9, 1)]
    audit(*changes)
    assert [each["after"]["step"] for each in entries(cloud)] == [2, 3, 10, 11]


def test_change_that_comes_again_is_kept_once_and_as_it_was(audit, cloud):
    audit(change(1, None, {"status": "processing"}))
    audit(change(1, None, {"status": "forged"}))
    assert [each["after"] for each in entries(cloud)] == [{"status": "processing"}]


def test_change_that_could_not_be_kept_comes_again_with_all_that_follow(audit, cloud, monkeypatch, functions):
    put, keys = functions["audit"].put_once, []

    def failing(s3: Any, bucket: str, key: str, *more: Any) -> bool:
        keys.append(key)
        if len(keys) == 2:
            raise EndpointConnectionError(endpoint_url="https://s3")
        return put(s3, bucket, key, *more)

    monkeypatch.setattr(functions["audit"], "put_once", failing)
    changes = [change(number, None, {"step": number}) for number in (1, 2, 3)]
    assert audit(*changes) == [changes[1]["dynamodb"]["SequenceNumber"]]
    assert [each["after"]["step"] for each in entries(cloud)] == [1]
    assert audit(*changes[1:]) == []
    assert [each["after"]["step"] for each in entries(cloud)] == [1, 2, 3]
