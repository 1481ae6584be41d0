"""continue_restored: an original came out of Glacier; what was to follow begins.

Started by S3's "Object Restore Completed" event, hours or days after somebody asked for it. Nothing waits meanwhile.
"""

from typing import Any

import msgspec

from tasks.shared import clients
from tasks.shared.executions import Executions
from tasks.shared.naming import asset_of_original
from tasks.shared.observe import counting, logger
from tasks.shared.records.adapter import Records
from tasks.shared.records.model import Record, Restore
from tasks.shared.restored import continuation
from tasks.shared.settings import from_environment
from workflow.shapes import parse


class Settings(msgspec.Struct, frozen=True):
    table_name: str
    state_machine_arn: str


class Object(msgspec.Struct):
    key: str


class Detail(msgspec.Struct, rename="kebab"):
    """The part of the event that names the original, and until when its copy can be read (ISO 8601)."""

    object: Object
    restore_expiry_time: str


class RestoreCompleted(msgspec.Struct):
    detail: Detail


settings = from_environment(Settings)
records = Records(clients.dynamodb(), settings.table_name)


@counting()
def handle(event: Any, _context: Any) -> None:
    restored = parse(event, RestoreCompleted).detail
    record = records.assets.get(asset_of_original(restored.object.key) or "")
    if record is None:
        logger.warning("restored, but no asset of ours", extra={"key": restored.object.key})
        return
    logger.info("restored", extra={"asset_id": record.asset_id, "until": restored.restore_expiry_time})
    asked = record.restore
    goes_on = asked is not None and asked.then_reprocess
    if asked and goes_on:
        start(record, asked)
    records.assets.note_restored(record.asset_id, restored.restore_expiry_time, done=not goes_on)


def start(record: Record, asked: Restore) -> None:
    """Start what was asked for; an event that comes again finds that it has been started."""
    Executions(clients.stepfunctions(), settings.state_machine_arn).start(*continuation(record, asked))
