"""DynamoDB's items: a row each. Partitions and keys are in memory, as the emulator looks for them there."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from infra.local.durable.journal import GONE, Entries, Journal
from infra.local.durable.shelf import Memory, Shelf
from infra.local.durable.store import Change, encode
from infra.local.stock import dynamodb

AREA = "dynamodb/items"
DERIVED = frozenset({"items", dynamodb._INDEX_MEMBERS, "ItemCount", "TableSizeBytes"})

Table = dict[str, Any]
TableKey = tuple[str, str, str]
"""Account, region and name."""


class Items(defaultdict[str, Any]):
    """A table's partitions: each a shelf of items by sort key."""

    def __init__(self, table: TableKey, journal: Journal, memory: Memory) -> None:
        super().__init__()
        self._table = table
        self._journal = journal
        self._memory = memory
        self._shelves: dict[str, Shelf] = {}

    def __missing__(self, partition: str) -> Shelf:
        """A partition that comes again has the shelf that it had: one shelf speaks for a row."""
        if partition not in self._shelves:
            self._shelves[partition] = Shelf(AREA, (*self._table, partition), self._journal, self._memory)
        super().__setitem__(partition, self._shelves[partition])
        return self._shelves[partition]

    def __setitem__(self, partition: str, items: dict[str, Any]) -> None:
        shelf: Shelf = self[partition]
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
        super().__init__("dynamodb/tables", dynamodb._tables, journal, encode_table)

    def restore(self) -> None:
        """Tables that were loaded have their items in the store."""
        for key in list(self._data):
            self._items[key] = self._data.peek(key)["items"] = Items(key, self._journal, self._memory)
        for *table, partition, sort_key in self._journal.store.keys(AREA):
            if (items := self._items.get(tuple(table))) is not None:
                items[partition].stored([sort_key])
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
        elif not isinstance(table["items"], Items):
            items = self._items.setdefault(key, Items(key, self._journal, self._memory))
            items.replace(table["items"])
            table["items"] = items


def encode_table(table: Table) -> str:
    return encode({name: value for name, value in table.items() if name not in DERIVED})
