"""Does again what a dead letter of a stream asks for: it names a batch, whose records are read from the stream anew.

The functions write each thing once, under a key that follows from the records: what was done already is done only once.
"""

import base64
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec
from botocore.exceptions import ClientError

from workflow.errors import InputError
from workflow.limits import FUNCTIONS
from workflow.operator.client import Sluice

ANSWER_SECONDS = 30
"""Beside the function's own time."""
EMPTY_PAGES_MAX = 20
"""A stream may answer with nothing before it comes to what is asked for."""
GONE = frozenset({"TrimmedDataAccessException", "InvalidArgumentException", "ResourceNotFoundException"})


class Batch(msgspec.Struct, frozen=True, rename="camel"):
    """Where a batch is. Both numbers are those of records in it."""

    stream_arn: str
    shard_id: str
    start_sequence_number: str
    end_sequence_number: str


class Letter(msgspec.Struct, frozen=True):
    """What Lambda writes of a batch that it gave up."""

    of_table: Batch | None = msgspec.field(name="DDBStreamBatchInfo", default=None)
    of_data: Batch | None = msgspec.field(name="KinesisBatchInfo", default=None)


def hand_over(sluice: Sluice, reader: str, event: dict[str, Any]) -> str:
    """Have the function do what the message is about; its name. Raises InputError where that cannot be."""
    function = sluice.function_name(reader)
    client = sluice.aws.client("lambda", read_timeout=FUNCTIONS[reader].timeout_seconds + ANSWER_SECONDS)
    payload = json.dumps({"Records": _records(sluice, event)}, default=_plain).encode()
    answer = client.invoke(FunctionName=function, Payload=payload)
    told: Any = json.loads(answer["Payload"].read() or b"null") or {}
    if "FunctionError" in answer or told.get("batchItemFailures"):
        raise InputError(f"{function} failed again: {told.get('errorMessage') or 'its log says why'}.")
    return function


def _records(sluice: Sluice, event: dict[str, Any]) -> list[Any]:
    """As Lambda hands them over. A record that a function has set aside is the message itself."""
    if "eventSourceARN" in event:
        return [event]
    letter = msgspec.convert(event, Letter)
    try:
        if batch := letter.of_table:
            return list(_of_table(sluice.aws.client("dynamodbstreams"), batch))
        if batch := letter.of_data:
            return list(_of_data(sluice.aws.client("kinesis"), batch))
    except ClientError as exc:
        if exc.response.get("Error", {}).get("Code") in GONE:
            raise InputError(f"The stream no longer has these records: {exc}.") from exc
        raise
    raise InputError("It names no batch of a stream.")


def _of_table(streams: Any, batch: Batch) -> Iterator[Any]:
    begin = streams.get_shard_iterator(
        StreamArn=batch.stream_arn,
        ShardId=batch.shard_id,
        ShardIteratorType="AT_SEQUENCE_NUMBER",
        SequenceNumber=batch.start_sequence_number,
    )
    for found in _until_end(streams, begin["ShardIterator"], batch):
        who = {name[0].lower() + name[1:]: value for name, value in found.get("userIdentity", {}).items()}
        yield {**found, "eventSourceARN": batch.stream_arn, **({"userIdentity": who} if who else {})}


def _of_data(streams: Any, batch: Batch) -> Iterator[Any]:
    begin = streams.get_shard_iterator(
        StreamName=batch.stream_arn.rpartition("/")[2],
        ShardId=batch.shard_id,
        ShardIteratorType="AT_SEQUENCE_NUMBER",
        StartingSequenceNumber=batch.start_sequence_number,
    )
    for found in _until_end(streams, begin["ShardIterator"], batch):
        yield {
            "kinesis": {
                "kinesisSchemaVersion": "1.0",
                "partitionKey": found["PartitionKey"],
                "sequenceNumber": found["SequenceNumber"],
                "data": found["Data"],
                "approximateArrivalTimestamp": found["ApproximateArrivalTimestamp"],
            },
            "eventSource": "aws:kinesis",
            "eventVersion": "1.0",
            "eventID": f"{batch.shard_id}:{found['SequenceNumber']}",
            "eventName": "aws:kinesis:record",
            "awsRegion": batch.stream_arn.split(":")[3],
            "eventSourceARN": batch.stream_arn,
        }


def _until_end(streams: Any, position: str | None, batch: Batch) -> Iterator[Any]:
    """The records of a batch, all of them: raises InputError where the stream has lost some."""
    last, empty = "", 0
    while position and empty < EMPTY_PAGES_MAX and last != batch.end_sequence_number:
        page = streams.get_records(ShardIterator=position)
        for found in page["Records"]:
            sequence = _sequence(found)
            if not last and sequence != batch.start_sequence_number:
                raise InputError(f"The stream has no record {batch.start_sequence_number} any more.")
            if last == batch.end_sequence_number:
                return
            last = sequence
            yield found
        position, empty = page.get("NextShardIterator"), empty + (not page["Records"])
    if last != batch.end_sequence_number:
        raise InputError(f"The stream has no record {batch.end_sequence_number} any more.")


def _sequence(record: Any) -> str:
    return record.get("dynamodb", record)["SequenceNumber"]


def _plain(value: Any) -> Any:
    """Bytes and times as they are in Lambda's events."""
    return value.timestamp() if isinstance(value, datetime) else base64.b64encode(value).decode()
