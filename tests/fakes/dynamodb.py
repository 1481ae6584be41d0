"""DynamoDB's tables: items, conditions on writes, and queries by the table's own keys or an index's."""

import math
from collections.abc import Callable, Collection, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from tests.fakes.errors import AwsError
from tests.fakes.expressions import Item, Path, Scope, Value, condition, invalid, plain, projection, update
from tests.fakes.partitions import Partitions, taken

Answer = dict[str, Any]
MAX_ITEM_BYTES = 400 * 1024
MAX_BATCH_KEYS = 100


@dataclass
class Table:
    """Items by their own keys; `keys` has the partition and the sort key of the table ("") and of each index.

    Of some indexes, which are `keys_only`, queries get no more of an item. Where there are `partitions`, they throttle.
    """

    keys: Mapping[str, list[str]]
    keys_only: frozenset[str] = frozenset()
    partitions: Partitions | None = None
    items: dict[tuple[Any, ...], Item] = field(default_factory=dict)

    def key_of(self, item: Mapping[str, Value]) -> tuple[Any, ...]:
        own = self.keys[""]
        if any(name not in item for name in own):
            raise invalid("The provided key element does not match the schema")
        return tuple(plain(item[name]) for name in own)


class DynamoDB:
    """The operations, by their names in AWS."""

    def __init__(self) -> None:
        self._tables: dict[str, Table] = {}

    def CreateTable(
        self,
        *,
        TableName: str,
        KeySchema: list[Answer],
        GlobalSecondaryIndexes: Collection[Answer] = (),
        AttributeDefinitions: Any,
        BillingMode: str,
    ) -> None:
        indexes = {index["IndexName"]: _names(index["KeySchema"]) for index in GlobalSecondaryIndexes}
        projections = {index["IndexName"]: index["Projection"]["ProjectionType"] for index in GlobalSecondaryIndexes}
        keys_only = frozenset(name for name, projected in projections.items() if projected == "KEYS_ONLY")
        self._tables[TableName] = Table({"": _names(KeySchema)} | indexes, keys_only)

    def throttle(self, table: str, partitions: Partitions) -> None:
        """Let writes to a table and its indexes take units, and be throttled where none is left, as DynamoDB does."""
        self._table(table).partitions = partitions

    def DeleteTable(self, *, TableName: str) -> None:
        self._table(TableName)
        del self._tables[TableName]

    def GetItem(self, *, TableName: str, Key: Item, ConsistentRead: bool = False) -> Answer:
        table = self._table(TableName)
        found = table.items.get(table.key_of(Key))
        return {} if found is None else {"Item": deepcopy(found)}

    def BatchGetItem(self, *, RequestItems: Mapping[str, Answer]) -> Answer:
        found: Answer = {}
        for name, wanted in RequestItems.items():
            table = self._table(name)
            keys = [table.key_of(key) for key in wanted["Keys"]]
            if len(keys) > MAX_BATCH_KEYS or len(set(keys)) < len(keys):
                raise invalid("Provided list of item keys contains duplicates, or is too long")
            paths, scope = _projected_by(wanted)
            found[name] = [_projected(table.items[key], paths, scope) for key in keys if key in table.items]
        return {"Responses": found, "UnprocessedKeys": {}}

    def PutItem(self, *, TableName: str, Item: Item, **guard: Any) -> None:
        table = self._table(TableName)
        _write(table, Item, lambda _before, _scope: deepcopy(Item), guard)

    def UpdateItem(self, *, TableName: str, Key: Item, UpdateExpression: str, **guard: Any) -> None:
        def changed(before: Item, scope: Scope) -> Item:
            item = deepcopy(before or Key)
            for step in update(UpdateExpression):
                step(before or Key, item, scope)
            if any(item.get(name) != value for name, value in Key.items()):
                raise invalid("Cannot update attribute. This attribute is part of the key")
            return item

        _write(self._table(TableName), Key, changed, guard | {"UpdateExpression": UpdateExpression})

    def DeleteItem(self, *, TableName: str, Key: Item, **guard: Any) -> None:
        _write(self._table(TableName), Key, lambda _before, _scope: None, guard)

    def Scan(self, *, TableName: str) -> Answer:
        found = [*map(deepcopy, self._table(TableName).items.values())]
        return {"Items": found, "Count": len(found)}

    def Query(
        self,
        *,
        TableName: str,
        IndexName: str = "",
        KeyConditionExpression: str,
        FilterExpression: str = "",
        ProjectionExpression: str = "",
        ScanIndexForward: bool = True,
        Limit: int | None = None,
        ExclusiveStartKey: Item | None = None,
        **names: Any,
    ) -> Answer:
        table, scope = self._table(TableName), _scope(names)
        scope.require_all_used(KeyConditionExpression, FilterExpression, ProjectionExpression)
        if IndexName not in table.keys:
            raise invalid(f"The table does not have the specified index: {IndexName}")
        is_found = condition(KeyConditionExpression)
        found = [item for item in _sorted(table, IndexName, backwards=not ScanIndexForward) if is_found(item, scope)]
        page, last = _page(table, found, ExclusiveStartKey, Limit)
        items = [item for item in page if not FilterExpression or condition(FilterExpression)(item, scope)]
        paths = projection(ProjectionExpression) if ProjectionExpression else ()
        held = [_held(table, IndexName, item) for item in items]
        answer = {"Items": [_projected(item, paths, scope) for item in held], "Count": len(items)}
        if last:
            names_of = {*table.keys[""], *table.keys[IndexName]}
            answer["LastEvaluatedKey"] = {name: last[name] for name in names_of}
        return answer | {"ScannedCount": len(page)}

    def _table(self, name: str) -> Table:
        if name not in self._tables:
            raise AwsError("ResourceNotFoundException", "Requested resource not found")
        return self._tables[name]


def _names(schema: list[Answer]) -> list[str]:
    return [each["AttributeName"] for each in schema]


def _scope(parameters: Mapping[str, Any]) -> Scope:
    if unknown := parameters.keys() - {"ExpressionAttributeNames", "ExpressionAttributeValues"}:
        raise NotImplementedError(f"DynamoDB: {unknown}")
    return Scope(parameters.get("ExpressionAttributeNames", {}), parameters.get("ExpressionAttributeValues", {}))


def _write(
    table: Table, key: Mapping[str, Value], change: Callable[[Item, Scope], Item | None], guard: dict[str, Any]
) -> None:
    """`change` gets the item that is there, or an empty one; where it gives None, the item goes."""
    texts = [guard.pop(name, "") for name in ("ConditionExpression", "UpdateExpression")]
    scope, at = _scope(guard), table.key_of(key)
    scope.require_all_used(*texts)
    before, text = table.items.get(at, {}), texts[0]
    holds = not text or condition(text)(before, scope)
    after = change(before, scope)
    if not holds:
        raise AwsError("ConditionalCheckFailedException", "The conditional request failed")
    if table.partitions and not table.partitions.take(taken(table.keys, {**before, **key}, after or {}, _kilobytes)):
        raise AwsError("ThrottlingException", "Throughput exceeds the current capacity of your table or index.")
    if after is None:
        table.items.pop(at, None)
    elif _bytes({"M": after}) > MAX_ITEM_BYTES:
        raise invalid("Item size has exceeded the maximum allowed size")
    else:
        table.items[at] = after


def _kilobytes(item: Mapping[str, Value]) -> int:
    return math.ceil(_bytes({"M": item}) / 1024)


def _bytes(value: Value) -> int:
    ((kind, held),) = value.items()
    if kind == "M":
        return sum(len(name.encode()) + _bytes(each) for name, each in held.items())
    if kind == "L":
        return sum(map(_bytes, held))
    return len(held.encode()) if isinstance(held, str) else 1 if isinstance(held, bool) else len(held)


def _sorted(table: Table, index: str, *, backwards: bool) -> list[Item]:
    """Those that the index holds, by its sort key, and by the table's own where that is equal."""
    names = table.keys[index]
    held = [item for item in table.items.values() if all(name in item for name in names)]
    order = [*names[1:], *table.keys[""]]
    return sorted(held, key=lambda item: [plain(item[name]) for name in order], reverse=backwards)


def _page(table: Table, found: list[Item], after: Item | None, limit: int | None) -> tuple[list[Item], Item | None]:
    """The items that follow `after`, and the last one of them where a limit has cut them short."""
    if after:
        keys = [table.key_of(item) for item in found]
        found = found[keys.index(table.key_of(after)) + 1 :]
    if limit is None or len(found) < limit:
        return found, None
    return found[:limit], found[limit - 1]


def _held(table: Table, index: str, item: Item) -> Item:
    """What the index has of an item."""
    if index not in table.keys_only:
        return item
    return {name: item[name] for name in (*table.keys[""], *table.keys[index])}


def _projected_by(wanted: Answer) -> tuple[tuple[Path, ...], Scope]:
    """Which attributes a part of a batch asks for."""
    text, scope = wanted.get("ProjectionExpression", ""), Scope(wanted.get("ExpressionAttributeNames", {}), {})
    scope.require_all_used(text)
    return projection(text) if text else (), scope


def _projected(item: Item, paths: tuple[Path, ...], scope: Scope) -> Item:
    if not paths:
        return deepcopy(item)
    chosen: Item = {}
    for path in paths:
        (name,) = path.names(scope)
        if name in item:
            chosen[str(name)] = deepcopy(item[str(name)])
    return chosen
