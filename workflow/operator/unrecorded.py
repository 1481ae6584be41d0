"""Executions that ended badly and whose assets' records do not say so: nobody has recorded it, or nobody could.

Step Functions is asked, so that what is told is true all the same. The sweeper writes it into the records later.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from msgspec.structs import replace

from tasks.shared.executions import Execution, Executions
from tasks.shared.failures import denies_failure
from tasks.shared.naming import asset_id
from tasks.shared.records.adapter import Records
from tasks.shared.records.model import Reason, Record
from workflow.shapes import ExecutionInput, Pointer

RECORD_GRACE_SECONDS = 30
"""How long an ended execution's record may lag behind: `record_failure` hears of it by an event."""
LOOK_SECONDS = 5
MAX_LISTED = 1_000
"""Of the executions that ended badly, rejected files' included: Step Functions' largest page of each status."""
MAX_DESCRIBED = 100
"""Of others it is only told that they failed, not why."""


def truly(record: Record, executions: Executions) -> Record:
    """A record as it would be if somebody had recorded how its execution ended."""
    found = executions.find(record.execution) if denies_failure(record) else None
    return _failed(record, executions.reason(found)) if found and found.ended_badly else record


def unrecorded(executions: Executions, records: Records, since: datetime) -> dict[str, Record]:
    """The records that deny an end since then, as they would be, by asset id."""
    listed = {each["name"]: each for each in islice(executions.ended_badly(since=since), MAX_LISTED)}
    assets = records.links.assets_of(listed)
    known = records.assets.many(set(assets.values()))
    denying = {
        name: known[asset]
        for name, asset in assets.items()
        if asset in known and known[asset].execution == name and denies_failure(known[asset])
    }
    return {
        record.asset_id: replace(_failed(record, reason), updated_at=listed[name]["stopDate"].isoformat())
        for (name, record), reason in zip(denying.items(), _reasons(executions, denying, listed), strict=True)
    }


def _reasons(executions: Executions, names: Iterable[str], listed: Mapping[str, Any]) -> Iterator[Reason]:
    for number, name in enumerate(names):
        found = executions.find(name) if number < MAX_DESCRIBED else None
        yield executions.reason(found) if found else Reason(code=listed[name]["status"], message="")


def _failed(record: Record, reason: Reason) -> Record:
    return replace(record, status="failed", reason=reason)


@dataclass
class Overdue:
    """For those who wait: what has ended badly since then, and has not been recorded within the grace."""

    executions: Executions
    records: Records
    since: datetime
    _found: dict[str, Record] = field(default_factory=dict[str, Record])
    _first_seen: dict[str, float] = field(default_factory=dict[str, float])
    _described: set[str] = field(default_factory=set[str])
    _looked: float = float("-inf")

    def look(self, pending: AbstractSet[str], known: Mapping[str, Record]) -> dict[str, Record]:
        """Those of the pending assets, as their records would be. Step Functions is asked every few seconds."""
        now = time.monotonic()
        if now - self._looked >= LOOK_SECONDS:
            self._looked = now
            self._found |= self._without_record(pending - known.keys())
            self._found |= unrecorded(self.executions, self.records, self.since)
        denied = [each for each in pending & self._found.keys() if is_denied(known.get(each), self._found[each])]
        first_seen = {each: self._first_seen.setdefault(each, now) for each in denied}
        return {each: self._found[each] for each in denied if now - first_seen[each] >= RECORD_GRACE_SECONDS}

    def _without_record(self, wanted: AbstractSet[str]) -> dict[str, Record]:
        """Whose executions ended badly before anything was written down; each execution is looked at once."""
        if not wanted:
            return {}
        listed = (each["name"] for each in self.executions.ended_badly(since=self.since))
        fresh = [name for name in islice(listed, MAX_LISTED) if name not in self._described]
        self._described.update(fresh)
        unknown = set(fresh) - self.records.links.assets_of(fresh).keys()
        described = filter(None, map(self.executions.find, sorted(unknown)))
        found = {_asset_of(each.wanted): (each, each.wanted) for each in described if each.wanted}
        return {asset: self._record(asset, *found[asset]) for asset in wanted & found.keys()}

    def _record(self, asset: str, execution: Execution, wanted: ExecutionInput) -> Record:
        """As far as it can be known of one that was never opened."""
        place = Pointer(bucket=wanted.bucket, key=wanted.key, version_id=wanted.version_id)
        return Record(
            asset_id=asset,
            bucket=place.bucket,
            key=place.key,
            object_key=f"{place.bucket}/{place.key}",
            version_id=place.version_id or "",
            status="failed",
            size=wanted.size or 0,
            etag=wanted.etag or "",
            created_at=execution.run.started,
            updated_at=execution.run.started,
            last_modified="",
            upload_order="",
            execution=execution.run.name,
            execution_arn=execution.run.arn,
            original=place,
            reason=self.executions.reason(execution),
        )


def is_denied(record: Record | None, truth: Record) -> bool:
    """Nobody has recorded it since, and no other execution has taken the asset."""
    return record is None or (record.execution == truth.execution and denies_failure(record))


def _asset_of(wanted: ExecutionInput) -> str:
    return asset_id(wanted.bucket, wanted.key, wanted.version_id or "")
