"""ReportBatch: writes what became of each asset of a bulk reprocess beside its manifest, as a table and as counts."""

import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from tasks.report_batch.report import (
    DUPLICATE,
    NOT_STARTED,
    STILL_PROCESSING,
    Row,
    Summary,
    row_of,
    without_record,
    write,
)
from tasks.shared import clients
from tasks.shared.batched import batched
from tasks.shared.executions import Executions
from tasks.shared.naming import batch_key
from tasks.shared.objects import Objects
from tasks.shared.records.adapter import Records
from tasks.shared.records.table import BATCH_GET_MAX_KEYS
from tasks.shared.settings import from_environment
from tasks.shared.task import task
from workflow.shapes import Pointer, Run, dump

LOOK_UPS_MAX = 500
"""Of executions that left no trace in a record: a batch that was stopped early has many, which never started."""


class Settings(msgspec.Struct, frozen=True):
    table_name: str


@dataclass(frozen=True)
class Batch:
    """The part of the batch's input that the report needs."""

    batch: str
    manifest: Pointer


class Line(msgspec.Struct, frozen=True):
    """The part of a manifest's line that the report needs."""

    asset_id: str
    key: str


@dataclass(frozen=True)
class State:
    """`ingest` is the ARN of the alias by which the batch started executions."""

    batch: Batch
    ingest: str


@dataclass(frozen=True)
class Reported:
    """Where the table is, and its counts."""

    report: Pointer
    summary: Summary


settings = from_environment(Settings)
objects = Objects(clients.s3())
records = Records(clients.dynamodb(), settings.table_name)


@task("report_batch", State)
def handle(state: State, _run: Run) -> Reported:
    name, bucket = state.batch.batch, state.batch.manifest.bucket
    with tempfile.TemporaryDirectory() as folder:
        table = Path(folder) / "report.csv"
        summary = write(table, rows(state))
        report = Pointer(bucket=bucket, key=batch_key(name, table.name))
        objects.put_file(bucket, report.key, table, "text/csv; charset=utf-8")
    counts = json.dumps({"batch": name, **dump(summary)}, indent=2).encode()
    objects.put(bucket, batch_key(name, "summary.json"), counts, "application/json")
    return Reported(report=report, summary=summary)


def rows(state: State) -> Iterator[Row]:
    """In the order of the manifest, whatever its length, with a hundred assets in memory."""
    look_ups = iter(range(LOOK_UPS_MAX))
    for lines in batched(manifest(state.batch.manifest), BATCH_GET_MAX_KEYS):
        known = records.assets.many(line.asset_id for line in lines)
        unreadable = {each.asset_id: each for each in records.assets.unreadable()}
        for line in lines:
            asset, key = line.asset_id, line.key
            if asset in unreadable:
                yield without_record(key, unreadable[asset])
                continue
            found = row_of(key, known.get(asset), state.batch.batch)
            yield found or without_attempt(state, asset, key, look_ups)


def manifest(at: Pointer) -> Iterator[Line]:
    lines = clients.s3().get_object(Bucket=at.bucket, Key=at.key)["Body"].iter_lines()
    return (msgspec.json.decode(line, type=Line) for line in lines if line.strip())


def without_attempt(state: State, asset_id: str, key: str, look_ups: Iterator[int]) -> Row:
    """The row of an asset whose execution ended before it began an attempt, or never started."""
    name = f"{state.batch.batch}-{asset_id}"
    found = None if next(look_ups, None) is None else Executions(clients.stepfunctions(), state.ingest).find(name)
    if found is None:
        return Row(asset_id=asset_id, key=key, outcome=NOT_STARTED)
    if found.ended_badly:
        error = {"error": found.error.error, "message": found.error.message}
        return Row(asset_id=asset_id, key=key, outcome="failed", execution=name, **error)
    outcome = STILL_PROCESSING if found.lives else DUPLICATE
    return Row(asset_id=asset_id, key=key, outcome=outcome, execution=name)
