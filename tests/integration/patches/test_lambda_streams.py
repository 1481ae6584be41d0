"""A function that reads a stream: what it could not take comes again, in order, and ends at a destination."""

import io
import json
import uuid
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from tests.waiting import until

CODE = """
import base64, json, os, boto3

def number_of(record):
    if "kinesis" in record:
        return int(base64.b64decode(record["kinesis"]["data"]))
    return int(record["dynamodb"]["Keys"]["id"]["S"])

def sequence_of(record):
    return record.get("kinesis", {}).get("sequenceNumber") or record["dynamodb"]["SequenceNumber"]

def handle(event, _context):
    sqs, taken = boto3.client("sqs"), []
    for record in event["Records"]:
        number = number_of(record)
        if number == int(os.environ["POISON"]):
            if os.environ["HOW"] == "raise":
                raise RuntimeError("no")
            return {"batchItemFailures": [{"itemIdentifier": sequence_of(record)}]}
        sqs.send_message(QueueUrl=os.environ["TAKEN"], MessageBody=str(number))
    return {"batchItemFailures": []}
"""
POISON = 3
LAST = 5


def packed() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("code.py", CODE)
    return data.getvalue()


def table_stream(cloud: Any, name: str) -> tuple[str, Callable[[int], Any]]:
    """The ARN of a new table's stream, and how a record gets into it."""
    dynamodb = cloud.client("dynamodb")
    made = dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    arn = made["TableDescription"]["LatestStreamArn"]
    return arn, lambda number: dynamodb.put_item(TableName=name, Item={"id": {"S": str(number)}})


def data_stream(cloud: Any, name: str) -> tuple[str, Callable[[int], Any]]:
    kinesis = cloud.client("kinesis")
    kinesis.create_stream(StreamName=name, ShardCount=1)
    arn = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"]
    return arn, lambda number: kinesis.put_record(StreamName=name, Data=str(number).encode(), PartitionKey="one")


def read(cloud: Any, arn: str, name: str, *, how: str) -> tuple[str, str]:
    """URLs of the queues that tell what the function took, and what was given up."""
    sqs, lambda_ = cloud.client("sqs"), cloud.client("lambda")
    taken, given_up = (sqs.create_queue(QueueName=f"{name}-{each}")["QueueUrl"] for each in ("taken", "given-up"))
    destination = sqs.get_queue_attributes(QueueUrl=given_up, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    lambda_.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="code.handle",
        Role="arn:aws:iam::000000000000:role/any",
        Code={"ZipFile": packed()},
        Environment={"Variables": {"POISON": str(POISON), "HOW": how, "TAKEN": taken}},
    )
    lambda_.create_event_source_mapping(
        FunctionName=name,
        EventSourceArn=arn,
        StartingPosition="TRIM_HORIZON",
        BatchSize=10,
        BisectBatchOnFunctionError=True,
        MaximumRetryAttempts=2,
        FunctionResponseTypes=["ReportBatchItemFailures"],
        DestinationConfig={"OnFailure": {"Destination": destination}},
    )
    return taken, given_up


def received(cloud: Any, url: str) -> list[str]:
    messages = cloud.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    return [message["Body"] for message in messages]


@pytest.mark.parametrize(("stream", "info"), [(table_stream, "DDBStreamBatchInfo"), (data_stream, "KinesisBatchInfo")])
def test_a_record_that_the_function_dies_of_is_given_up_alone(patched: Any, stream: Any, info: str) -> None:
    name = f"s-{uuid.uuid4().hex}"
    arn, put = stream(patched, name)
    for number in range(LAST + 1):
        put(number)
    taken, given_up = read(patched, arn, name, how="raise")
    (message,) = until(lambda: received(patched, given_up))
    told = json.loads(message)
    assert told["requestContext"]["condition"] == "RetryAttemptsExhausted"
    assert (told[info]["batchSize"], told[info]["streamArn"]) == (1, arn)
    seen: set[str] = set()
    until(lambda: seen.update(received(patched, taken)) or str(LAST) in seen)
    assert str(POISON) not in seen


def test_what_is_reported_as_failed_comes_again_and_then_goes_to_the_destination(patched: Any) -> None:
    name = f"s-{uuid.uuid4().hex}"
    arn, put = table_stream(patched, name)
    for number in range(LAST + 1):
        put(number)
    _taken, given_up = read(patched, arn, name, how="report")
    (message,) = until(lambda: received(patched, given_up))
    assert json.loads(message)["DDBStreamBatchInfo"]["batchSize"] == LAST + 1 - POISON


def test_stock_takes_what_is_reported_as_failed_for_done(stock: Any) -> None:
    name = f"s-{uuid.uuid4().hex}"
    arn, put = table_stream(stock, name)
    put(POISON)
    taken, given_up = read(stock, arn, name, how="report")
    lambda_ = stock.client("lambda")
    (mapping,) = lambda_.list_event_source_mappings(FunctionName=name)["EventSourceMappings"]
    until(lambda: lambda_.get_event_source_mapping(UUID=mapping["UUID"])["LastProcessingResult"].startswith("OK"))
    assert (received(stock, taken), received(stock, given_up)) == ([], [])


def test_changes_that_nobody_read_outlive_a_restart(new_emulator: Callable[..., Any]) -> None:
    """The stock one loses those that come before its reader has looked where the stream ends: a race, so not shown."""
    cloud = new_emulator()
    arn, put = table_stream(cloud, "kept")
    taken, _given_up = read(cloud, arn, "kept", how="raise")
    put(1)
    until(lambda: received(cloud, taken))
    cloud.emulator.stop()

    cloud = new_emulator()
    for number in ("2", "4"):
        cloud.client("dynamodb").put_item(TableName="kept", Item={"id": {"S": number}})
    first = until(lambda: received(cloud, taken))
    assert "2" in first
