"""The telemetry function, with the events that AWS documents for Kinesis."""

import base64
import json
from types import ModuleType
from typing import Any

import pytest

from tests.unit.cloud import DEAD_LETTERS, INGEST, Cloud

FIRST = 49590338271490256608559692538361571095921575989136588898
NOON = 1764000000.987
HOUR = 3600


def record(data: Any, number: int = 0, arrived: float = NOON) -> dict[str, Any]:
    """As Lambda's guide shows it."""
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": "1",
            "sequenceNumber": str(FIRST + number),
            "data": base64.b64encode(raw).decode(),
            "approximateArrivalTimestamp": arrived,
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"shardId-000000000006:{FIRST + number}",
        "eventName": "aws:kinesis:record",
        "invokeIdentityArn": "arn:aws:iam::123456789012:role/lambda-role",
        "awsRegion": "us-east-2",
        "eventSourceARN": "arn:aws:kinesis:us-east-2:123456789012:stream/lambda-stream",
    }


@pytest.fixture
def telemetry(functions: dict[str, ModuleType], cloud: Cloud) -> Any:
    cloud.sqs.create_queue(QueueName=DEAD_LETTERS.rpartition("/")[2])
    return lambda *records: functions["telemetry"].handle({"Records": list(records)}, None)


def set_aside(cloud: Cloud) -> list[Any]:
    received = cloud.sqs.receive_message(
        QueueUrl=DEAD_LETTERS, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    ).get("Messages", [])
    return [(json.loads(each["Body"]), each["MessageAttributes"]["reason"]["StringValue"]) for each in received]


def test_batch_is_one_object_of_a_line_for_each_record(telemetry, cloud):
    telemetry(record({"device": "a", "celsius": 20.5}, 0), record({"device": "b", "celsius": 21}, 1))
    assert cloud.contents(INGEST) == {
        f"telemetry/lambda-stream/2025/11/24/16/shardId-000000000006-{FIRST}-{FIRST + 1}.ndjson": (
            b'{"device": "a", "celsius": 20.5}\n{"device": "b", "celsius": 21}\n'
        )
    }


def test_batch_that_comes_again_changes_nothing(telemetry, cloud):
    batch = [record({"number": number}, number) for number in range(3)]
    telemetry(*batch)
    telemetry(*batch)
    assert len(cloud.versions(INGEST)) == 1


def test_record_may_have_several_objects(telemetry, cloud):
    telemetry(record(b'{"a": 1}\n\n{"a": 12345678901234567890.12345678901234567890}\r\n'))
    assert list(cloud.contents(INGEST).values()) == [b'{"a": 1}\n{"a": 12345678901234567890.12345678901234567890}\n']


def test_records_are_in_the_folder_of_the_hour_in_which_they_arrived(telemetry, cloud):
    telemetry(record({"a": 1}, 0), record({"a": 2}, 1, NOON + HOUR))
    assert [key.split("/")[5] for key in cloud.keys(INGEST)] == ["16", "17"]


@pytest.mark.parametrize(
    "bad",
    [b"hello", b"[1]", b'{"a": 1}{"b": 2}', b'{"a": "\xff"}', b'{"a": 1', b'{"a": ' + b"[" * 64 + b"]" * 64 + b"}"],
)
def test_record_that_no_table_can_be_made_of_is_set_aside_alone_with_the_reason(telemetry, cloud, bad):
    telemetry(record({"a": 1}, 0), record(bad, 1), record({"a": 3}, 2))
    assert list(cloud.contents(INGEST).values()) == [b'{"a": 1}\n{"a": 3}\n']
    ((told, reason),) = set_aside(cloud)
    assert base64.b64decode(told["kinesis"]["data"]) == bad
    assert reason.startswith("Not a JSON object in each line: ")


def test_batch_of_nothing_good_makes_no_object(telemetry, cloud):
    telemetry(record(b"hello"))
    assert (cloud.keys(INGEST), len(set_aside(cloud))) == ([], 1)
