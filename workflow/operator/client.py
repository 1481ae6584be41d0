"""What a person does with Sluice, as calls: upload, start, follow, look up, fetch. Speaks only boto3."""

import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cached_property, partial
from itertools import chain, islice, repeat
from pathlib import Path
from typing import Any, cast, get_args

from botocore.exceptions import ClientError

from tasks.shared.batched import batched
from tasks.shared.executions import EVER, LIVE, Executions, back_to, execution_arn
from tasks.shared.failures import denies_failure
from tasks.shared.naming import asset_id, asset_of_original
from tasks.shared.records.adapter import Records
from tasks.shared.records.attempts import is_over
from tasks.shared.records.model import Record, Status, Unreadable
from tasks.shared.records.table import BATCH_GET_MAX_KEYS
from workflow.events import ENDED_BADLY
from workflow.history import StateRun, state_runs
from workflow.limits import FUNCTIONS, TASKS, functions_of, task_of
from workflow.names import function_name
from workflow.operator.patience import patiently
from workflow.operator.shapes import (
    Asset,
    Execution,
    ExecutionLine,
    LogLine,
    Original,
    Outcome,
    Uploaded,
    Version,
    seconds_between,
)
from workflow.operator.stack import Buckets, Connection, NotThereError, Stack
from workflow.operator.unrecorded import RECORD_GRACE_SECONDS, Overdue, truly, unrecorded
from workflow.operator.uploads import Progress, Upload, is_text, upload
from workflow.shapes import CaughtError, ExecutionInput, MadeFile, Pointer, dump

UPLOADS_AT_ONCE = 8
POLL_SECONDS = 0.25
FOLLOW_PAUSES_SECONDS = (0.25, 0.5, 1, 2, 3)
"""The last one again and again: those who follow many at once share DescribeExecution's 15 a second."""
ASK_EVERY = timedelta(seconds=10)
LATELY = timedelta(days=1)
"""The sweeper has written down what is older."""
LOG_LEAD = timedelta(minutes=1)
"""What the clocks of functions may be apart, and what an execution logs before its asset has a record."""
STATUSES: tuple[str, ...] = get_args(Status)

_ASSET_ID = re.compile(r"[0-9a-f]{32}")
_S3_URI = re.compile(r"s3://(?P<bucket>[^/]+)/(?P<key>.+)", re.DOTALL)


class ExecutionStatus(StrEnum):
    """How an execution is doing, in Step Functions' words."""

    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"
    TIMED_OUT = "TIMED_OUT"
    ABORTED = "ABORTED"
    PENDING_REDRIVE = "PENDING_REDRIVE"


class Sluice:
    """One deployed stage."""

    def __init__(self, connection: Connection) -> None:
        self.aws = connection
        self._asked = datetime.min.replace(tzinfo=UTC)
        self._heard: dict[str, Record] = {}

    @cached_property
    def records(self) -> Records:
        return Records(self.aws.dynamodb, self.stack.table, self.stack.old_indexes)

    @property
    def stack(self) -> Stack:
        return self.aws.stack

    @property
    def buckets(self) -> Buckets:
        return self.stack.buckets

    def _place(self, bucket: str) -> str:
        return next((name for name, each in asdict(self.buckets).items() if each == bucket), bucket)

    # uploads

    def put(self, items: Sequence[Upload], progress: Progress) -> Iterator[Uploaded]:
        """Upload files, several at once; yields them in the order given."""
        with ThreadPoolExecutor(UPLOADS_AT_ONCE) as pool:
            yield from pool.map(partial(self.put_one, progress), items)

    def put_one(self, progress: Progress, item: Upload) -> Uploaded:
        """Upload a file, as a new version of its key."""
        bucket = self.buckets.ingest
        version_id = upload(self.aws.s3, bucket, item, progress)
        return Uploaded(item, version_id, asset_id(bucket, item.key, version_id))

    # executions

    def start(self, wanted: ExecutionInput) -> str:
        """Start an execution for an object, wherever its original is; the execution's name."""
        started = self.aws.stepfunctions.start_execution(
            stateMachineArn=self.stack.state_machine_alias_arn, input=json.dumps(dump(wanted))
        )
        return started["executionArn"].rpartition(":")[2]

    def executions(
        self,
        *,
        status: str | None = None,
        since: datetime | None = None,
        error: str | None = None,
        limit: int = 50,
    ) -> list[ExecutionLine]:
        """The newest executions that were started `since`, each with the key of the asset that it works on."""
        filters: dict[str, Any] = {"statusFilter": status} if status else {}
        pages = self.aws.stepfunctions.get_paginator("list_executions").paginate(
            stateMachineArn=self.stack.state_machine_arn, **filters
        )
        start = since or EVER
        listed = back_to(start, (execution for page in pages for execution in page["executions"]))
        at_once = BATCH_GET_MAX_KEYS if error else min(limit, BATCH_GET_MAX_KEYS)
        rows = self._with_assets(batched((each for each in listed if each["startDate"] >= start), at_once))
        return list(islice((row for row in rows if error in {None, row.error}), limit))

    def _with_assets(self, batches: Iterable[list[Any]]) -> Iterator[ExecutionLine]:
        for some in batches:
            links = self.records.links.assets_of([execution["name"] for execution in some])
            known = self.records.assets.many(set(links.values()))
            for execution in some:
                asset = links.get(execution["name"])
                record = known.get(asset) if asset else None
                yield ExecutionLine(
                    name=execution["name"],
                    status=execution["status"],
                    key=record.key if record else None,
                    asset_id=asset,
                    error=self._error(execution, record),
                    started=execution["startDate"].astimezone(UTC).isoformat(),
                    seconds=seconds_between(execution["startDate"], execution.get("stopDate")),
                )

    def _error(self, listed: Any, record: Record | None) -> str | None:
        """As the record has it where it is of this execution; else Step Functions, whose list has none, is asked."""
        if listed["status"] not in ENDED_BADLY:
            return None
        if record and record.execution == listed["name"] and record.reason:
            return record.reason.code
        return self._started.describe(listed["executionArn"]).error.error

    @property
    def _started(self) -> Executions:
        return Executions(self.aws.stepfunctions, self.stack.state_machine_arn)

    def unrecorded(self, since: datetime) -> dict[str, Record]:
        """Records by asset id as they would be, had somebody recorded that their executions ended badly since then."""
        return unrecorded(self._started, self.records, since)

    def unrecorded_lately(self) -> dict[str, Record]:
        """Those of a day, for pages that look all the time: Step Functions is asked every ten seconds."""
        now = datetime.now(UTC)
        if now - self._asked >= ASK_EVERY:
            self._heard, self._asked = self.unrecorded(now - LATELY), now
        return self._heard

    def execution(self, name: str, *, with_states: bool = True) -> Execution:
        """One execution by name or ARN, with its states unless their history is read elsewhere."""
        arn = self.execution_arn(name)
        try:
            found: Any = self.aws.stepfunctions.describe_execution(executionArn=arn)
        except ClientError as exc:
            if exc.response.get("Error", {}).get("Code") in {"ExecutionDoesNotExist", "InvalidArn"}:
                raise NotThereError(f"There is no execution {name}. `sluice executions` lists them.") from exc
            raise
        return Execution(
            name=found["name"],
            arn=arn,
            status=found["status"],
            started=found["startDate"],
            stopped=found.get("stopDate"),
            input=_json(found.get("input")),
            output=_json(found.get("output")),
            error=found.get("error"),
            cause=found.get("cause"),
            redrives=found.get("redriveCount", 0),
            states=self.states(arn) if with_states else [],
        )

    def states(self, arn: str) -> list[StateRun]:
        """The states that an execution has entered so far."""
        history = self.aws.stepfunctions.get_paginator("get_execution_history")
        return state_runs(event for page in history.paginate(executionArn=arn) for event in page["events"])

    def execution_arn(self, name: str) -> str:
        """The ARN of an execution of the ingest state machine."""
        if name.startswith("arn:"):
            return name
        return execution_arn(self.stack.state_machine_arn, name)

    def running(self, arn: str) -> bool:
        """False, too, for one that Step Functions has forgotten: after 90 days, or by a crash of the laptop's."""
        return self._status(arn) in LIVE

    def _status(self, arn: str) -> str | None:
        try:
            return self.aws.stepfunctions.describe_execution(executionArn=arn)["status"]
        except self.aws.stepfunctions.exceptions.ExecutionDoesNotExist:
            return None

    # assets

    def assets(
        self,
        *,
        status: str | None = None,
        kind: str | None = None,
        code: str | None = None,
        since: datetime | None = None,
        limit: int = 50,
    ) -> list[Record]:
        """The assets that changed last, by status, kind and reason, with failures that nobody has recorded."""
        failed = self.unrecorded(since or datetime.now(UTC) - LATELY)
        most = None if code or (kind and status) else limit + len(failed)
        found = self._indexed(status, kind, since.isoformat() if since else "", most)
        told = {record.asset_id: record for record in found} | failed
        wanted = (
            each
            for each in sorted(told.values(), key=lambda record: record.updated_at, reverse=True)
            if status in {None, each.status} and kind in {None, each.kind} and code in {None, each.code}
        )
        return list(islice(wanted, limit))

    def _indexed(self, status: str | None, kind: str | None, since: str, limit: int | None) -> list[Record]:
        if kind:
            return self.records.assets.by("by_kind", kind, limit=limit, since=since)
        wanted = (status,) if status else STATUSES
        return [
            record for each in wanted for record in self.records.assets.by("by_status", each, limit=limit, since=since)
        ]

    def unreadable(self) -> list[Unreadable]:
        """The records that were left out since this was last asked, as they cannot be read."""
        return self.records.assets.unreadable() if "records" in vars(self) else []

    def record(self, ref: str) -> Record:
        """The record of an asset by id or by `s3://` address of its original, now or as it was uploaded."""
        record = self._by_uri(ref) if ref.startswith("s3://") else self._by_id(ref)
        if record is None:
            raise NotThereError(f"There is no asset {ref}. `sluice assets` lists them.")
        return truly(record, self._started)

    def asset(self, ref: str) -> Asset:
        """An asset by the same, beside the other versions of its key."""
        record = self.record(ref)
        current = self.records.current.of_key(record.bucket, record.key)
        versions = self.records.assets.by("by_key", record.object_key)
        return Asset(record, record.asset_id == current, tuple(_version(each, current) for each in versions))

    def _by_id(self, ref: str) -> Record | None:
        return self.records.assets.get(ref) if _ASSET_ID.fullmatch(ref) else None

    def _by_uri(self, uri: str) -> Record | None:
        bucket, key = parse_uri(uri)
        if bucket in {self.buckets.ingest, self.buckets.expanded}:
            return self.records.assets.newest_of_key(bucket, key)
        return self.records.assets.get(asset_of_original(key) or "")

    def fetch(self, record: Record, out: Path, *, original: bool = False) -> list[Path]:
        """Download what was made of an asset, and on demand its original, into a folder of its own."""
        folder = out / record.asset_id
        folder.mkdir(parents=True, exist_ok=True)
        wanted: list[tuple[str, MadeFile | Pointer]] = [("renditions", file) for file in record.renditions]
        wanted += [("thumbnails", file) for file in record.thumbnails]
        wanted += [("", record.sidecar)] if record.sidecar else []
        wanted += [("original", record.original)] if original else []
        return [self._download(file, folder / part) for part, file in wanted]

    def _download(self, file: MadeFile | Pointer, folder: Path) -> Path:
        folder.mkdir(exist_ok=True)
        path = folder / file.key.rpartition("/")[2]
        version = {"VersionId": file.version_id} if isinstance(file, Pointer) and file.version_id else None
        self.aws.s3.download_file(file.bucket, file.key, str(path), ExtraArgs=version)
        return path

    def function_name(self, function: str) -> str:
        """What a function is called in this stage."""
        return function_name(self.aws.stage, function)

    # logs

    def logs(self, ref: str, task: str | None = None) -> list[LogLine]:
        """Log lines of an asset or an execution, by any or one of the functions, in order of time."""
        if task and task not in TASKS:
            raise NotThereError(f"No task is called {task}; the tasks are {', '.join(TASKS)}.")
        functions = functions_of(task) if task else FUNCTIONS
        term = self.record(ref).asset_id if ref.startswith("s3://") else ref.rpartition(":")[2]
        start = self._first_heard_of(term)
        lines = [line for name in functions for line in self._function_logs(name, term, start)]
        return sorted(lines, key=lambda line: line.time)

    def _first_heard_of(self, ref: str) -> int:
        """When an asset or execution began, in milliseconds: no older log needs to be searched."""
        record = self._by_id(ref) or self._record_of(ref)
        if record is None:
            self.execution(ref, with_states=False)  # of an execution that never came to an asset there are logs, too
        began = datetime.fromisoformat(record.created_at) - LOG_LEAD if record else datetime.fromtimestamp(0, UTC)
        return int(began.timestamp() * 1000)

    def _function_logs(self, function: str, term: str, start_ms: int) -> Iterator[LogLine]:
        group = f"/aws/lambda/{self.function_name(function)}"
        pages = self.aws.logs.get_paginator("filter_log_events").paginate(
            logGroupName=group, filterPattern=f'"{term}"', startTime=start_ms
        )
        try:
            for event in (event for page in pages for event in page["events"]):
                yield _log_line(task_of(function)[0], event.get("message", ""), event.get("timestamp", 0))
        except self.aws.logs.exceptions.ResourceNotFoundException:
            return

    # following

    def wait(
        self, asset_ids: Iterable[str], *, timeout: float, on_change: Callable[[str, Record], None] | None = None
    ) -> dict[str, Record]:
        """Follow assets to their ends; their records by id. One that does not end in time is returned as it is."""
        records: dict[str, Record] = {}
        pending = set(asset_ids)
        deadline = time.monotonic() + timeout
        overdue = Overdue(self._started, self.records, datetime.now(UTC) - LOG_LEAD)
        while pending and time.monotonic() < deadline:
            known = self.records.assets.many(pending)
            failed = overdue.look(pending, known)
            for found, record in (known | failed).items():
                if on_change and record != records.get(found):
                    on_change(found, record)
                records[found] = record
            pending -= {found for found in pending & known.keys() if self.settled(known[found])} | failed.keys()
            if pending:
                time.sleep(POLL_SECONDS)
        return records

    def settled(self, record: Record) -> bool:
        """The record says how it ended, the execution has ended, and the two agree."""
        if not is_over(record):
            return False
        status = self._status(record.execution_arn)
        return status not in LIVE and not (status in ENDED_BADLY and denies_failure(record))

    def follow_execution(self, name: str, *, timeout: float) -> Outcome:
        """Follow one execution to its end; the outcome of its asset. What is throttled is read again."""
        deadline = time.monotonic() + timeout
        pauses = chain(FOLLOW_PAUSES_SECONDS, repeat(FOLLOW_PAUSES_SECONDS[-1]))
        look = partial(self.execution, name, with_states=False)
        while (found := patiently(look)).status in LIVE and time.monotonic() < deadline:
            time.sleep(next(pauses))
        return patiently(partial(self._outcome_of, found))

    def _outcome_of(self, found: Execution) -> Outcome:
        """Of an execution that has ended, or that nobody waits for any longer."""
        name = found.name
        record = self._settled_record(found)
        if record is None and found.status in LIVE:
            raise NotThereError(f"Execution {name} had not come to its asset when the wait was over.")
        if record is None:
            error = CaughtError(error=found.error or found.status, cause=found.cause or "")
            raise NotThereError(f"Execution {name} ended without an asset: {error.error}: {error.message}")
        if record.execution != name and [each.name for each in self.states(found.arn)[-1:]] == ["Duplicate"]:
            return replace(self.outcome(record), execution=name, outcome="duplicate", reason="DuplicateEvent")
        return self.outcome(record)

    def _settled_record(self, execution: Execution) -> Record | None:
        """The record of an ended execution, once it says so too; after a while as it would be."""
        grace = time.monotonic() + RECORD_GRACE_SECONDS
        record = self._record_of(execution.name)
        if execution.status not in ENDED_BADLY:
            return record
        while record and record.execution == execution.name and denies_failure(record) and time.monotonic() < grace:
            time.sleep(POLL_SECONDS)
            record = self._record_of(execution.name)
        return record and truly(record, self._started)

    def _record_of(self, execution: str) -> Record | None:
        found = self.records.links.asset_of(execution)
        return self.records.assets.get(found) if found else None

    # the outcome, in the shape that programs rely on

    def outcomes(
        self, uploaded: Sequence[Uploaded], *, timeout: float, on_progress: Callable[[int], None]
    ) -> list[Outcome]:
        """Follow uploads to their ends; what became of each, in the order given."""
        ended: set[str] = set()

        def changed(found: str, record: Record) -> None:
            ended.update({found} if is_over(record) else set())
            on_progress(len(ended))

        records = self.wait([each.asset_id for each in uploaded], timeout=timeout, on_change=changed)
        return [self.outcome_of(each, records.get(each.asset_id)) for each in uploaded]

    def outcome_of(self, uploaded: Uploaded, record: Record | None) -> Outcome:
        """What became of one upload; also where no execution ever took it up."""
        if record:
            return replace(self.outcome(record), path=uploaded.item.path)
        bucket, key = self.buckets.ingest, uploaded.item.key
        return Outcome(
            path=uploaded.item.path,
            bucket=bucket,
            key=key,
            version_id=uploaded.version_id,
            asset_id=uploaded.asset_id,
            execution=None,
            outcome="failed",
            reason="NotStarted",
            message="No execution took the file up while we waited.",
            kind=None,
            renditions=(),
            thumbnails=(),
            original=Original(Pointer(bucket=bucket, key=key, version_id=uploaded.version_id), "ingest"),
            seconds=None,
        )

    def outcome(self, record: Record) -> Outcome:
        """What became of an asset."""
        ended, last = is_over(record), record.last_attempt
        message = record.reason.message if record.reason else None
        return Outcome(
            bucket=record.bucket,
            key=record.key,
            version_id=record.version_id,
            asset_id=record.asset_id,
            execution=record.execution,
            outcome=record.status if ended else "failed",
            reason=record.code if ended else "StillRunning",
            message=message if ended else "It had not ended when the wait was over.",
            kind=record.kind,
            renditions=record.renditions,
            thumbnails=record.thumbnails,
            original=Original(record.original, self._place(record.original.bucket)),
            seconds=seconds_between(_time(last.started_at), _time(last.ended_at)) if last else None,
            reused_from=record.reused_from,
            degraded=record.degraded,
        )


def _version(record: Record, current: str | None) -> Version:
    return Version(
        asset_id=record.asset_id,
        version_id=record.version_id,
        status=record.status,
        last_modified=record.last_modified,
        current=record.asset_id == current,
    )


def parse_uri(uri: str) -> tuple[str, str]:
    """Bucket and key of `s3://bucket/key`."""
    match = _S3_URI.fullmatch(uri)
    if match is None or not is_text(uri):
        raise NotThereError(f"{uri!r} is not an address of the form s3://bucket/key.")
    return match["bucket"], match["key"]


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _json(text: str | None) -> Any:
    return json.loads(text) if text else None


def _log_line(task: str, message: str, timestamp_ms: int) -> LogLine:
    moment = datetime.fromtimestamp(timestamp_ms / 1000, UTC).isoformat()
    try:
        said = json.loads(message)
    except ValueError:
        said = message.strip()
    told = cast("dict[str, Any]", said) if isinstance(said, dict) else {"message": said}
    return LogLine(told.get("time", moment), told.get("task", task), told)
