"""audit: an object for each change of a record, which nothing writes twice and nobody removes.

Changes of an asset are in the order of their keys. One that could not be kept comes again with all that follow it.
"""

from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from tasks.audit.changes import Change, entry_of
from tasks.shared import clients
from tasks.shared.observe import count, counting, logger
from tasks.shared.settings import from_environment
from tasks.shared.streams import comes_again_from
from tasks.shared.write_once import put_once


class Settings(msgspec.Struct, frozen=True):
    audit_bucket: str


class Event(msgspec.Struct, frozen=True, rename="pascal"):
    records: list[Change]


settings = from_environment(Settings)
_encode = msgspec.json.Encoder(decimal_format="number").encode


@counting()
def handle(event: Any, _context: Any) -> dict[str, Any]:
    for change in msgspec.convert(event, Event).records:
        try:
            keep(change)
        except (ClientError, BotoCoreError):
            logger.exception("failed", extra={"key": change.key})
            return comes_again_from(change.dynamodb.sequence_number)
    return comes_again_from(None)


def keep(change: Change) -> None:
    if change.of_a_record:
        entry = _encode(entry_of(change))
        count("ChangesAudited", put_once(clients.s3(), settings.audit_bucket, change.key, entry, "application/json"))
