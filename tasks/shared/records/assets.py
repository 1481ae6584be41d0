"""The record of each asset: how it is written step by step, and how it is found."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, TypeVar

import msgspec

from tasks.shared.indexes import INDEXES
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
    Unreadable,
    decoded,
    id_of,
    plain,
    unreadable,
)
from tasks.shared.records.table import Table, now
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
    others, and `unreadable` tells of it.
    """

    table: Table
    claims: Claims
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

    def with_content(self, sha256: str, recipe: str) -> list[Record]:
        """Succeeded assets with this content whose renditions were made, not reused, by this recipe; oldest first."""
        found = self.table.query(
            "by_content",
            "sha256 = :sha256",
            {":sha256": sha256, ":succeeded": "succeeded", ":recipe": recipe},
            FilterExpression="#status = :succeeded AND recipe = :recipe AND attribute_not_exists(reused_from)",
            ExpressionAttributeNames={"#status": "status"},
        )
        return list(self._read(found, Record))

    def newest_of_key(self, bucket: str, key: str) -> Record | None:
        """The record of the version of a key that was uploaded last, whatever became of it."""
        found = self.table.query(
            "by_key", "object_key = :key", {":key": f"{bucket}/{key}"}, ScanIndexForward=False, Limit=1
        )
        return decoded(found[0], Record) if found else None

    def by(self, index: str, value: str, *, limit: int | None = None, since: str = "") -> list[Record]:
        """Records that an index finds, the newest first; with `since`, those whose sort key is not before it."""
        return list(islice(self.newest(index, value, since=since), limit))

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
        since: str,
        before: str,
        at_once: int | None,
    ) -> Iterator[L]:
        partition, sort = INDEXES[index]
        names = {f"#{name}": name for name in {*columns, partition, sort}}
        only = {"ProjectionExpression": ", ".join(names)} if columns else {}
        found = self.table.query_all(
            index,
            f"#{partition} = :value AND #{sort} BETWEEN :since AND :before",
            {":value": value, ":since": since or " ", ":before": before or "~"},
            at_once=at_once,
            ExpressionAttributeNames=names,
            ScanIndexForward=False,
            **only,
        )
        return self._read(found, shape)

    def _read(self, items: Iterable[Item], shape: type[L]) -> Iterator[L]:
        for item in items:
            try:
                yield decoded(item, shape)
            except UnreadableRecord as exc:
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
                "status": "processing",
                "execution": run.name,
                "execution_arn": run.arn,
                "attempts": plain(listed),
                "original": msgspec.to_builtins(asset.source),
                "updated_at": moment,
            },
            keep=_first_seen(asset, moment),
            remove=("reason", "restore"),
        )
        return next(each.number for each in reversed(listed) if each.execution == run.name)

    def learn(self, asset_id: str, run: Run, learnt: Learnt) -> None:
        """Set what this execution found out; what an earlier attempt left, and this one has not, goes."""
        values = dump(learnt)
        unknown = [name for name in (*learnt.__struct_fields__, "glue_tables") if name not in values]
        self._learn(asset_id, run, values, forget=unknown)

    def learn_tables(self, asset_id: str, run: Run, tables: tuple[GlueTable, ...]) -> None:
        """Set which Glue tables show the asset now."""
        self._learn(asset_id, run, {"glue_tables": plain(tables)})

    def succeed(self, asset_id: str, run: Run) -> None:
        """All that the record lists is there; the attempt stays open until the original is put away."""
        self._learn(asset_id, run, {"status": "succeeded"}, forget=("reason",))

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
        listed = attempts.closed(self._attempts(asset_id), run.name, outcome, redrives=redrives)
        said = {"original": original and dump(original), "reason": reason and plain(reason), "timings": timings}
        values = {name: value for name, value in said.items() if value is not None}
        values |= {"status": outcome, "attempts": plain(listed)}
        self._learn(asset_id, run, values, forget=() if reason else ("reason",))

    def _learn(self, asset_id: str, run: Run, values: Mapping[str, Any], *, forget: Iterable[str] = ()) -> None:
        changed = {**values, "updated_at": now().isoformat()}
        if not self.table.set(_key(asset_id), changed, MINE, {":execution": run.name}, remove=forget):
            raise self.claims.taken_over(asset_id)

    def note_announced(self, asset_id: str, announced: Mapping[str, str]) -> None:
        """Write down what was told, and where."""
        self._update(asset_id, {"announced": dict(announced)})

    # written by operators

    def reopen(self, asset_id: str, execution: str, *, redrives: int, by: str, why: str | None = None) -> bool:
        """Open an attempt for the next redrive of a failed execution; False where the asset is no longer its own.

        Also where nobody has recorded the failure yet. `redrives` is how often Step Functions has redriven it so far.
        """
        seen = self._attempts(asset_id)
        listed = attempts.reopened(seen, execution, redrives=redrives, by=by, why=why)
        return listed is not None and self.table.set(
            _key(asset_id),
            {"attempts": plain(listed), "status": "processing", "updated_at": now().isoformat()},
            f"{MINE} AND #status IN (:failed, :processing, :succeeded) AND attempts = :seen",
            {":execution": execution, ":seen": plain(seen)} | {f":{each}": each for each in REDRIVEN},
            remove=("reason",),
        )

    def close_again(self, record: Record) -> bool:
        """Put a record back to what it was before `reopen`, as its execution could not be redriven."""
        reason = {"reason": plain(record.reason)} if record.reason else {}
        before = {"attempts": plain(record.attempts), "status": record.status, **reason}
        return self.table.set(
            _key(record.asset_id),
            {**before, "updated_at": now().isoformat()},
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
            {"status": "discarded", "discarded": plain(said), "updated_at": said.at},
            "#status = :rejected",
            {":rejected": "rejected"},
        )

    def _update(self, asset_id: str, values: Mapping[str, Any], *, remove: Iterable[str] = ()) -> None:
        """Of a record that is there: one that has gone meanwhile leaves nothing."""
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


def _key(asset_id: str) -> Item:
    return {"pk": f"asset#{asset_id}", "sk": "record"}
