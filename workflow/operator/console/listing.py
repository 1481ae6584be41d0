"""Pages of assets and executions: every view reads an index or a paged API, never the whole table.

A page's `next` token says where the following page begins; it is a position, so that what changes meanwhile neither
repeats nor hides a row.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from tasks.shared.batched import batched
from tasks.shared.executions import EVER, Executions, back_to
from tasks.shared.records.model import Listed, Record, Unreadable
from workflow.operator.client import STATUSES, Sluice
from workflow.operator.unrecorded import is_denied

READ_AT_ONCE = 100
LOOKED_MAX = 2_000
"""Records that one page may look through for those that a search wants; then it says how far it came."""


@dataclass(frozen=True)
class Filter:
    """Which assets: all that is set must hold. `text` is looked for in the key, in any case."""

    statuses: tuple[str, ...] = ()
    kind: str | None = None
    code: str | None = None
    text: str | None = None
    since: datetime | None = None
    before: datetime | None = None
    state: str | None = None

    def matches(self, record: Listed) -> bool:
        return (
            (not self.statuses or record.status in self.statuses)
            and self.kind in {None, record.kind}
            and self.code in {None, record.code}
            and self.state in {None, (record.reason.state if record.reason else None)}
            and (not self.text or self.text.lower() in record.key.lower())
        )

    def takes_time_of(self, record: Listed) -> bool:
        """As the indexes do, for what is in none."""
        at = record.updated_at
        return (not self.since or at >= self.since.isoformat()) and (not self.before or at <= self.before.isoformat())


@dataclass(frozen=True)
class Position:
    """Right after which record a page begins: `seen` are those of the same moment."""

    before: str
    seen: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Row:
    """An execution in the list, and what it works on, or failed by, as far as it is known."""

    name: str
    status: str
    started: str
    seconds: float | None
    redrives: int
    asset_id: str | None
    key: str | None
    kind: str | None
    code: str | None
    state: str | None


R = TypeVar("R")


@dataclass(frozen=True)
class Page(Generic[R]):
    """Some rows, and where the next ones begin. `looked` counts the records read for them.

    `unreadable` are those that lists had to leave out, this one or another.
    """

    rows: Sequence[R]
    next: Any = None
    looked: int = 0
    unreadable: Sequence[Unreadable] = ()


def newest(
    sluice: Sluice,
    index: str,
    value: str,
    *,
    since: datetime | None = None,
    before: str = "",
    limit: int | None = None,
    at_once: int = READ_AT_ONCE,
) -> Iterator[Listed]:
    """Records of one index partition, the newest first, with what lists show of them; `before` is inclusive."""
    start = since.isoformat() if since else ""
    found = sluice.records.assets.listed(index, value, since=start, before=before, at_once=at_once)
    return islice(found, limit)


def assets(
    sluice: Sluice,
    wanted: Filter,
    *,
    size: int,
    token: Position | None = None,
    also: Callable[[Listed], bool] = lambda _: True,
) -> Page[Listed]:
    """The assets that changed last; failures that nobody has recorded are told as such, and first of all.

    `also` must hold, too, and is asked last.
    """

    def takes(record: Listed) -> bool:
        return wanted.matches(record) and also(record)

    page = _indexed(sluice, wanted, takes, size, token)
    page = replace(page, unreadable=tuple(sluice.unreadable()))
    unrecorded = sluice.unrecorded_lately()
    if not unrecorded:
        return page
    known = sluice.records.assets.many(unrecorded)
    failed = {asset: item for asset, item in unrecorded.items() if is_denied(known.get(asset), item)}
    first: list[Listed] = (
        [] if token else [each for each in failed.values() if wanted.takes_time_of(each) and takes(each)]
    )
    return replace(page, rows=[*first, *(row for row in page.rows if row.asset_id not in failed)])


def _indexed(
    sluice: Sluice, wanted: Filter, takes: Callable[[Listed], bool], size: int, token: Position | None
) -> Page[Listed]:
    """By `by_kind` where a kind is wanted, else by `by_status`."""
    end = wanted.before.isoformat() if wanted.before else ""
    before, seen = (token.before, set(token.seen)) if token else (end, set[str]())
    found = (each for each in _merged(sluice, wanted, before, size) if each.asset_id not in seen)
    rows: list[Listed] = []
    looked, last = 0, None
    for last in found:
        looked += 1
        if takes(last):
            rows.append(last)
        if len(rows) == size or looked == LOOKED_MAX:
            return Page(rows, _position(rows, last, token), looked)
    return Page(rows, None, looked)


def matching(sluice: Sluice, wanted: Filter) -> Iterator[Record]:
    """Every asset that matches, its whole record, as it is read: for what is done to all of them."""
    end = wanted.before.isoformat() if wanted.before else ""
    found = (each for each in _merged(sluice, wanted, end, READ_AT_ONCE) if wanted.matches(each))
    for some in batched(found, READ_AT_ONCE):
        yield from sluice.records.assets.many(each.asset_id for each in some).values()


def _merged(sluice: Sluice, wanted: Filter, before: str, size: int) -> Iterable[Listed]:
    partitions = [("by_kind", wanted.kind)] if wanted.kind else []
    partitions = partitions or [("by_status", each) for each in wanted.statuses or STATUSES]
    searched = bool(wanted.text or wanted.code or wanted.state or (wanted.kind and wanted.statuses))
    at_once = READ_AT_ONCE if searched else size + 1
    each = [
        newest(sluice, index, value, since=wanted.since, before=before, at_once=at_once) for index, value in partitions
    ]
    return heapq.merge(*each, key=lambda record: record.updated_at, reverse=True)


def _position(rows: list[Listed], last: Listed, token: Position | None) -> Position:
    """Right after `last`; those of the same moment that were shown are named."""
    at = last.updated_at
    earlier = token.seen if token and token.before == at else ()
    shown = [row.asset_id for row in rows if row.updated_at == at]
    return Position(at, tuple(sorted({*earlier, *shown, last.asset_id})))


def executions(
    sluice: Sluice,
    *,
    status: str | None,
    since: datetime | None,
    size: int,
    token: str | None,
    before: datetime | None = None,
) -> Page[Row]:
    """A page of Step Functions' own list, each with the asset that it works on; it has less rows where some are older.

    Older ones may stand before those that are wanted: the list ends with one that was over by then.
    """
    filters: dict[str, Any] = {"statusFilter": status} if status else {}
    start, looked = since or EVER, 0
    while True:
        more: dict[str, Any] = {"nextToken": token} if token else {}
        found: Any = sluice.aws.stepfunctions.list_executions(
            stateMachineArn=sluice.stack.state_machine_arn, maxResults=size, **filters, **more
        )
        reached = list(back_to(start, found["executions"]))
        token = found.get("nextToken") if len(reached) == len(found["executions"]) else None
        listed = [each for each in reached if each["startDate"] >= start and (not before or each["startDate"] < before)]
        looked += len(found["executions"])
        if listed or not token or looked >= LOOKED_MAX:
            return Page(_with_assets(sluice, listed), token, len(listed) if listed else looked)


def _with_assets(sluice: Sluice, listed: list[Any]) -> list[Row]:
    links = sluice.records.links.assets_of([each["name"] for each in listed])
    known = sluice.records.assets.many(set(links.values()))
    return [_row(each, known.get(links.get(each["name"], ""))) for each in listed]


def _row(execution: Any, record: Record | None) -> Row:
    stopped = execution.get("stopDate")
    reason = record.reason if record and record.execution == execution["name"] else None
    return Row(
        name=execution["name"],
        status=execution["status"],
        started=execution["startDate"].astimezone(UTC).isoformat(),
        seconds=(stopped - execution["startDate"]).total_seconds() if stopped else None,
        redrives=execution.get("redriveCount", 0),
        asset_id=record.asset_id if record else None,
        key=record.key if record else None,
        kind=record.kind if record else None,
        code=reason.code if reason else None,
        state=reason.state if reason else None,
    )


OF_STATUS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "RUNNING": ("processing",),
        "SUCCEEDED": ("succeeded",),
        "FAILED": ("failed", "rejected", "discarded"),
        "TIMED_OUT": ("failed",),
        "ABORTED": ("failed",),
    }
)
"""What the record says of an asset whose latest execution has this status; a discarded one had been rejected."""
OF_RECORD = {"processing": "RUNNING", "succeeded": "SUCCEEDED", "rejected": "FAILED", "discarded": "FAILED"}


class Ends:
    """How the latest executions of assets are doing; of a failed one Step Functions is asked, once, how it ended."""

    def __init__(self, sluice: Sluice) -> None:
        self._executions = Executions(sluice.aws.stepfunctions, sluice.stack.state_machine_arn)
        self._known: dict[tuple[str, str], str] = {}

    def of(self, record: Listed) -> str:
        return OF_RECORD.get(record.status) or self._asked(record.execution, record.updated_at)

    def _asked(self, name: str, changed: str) -> str:
        if (name, changed) not in self._known:
            found = self._executions.find(name)
            self._known[name, changed] = found.status if found and found.ended_badly else "FAILED"
        return self._known[name, changed]


def executions_of_assets(
    sluice: Sluice, wanted: Filter, ends: Ends, *, status: str | None, size: int, token: Position | None = None
) -> Page[Row]:
    """Each matching asset's latest execution: Step Functions' list knows neither key nor kind nor error.

    The time is when it was started, which is before the record's last change.
    """
    if status and status not in OF_STATUS:
        return Page([])
    assets_of = replace(wanted, statuses=OF_STATUS[status] if status else (), before=None)

    def also(record: Listed) -> bool:
        started = _started(record)
        return (
            (not wanted.since or started >= wanted.since)
            and (not wanted.before or started < wanted.before)
            and status in {None, ends.of(record)}
        )

    found = assets(sluice, assets_of, size=size, token=token, also=also)
    return Page([_latest(record, ends) for record in found.rows], found.next, found.looked)


def _latest(record: Listed, ends: Ends) -> Row:
    last, reason, started = record.last_attempt, record.reason, _started(record)
    ended = last.ended_at if last else None
    return Row(
        name=record.execution,
        status=ends.of(record),
        started=started.isoformat(),
        seconds=round((datetime.fromisoformat(ended) - started).total_seconds(), 3) if ended else None,
        redrives=sum(1 for each in record.attempts if each.trigger == "redrive"),
        asset_id=record.asset_id,
        key=record.key,
        kind=record.kind,
        code=reason.code if reason else None,
        state=reason.state if reason else None,
    )


def _started(record: Listed) -> datetime:
    last = record.last_attempt
    return datetime.fromisoformat(last.started_at if last else record.updated_at).astimezone(UTC)
