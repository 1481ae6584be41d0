"""Dead letters of the streams are done again: what they name is read from the stream and handed to its function."""

import json
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import pytest

from tests.unit.cloud import AUDIT, DEAD_LETTERS, INGEST, REGION, Cloud
from tests.unit.cloud import client as client_of
from workflow.operator.client import Sluice
from workflow.operator.operations.dead_letters import queues, redrive_dead_letters

pytestmark = pytest.mark.wire

STREAM = "sluice-test-telemetry"


class Lambda:
    """Runs the functions themselves."""

    def __init__(self, functions: dict[str, Any]) -> None:
        self.functions = functions

    def invoke(self, *, FunctionName: str, Payload: bytes) -> Any:  # noqa: N803 - AWS's spelling
        name = FunctionName.removeprefix("sluice-test-")
        try:
            answer, failed = self.functions[name].handle(json.loads(Payload), None), {}
        except RuntimeError as exc:
            answer, failed = {"errorMessage": str(exc)}, {"FunctionError": "Unhandled"}
        return {"Payload": BytesIO(json.dumps(answer).encode()), **failed}


@pytest.fixture
def sluice(sluice: Sluice, functions: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> Sluice:
    monkeypatch.setattr("workflow.operator.operations.dead_letters.PATIENCE_SECONDS", 0)

    def client(name: str, **settings: Any) -> Any:
        return Lambda(functions) if name == "lambda" else client_of(name)

    monkeypatch.setattr(sluice, "aws", SimpleNamespace(**{**vars(sluice.aws), "client": client}))
    return sluice


@pytest.fixture
def changes(cloud: Cloud) -> dict[str, Any]:
    """Five changes in a table's stream; where they are."""
    table = cloud.dynamodb.create_table(
        TableName="streamed",
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": each, "AttributeType": "S"} for each in ("pk", "sk")],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )["TableDescription"]
    for number in range(5):
        item = {"pk": {"S": f"asset#{number}"}, "sk": {"S": "record"}}
        cloud.dynamodb.put_item(TableName="streamed", Item=item)
    streams = client_of("dynamodbstreams")
    arn = table["LatestStreamArn"]
    [shard] = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"]
    position = streams.get_shard_iterator(StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON")
    found = streams.get_records(ShardIterator=position["ShardIterator"])["Records"]
    numbers = [each["dynamodb"]["SequenceNumber"] for each in found]
    return {"streamArn": arn, "shardId": shard["ShardId"], "numbers": numbers}


@pytest.fixture
def lines() -> dict[str, Any]:
    """Five records in a data stream; where they are."""
    kinesis = client_of("kinesis")
    kinesis.create_stream(StreamName=STREAM, ShardCount=1)
    put = [
        kinesis.put_record(StreamName=STREAM, PartitionKey="1", Data=json.dumps({"n": number}).encode())
        for number in range(5)
    ]
    arn = kinesis.describe_stream_summary(StreamName=STREAM)["StreamDescriptionSummary"]["StreamARN"]
    return {"streamArn": arn, "shardId": put[0]["ShardId"], "numbers": [each["SequenceNumber"] for each in put]}


def bury(sluice: Sluice, queue: str, body: Any) -> None:
    sluice.aws.sqs.send_message(QueueUrl=sluice.stack.dead_letters[queue], MessageBody=json.dumps(body))


def batch(where: dict[str, Any], first: int, last: int) -> dict[str, Any]:
    """As Lambda names one."""
    numbers = where["numbers"]
    return {
        "shardId": where["shardId"],
        "startSequenceNumber": numbers[first],
        "endSequenceNumber": numbers[last],
        "batchSize": last - first + 1,
        "streamArn": where["streamArn"],
    }


def waiting(sluice: Sluice, queue: str) -> int | None:
    return next(each.messages for each in queues(sluice) if each.name == queue)


def test_changes_that_the_trail_lacks_are_read_from_the_tables_stream_and_kept(sluice, cloud, changes):
    bury(sluice, "audit", {"version": "1.0", "DDBStreamBatchInfo": batch(changes, 1, 3)})
    (done,) = redrive_dead_letters(sluice, "audit", by="ada")
    assert done.sent_to == "sluice-test-audit"
    assert [json.loads(each)["asset_id"] for each in cloud.contents(AUDIT).values()] == ["1", "2", "3"]
    assert waiting(sluice, "audit") == 0


def test_records_that_were_not_taken_in_are_read_from_the_data_stream(sluice, cloud, lines):
    bury(sluice, "telemetry", {"version": "1.0", "KinesisBatchInfo": batch(lines, 2, 4)})
    (done,) = redrive_dead_letters(sluice, "telemetry", by="ada")
    assert done.sent_to == "sluice-test-telemetry"
    assert list(cloud.contents(INGEST).values()) == [b'{"n": 2}\n{"n": 3}\n{"n": 4}\n']


def test_records_that_the_stream_has_lost_keep_their_message(sluice, cloud, lines):
    gone = batch(lines, 0, 4) | {"endSequenceNumber": str(int(lines["numbers"][4]) + 1)}
    bury(sluice, "telemetry", {"KinesisBatchInfo": gone})
    (done,) = redrive_dead_letters(sluice, "telemetry", by="ada")
    assert "any more" in done.kept
    assert (cloud.contents(INGEST), waiting(sluice, "telemetry")) == ({}, 1)


def test_changes_that_cannot_be_kept_again_keep_their_message(sluice, cloud, functions, changes, monkeypatch):
    def fail(_event: Any, _context: Any) -> Any:
        raise RuntimeError("the bucket is gone")

    monkeypatch.setattr(functions["audit"], "handle", fail)
    bury(sluice, "audit", {"DDBStreamBatchInfo": batch(changes, 0, 0)})
    (done,) = redrive_dead_letters(sluice, "audit", by="ada")
    assert "failed again: the bucket is gone" in done.kept
    assert waiting(sluice, "audit") == 1


def test_record_that_was_set_aside_is_handed_over_itself(sluice, cloud):
    cloud.sqs.create_queue(QueueName=DEAD_LETTERS.rpartition("/")[2])
    record = {
        "kinesis": {
            "sequenceNumber": "49590338271490256608559692538361571095921575989136588898",
            "partitionKey": "1",
            "data": "eyJuIjogN30=",
            "approximateArrivalTimestamp": 1764000000.5,
        },
        "eventID": "shardId-000000000000:49590338271490256608559692538361571095921575989136588898",
        "eventSourceARN": f"arn:aws:kinesis:{REGION}:123456789012:stream/{STREAM}",
    }
    bury(sluice, "telemetry", record)
    redrive_dead_letters(sluice, "telemetry", by="ada")
    assert list(cloud.contents(INGEST).values()) == [b'{"n": 7}\n']


@pytest.mark.parametrize("body", [{}, {"DDBStreamBatchInfo": {"shardId": "s"}}])
def test_message_that_names_no_batch_stays(sluice, body):
    bury(sluice, "audit", body)
    (done,) = redrive_dead_letters(sluice, "audit", by="ada")
    assert done.kept
    assert waiting(sluice, "audit") == 1
