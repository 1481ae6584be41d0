"""Assets in pages. A page goes on after the last asset of the one before, by time and id, so that none is told twice
and nothing is kept between two requests.
"""

import base64
import binascii
import hashlib
import heapq
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, get_args

import msgspec
from msgspec import UNSET

from tasks.api.problems import MalformedRequest
from tasks.api.shapes import AssetFilter, AssetPage, AssetSummary, Status, UnreadableAsset
from tasks.shared.indexes import INDEXES
from tasks.shared.nesting import decode_json
from tasks.shared.records.adapter import Records
from tasks.shared.records.assets import Assets
from tasks.shared.records.model import Record, Unreadable, facts_of

MAX_LOOKED_AT = 500
"""Records read for one page, where few of them fit the filter."""

Position = tuple[str, str]
"""By what assets are sorted: the sort key of the index, then the id."""


class Token(msgspec.Struct, frozen=True, array_like=True):
    """Where a page ended, and of which filter it was."""

    time: str
    asset_id: str
    filter: str

    @property
    def position(self) -> Position:
        return self.time, self.asset_id


class Listing:
    """The asset records, listed. Keys are those of the bucket `ingest`."""

    def __init__(self, records: Records, ingest: str) -> None:
        self._records = records
        self._ingest = ingest

    def page(self, wanted: AssetFilter) -> AssetPage:
        after = _read(wanted.next, wanted) if wanted.next else None
        records = replace(self._records.assets)  # which tells what this page leaves out, not an earlier one
        sort, found = self._sorted(records, wanted, after)
        rest = (record for record in found if after is None or _position(record, sort) < after.position)
        fitting: list[Record] = []
        for looked_at, record in enumerate(rest, start=1):
            if _fits(record, wanted):
                fitting.append(record)
            if len(fitting) == wanted.limit or looked_at == MAX_LOOKED_AT:
                return _page(fitting, records.unreadable(), Token(*_position(record, sort), _digest(wanted)))
        return _page(fitting, records.unreadable(), None)

    def _sorted(self, records: Assets, wanted: AssetFilter, after: Token | None) -> tuple[str, Iterator[Record]]:
        """All records that an index finds, the latest first, and the attribute by which they are sorted."""
        index, values = self._index(wanted)
        sort = INDEXES[index].sort
        since = _since(wanted) if sort == "updated_at" else ""
        before = after.time if after else ""
        lists = (records.newest(index, value, since=since, before=before, at_once=wanted.limit) for value in values)
        return sort, heapq.merge(
            *(_in_order(each, sort) for each in lists), key=lambda record: _position(record, sort), reverse=True
        )

    def _index(self, wanted: AssetFilter) -> tuple[str, tuple[str, ...]]:
        if wanted.key:
            return "by_key", (f"{self._ingest}/{wanted.key}",)
        if wanted.kind:
            return "by_kind", (wanted.kind,)
        return "by_status", (wanted.status,) if wanted.status else get_args(Status)


def _in_order(records: Iterable[Record], sort: str) -> Iterator[Record]:
    """An index leaves those of the same moment in any order."""
    for _, same in groupby(records, key=lambda record: _moment(record, sort)):
        yield from sorted(same, key=lambda record: record.asset_id, reverse=True)


def _position(record: Record, sort: str) -> Position:
    return _moment(record, sort), record.asset_id


def _moment(record: Record, sort: str) -> str:
    return record.upload_order if sort == "upload_order" else record.updated_at


def _fits(record: Record, wanted: AssetFilter) -> bool:
    return (
        wanted.status in {UNSET, record.status}
        and wanted.kind in {UNSET, record.kind}
        and record.updated_at >= _since(wanted)
    )


def _since(wanted: AssetFilter) -> str:
    """As records have it, so that the texts compare as the times do."""
    if not wanted.since:
        return ""
    try:
        return datetime.fromisoformat(wanted.since).astimezone(UTC).isoformat()
    except (ValueError, OverflowError) as exc:
        raise MalformedRequest(f"`since` is no time: {exc}.") from exc


def _page(records: list[Record], unreadable: list[Unreadable], end: Token | None) -> AssetPage:
    return AssetPage(
        assets=[msgspec.convert(facts_of(record), AssetSummary) for record in records],
        unreadable=[UnreadableAsset(asset_id=each.asset_id, problem=each.problem) for each in unreadable],
        next=_written(end) if end else None,
    )


def _written(token: Token) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(token)).decode().rstrip("=")


def _read(text: str, wanted: AssetFilter) -> Token:
    padded = text + "=" * (-len(text) % 4)
    try:
        token = decode_json(base64.urlsafe_b64decode(padded), Token)
    except (binascii.Error, ValueError) as exc:
        raise MalformedRequest("`next` is an invalid pagination token. Take it as it is from the page before.") from exc
    if token.filter != _digest(wanted):
        raise MalformedRequest("`next` belongs to another list. Ask for the next page with the same parameters.")
    return token


def _digest(wanted: AssetFilter) -> str:
    """Tells lists apart; their pages may have different sizes."""
    same: Any = msgspec.structs.replace(wanted, next=UNSET, limit=1)
    return hashlib.sha256(msgspec.json.encode(same)).hexdigest()[:16]
