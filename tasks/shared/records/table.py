"""DynamoDB, as this package speaks to it: items in JSON's types, conditional writes, queries of an index.

Items, by pk / sk:
    asset#<id>          / record     the only place that says how an asset is doing
    asset#<id>          / claim      which execution works on it, or lately did (TTL)
    execution#<name>    / asset      which asset an execution works on (TTL)
    key#<bucket>/<key>  / current    the newest version of a key, by S3's sequencer
"""

import json
import random
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import ClientError

from tasks.shared.records.model import Item
from workflow.shapes import map_json

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

BATCH_GET_MAX_KEYS = 100
FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 2.0

_serialize = TypeSerializer().serialize
_deserialize = TypeDeserializer().deserialize


def now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Table:
    """One table by name."""

    dynamodb: "DynamoDBClient"
    name: str
    sleep: Callable[[float], None] = time.sleep

    def get(self, key: Item) -> Item | None:
        """An item as it is now, read consistently."""
        found = self.dynamodb.get_item(TableName=self.name, Key=_wire(key), ConsistentRead=True).get("Item")
        return _item(found) if found else None

    def batch_get(self, keys: Iterable[Item], columns: Collection[str] = ()) -> Iterator[Item]:
        """Items by key, read consistently, or only these attributes of them; unknown ones are left out.

        What DynamoDB had no capacity for is asked for again, after pauses that grow.
        """
        wanted = [_wire(key) for key in keys]
        only = _only({"pk", *columns} if columns else ())
        longest = FIRST_PAUSE_SECONDS
        while wanted:
            batch, wanted = wanted[:BATCH_GET_MAX_KEYS], wanted[BATCH_GET_MAX_KEYS:]
            asked: Any = {"Keys": batch, "ConsistentRead": True, **only}
            found: Any = self.dynamodb.batch_get_item(RequestItems={self.name: asked})
            left = found.get("UnprocessedKeys", {}).get(self.name, {}).get("Keys", [])
            wanted += left
            yield from map(_item, found["Responses"].get(self.name, []))
            if left:
                self.sleep(random.uniform(0, longest))  # noqa: S311 - nothing secret, only not all at the same time
            longest = min(2 * longest, LONGEST_PAUSE_SECONDS) if left else FIRST_PAUSE_SECONDS

    def set(
        self,
        key: Item,
        values: Mapping[str, Any],
        condition: str | None = None,
        condition_values: Mapping[str, Any] | None = None,
        *,
        keep: Mapping[str, Any] | None = None,
        remove: Iterable[str] = (),
    ) -> bool:
        """SET values, SET `keep` where absent, REMOVE; False where the condition does not hold."""
        keep, remove = keep or {}, tuple(remove)
        names = {f"#{name}": name for name in (*values, *keep, *remove)}
        sets = [f"#{name} = :v_{name}" for name in values]
        sets += [f"#{name} = if_not_exists(#{name}, :v_{name})" for name in keep]
        removes = f" REMOVE {', '.join(f'#{name}' for name in remove)}" if remove else ""
        every = {f":v_{name}": value for name, value in {**keep, **values}.items()} | dict(condition_values or {})
        guarded: dict[str, Any] = {"ConditionExpression": condition} if condition else {}
        return _held(
            lambda: self.dynamodb.update_item(
                TableName=self.name,
                Key=_wire(key),
                UpdateExpression=f"SET {', '.join(sets)}{removes}",
                ExpressionAttributeNames=names,
                ExpressionAttributeValues=_wire(every),
                **guarded,
            )
        )

    def delete(self, key: Item, condition: str, values: Mapping[str, Any]) -> bool:
        """Delete an item; False where the condition does not hold."""
        return _held(
            lambda: self.dynamodb.delete_item(
                TableName=self.name,
                Key=_wire(key),
                ConditionExpression=condition,
                ExpressionAttributeValues=_wire(values),
            )
        )

    def query_all(
        self,
        index: str,
        condition: str,
        values: Mapping[str, Any],
        *,
        at_once: int | None,
        columns: Collection[str],
        **options: Any,
    ) -> Iterator[Item]:
        """These attributes of all that an index has, `at_once` in a request, as they are asked for."""
        pages = self.dynamodb.get_paginator("query").paginate(
            TableName=self.name,
            IndexName=index,
            KeyConditionExpression=condition,
            ExpressionAttributeValues=_wire(values),
            PaginationConfig={"PageSize": at_once} if at_once else {},
            **_only(columns),
            **options,
        )
        return (_item(item) for page in pages for item in page["Items"])


def _only(columns: Collection[str]) -> dict[str, Any]:
    """Of each item, these attributes; all of them where none is named."""
    names = {f"#{name}": name for name in sorted(columns)}
    return {"ProjectionExpression": ", ".join(names), "ExpressionAttributeNames": names} if names else {}


def _held(write: Callable[[], object]) -> bool:
    """Whether a write's condition did."""
    try:
        write()
    except ClientError as exc:
        if exc.response.get("Error", {}).get("Code") == "ConditionalCheckFailedException":
            return False
        raise
    return True


def _wire(values: Mapping[str, Any]) -> dict[str, Any]:
    """DynamoDB's form; it knows decimals but no floats."""
    plain = json.loads(json.dumps(values, default=msgspec.to_builtins), parse_float=Decimal)
    return {name: _serialize(value) for name, value in plain.items()}


def _item(wire: Mapping[str, Any]) -> Item:
    return {name: _native(_deserialize(value)) for name, value in wire.items()}


def _native(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return map_json(value, _native)
