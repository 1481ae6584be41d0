"""Mappings of DynamoDB and Kinesis streams: partial failures, bisected batches, and an end of the retries.

Defect: a batch counts as taken whatever `batchItemFailures` says, one that the function fails on comes again as a whole
for ever.
AWS: https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html
The delays are shorter here than AWS's.
"""

import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, cast

from infra.local.ministack import lambda_svc
from infra.local.patches import queues

FIRST_DELAY_SECONDS = 0.05
MAX_DELAY_SECONDS = 1.0
STREAMS = {"aws:dynamodb": ("dynamodb", "DDBStreamBatchInfo"), "aws:kinesis": ("kinesis", "KinesisBatchInfo")}
"""Where a record of each source has what is particular to it, and what a failure's message calls a batch."""
TAKEN: dict[str, Any] = {"error": False, "body": None}
EXHAUSTED = "RetryAttemptsExhausted"

Record = dict[str, Any]
Mapping = dict[str, Any]
Invoke = Callable[[list[Record]], dict[str, Any]]


@dataclass(frozen=True)
class Batch:
    records: list[Record]
    retries: int = 0


_stock_execute = lambda_svc._execute_function


def install() -> None:
    lambda_svc._execute_function = execute


def execute(function: Any, event: Any) -> dict[str, Any]:
    """As stock, but for a batch of a stream: then it returns once each record was taken or given up."""
    mapping = mapping_of(function, event)
    if mapping is None:
        return _stock_execute(function, event)
    deliver(mapping, lambda records: _stock_execute(function, {"Records": records}), event["Records"])
    return TAKEN


def mapping_of(function: Any, event: Any) -> Mapping | None:
    """The mapping that leads from the stream of a batch to the function; None for an event that is no such batch."""
    first = first_record(event)
    if first.get("eventSource") not in STREAMS:
        return None
    led = (first["eventSourceARN"], (function.get("config") or function)["FunctionName"])
    mappings = (each for _account, _region, each in lambda_svc._iter_all_esms())
    return next((each for each in mappings if (each["EventSourceArn"], each["FunctionName"]) == led), None)


def first_record(event: Any) -> Record:
    match event:
        case {"Records": [{} as record, *_]}:
            return cast("Record", record)
        case _:
            return {}


def deliver(mapping: Mapping, invoke: Invoke, records: list[Record]) -> None:
    """In order, and halved where the function fails and the mapping says so."""
    waiting = [Batch(records)]
    while waiting and lambda_svc._esms.get(mapping["UUID"]):
        batch = waiting.pop(0)
        result = invoke(batch.records)
        failed = first_failed(mapping, result, batch.records)
        if failed is not None:
            waiting = [*after_failure(mapping, result, batch, failed), *waiting]


def first_failed(mapping: Mapping, result: dict[str, Any], records: list[Record]) -> int | None:
    """The position of the first record that is to come again. A number that is not in the batch means all of it."""
    if result.get("error"):
        return 0
    if "ReportBatchItemFailures" not in mapping.get("FunctionResponseTypes", []):
        return None
    body = result.get("body")
    answer: dict[str, Any] = (json.loads(body) if isinstance(body, str | bytes) else body) or {}
    named = {each["itemIdentifier"] for each in cast("list[dict[str, str]]", answer.get("batchItemFailures") or [])}
    positions = [number for number, record in enumerate(records) if sequence(record) in named]
    return min(positions, default=0) if named else None


def after_failure(mapping: Mapping, result: dict[str, Any], batch: Batch, failed: int) -> list[Batch]:
    rest = batch.records[failed:]
    if result.get("throttle"):
        time.sleep(MAX_DELAY_SECONDS)
        return [batch]
    if result.get("error") and mapping.get("BisectBatchOnFunctionError") and len(rest) > 1:
        middle = len(rest) // 2
        return [replace(batch, records=rest[:middle]), replace(batch, records=rest[middle:])]
    allowed = mapping.get("MaximumRetryAttempts", -1)
    if 0 <= allowed <= batch.retries:
        tell(mapping, rest, batch.retries + 1)
        return []
    time.sleep(min(FIRST_DELAY_SECONDS * 2**batch.retries, MAX_DELAY_SECONDS))
    return [Batch(rest, batch.retries + 1)]


def tell(mapping: Mapping, records: list[Record], invocations: int) -> None:
    """What AWS sends to the destination: where the records are in the stream, and not the records."""
    destination = mapping.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
    if not destination:
        return
    _particular, info = STREAMS[records[0]["eventSource"]]
    message = {
        "requestContext": {
            "requestId": str(uuid.uuid4()),
            "functionArn": mapping["FunctionArn"],
            "condition": EXHAUSTED,
            "approximateInvokeCount": invocations,
        },
        "version": "1.0",
        "timestamp": datetime.now(UTC).isoformat(),
        info: {
            "shardId": "shardId-000000000000",
            "startSequenceNumber": sequence(records[0]),
            "endSequenceNumber": sequence(records[-1]),
            "batchSize": len(records),
            "streamArn": mapping["EventSourceArn"],
        },
    }
    queues.send(destination, json.dumps(message), {})


def sequence(record: Record) -> str:
    particular = record[STREAMS[record["eventSource"]][0]]
    return particular.get("SequenceNumber") or particular["sequenceNumber"]
