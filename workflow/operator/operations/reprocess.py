"""Processes assets again: a few at once, many as a batch of the reprocess state machine, which can be resumed.

A batch's manifest and report are in the operations bucket under its name, which is its execution's name too.
"""

import csv
import io
import json
import secrets
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import chain, islice
from typing import Any

import msgspec
from botocore.exceptions import ClientError

from tasks.report_batch.report import Row, Summary
from tasks.shared.batched import batched
from tasks.shared.executions import execution_arn
from tasks.shared.naming import batch_key
from tasks.shared.records.attempts import is_done
from tasks.shared.records.model import Record
from tasks.shared.records.table import BATCH_GET_MAX_KEYS
from workflow.operator.client import Sluice
from workflow.operator.operations import NotPossibleError, start_again
from workflow.operator.patience import PROBLEMS, patiently
from workflow.operator.stack import LOCAL, NotThereError
from workflow.reprocess import TOO_MANY_FAILURES

A_HANDFUL = 10
"""So many are started directly; more become a batch."""
CONCURRENCY, LOCAL_CONCURRENCY = 20, 4
TOLERATE_ALL_PERCENT = 100
MANIFEST = "manifest.jsonl"
NOT_REDRIVABLE = {"ExecutionNotRedrivable", "ExecutionLimitExceeded"}


@dataclass(frozen=True, kw_only=True)
class Batch:
    """What was started: a batch, or without a name just the `executions` of a few assets.

    Then `problems` says by asset why one was not.
    """

    name: str | None
    arn: str | None
    count: int
    executions: tuple[str, ...] = ()
    problems: dict[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, kw_only=True)
class BatchProgress:
    """Show a batch's progress. Assets by state: `aborted` are those that an interruption or a stop left undone."""

    name: str
    arn: str
    status: str
    total: int
    pending: int
    running: int
    succeeded: int
    failed: int
    aborted: int
    started: datetime
    stopped: datetime | None
    error: str | None = None

    @property
    def ended(self) -> int:
        return self.succeeded + self.failed

    @property
    def is_running(self) -> bool:
        return self.status in {"RUNNING", "PENDING_REDRIVE"}


@dataclass(frozen=True)
class ListedBatch:
    """A batch as a list tells it."""

    name: str
    status: str
    started: datetime
    stopped: datetime | None


@dataclass(frozen=True)
class Line:
    """A line of a manifest: an asset, and which object it is."""

    asset_id: str
    bucket: str
    key: str
    version_id: str


@dataclass(frozen=True)
class Manifest:
    """Where the lines are."""

    bucket: str
    key: str


@dataclass(frozen=True)
class Options:
    """What a batch was asked for besides its assets."""

    by: str
    why: str
    tolerate_percent: float
    concurrency: int


@dataclass(frozen=True)
class BatchInput(Options):
    """The input of a batch's execution."""

    batch: str
    manifest: Manifest


def usual_concurrency(sluice: Sluice) -> int:
    return LOCAL_CONCURRENCY if sluice.stack.stage == LOCAL else CONCURRENCY


def reprocess(
    sluice: Sluice,
    records: Iterable[Record],
    *,
    by: str,
    why: str = "",
    concurrency: int | None = None,
    tolerate_percent: float = TOLERATE_ALL_PERCENT,
) -> Batch:
    """Start it; `tolerate_percent` of a batch may fail before it stops."""
    waiting = iter(records)
    first = list(islice(waiting, A_HANDFUL + 1))
    if len(first) <= A_HANDFUL:
        return _start_each(sluice, first, by=by, why=why)
    name = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
    options = Options(by, why, tolerate_percent, concurrency or usual_concurrency(sluice))
    return _start_batch(sluice, name, map(_line, chain(first, waiting)), options)


def _start_each(sluice: Sluice, records: Iterable[Record], *, by: str, why: str) -> Batch:
    started, problems = list[str](), dict[str, str]()
    for each in records:
        try:
            started.append(patiently(partial(start_again, sluice, each, trigger="reprocess", by=by, why=why)))
        except PROBLEMS as exc:
            problems[each.asset_id] = str(exc)
    return Batch(name=None, arn=None, count=len(started), executions=tuple(started), problems=problems)


def _line(record: Record) -> Line:
    return Line(record.asset_id, record.bucket, record.key, record.version_id)


def _start_batch(sluice: Sluice, name: str, lines: Iterable[Line], options: Options) -> Batch:
    manifest = Manifest(sluice.buckets.operations, batch_key(name, MANIFEST))
    count = _write_manifest(sluice, manifest, lines)
    started = sluice.aws.stepfunctions.start_execution(
        stateMachineArn=sluice.stack.reprocess_machine_arn,
        name=name,
        input=json.dumps({"manifest": asdict(manifest), "batch": name, **asdict(options)}),
    )
    return Batch(name=name, arn=started["executionArn"], count=count)


def _write_manifest(sluice: Sluice, manifest: Manifest, lines: Iterable[Line]) -> int:
    with tempfile.TemporaryFile() as file:
        count = 0
        for count, line in enumerate(lines, 1):  # noqa: B007 - counts
            file.write(json.dumps(asdict(line)).encode() + b"\n")
        file.seek(0)
        sluice.aws.s3.upload_fileobj(file, manifest.bucket, manifest.key)
    return count


def batch(sluice: Sluice, name: str) -> BatchProgress:
    """Show a batch's progress."""
    found = _execution(sluice, name)
    runs = sluice.aws.stepfunctions.list_map_runs(executionArn=found["executionArn"])["mapRuns"]
    counts: Any = dict[str, int]()
    if runs:
        counts = sluice.aws.stepfunctions.describe_map_run(mapRunArn=runs[0]["mapRunArn"])["itemCounts"]
    return BatchProgress(
        name=name,
        arn=found["executionArn"],
        status=found["status"],
        error=found.get("error"),
        started=found["startDate"],
        stopped=found.get("stopDate"),
        failed=counts.get("failed", 0) + counts.get("timedOut", 0),
        **{each: counts.get(each, 0) for each in ("total", "pending", "running", "succeeded", "aborted")},
    )


def batches(sluice: Sluice, limit: int = 20) -> list[ListedBatch]:
    """The newest batches."""
    pages = sluice.aws.stepfunctions.get_paginator("list_executions").paginate(
        stateMachineArn=sluice.stack.reprocess_machine_arn
    )
    found = islice((each for page in pages for each in page["executions"]), limit)
    return [ListedBatch(each["name"], each["status"], each["startDate"], each.get("stopDate")) for each in found]


def resume(sluice: Sluice, name: str, *, by: str) -> Batch:
    """Go on with what an ended batch left undone: as the same batch where AWS redrives it, else as one that follows.

    A batch that ended by itself, or on too many failures, has nothing to redrive: what failed is tried once more.
    """
    found = _execution(sluice, name)
    wanted = msgspec.json.decode(found["input"], type=BatchInput)
    if found["status"] in {"RUNNING", "PENDING_REDRIVE"}:
        raise NotPossibleError(f"Batch {name} is at work. Follow it with: sluice batch {name} --follow")
    if found["status"] != "SUCCEEDED" and found.get("error") != TOO_MANY_FAILURES and _redriven(sluice, found):
        return Batch(name=name, arn=found["executionArn"], count=batch(sluice, name).total)
    return _follow_up(sluice, wanted, by)


def _redriven(sluice: Sluice, execution: Any) -> bool:
    try:
        sluice.aws.stepfunctions.redrive_execution(executionArn=execution["executionArn"])
    except ClientError as exc:
        if exc.response.get("Error", {}).get("Code") not in NOT_REDRIVABLE:
            raise
        return False
    return True


def _follow_up(sluice: Sluice, wanted: BatchInput, by: str) -> Batch:
    undone = _undone(sluice, wanted)
    some = next(undone, None)
    if some is None:
        raise NotPossibleError(f"Batch {wanted.batch} is done: each of its assets has succeeded, or was rejected.")
    options = Options(by, wanted.why, wanted.tolerate_percent, wanted.concurrency)
    return _start_batch(sluice, _next_name(wanted.batch), chain([some], undone), options)


def _next_name(name: str) -> str:
    """20261123-093000-1f0e → 20261123-093000-1f0e-r2, and then -r3."""
    first, _, number = name.partition("-r")
    return f"{first}-r{int(number or 1) + 1}"


def _undone(sluice: Sluice, wanted: BatchInput) -> Iterator[Line]:
    """The lines of the manifest whose asset has not ended for good since the batch took it."""
    body = sluice.aws.s3.get_object(Bucket=wanted.manifest.bucket, Key=wanted.manifest.key)["Body"]
    lines = (msgspec.json.decode(line, type=Line) for line in body.iter_lines())
    for lot in batched(lines, BATCH_GET_MAX_KEYS):
        known = sluice.records.assets.many(line.asset_id for line in lot)
        for line in lot:
            record = known.get(line.asset_id)
            if record is None or not is_done(record.attempts, wanted.batch):
                yield line


def stop(sluice: Sluice, name: str, *, by: str) -> None:
    """Stop a batch and the executions that it waits for; `resume` goes on with them."""
    found = _execution(sluice, name)
    if found["status"] not in {"RUNNING", "PENDING_REDRIVE"}:
        raise NotPossibleError(f"Batch {name} is not at work: it is {found['status']}.")
    sluice.aws.stepfunctions.stop_execution(executionArn=found["executionArn"], error="Stopped", cause=f"By {by}")


def report(sluice: Sluice, name: str) -> list[Row]:
    """What became of each asset of an ended batch: the rows of its report."""
    text = _read(sluice, name, "report.csv").decode()
    return [Row(**row) for row in csv.DictReader(io.StringIO(text, newline=""))]


def summary(sluice: Sluice, name: str) -> Summary:
    """The counts of an ended batch's report."""
    return msgspec.json.decode(_read(sluice, name, "summary.json"), type=Summary)


def _read(sluice: Sluice, name: str, file: str) -> bytes:
    _execution(sluice, name)
    try:
        found = sluice.aws.s3.get_object(Bucket=sluice.buckets.operations, Key=batch_key(name, file))
    except sluice.aws.s3.exceptions.NoSuchKey:
        raise NotThereError(f"Batch {name} has no report: it is written at the end, also of one that failed.") from None
    return found["Body"].read()


def _execution(sluice: Sluice, name: str) -> Any:
    arn = execution_arn(sluice.stack.reprocess_machine_arn, name)
    try:
        return sluice.aws.stepfunctions.describe_execution(executionArn=arn)
    except ClientError as exc:
        if exc.response.get("Error", {}).get("Code") in {"ExecutionDoesNotExist", "InvalidArn"}:
            raise NotThereError(f"There is no batch {name}. `sluice batches` lists them.") from exc
        raise
