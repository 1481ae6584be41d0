"""telemetry: puts batches of a data stream into the ingest bucket as NDJSON, which the table kind turns into Parquet.

A batch that fails comes again as it was, and gives the same objects. What no table could be made of is set aside.
"""

from typing import Any

import msgspec

from tasks.shared import clients
from tasks.shared.observe import count, counting, logger
from tasks.shared.settings import from_environment
from tasks.shared.write_once import put_once
from tasks.telemetry.batches import Record, Refused, sorted_out

NDJSON = "application/x-ndjson"
REASON_LETTERS = 500


class Settings(msgspec.Struct, frozen=True):
    ingest_bucket: str
    rejects_url: str


class Event(msgspec.Struct, frozen=True, rename="pascal"):
    records: list[Record]


settings = from_environment(Settings)


@counting()
def handle(event: Any, _context: Any) -> None:
    """Refused records are told last: should it fail before, all of it comes again."""
    made, refused = sorted_out(msgspec.convert(event, Event).records)
    for each in made:
        new = put_once(clients.s3(), settings.ingest_bucket, each.key, each.lines, NDJSON)
        logger.info("put", extra={"key": each.key, "bytes": len(each.lines), "new": new})
        count("TelemetryObjects", new)
    for each in refused:
        set_aside(each)


def set_aside(refused: Refused) -> None:
    logger.error("set aside", extra={"record": refused.record.event_id, "reason": refused.reason})
    clients.sqs().send_message(
        QueueUrl=settings.rejects_url,
        MessageBody=msgspec.json.encode(refused.record).decode(),
        MessageAttributes={"reason": {"DataType": "String", "StringValue": refused.reason[:REASON_LETTERS]}},
    )
    count("TelemetryRefused")
