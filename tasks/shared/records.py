"""The metadata table: the record of each asset, the claims on it, and which version of a key is current.

Items, by pk / sk:
    asset#<id>          / record     the only place that says how an asset is doing
    asset#<id>          / claim      which execution works on it, or lately did (TTL)
    execution#<name>    / asset      which asset an execution works on (TTL)
    key#<bucket>/<key>  / current    the newest version of a key, by S3's sequencer
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any

import msgspec
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from tasks.shared import attempts
from tasks.shared.indexes import INDEXES
from workflow.errors import DuplicateEvent
from workflow.limits import DEDUPE_WINDOW_SECONDS, EXECUTION_TIMEOUT_SECONDS
from workflow.shapes import Asset, ExecutionInput, Run, map_json

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

LINK_LIFETIME = timedelta(days=90)
"""As long as Step Functions keeps an ended execution's history."""

BATCH_GET_MAX_KEYS = 100
REDRIVEN = ("failed", "processing", "succeeded")
"""What a record may say whose execution has failed and can go on."""

Item = dict[str, Any]

_serialize = TypeSerializer().serialize
_deserialize = TypeDeserializer().deserialize


def now() -> datetime:
    return datetime.now(UTC)


class Records:
    """The DynamoDB adapter."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str) -> None:
        self._dynamodb = dynamodb
        self._table = table

    # the record

    def get(self, asset_id: str) -> Item | None:
        """The record as it is now, read consistently."""
        return self._get(_record(asset_id))

    def update(self, asset_id: str, values: Mapping[str, Any]) -> None:
        """Set attributes of the record."""
        self._set(_record(asset_id), {**values, "updated_at": now().isoformat()})

    def learn(self, asset_id: str, run: Run, values: Mapping[str, Any], *, forget: Iterable[str] = ()) -> None:
        """Set attributes that this execution found out; DuplicateEvent where a later attempt has taken the asset over.

        `forget` names those that an earlier attempt may have left, and that go where `values` has no new ones.
        """
        mine = self._set(
            _record(asset_id),
            {**values, "updated_at": now().isoformat()},
            "execution = :execution",
            {":execution": run.name},
            remove=tuple(name for name in forget if name not in values),
        )
        if not mine:
            raise self.taken_over(asset_id)

    def begin(self, asset: Asset, run: Run, wanted: ExecutionInput) -> int:
        """Open the record for an attempt, or go on with the one that this execution has begun. Its number, from 1.

        DuplicateEvent where the batch that wants it has it behind it.
        """
        seen: list[Item] = (self.get(asset.id) or {}).get("attempts", [])
        if wanted.batch and attempts.is_done(seen, wanted.batch) and not attempts.latest(seen, run.name):
            self.keep_claim(asset.id, run)
            raise DuplicateEvent(f"Batch {wanted.batch} has processed this version (asset {asset.id}); nothing to do.")
        listed = attempts.begun(seen, run, wanted)
        moment = now().isoformat()
        first_seen = {
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
        self._set(
            _record(asset.id),
            {
                "status": "processing",
                "execution": run.name,
                "execution_arn": run.arn,
                "attempts": listed,
                "original": _plain(asset.source),
                "updated_at": moment,
            },
            keep=first_seen,
            remove=("reason", "restore"),
        )
        return next(each["number"] for each in reversed(listed) if each["execution"] == run.name)

    def reopen(self, asset_id: str, execution: str, *, redrives: int, by: str, why: str | None = None) -> bool:
        """Open an attempt for the next redrive of a failed execution; False where the asset is no longer its own.

        Also where nobody has recorded the failure yet. `redrives` is how often Step Functions has redriven it so far.
        """
        seen: list[Item] = (self.get(asset_id) or {}).get("attempts", [])
        listed = attempts.reopened(seen, execution, redrives=redrives, by=by, why=why)
        return listed is not None and self._set(
            _record(asset_id),
            {"attempts": listed, "status": "processing", "updated_at": now().isoformat()},
            "execution = :execution AND #status IN (:failed, :processing, :succeeded) AND attempts = :seen",
            {":execution": execution, ":seen": seen} | {f":{each}": each for each in REDRIVEN},
            remove=("reason",),
        )

    def close_again(self, record: Item) -> bool:
        """Put a record back to what it was before `reopen`, as its execution could not be redriven."""
        before = {name: record[name] for name in ("attempts", "status", "reason") if name in record}
        return self._set(
            _record(record["asset_id"]),
            {**before, "updated_at": now().isoformat()},
            "execution = :execution AND #status = :processing",
            {":execution": record["execution"], ":processing": "processing"},
        )

    def expect_restore(self, asset_id: str, asked: Item) -> None:
        """Write down that S3 was asked to restore the original, and what is to follow."""
        self.update(asset_id, {"restore": asked})

    def forget_restore(self, asset_id: str) -> None:
        """S3 was not asked after all."""
        self._set(_record(asset_id), {"updated_at": now().isoformat()}, remove=("restore",))

    def note_restored(self, asset_id: str, until: str, *, done: bool) -> None:
        """The original can be read for a while; with `done`, nothing else was asked for."""
        values = {"restored_until": until, "updated_at": now().isoformat()}
        self._set(_record(asset_id), values, remove=("restore",) if done else ())

    def discard(self, asset_id: str, *, by: str, why: str) -> bool:
        """Write down that a person let a rejected original go; False where it is not a rejected one."""
        said = {"by": by, "why": why, "at": now().isoformat()}
        return self._set(
            _record(asset_id),
            {"status": "discarded", "discarded": said, "updated_at": said["at"]},
            "#status = :rejected",
            {":rejected": "rejected"},
        )

    def finish(
        self, asset_id: str, run: Run, status: str, values: Mapping[str, Any], *, redrives: int | None = None
    ) -> None:
        """Close this execution's attempt with its outcome; DuplicateEvent where a later attempt has taken over.

        `redrives` is how often Step Functions has redriven the execution, where the caller knows.
        """
        listed = attempts.closed((self.get(asset_id) or {}).get("attempts", []), run.name, status, redrives=redrives)
        self.learn(asset_id, run, {**values, "status": status, "attempts": listed}, forget=["reason"])

    def with_content(self, sha256: str, recipe: str) -> list[Item]:
        """Succeeded assets with this content whose renditions were made, not reused, by this recipe; oldest first."""
        found = self._dynamodb.query(
            TableName=self._table,
            IndexName="by_content",
            KeyConditionExpression="sha256 = :sha256",
            FilterExpression="#status = :succeeded AND recipe = :recipe AND attribute_not_exists(reused_from)",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues=_wire({":sha256": sha256, ":succeeded": "succeeded", ":recipe": recipe}),
        )
        return [_item(item) for item in found["Items"]]

    def newest_of_key(self, bucket: str, key: str) -> Item | None:
        """The record of the version of a key that was uploaded last, whatever became of it."""
        found = self._dynamodb.query(
            TableName=self._table,
            IndexName="by_key",
            KeyConditionExpression="object_key = :key",
            ExpressionAttributeValues=_wire({":key": f"{bucket}/{key}"}),
            ScanIndexForward=False,
            Limit=1,
        )["Items"]
        return _item(found[0]) if found else None

    def by(self, index: str, value: str, *, limit: int | None = None, since: str = "") -> list[Item]:
        """Records that an index finds, the newest first; with `since`, those whose sort key is not before it."""
        return list(islice(self.newest(index, value, since=since), limit))

    def newest(
        self,
        index: str,
        value: str,
        *,
        since: str = "",
        before: str = "",
        columns: Iterable[str] = (),
        at_once: int | None = None,
    ) -> Iterator[Item]:
        """Records that an index finds, the newest first, `at_once` in a request, as they are asked for.

        Both bounds are inclusive. With `columns`, only those attributes of each.
        """
        partition, sort = INDEXES[index]
        names = {f"#{name}": name for name in {*columns, partition, sort}}
        only: Any = {"ProjectionExpression": ", ".join(names)} if columns else {}
        pages = self._dynamodb.get_paginator("query").paginate(
            TableName=self._table,
            IndexName=index,
            KeyConditionExpression=f"#{partition} = :value AND #{sort} BETWEEN :since AND :before",
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=_wire({":value": value, ":since": since or " ", ":before": before or "~"}),
            ScanIndexForward=False,
            PaginationConfig={"PageSize": at_once} if at_once else {},
            **only,
        )
        return (_item(item) for page in pages for item in page["Items"])

    def many(self, asset_ids: Iterable[str]) -> dict[str, Item]:
        """Records by asset id, read consistently; unknown ones are left out."""
        return {item["asset_id"]: item for item in self._batch_get(map(_record, asset_ids))}

    # which execution works on what

    def link(self, run: Run, asset_id: str) -> None:
        """Remember what an execution works on, for the steps that see only the execution."""
        expires = now() + LINK_LIFETIME
        self._set(_link(run.name), {"asset_id": asset_id, "expires_at": int(expires.timestamp())})

    def asset_of(self, execution: str) -> str | None:
        """The asset id that an execution works on."""
        item = self._get(_link(execution))
        return item["asset_id"] if item else None

    def assets_of(self, executions: Iterable[str]) -> dict[str, str]:
        """Asset ids by the executions that work on them; unknown ones are left out."""
        return {item["pk"].partition("#")[2]: item["asset_id"] for item in self._batch_get(map(_link, executions))}

    def claim(self, asset_id: str, run: Run, *, delivery: bool) -> None:
        """Take the asset for this execution, or raise DuplicateEvent.

        It can be taken when nobody has it, when this execution has it already, or when a claim ran out. A person
        (not a `delivery` of an event) may also take one whose execution has ended well.
        """
        free = "attribute_not_exists(pk) OR execution = :execution OR expires_at < :now"
        if not delivery:
            free += " OR held = :ended"
        held_until = now() + timedelta(seconds=EXECUTION_TIMEOUT_SECONDS)
        taken = self._set(
            _claim(asset_id),
            {"execution": run.name, "held": True, "expires_at": int(held_until.timestamp())},
            free,
            {":now": int(now().timestamp()), ":execution": run.name, **({} if delivery else {":ended": False})},
        )
        if not taken:
            raise DuplicateEvent(self._who_has(asset_id))

    def keep_claim(self, asset_id: str, run: Run) -> None:
        """The work is done: repeats of the event stay recognisable for the dedupe window.

        A redriven execution works without a claim, as its failure has released it.
        """
        until = now() + timedelta(seconds=DEDUPE_WINDOW_SECONDS)
        self._set(
            _claim(asset_id),
            {"execution": run.name, "held": False, "expires_at": int(until.timestamp())},
            "attribute_not_exists(pk) OR execution = :execution",
            {":execution": run.name},
        )

    def release_claim(self, asset_id: str, execution: str, *, done: bool = False) -> None:
        """Whoever comes next may have the asset. With `done`, also one that was kept for work that seemed done."""
        self._when(
            lambda: self._dynamodb.delete_item(
                TableName=self._table,
                Key=_wire(_claim(asset_id)),
                ConditionExpression="execution = :execution AND held IN (:held, :kept)",
                ExpressionAttributeValues=_wire({":execution": execution, ":held": True, ":kept": not done}),
            )
        )

    def claimed_by(self, asset_id: str) -> str | None:
        """The execution that holds the asset at the moment."""
        claim = self._get(_claim(asset_id)) or {}
        return claim["execution"] if claim.get("held") else None

    def taken_over(self, asset_id: str) -> DuplicateEvent:
        """Why an execution must stop: while it had failed, and before its redrive, another one took the asset."""
        return DuplicateEvent(self._who_has(asset_id))

    def _who_has(self, asset_id: str) -> str:
        claim = self._get(_claim(asset_id)) or {}
        execution = claim.get("execution", "unknown")
        if claim.get("held"):
            return f"Execution {execution} is at work on this version (asset {asset_id}); nothing to do."
        return (
            f"Execution {execution} has already served this version (asset {asset_id}); nothing to do. "
            'To process it again all the same, add "force": true to the input.'
        )

    # the current version of a key

    def advance(self, asset: Asset) -> bool:
        """Make this the current version of its key unless a newer one is. Sequencers decide where both have one."""
        values = {"asset_id": asset.id, "version_id": asset.version_id, "last_modified": asset.last_modified}
        newer = "attribute_not_exists(pk) OR asset_id = :asset_id OR "
        if asset.sequencer:
            order = _comparable(asset.sequencer)
            return self._set(
                _current(asset),
                {**values, "sequencer": order},
                newer + "sequencer < :order OR (attribute_not_exists(sequencer) AND last_modified <= :last_modified)",
                {":asset_id": asset.id, ":order": order, ":last_modified": asset.last_modified},
            )
        return self._set(
            _current(asset),
            values,
            newer + "last_modified < :last_modified",
            {":asset_id": asset.id, ":last_modified": asset.last_modified},
            remove=("sequencer",),
        )

    def current_of_key(self, bucket: str, key: str) -> str | None:
        """The asset id of a key's current version."""
        item = self._get({"pk": f"key#{bucket}/{key}", "sk": "current"})
        return item["asset_id"] if item else None

    # DynamoDB

    def _get(self, key: Item) -> Item | None:
        found = self._dynamodb.get_item(TableName=self._table, Key=_wire(key), ConsistentRead=True).get("Item")
        return _item(found) if found else None

    def _batch_get(self, keys: Iterable[Item]) -> Iterator[Item]:
        wanted = [_wire(key) for key in keys]
        while wanted:
            batch, wanted = wanted[:BATCH_GET_MAX_KEYS], wanted[BATCH_GET_MAX_KEYS:]
            found: Any = self._dynamodb.batch_get_item(
                RequestItems={self._table: {"Keys": batch, "ConsistentRead": True}}
            )
            wanted += found.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys", [])
            yield from map(_item, found["Responses"].get(self._table, []))

    def _set(
        self,
        key: Item,
        values: Mapping[str, Any],
        condition: str | None = None,
        condition_values: Mapping[str, Any] | None = None,
        *,
        keep: Mapping[str, Any] | None = None,
        remove: tuple[str, ...] = (),
    ) -> bool:
        """SET values, SET `keep` where absent, REMOVE; False where the condition does not hold."""
        keep = keep or {}
        names = {f"#{name}": name for name in (*values, *keep, *remove)}
        sets = [f"#{name} = :v_{name}" for name in values]
        sets += [f"#{name} = if_not_exists(#{name}, :v_{name})" for name in keep]
        removes = f" REMOVE {', '.join(f'#{name}' for name in remove)}" if remove else ""
        every = {f":v_{name}": value for name, value in {**keep, **values}.items()} | dict(condition_values or {})
        guarded: dict[str, Any] = {"ConditionExpression": condition} if condition else {}
        return self._when(
            lambda: self._dynamodb.update_item(
                TableName=self._table,
                Key=_wire(key),
                UpdateExpression=f"SET {', '.join(sets)}{removes}",
                ExpressionAttributeNames=names,
                ExpressionAttributeValues=_wire(every),
                **guarded,
            )
        )

    @staticmethod
    def _when(write: Any) -> bool:
        try:
            write()
        except ClientError as exc:
            if exc.response.get("Error", {}).get("Code") == "ConditionalCheckFailedException":
                return False
            raise
        return True


def _record(asset_id: str) -> Item:
    return {"pk": f"asset#{asset_id}", "sk": "record"}


def _claim(asset_id: str) -> Item:
    return {"pk": f"asset#{asset_id}", "sk": "claim"}


def _link(execution: str) -> Item:
    return {"pk": f"execution#{execution}", "sk": "asset"}


def _current(asset: Asset) -> Item:
    return {"pk": f"key#{asset.bucket}/{asset.key}", "sk": "current"}


def upload_order(asset: Asset) -> str:
    """Sorts the versions of a key as they were uploaded: S3's clock tells seconds, its sequencer the rest."""
    return f"{asset.last_modified}#{_comparable(asset.sequencer or '')}"


def _comparable(sequencer: str) -> str:
    """S3 compares sequencers as hexadecimal numbers, the shorter one padded with zeros on the right."""
    return sequencer.upper().ljust(64, "0")


def _wire(values: Mapping[str, Any]) -> dict[str, Any]:
    """DynamoDB's form; it knows decimals but no floats."""
    plain = json.loads(json.dumps(values, default=_plain), parse_float=Decimal)
    return {name: _serialize(value) for name, value in plain.items()}


def _item(wire: Mapping[str, Any]) -> Item:
    return {name: _native(_deserialize(value)) for name, value in wire.items()}


def _native(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return map_json(value, _native)


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value)
