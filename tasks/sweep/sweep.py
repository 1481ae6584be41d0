"""The sweep: finds assets that a crash or a lost event left between two states, and puts them right.

Safe at any time and twice at once: whatever is young or has a live execution is left alone, an execution is started
once under a name that follows from the asset, and all else is a step that may be repeated.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from tasks.shared.announce import is_owed
from tasks.shared.batched import batched
from tasks.shared.executions import LONGEST, BusyError, Execution, Executions
from tasks.shared.failures import Failures, denies_failure
from tasks.shared.naming import asset_id
from tasks.shared.objects import ObjectFacts, Objects, is_same
from tasks.shared.observe import logger
from tasks.shared.records.adapter import Records
from tasks.shared.records.filing import is_gone
from tasks.shared.records.model import Record, Unreadable
from tasks.shared.records.table import now
from tasks.sweep.at_work import AtWork
from tasks.sweep.report import Did, Finding, Report
from workflow.errors import DuplicateEvent, TransientError, UnreadableRecord
from workflow.shapes import ExecutionInput, Pointer

SWEEPER = "sweeper"
"""Who is written down as having started an execution."""
INTERRUPTED = frozenset({"States.ServiceRestart"})
"""The error that the embedded AWS gives to executions which it finds running when it starts."""
UNFINISHED = frozenset({"processing", "failed"})
"""Found by their status, wherever their originals are."""
LOOKED_UP_AT_ONCE = 1000


@dataclass(frozen=True)
class Stage:
    """What a sweep works on. `ways_in` are the buckets that an original leaves when its asset has ended."""

    objects: Objects
    records: Records
    executions: Executions
    failures: Failures
    ways_in: tuple[str, ...]


@dataclass(frozen=True)
class Case:
    """An uploaded version, and the record of it that was found, if any."""

    bucket: str
    key: str
    version_id: str
    record: Record | None = None

    @property
    def asset_id(self) -> str:
        return asset_id(self.bucket, self.key, self.version_id)

    @property
    def status(self) -> str | None:
        return self.record.status if self.record else None


def known(record: Record) -> Case:
    """The case of an asset that has a record."""
    return Case(record.bucket, record.key, record.version_id, record)


@dataclass
class Sweep:
    """One sweep over what did not change for `older_than`.

    Within a `period`, by default a day, sweeps start one execution at most for an asset whose attempts are the same:
    what fails before it opens an attempt is tried again in the next.
    """

    stage: Stage
    older_than: timedelta
    period: str = field(default_factory=lambda: f"{now():%Y%m%d}")
    time_is_up: Callable[[], bool] = lambda: False
    _report: Report = field(init=False)
    _at_work: AtWork = field(init=False)

    def __post_init__(self) -> None:
        begun = now()
        self._cutoff = begun - self.older_than
        self._report = Report(at=begun.isoformat(), older_than_seconds=int(self.older_than.total_seconds()))
        self._at_work = AtWork(self.stage.executions, self.stage.records)

    def run(self, more: Iterable[Case] = ()) -> Report:
        """Look at all assets that may be stuck, and at `more`; what was found and done."""
        treated: set[str] = set()
        for case in chain(self._unfinished(), self._unheard(), self._left_behind(), more):
            if self.time_is_up():
                self._report.complete = False
                break
            self._report.looked_at += 1
            finding = None if case.asset_id in treated else self._attempt(case)
            if finding:
                treated.add(case.asset_id)
                self._note(finding)
        self._file_anew()
        for each in self.stage.records.assets.unreadable():
            if each.asset_id not in treated:
                self._note(_unreadable(each))
        return self._report

    def _file_anew(self) -> None:
        """What executions on an older version left in the wrong place lately, while there may be any.

        Last, as it reads every record of a day and more: what is stuck does not wait for it.
        """
        filing = self.stage.records.filing
        since = (self._cutoff - LONGEST).isoformat()
        try:
            for _ in filing.renew(since=since) if filing and self._report.complete else ():
                if self.time_is_up():
                    self._report.complete = False
                    break
        except (ClientError, BotoCoreError) as exc:
            if not is_gone(exc):
                self._note(_unfiled(exc))

    def _note(self, finding: Finding) -> None:
        self._report.findings.append(finding)
        logger.info("found", extra=msgspec.to_builtins(finding))

    # where to look

    def _unfinished(self) -> Iterator[Case]:
        """Assets that are said to be at work, or failed so lately that they may be claimed, or with nobody told."""
        before, claims_end = self._cutoff.isoformat(), (self._cutoff - LONGEST).isoformat()
        processing = self.stage.records.assets.newest("by_status", "processing", before=before)
        failed = self.stage.records.assets.newest("by_status", "failed", before=before)
        concerned = (each for each in failed if each.updated_at >= claims_end or is_owed(each))
        return map(known, chain(processing, concerned))

    def _unheard(self) -> Iterator[Case]:
        """Assets whose execution ended badly, which nobody has recorded, whatever their records say meanwhile."""
        listed = self.stage.executions.ended_badly(since=self._cutoff - LONGEST)
        for some in batched((each["name"] for each in listed), LOOKED_UP_AT_ONCE):
            assets = self.stage.records.links.assets_of(some)
            records = self.stage.records.assets.many(set(assets.values()))
            for name, asset in assets.items():
                record = records.get(asset)
                if record and record.execution == name and denies_failure(record):
                    yield known(record)

    def _left_behind(self) -> Iterator[Case]:
        """What is still where it came in, and has ended or is not known."""
        versions = chain.from_iterable(map(self._old_versions, self.stage.ways_in))
        for some in batched(versions, LOOKED_UP_AT_ONCE):
            records = self.stage.records.assets.many(case.asset_id for case, _ in some)
            for case, age in some:
                record = records.get(case.asset_id)
                if record is None or record.status == "processing":
                    self._waits(age)
                if record is None or record.status not in UNFINISHED:
                    yield Case(case.bucket, case.key, case.version_id, record)

    def _old_versions(self, bucket: str) -> Iterator[tuple[Case, timedelta]]:
        for at, written in self.stage.objects.versions(bucket):
            if written <= self._cutoff:
                yield Case(at.bucket, at.key, at.version_id or ""), now() - written

    def _waits(self, age: timedelta) -> None:
        self._report.oldest_unprocessed_seconds = max(self._report.oldest_unprocessed_seconds, int(age.total_seconds()))

    # what to do

    def _attempt(self, case: Case) -> Finding | None:
        """One asset that AWS does not let us put right keeps no other one from it."""
        try:
            return self._treat(case)
        except DuplicateEvent:
            return None  # another execution took the asset while we looked at it
        except (UnreadableRecord, TransientError, ClientError, BotoCoreError, BusyError) as exc:
            return _finding(case, Did.TROUBLE, str(exc))

    def _treat(self, case: Case) -> Finding | None:
        if case.record and self._is_young(case.record) and not _was_interrupted(case.record):
            return None
        treatments = {None: self._treat_unknown, "processing": self._treat_unfinished, "failed": self._treat_failed}
        return treatments.get(case.status, self._treat_ended)(case)

    def _is_young(self, record: Record) -> bool:
        return record.updated_at > self._cutoff.isoformat()

    def _treat_unknown(self, case: Case) -> Finding | None:
        if self._as_it_is(case).record or self._at_work.has(case.asset_id, case.bucket, case.key):
            return None
        return self._start(case, "No execution had taken it up.")

    def _treat_unfinished(self, case: Case) -> Finding | None:
        """As it is now: the index lags behind, and so does what was listed."""
        case = self._as_it_is(case)
        if case.record is None or case.status != "processing" or self._is_young(case.record):
            return None
        execution = self.stage.executions.find(case.record.execution)
        if execution and execution.lives:
            return None
        if execution and _went_wrong(execution):
            return self._settle(case, execution)
        return self._start(case, f"Execution {case.record.execution} left it unfinished.")

    def _settle(self, case: Case, execution: Execution) -> Finding:
        self.stage.failures.settle(execution, case.asset_id)
        return _finding(case, Did.SETTLED, execution.error.error, execution.run.name)

    def _treat_failed(self, case: Case) -> Finding | None:
        """What failed waits for a person, who can start it again; unless nothing was wrong with it."""
        case = self._as_it_is(case)
        if case.record is None or case.status != "failed":
            return None
        if _was_interrupted(case.record):
            return self._start(case, f"Execution {case.record.execution} was interrupted.")
        owed = is_owed(case.record)
        if owed:
            self.stage.failures.announcer.announce(case.record, "failed")
        holder = self.stage.records.claims.holder(case.asset_id)
        freed = holder and self._free(case, holder)
        undone = "Nobody had been told." if owed else "It was still claimed." if freed else None
        return _finding(case, Did.SETTLED, undone, holder or case.record.execution) if undone else None

    def _treat_ended(self, case: Case) -> Finding | None:
        """The asset has ended, but its execution has not come to its end, or its original is still where it came in."""
        case = self._as_it_is(case)
        if case.record is None or case.status in UNFINISHED:
            return None
        execution = self.stage.executions.find(case.record.execution)
        if execution and execution.lives:
            return None
        left = self.stage.objects.head(Pointer(bucket=case.bucket, key=case.key, version_id=case.version_id))
        if left:
            return self._finish_move(case, case.record, left, execution)
        if execution and _went_wrong(execution) and denies_failure(case.record):
            return self._settle(case, execution)
        return None

    def _finish_move(
        self, case: Case, record: Record, left: ObjectFacts, execution: Execution | None
    ) -> Finding | None:
        """Remove what was left behind, where all that comes before is proven to be done; else do it all again."""
        kept = self.stage.objects.head(record.original)
        never_moved = kept is not None and kept.at == left.at
        if never_moved and execution and _went_wrong(execution) and denies_failure(record):
            return self._settle(case, execution)
        if kept is None or never_moved or not is_same(left, kept, record.sha256):
            return self._start(case, "It has ended, but its original was never moved.")
        if is_owed(record):
            return self._start(case, "It has ended, but nobody was told.")
        if execution:
            self.stage.records.claims.keep(case.asset_id, execution.run)
        self.stage.objects.delete_version(left.at)
        return _finding(case, Did.MOVED, f"Its original was in {kept.at.bucket}, too.", record.execution)

    def _as_it_is(self, case: Case) -> Case:
        return Case(case.bucket, case.key, case.version_id, self.stage.records.assets.get(case.asset_id))

    def _start(self, case: Case, because: str) -> Finding | None:
        """Free the asset of an execution that has ended, and start another; None where somebody else has done so."""
        holder = self.stage.records.claims.holder(case.asset_id)
        if holder and not self._free(case, holder):
            return None
        attempts = len(case.record.attempts) if case.record else 0
        name = f"sweep-{case.asset_id}-{attempts}-{self.period}"
        wanted = ExecutionInput(
            bucket=case.bucket,
            key=case.key,
            version_id=case.version_id,
            trigger="sweep",
            by=SWEEPER,
            why=because,
        )
        return _finding(case, Did.STARTED, because, name) if self.stage.executions.start(name, wanted) else None

    def _free(self, case: Case, holder: str) -> bool:
        """Take the claim from an execution that has ended; False where it lives."""
        if self._at_work.serves(holder):
            return False
        self.stage.records.claims.release(case.asset_id, holder)
        return True


def _unreadable(found: Unreadable) -> Finding:
    return Finding(
        did=Did.TROUBLE,
        because=found.problem,
        asset_id=found.asset_id,
        bucket=found.bucket,
        key=found.key,
        version_id=found.version_id,
    )


def _unfiled(exc: Exception) -> Finding:
    because = f"Not all records could be filed for today's lists: {exc}"
    return Finding(did=Did.TROUBLE, because=because, asset_id="", bucket="", key="", version_id="")


def _was_interrupted(record: Record) -> bool:
    """It failed, however lately, and nothing was wrong with it."""
    return record.status == "failed" and record.code in INTERRUPTED


def _went_wrong(execution: Execution) -> bool:
    return execution.ended_badly and execution.error.error not in INTERRUPTED


def _finding(case: Case, did: Did, because: str, execution: str | None = None) -> Finding:
    return Finding(
        did=did,
        because=because,
        asset_id=case.asset_id,
        bucket=case.bucket,
        key=case.key,
        version_id=case.version_id,
        execution=execution,
    )
