"""Quarantine: a file that can never succeed is moved aside, with its reason beside it."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec
from msgspec.structs import replace

from tasks.shared import clients
from tasks.shared.announce import Announcer
from tasks.shared.move import moved
from tasks.shared.naming import reason_key
from tasks.shared.objects import Objects
from tasks.shared.observe import count, working_for
from tasks.shared.outcome_events import bus_called
from tasks.shared.records.adapter import Records
from tasks.shared.records.model import Reason, Record, plain
from tasks.shared.settings import from_environment
from tasks.shared.task import task
from workflow.errors import InputError
from workflow.shapes import CaughtError, Pointer, Quarantined, Run


class Settings(msgspec.Struct, frozen=True):
    table_name: str
    topic_arn: str
    outcome_bus: str
    quarantine_bucket: str
    archive_bucket: str
    quarantine_days: int


@dataclass(frozen=True)
class State:
    """What Quarantine needs of the state, wherever the error was caught."""

    error: CaughtError


settings = from_environment(Settings)
objects = Objects(clients.copying_s3())
records = Records(clients.dynamodb(), settings.table_name)
announcer = Announcer(clients.sns(), records, settings.topic_arn, bus_called(settings.outcome_bus))


@task("quarantine", State)
def handle(state: State, run: Run) -> Quarantined:
    record = record_of(run)
    working_for(run, record.asset_id)
    records.claims.take(record.asset_id, run, delivery=False)  # a redriven execution has lost its claim
    reason = Reason(code=state.error.error, message=state.error.message)
    with set_aside(record) as original:
        if original.bucket == settings.quarantine_bucket:
            reason = replace(reason, until=kept_until())
            write_reason(original, record, reason, run)
        records.assets.finish(record.asset_id, run, "rejected", original=original, reason=reason)
    announcer.announce(replace(record, status="rejected", reason=reason, original=original), "rejected")
    records.claims.keep(record.asset_id, run)
    count("AssetsRejected")
    return Quarantined(code=reason.code, message=reason.message, original=original)


def record_of(run: Run) -> Record:
    """The record that Validate opened for this execution."""
    asset_id = records.links.asset_of(run.name)
    record = records.assets.get(asset_id) if asset_id else None
    if record is None:
        raise InputError(f"Execution {run.name} was rejected before it had an asset: there is nothing to set aside.")
    return record


@contextmanager
def set_aside(record: Record) -> Generator[Pointer]:
    """The original in quarantine; one that an earlier attempt archived stays in the archive."""
    if record.original.bucket == settings.archive_bucket:
        yield record.original
        return
    # The record may name the copy already, while a crash has left the upload itself.
    uploaded = Pointer(bucket=record.bucket, key=record.key, version_id=record.version_id)
    with moved(
        uploaded,
        bucket=settings.quarantine_bucket,
        storage_class="STANDARD",
        key=record.key,
        asset_id=record.asset_id,
        sha256=None,
        objects=objects,
    ) as original:
        yield original


def kept_until() -> str | None:
    """The day on which S3 lets go of the original; None where it never does."""
    days = settings.quarantine_days
    return (datetime.now(UTC) + timedelta(days=days)).date().isoformat() if days else None


def write_reason(original: Pointer, record: Record, reason: Reason, run: Run) -> None:
    """For whoever finds the file in the bucket without a look at the table."""
    facts = {
        "asset_id": record.asset_id,
        "bucket": record.bucket,
        "key": record.key,
        "version_id": record.version_id,
        "size": record.size,
        "etag": record.etag,
    }
    text = json.dumps({**plain(reason), **facts, "execution_arn": run.arn}, indent=2)
    objects.put(original.bucket, reason_key(original.key), text.encode(), "application/json")
