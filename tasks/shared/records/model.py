"""A record and its parts, as all code sees them; knows no AWS.

What we write is exactly this. What a later version of Sluice has written besides is kept in `later`, part by part, so
that an older version neither stumbles over it nor loses it.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, TypeVar, cast

import msgspec

from tasks.shared.indexes import FILED
from workflow.errors import UnreadableRecord
from workflow.shapes import MadeFile, Pointer, dump

S = TypeVar("S", bound="Shape")

Item = dict[str, Any]
"""An item of the table, in JSON's types. It stays within this package."""

Ended = Literal["succeeded", "rejected", "failed"]
"""How an attempt ends."""
Status = Literal["processing", "succeeded", "rejected", "failed", "discarded"]
"""How an asset is doing."""


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """A record, or a part of one. What is not known is None, and not in the table."""

    later: dict[str, Any] = {}


class Reason(Shape, frozen=True, kw_only=True):
    """Why an asset failed (in which `state`) or was rejected; quarantine keeps it `until` a day, at the least."""

    code: str
    message: str
    state: str | None = None
    until: str | None = None


class Attempt(Shape, frozen=True, kw_only=True):
    """One try at an asset by one execution; it is open until it has an `outcome`. Times in ISO 8601."""

    number: int
    trigger: str
    started_at: str
    execution: str
    execution_arn: str
    event_id: str | None = None
    by: str | None = None
    why: str | None = None
    batch: str | None = None
    outcome: Ended | None = None
    ended_at: str | None = None

    @property
    def is_open(self) -> bool:
        return self.outcome is None


class Restore(Shape, frozen=True, kw_only=True):
    """What was asked of S3 for an original in Glacier, and whether the asset is processed again once it is there."""

    tier: str
    days: int
    asked_at: str
    by: str
    then_reprocess: bool
    why: str | None = None


class Discarded(Shape, frozen=True, kw_only=True):
    """Who let a rejected original go, when, and why."""

    by: str
    why: str
    at: str


class GlueTable(Shape, frozen=True, kw_only=True):
    """A table of the asset in Glue: its `name` there, where it has columns that Glue can have, and those left out."""

    table: str
    left_out: tuple[str, ...]
    name: str | None = None


class Learnt(msgspec.Struct, frozen=True, kw_only=True):
    """What an execution found out about an asset, and made of it. `timings` in milliseconds, by task."""

    kind: str
    media_type: str
    notes: tuple[str, ...]
    sha256: str
    recipe: str
    renditions: tuple[MadeFile, ...]
    facts: dict[str, Any]
    technical: Pointer
    thumbnails: tuple[MadeFile, ...]
    timings: dict[str, int]
    sidecar: Pointer
    pipeline_version: str
    reused_from: str | None = None
    thumbhash: str | None = None
    dominant_color: str | None = None
    degraded: str | None = None


class Listed(Shape, frozen=True, kw_only=True):
    """What lists show of a record: an index is read for these attributes only."""

    asset_id: str
    bucket: str
    key: str
    object_key: str
    version_id: str
    status: Status
    size: int
    created_at: str
    updated_at: str
    execution: str
    execution_arn: str
    original: Pointer
    attempts: tuple[Attempt, ...] = ()
    kind: str | None = None
    media_type: str | None = None
    reason: Reason | None = None
    thumbnails: tuple[MadeFile, ...] = ()
    dominant_color: str | None = None
    degraded: str | None = None
    parent: str | None = None
    restore: Restore | None = None

    @property
    def code(self) -> str | None:
        """The reject code or the error that is its reason."""
        return self.reason.code if self.reason else None

    @property
    def last_attempt(self) -> Attempt | None:
        return self.attempts[-1] if self.attempts else None


class Record(Listed, frozen=True, kw_only=True):
    """All that is known of an asset. `announced` has the ids of what was told, by outcome and channel."""

    upload_order: str
    etag: str
    last_modified: str
    declared_type: str = ""
    sequencer: str | None = None
    notes: tuple[str, ...] = ()
    sha256: str | None = None
    recipe: str | None = None
    renditions: tuple[MadeFile, ...] = ()
    facts: dict[str, Any] = {}
    technical: Pointer | None = None
    reused_from: str | None = None
    thumbhash: str | None = None
    timings: dict[str, int] = {}
    sidecar: Pointer | None = None
    pipeline_version: str | None = None
    glue_tables: tuple[GlueTable, ...] | None = None
    announced: dict[str, str] = {}
    restored_until: str | None = None
    discarded: Discarded | None = None


class Unreadable(msgspec.Struct, frozen=True, kw_only=True):
    """A record that is not as Sluice writes it, and its `problem`; what else cannot be read of it is ""."""

    asset_id: str
    bucket: str
    key: str
    version_id: str
    problem: str


_PARTS: Mapping[str, type[Shape]] = MappingProxyType(
    {"attempts": Attempt, "reason": Reason, "restore": Restore, "discarded": Discarded, "glue_tables": GlueTable}
)
_PLACES = ("pk", "sk", *FILED)
"""Where a record is and is found: what it says besides is told."""
_LEARNT_IN_ANY_CASE = frozenset({"notes", "renditions", "facts", "thumbnails", "timings"})
"""Told even where they are empty, once anything was learnt."""


def decoded(item: Item, shape: type[S]) -> S:
    """An item of the table; raises UnreadableRecord for one that Sluice has not written."""
    try:
        parts = {name: _part(item[name], _PARTS[name]) for name in _PARTS.keys() & item.keys()}
        return msgspec.convert(_with_later({**item, **parts}, shape), shape)
    except msgspec.ValidationError as exc:
        raise UnreadableRecord(f"The record of asset {id_of(item)} cannot be read: {exc}.") from exc


def unreadable(item: Item, exc: UnreadableRecord) -> Unreadable:
    """What can be told of an item all the same."""
    place = {name: text if isinstance(text := item.get(name), str) else "" for name in ("bucket", "key", "version_id")}
    return Unreadable(asset_id=id_of(item), **place, problem=str(exc))


def id_of(item: Item) -> str:
    """The asset's id, as the item's key has it."""
    return str(item["pk"]).removeprefix("asset#")


def _part(value: Any, shape: type[Shape]) -> Any:
    if isinstance(value, list):
        return [_part(each, shape) for each in cast("list[Any]", value)]
    return _with_later(cast("Item", value), shape) if isinstance(value, dict) else value


def _with_later(item: Item, shape: type[Shape]) -> Item:
    known = frozenset(shape.__struct_fields__) - {"later"}
    return {
        **{name: value for name, value in item.items() if name in known and value is not None},
        "later": {name: value for name, value in item.items() if name not in known and name not in _PLACES},
    }


def plain(value: Any) -> Any:
    """The JSON form of a part, or of several: what is not known is left out."""
    if isinstance(value, Shape):
        known = (name for name in value.__struct_fields__ if name != "later" and getattr(value, name) is not None)
        return {name: plain(getattr(value, name)) for name in known} | value.later
    if isinstance(value, tuple):
        return [plain(each) for each in cast("tuple[Any, ...]", value)]
    return dump(value) if isinstance(value, Pointer | MadeFile) else value


def facts_of(record: Record) -> dict[str, Any]:
    """A record as people and programs are told it, by `--json` and the API: its attributes in the table."""
    empty = {"announced", *(() if record.sidecar else _LEARNT_IN_ANY_CASE)}
    told: Item = plain(record)
    return {
        "pk": f"asset#{record.asset_id}",
        "sk": "record",
        **{name: value for name, value in told.items() if value or name not in empty},
    }
