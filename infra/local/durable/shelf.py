"""A dictionary that has its keys in memory, and its values in the store unless they are in use.

Its values are saved when they are set, or when whoever changed one says so with `changed`; a `Lending` one expects that
what it hands out is changed, and compares.
"""

import copy
import threading
import time
from collections import OrderedDict
from collections.abc import Hashable, Iterable, Iterator
from typing import Any

from infra.local.durable.journal import GONE, Journal
from infra.local.durable.store import Change, encode, key_text

KEPT_VALUES = 1000
IDLE_SECONDS = 30.0
STORED = object()
"""Stands in a shelf for a value that only the store has."""


class Memory:
    """Which values of all shelves are in memory; those that nobody used for longest are put back."""

    def __init__(self, kept: int = KEPT_VALUES) -> None:
        self._kept = kept
        self._used: OrderedDict[tuple[Shelf, Hashable], float] = OrderedDict()
        self._lock = threading.RLock()

    def use(self, shelf: "Shelf", key: Hashable) -> None:
        with self._lock:
            self._used[shelf, key] = time.monotonic()
            self._used.move_to_end((shelf, key))

    def put_back(self) -> None:
        """Only what was saved, and what nobody has in hand any more."""
        idle = time.monotonic() - IDLE_SECONDS
        with self._lock:
            while len(self._used) > self._kept and next(iter(self._used.values())) < idle:
                (shelf, key), _used = self._used.popitem(last=False)
                shelf.put_back(key)


class Shelf(dict[Any, Any]):
    """`place` is the start of its rows' keys, so that an area may have many shelves."""

    compared = False

    def __init__(self, area: str, place: tuple[Any, ...], journal: Journal, memory: Memory) -> None:
        super().__init__()
        self._area = area
        self._place = place
        self._journal = journal
        self._memory = memory
        self._unsaved: set[Any] = set()

    __hash__ = object.__hash__  # pyright: ignore[reportAssignmentType] - a part of the journal, as itself

    def __eq__(self, other: object) -> bool:
        return self is other

    def __str__(self) -> str:
        return self._area

    def stored(self, keys: Iterable[Any]) -> None:
        """These are in the store."""
        for key in keys:
            super().__setitem__(key, STORED)

    def changed(self, key: Any, value: Any) -> None:
        """The value that was taken from here, under `key`, is another one now."""
        self._unsaved.add(key)
        super().__setitem__(key, value)
        self._memory.use(self, key)
        self._journal.touch(self, key)

    def changes(self, keys: set[Any]) -> Iterator[Change]:
        for key in keys:
            value = self.peek(key)
            if value is not STORED:
                self._unsaved.discard(key)
                yield self._area, self._row_key(key), None if value is GONE else self._text(value)

    def peek(self, key: Any) -> Any:
        """The value, STORED or GONE."""
        return super().get(key, GONE)

    def put_back(self, key: Any) -> None:
        if key not in self._unsaved and key in self:
            super().__setitem__(key, STORED)

    def __iter__(self) -> Iterator[Any]:
        """Being there, it keeps `dict(shelf)` from copying what stands in for the values."""
        return super().__iter__()

    def __getitem__(self, key: Any) -> Any:
        value = super().__getitem__(key)
        if value is STORED:
            value = self._load(key)
            super().__setitem__(key, value)
        self._memory.use(self, key)
        return value

    def __setitem__(self, key: Any, value: Any) -> None:
        self.changed(key, value)

    def __delitem__(self, key: Any) -> None:
        super().__delitem__(key)
        self._unsaved.add(key)
        self._journal.touch(self, key)

    def get(self, key: Any, default: Any = None) -> Any:
        if key not in self:
            return default
        return self[key]

    def pop(self, key: Any, *default: Any) -> Any:
        if key not in self and default:
            return default[0]
        value = self[key]
        del self[key]
        return value

    def setdefault(self, key: Any, default: Any = None) -> Any:
        if key not in self:
            self[key] = default
        return self[key]

    def update(self, *others: Any, **named: Any) -> None:
        for key, value in dict(*others, **named).items():
            self[key] = value

    def clear(self) -> None:
        for key in list(self):
            del self[key]

    def values(self) -> Any:
        return (value for _key, value in self.items())

    def items(self) -> Any:
        """What only passes by does not stay in memory."""
        for key in list(self):
            value = self.peek(key)
            if value is not GONE:
                yield key, self._load(key) if value is STORED else value

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[Any, Any]:
        return copy.deepcopy(dict(self.items()), memo)

    def _load(self, key: Any) -> Any:
        return self._journal.store.value(self._area, self._row_key(key))

    def _text(self, value: Any) -> str:
        return encode(value)

    def _row_key(self, key: Any) -> str:
        return key_text([*self._place, key])


class Lending(Shelf):
    """A shelf whose values may be changed in place by whoever has got one."""

    def __init__(self, area: str, place: tuple[Any, ...], journal: Journal, memory: Memory) -> None:
        super().__init__(area, place, journal, memory)
        self._saved: dict[str, int] = {}
        """By row, of what is in memory."""

    def __getitem__(self, key: Any) -> Any:
        value = super().__getitem__(key)
        self._journal.touch(self, key)
        return value

    def changes(self, keys: set[Any]) -> Iterator[Change]:
        for area, row, text in super().changes(keys):
            if text is None:
                self._saved.pop(row, None)
                yield area, row, None
            elif self._saved.get(row) != hash(text):
                self._saved[row] = hash(text)
                yield area, row, text

    def put_back(self, key: Any) -> None:
        super().put_back(key)
        self._saved.pop(self._row_key(key), None)

    def _load(self, key: Any) -> Any:
        value = super()._load(key)
        self._saved[self._row_key(key)] = hash(self._text(value))
        return value
