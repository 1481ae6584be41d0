"""The record of each asset: how it is written step by step, and how it is found."""

import heapq
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeVar

import msgspec

from tasks.shared.batched import batched
from tasks.shared.indexes import INDEXES, OLD_INDEXES, Index, content, filed
from tasks.shared.records import attempts
from tasks.shared.records.claims import Claims
from tasks.shared.records.current import upload_order
from tasks.shared.records.model import (
    Attempt,
    Discarded,
    Ended,
    GlueTable,
    Item,
    Learnt,
    Listed,
    Reason,
    Record,
    Restore,
    Status,
    Unreadable,
    decoded,
    id_of,
    plain,
    unreadable,
)
from tasks.shared.records.table import BATCH_GET_MAX_KEYS, Table, now
from workflow.errors import DuplicateEvent, UnreadableRecord
from workflow.shapes import Asset, ExecutionInput, Pointer, Run, dump

L = TypeVar("L", bound=Listed)

REDRIVEN = ("failed", "processing", "succeeded")
"""What a record may say whose execution has failed and can go on."""
COLUMNS = ("pk", *(name for name in Listed.__struct_fields__ if name != "later"))
MINE = "execution = :execution"
THERE = "attribute_exists(asset_id)"


@dataclass(frozen=True)
class Assets:
    """The records. What an execution writes after another one has taken its asset over raises DuplicateEvent.

    One that cannot be read raises UnreadableRecord where it alone is asked for; those who ask for several get the
    others, and `unreadable` tells of it. `from_old_indexes` finds them as the table's first layout has them.
    """

    table: Table
    claims: Claims
    from_old_indexes: bool = False
    _left_out: dict[str, Unreadable] = field(default_factory=dict[str, Unreadable], init=False, compare=False)

    # found

    def get(self, asset_id: str) -> Record | None:
        """The record as it is now, read consistently."""
        item = self.table.get(_key(asset_id))
        return decoded(item, Record) if item and "asset_id" in item else None

    def many(self, asset_ids: Iterable[str]) -> dict[str, Record]:
        """Records by asset id, read consistently; unknown ones are left out."""
        found = self.table.batch_get(map(_key, asset_ids))
        return {each.asset_id: each for each in self._read((item for item in found if "asset_id" in item), Record)}

    def with_content(self, sha256: str, recipe: str) -> Iterator[Record]:
        """Succeeded assets with this content whose renditions were made, not reused, by this recipe; oldest first."""
        value = sha256 if self.from_old_indexes else content(sha256, recipe)
        found = self._found(Record, (), "by_content", value, newest_first=False)
        return (each for each in found if each.status == "succeeded" and each.recipe == recipe and not each.reused_from)

    def is_known(self, bucket: str, key: str) -> bool:
        """Whether a version of the key has a record."""
        return self._newest_place(bucket, key) is not None

    def newest_of_key(self, bucket: str, key: str) -> Record | None:
        """The record of the version of a key that was uploaded last, whatever became of it."""
        place = self._newest_place(bucket, key)
        return self.get(id_of(place)) if place else None

    def _newest_place(self, bucket: str, key: str) -> Item | None:
        index = self._index("by_key")
        places = self._places(index, f"{bucket}/{key}", since="", before="", at_once=1, newest_first=True)
        return next(places, None)

    def by(self, index: str, value: str, *, limit: int | None = None, since: str = "") -> list[Record]:
        """Records that an index finds, the newest first; with `since`, those whose sort key is not before it."""
        return list(islice(self.newest(index, value, since=since, at_once=limit), limit))

    def newest(
        self, index: str, value: str, *, since: str = "", before: str = "", at_once: int | None = None
    ) -> Iterator[Record]:
        """Records that an index finds, the newest first, `at_once` in a request, as they are asked for.

        Both bounds are inclusive.
        """
        return self._found(Record, (), index, value, since=since, before=before, at_once=at_once)

    def listed(
        self, index: str, value: str, *, since: str = "", before: str = "", at_once: int | None = None
    ) -> Iterator[Listed]:
        """What lists show of the same records: far less is sent."""
        return self._found(Listed, COLUMNS, index, value, since=since, before=before, at_once=at_once)

    def _found(
        self,
        shape: type[L],
        columns: Iterable[str],
        index: str,
        value: str,
        *,
        since: str = "",
        before: str = "",
        at_once: int | None = None,
        newest_first: bool = True,
    ) -> Iterator[L]:
        """Indexes have keys; the records are read `at_once`."""
        where = self._index(index)
        places = self._places(where, value, since=since, before=before, at_once=at_once, newest_first=newest_first)
        for some in batched(places, min(at_once or BATCH_GET_MAX_KEYS, BATCH_GET_MAX_KEYS)):
            yield from self._read(self._still_there(where, value, some, columns), shape)

    def _index(self, name: str) -> Index:
        return (OLD_INDEXES if self.from_old_indexes else INDEXES)[name]

    def _places(
        self, index: Index, value: str, *, since: str, before: str, at_once: int | None, newest_first: bool
    ) -> Iterator[Item]:
        """What an index has of a value: the keys of records, in order over all of its partitions."""
        names = ("pk", "sk", index.partition, index.sort)
        each = [
            self.table.query_all(
                index.name,
                f"#{index.partition} = :value AND #{index.sort} BETWEEN :since AND :before",
                {":value": partition, ":since": since or " ", ":before": before or "~"},
                at_once=at_once,
                columns=names,
                ScanIndexForward=not newest_first,
            )
            for partition in index.partitions(value)
        ]
        return heapq.merge(*each, key=lambda place: place[index.sort], reverse=newest_first)

    def _still_there(self, index: Index, value: str, places: Iterable[Item], columns: Iterable[str]) -> Iterator[Item]:
        """The records at these places that are where they belong, each once: an index follows the table a moment later,
        and has what moved while it was read in two places.
        """
        listed = list(places)
        says = {index.partition, index.sort, *([index.shards_of] if index.shards_of else [])}
        keys = {place["pk"]: {"pk": place["pk"], "sk": place["sk"]} for place in listed}.values()
        found = {item["pk"]: item for item in self.table.batch_get(keys, columns={*columns, *says} if columns else ())}
        for place in listed:
            item = found.get(place["pk"], {})
            expected = place if index.shards_of is None else {**place, index.shards_of: value}
            if all(item.get(name) == expected[name] for name in says):
                yield found.pop(place["pk"])

    def _read(self, items: Iterable[Item], shape: type[L]) -> Iterator[L]:
        for item in items:
            try:
                yield decoded(item, shape)
            except UnreadableRecord as exc:
                self.leave_out(item, exc)

    def leave_out(self, item: Item, exc: UnreadableRecord) -> None:
        """Let `unreadable` tell of an item."""
        self._left_out[id_of(item)] = unreadable(item, exc)

    def unreadable(self) -> list[Unreadable]:
        """The records that were left out since this was last asked."""
        found = self._left_out.copy()
        self._left_out.clear()
        return list(found.values())

    # written by the execution that works on it

    def begin(self, asset: Asset, run: Run, wanted: ExecutionInput) -> int:
        """Open the record for an attempt, or go on with the one that this execution has begun. Its number, from 1.

        DuplicateEvent where the batch that wants it has it behind it.
        """
        seen = self._attempts(asset.id)
        if wanted.batch and attempts.is_done(seen, wanted.batch) and not attempts.latest(seen, run.name):
            self.claims.keep(asset.id, run)
            raise DuplicateEvent(f"Batch {wanted.batch} has processed this version (asset {asset.id}); nothing to do.")
        listed = attempts.begun(seen, run, wanted)
        moment = now().isoformat()
        self.table.set(
            _key(asset.id),
            {
                **_status(asset.id, "processing", since=moment),
                "execution": run.name,
                "execution_arn": run.arn,
                "attempts": plain(listed),
                "original": msgspec.to_builtins(asset.source),
            },
            keep=_first_seen(asset, moment),
            remove=("reason", "restore"),
        )
        return next(each.number for each in reversed(listed) if each.execution == run.name)

    def must_be_of(self, asset_id: str, run: Run) -> Record:
        """The record, while the asset is this execution's own."""
        record = self.get(asset_id)
        if record is None or record.execution != run.name:
            raise self.claims.taken_over(asset_id)
        return record

    def succeed(self, asset_id: str, run: Run, learnt: Learnt, tables: tuple[GlueTable, ...] | None = None) -> None:
        """Set what this execution found out, and that all of it is there; what an earlier attempt left goes.

        `tables` are the Glue tables that show the asset now. The attempt stays open until the original is put away.
        """
        found = dump(learnt) | ({} if tables is None else {"glue_tables": plain(tables)})
        says = found | _status(asset_id, "succeeded", **found)
        left = {*learnt.__struct_fields__, "glue_tables", "content", "reason"} - says.keys()
        self._change(asset_id, run, says, forget=sorted(left))

    def succeed_again(self, record: Record, run: Run) -> None:
        """What was redriven after it had succeeded."""
        self._change(record.asset_id, run, _says(record, "succeeded"), forget=("reason",))

    def finish(
        self,
        asset_id: str,
        run: Run,
        outcome: Ended,
        *,
        original: Pointer | None = None,
        reason: Reason | None = None,
        timings: Mapping[str, int] | None = None,
        redrives: int | None = None,
    ) -> None:
        """Close this execution's attempt with its outcome.

        `redrives` is how often Step Functions has redriven the execution, where the caller knows.
        """
        record = self.must_be_of(asset_id, run)
        listed = attempts.closed(record.attempts, run.name, outcome, redrives=redrives)
        said = {"original": original and dump(original), "reason": reason and plain(reason), "timings": timings}
        values = {name: value for name, value in said.items() if value is not None}
        repeated = len(listed) == len(record.attempts) and reason == record.reason
        values |= {"attempts": plain(listed), **_says(record, outcome, repeated=repeated)}
        self._change(asset_id, run, values, forget=() if reason else ("reason",))

    def _change(self, asset_id: str, run: Run, values: Mapping[str, Any], *, forget: Iterable[str] = ()) -> None:
        if not self.table.set(_key(asset_id), values, MINE, {":execution": run.name}, remove=forget):
            raise self.claims.taken_over(asset_id)

    def note_announced(self, asset_id: str, announced: Mapping[str, str]) -> None:
        """Write down what was told, and where."""
        self.table.set(_key(asset_id), {"announced": dict(announced)}, THERE)

    # written by operators

    def reopen(self, asset_id: str, execution: str, *, redrives: int, by: str, why: str | None = None) -> bool:
        """Open an attempt for the next redrive of a failed execution; False where the asset is no longer its own.

        Also where nobody has recorded the failure yet. `redrives` is how often Step Functions has redriven it so far.
        """
        seen = self._attempts(asset_id)
        listed = attempts.reopened(seen, execution, redrives=redrives, by=by, why=why)
        return listed is not None and self.table.set(
            _key(asset_id),
            {"attempts": plain(listed), **_status(asset_id, "processing")},
            f"{MINE} AND #status IN (:failed, :processing, :succeeded) AND attempts = :seen",
            {":execution": execution, ":seen": plain(seen)} | {f":{each}": each for each in REDRIVEN},
            remove=("reason",),
        )

    def close_again(self, record: Record) -> bool:
        """Put a record back to what it was before `reopen`, as its execution could not be redriven."""
        reason = {"reason": plain(record.reason)} if record.reason else {}
        return self.table.set(
            _key(record.asset_id),
            {"attempts": plain(record.attempts), **_status(record.asset_id, record.status), **reason},
            f"{MINE} AND #status = :processing",
            {":execution": record.execution, ":processing": "processing"},
        )

    def expect_restore(self, asset_id: str, asked: Restore) -> None:
        """Write down that S3 was asked to restore the original, and what is to follow."""
        self._update(asset_id, {"restore": plain(asked)})

    def forget_restore(self, asset_id: str) -> None:
        """S3 was not asked after all."""
        self._update(asset_id, {}, remove=("restore",))

    def note_restored(self, asset_id: str, until: str, *, done: bool) -> None:
        """The original can be read for a while; with `done`, nothing else was asked for."""
        self._update(asset_id, {"restored_until": until}, remove=("restore",) if done else ())

    def discard(self, asset_id: str, *, by: str, why: str) -> bool:
        """Write down that a person let a rejected original go; False where it is not a rejected one."""
        said = Discarded(by=by, why=why, at=now().isoformat())
        return self.table.set(
            _key(asset_id),
            {"discarded": plain(said), **_status(asset_id, "discarded", since=said.at)},
            "#status = :rejected",
            {":rejected": "rejected"},
        )

    def _update(self, asset_id: str, values: Mapping[str, Any], *, remove: Iterable[str] = ()) -> None:
        """What was asked for a record that is there: one that has gone meanwhile leaves nothing."""
        self.table.set(_key(asset_id), {**values, "updated_at": now().isoformat()}, THERE, remove=remove)

    def _attempts(self, asset_id: str) -> tuple[Attempt, ...]:
        record = self.get(asset_id)
        return record.attempts if record else ()


def _first_seen(asset: Asset, moment: str) -> dict[str, Any]:
    """What no later attempt changes."""
    return {
        "created_at": moment,
        "upload_order": upload_order(asset),
        "asset_id": asset.id,
        "bucket": asset.bucket,
        "key": asset.key,
        "object_key": f"{asset.bucket}/{asset.key}",
        "version_id": asset.version_id,
        "size": asset.size,
        "etag": asset.etag,
        "last_modified": asset.last_modified,
        "declared_type": asset.declared_type,
        **({"sequencer": asset.sequencer} if asset.sequencer else {}),
        **({"parent": asset.parent} if asset.parent else {}),
    }


def _says(record: Record, status: Status, *, repeated: bool = True) -> dict[str, Any]:
    """A record's new status, and where it is filed then; the same one again keeps its time where it is `repeated`."""
    known = {name: getattr(record, name) for name in ("kind", "sha256", "recipe", "reused_from")}
    since = record.updated_at if repeated and record.status == status else ""
    return _status(record.asset_id, status, since=since, **known)


def _status(asset_id: str, status: Status, *, since: str = "", **known: Any) -> dict[str, Any]:
    places = filed({"asset_id": asset_id, "status": status, **known})
    return {"status": status, "updated_at": since or now().isoformat(), **places}


def _key(asset_id: str) -> Item:
    return {"pk": f"asset#{asset_id}", "sk": "record"}
