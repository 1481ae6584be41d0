"""What happened within a window of time, from the index `by_status`; later looks read only what changed since.

The index holds a record once, at its last change, so the window has each asset's latest outcome and no scan is needed.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from statistics import quantiles

from tasks.shared.records.model import Listed
from workflow.operator.client import STATUSES, Sluice
from workflow.operator.console.listing import newest
from workflow.operator.unrecorded import is_denied

RECORDS_MAX = 5_000
"""Of each status; beyond it the oldest are left out, and the page says so."""
INDEX_LAG = timedelta(seconds=10)
"""Indexes follow the table a moment later: what changed just before the last look is asked for again."""
MAX_BARS = 30
BAR_LENGTHS = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440))
"""Whole parts of an hour or a day: their ends are times that people name."""
OVER = 20
"""The 95th percentile is the last of 20 parts."""


@dataclass(frozen=True)
class Bucket:
    """One bar of the chart: how many assets ended in it, by status, and how long their executions took, in seconds."""

    start: datetime
    counts: Counter[str]
    p50: float | None
    p95: float | None


@dataclass(frozen=True)
class Cause:
    """Assets with the same reason, and what the latest of them said; a rejected one names no state."""

    code: str
    state: str
    count: int
    message: str


@dataclass(frozen=True)
class Figures:
    """The window in numbers. `failures` and `rejections` count by cause, the most frequent first.

    Before `whole_since` not all is counted; "" where all is.
    """

    counts: Counter[str]
    buckets: list[Bucket]
    p50: float | None
    p95: float | None
    failures: list[Cause]
    rejections: list[Cause]
    whole_since: str


@dataclass
class Window:
    """The records that changed within the last `length`."""

    length: timedelta
    _records: dict[str, Listed] = field(default_factory=dict[str, Listed])
    _looked: datetime | None = None
    _whole_since: str = ""

    def look(self, sluice: Sluice, now: datetime) -> Figures:
        """Read what changed since the last look, forget what left the window."""
        start = now - self.length
        since = max(start, self._looked - INDEX_LAG) if self._looked else start
        for status in STATUSES:
            found = list(newest(sluice, "by_status", status, since=since, limit=RECORDS_MAX))
            if len(found) >= RECORDS_MAX:
                self._whole_since = max(self._whole_since, found[-1].updated_at)
            self._take(found)
        self._close(sluice)
        self._looked = now
        self._records = {key: item for key, item in self._records.items() if item.updated_at >= start.isoformat()}
        whole_since = self._whole_since if self._whole_since > start.isoformat() else ""
        return figures(self._truly(sluice, start), *self._bounds(now), whole_since=whole_since)

    def _close(self, sluice: Sluice) -> None:
        """An attempt ends after its success was told, which moves the record in no index."""
        succeeded = (
            (each.asset_id, each.last_attempt) for each in self._records.values() if each.status == "succeeded"
        )
        waiting = [asset for asset, last in succeeded if last and last.ended_at is None]
        self._records |= sluice.records.assets.many(waiting)

    def _truly(self, sluice: Sluice, start: datetime) -> Iterable[Listed]:
        """With failures that nobody has recorded."""
        unrecorded = sluice.unrecorded_lately()
        known = sluice.records.assets.many(unrecorded) if unrecorded else {}
        denied = {asset: item for asset, item in unrecorded.items() if is_denied(known.get(asset), item)}
        return (each for each in (self._records | denied).values() if each.updated_at >= start.isoformat())

    def _bounds(self, now: datetime) -> tuple[datetime, datetime]:
        """Whole bars, so that nothing moves between two looks at the same things."""
        bar = bar_length(self.length).total_seconds()
        end = datetime.fromtimestamp(math.ceil(now.timestamp() / bar) * bar, UTC)
        return end - self.length, end

    def _take(self, found: Iterable[Listed]) -> None:
        for item in found:
            known = self._records.get(item.asset_id)
            if known is None or item.updated_at >= known.updated_at:
                self._records[item.asset_id] = item


def figures(records: Iterable[Listed], start: datetime, end: datetime, *, whole_since: str = "") -> Figures:
    """Counts and durations, over all and in equal parts of the window."""
    found = list(records)
    p50, p95 = percentiles([took for each in found if (took := seconds_of(each)) is not None])
    return Figures(
        counts=Counter(each.status for each in found),
        buckets=_buckets(found, start, end),
        p50=p50,
        p95=p95,
        failures=_by_cause(found, "failed"),
        rejections=_by_cause(found, "rejected"),
        whole_since=whole_since,
    )


def _by_cause(records: Iterable[Listed], status: str) -> list[Cause]:
    oldest_first = sorted((each for each in records if each.status == status), key=lambda each: each.updated_at)
    counts = Counter((code_of(each) or "unknown", state_of(each)) for each in oldest_first)
    latest = {(code_of(each) or "unknown", state_of(each)): each for each in oldest_first}
    return [Cause(*cause, count, _message(latest[cause])) for cause, count in counts.most_common()]


def code_of(record: Listed) -> str:
    """The reject code or error that the record gives as its reason."""
    return record.code or ""


def state_of(record: Listed) -> str:
    """The state in which its execution failed."""
    return (record.reason and record.reason.state) or ""


def _message(record: Listed) -> str:
    return record.reason.message if record.reason else ""


def bar_length(length: timedelta) -> timedelta:
    """What one bar of the chart stands for in a window of this length."""
    return next((each for each in BAR_LENGTHS if length <= each * MAX_BARS), length / MAX_BARS)


def _buckets(records: Iterable[Listed], start: datetime, end: datetime) -> list[Bucket]:
    width = bar_length(end - start)
    filled: list[list[Listed]] = [[] for _ in range(math.ceil((end - start) / width))]
    for each in records:
        at = (datetime.fromisoformat(each.updated_at) - start) / width
        filled[min(len(filled) - 1, max(0, int(at)))].append(each)
    return [_bucket(start + width * at, found) for at, found in enumerate(filled)]


def _bucket(start: datetime, found: Sequence[Listed]) -> Bucket:
    p50, p95 = percentiles([took for each in found if (took := seconds_of(each)) is not None])
    return Bucket(start, Counter(each.status for each in found), p50, p95)


def percentiles(values: Sequence[float]) -> tuple[float | None, float | None]:
    """The 50th and the 95th, interpolated; None where there is nothing to tell."""
    if not values:
        return None, None
    if len(values) == 1:
        return values[0], values[0]
    cuts = quantiles(values, n=OVER, method="inclusive")
    return round(cuts[OVER // 2 - 1], 3), round(cuts[-1], 3)


def seconds_of(record: Listed) -> float | None:
    """How long the last attempt took, from the execution's start to the record's outcome."""
    last = record.last_attempt
    if last is None or last.ended_at is None:
        return None
    return round((_moment(last.ended_at) - _moment(last.started_at)).total_seconds(), 3)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
