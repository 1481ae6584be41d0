"""DynamoDB's items: a row each. In memory are their keys, and sketches: what indexes and the expiry look at.

The emulator reads all items that an index has under a value, sorts them and returns a page; and all there are, once a
minute, to see which have expired. Here it sees sketches until it comes to the page.
"""

import contextvars
import json
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from infra.local.durable.journal import GONE, Entries, Journal
from infra.local.durable.shelf import STORED, Memory, Shelf
from infra.local.durable.store import Change, encode, key_of
from infra.local.ministack import dynamodb

AREA = "dynamodb/items"
SKETCHES = "dynamodb/sketches"
DERIVED = frozenset({"items", dynamodb._INDEX_MEMBERS, "ItemCount", "TableSizeBytes"})

REAPER = "dynamodb-ttl-reaper"
"""The emulator's thread that removes what has expired."""
NO_SORT_KEY = "__no_sort__"

Item = dict[str, Any]
Table = dict[str, Any]
TableKey = tuple[str, str, str]
"""Account, region and name."""


_sketching: contextvars.ContextVar[bool] = contextvars.ContextVar("sketching", default=False)
_stock_query = dynamodb._query
_stock_paginate = dynamodb._paginate_evaluated_items


class Partition(Shelf):
    """The items of one partition, by sort key."""

    def __init__(self, items: "Items", place: tuple[str, ...], journal: Journal, memory: Memory) -> None:
        super().__init__(AREA, place, journal, memory)
        self._items = items
        self._sketches: dict[str, Item] = {}

    def changed(self, key: Any, value: Any) -> None:
        super().changed(key, value)
        self._sketches[key] = self._items.sketch(value)

    def __getitem__(self, key: Any) -> Item:
        return self._sketch(key) if _sketching.get() else super().__getitem__(key)

    def __delitem__(self, key: Any) -> None:
        super().__delitem__(key)
        self._sketches.pop(key, None)

    def items(self) -> Any:
        if _sketching.get() or threading.current_thread().name == REAPER:
            return ((key, self._sketch(key)) for key in list(self))
        return super().items()

    def changes(self, keys: set[Any]) -> Iterator[Change]:
        yield from super().changes(keys)
        for key in keys:
            yield SKETCHES, self._row_key(key), encode(self._sketch(key)) if key in self else None

    def restored(self, sort_key: str, sketch: Item) -> None:
        self._sketches[sort_key] = sketch

    def sketch_again(self) -> None:
        self._sketches.clear()
        for key in list(self):
            self._journal.touch(self, key)

    def _sketch(self, key: str) -> Item:
        if key not in self._sketches:
            value = self.peek(key)
            self._sketches[key] = self._items.sketch(self._load(key) if value is STORED else value)
        return self._sketches[key]


class Items(defaultdict[str, Any]):
    """A table's partitions."""

    def __init__(self, table: TableKey, journal: Journal, memory: Memory) -> None:
        super().__init__()
        self.sketched: frozenset[str] = frozenset()
        """The attributes that a sketch has."""
        self._table = table
        self._journal = journal
        self._memory = memory
        self._shelves: dict[str, Partition] = {}

    def __missing__(self, partition: str) -> Partition:
        """A partition that comes again has the shelf that it had: one shelf speaks for a row."""
        if partition not in self._shelves:
            place = (*self._table, partition)
            self._shelves[partition] = Partition(self, place, self._journal, self._memory)
        super().__setitem__(partition, self._shelves[partition])
        return self._shelves[partition]

    def __setitem__(self, partition: str, items: dict[str, Any]) -> None:
        shelf: Partition = self[partition]
        for sort_key in shelf.keys() - items.keys():
            del shelf[sort_key]
        shelf.update(items)

    def __delitem__(self, partition: str) -> None:
        self[partition].clear()
        super().__delitem__(partition)

    def setdefault(self, partition: str, default: Any = None) -> Any:
        if partition not in self:
            self[partition] = default
        return self[partition]

    def sketch(self, item: Item) -> Item:
        return {name: item[name] for name in self.sketched if name in item}

    def sketch_only(self, names: frozenset[str]) -> None:
        if names != self.sketched:
            self.sketched = names
            for shelf in self._shelves.values():
                shelf.sketch_again()

    def clear(self) -> None:
        self.replace({})

    def replace(self, items: dict[str, dict[str, Any]]) -> None:
        for partition in self.keys() - items.keys():
            del self[partition]
        for partition, content in items.items():
            self[partition] = content


class Tables(Entries):
    """The tables, each without its items, which it gives shelves of their own."""

    def __init__(self, journal: Journal, memory: Memory) -> None:
        self._items: dict[TableKey, Items] = {}
        self._journal = journal
        self._memory = memory
        super().__init__("dynamodb/tables", dynamodb._tables, journal, table_itself)
        dynamodb._query = query
        dynamodb._paginate_evaluated_items = paginate

    def restore(self) -> None:
        """Tables that were loaded have their items in the store."""
        for key in list(self._data):
            self._items[key] = self._data.peek(key)["items"] = Items(key, self._journal, self._memory)
            self._items[key].sketch_only(looked_at(key, self._data.peek(key)))
        for *table, partition, sort_key in self._journal.store.keys(AREA):
            if (items := self._items.get(tuple(table))) is not None:
                items[partition].stored([sort_key])
        for text, sketch in self._journal.store.texts(SKETCHES):
            *table, partition, sort_key = key_of(text)
            if (items := self._items.get(tuple(table))) is not None and sort_key in items[partition]:
                items[partition].restored(sort_key, json.loads(sketch))
        for key in list(self._data):
            dynamodb._update_counts(self._data.peek(key))

    def changes(self, keys: set[Any]) -> Iterator[Change]:
        for key in keys:
            self._adopt(key, self._data.peek(key))
        yield from super().changes(keys)

    def _adopt(self, key: TableKey, table: Table) -> None:
        """Items that the emulator put there as a whole get their shelves; those of a deleted table go."""
        if table is GONE:
            self._items.pop(key, Items(key, self._journal, self._memory)).clear()
            return
        if not isinstance(table["items"], Items):
            items = self._items.setdefault(key, Items(key, self._journal, self._memory))
            items.replace(table["items"])
            table["items"] = items
        table["items"].sketch_only(looked_at(key, table))


def looked_at(key: TableKey, table: Table) -> frozenset[str]:
    """The attributes that are keys of the table or of an index, or tell when an item expires."""
    expiry: dict[str, str] = dynamodb._ttl_settings._data.get(key, {})
    keys = {definition["AttributeName"] for definition in table["AttributeDefinitions"]}
    return frozenset(keys | {expiry.get("AttributeName", "")})


def query(request: dict[str, Any]) -> Any:
    """Of an index, the emulator sees sketches until it knows which items are on the page."""
    token = _sketching.set("IndexName" in request)
    try:
        return _stock_query(request)
    finally:
        _sketching.reset(token)


def paginate(candidates: Iterable[Item], limit: int | None, table: Table, index: str | None = None) -> Any:
    """The emulator takes one after the other until its page is full."""
    if _sketching.get():
        _sketching.set(False)
        candidates = (whole(sketch, table) for sketch in candidates)
    return _stock_paginate(candidates, limit, table, index)


def whole(sketch: Item, table: Table) -> Item:
    partition = dynamodb._extract_key_val(sketch[table["pk_name"]])
    sort_key = dynamodb._extract_key_val(sketch[table["sk_name"]]) if table["sk_name"] else NO_SORT_KEY
    return table["items"][partition][sort_key]


def table_itself(table: Table) -> Table:
    return {name: value for name, value in table.items() if name not in DERIVED}
