"""Notes which parts of the state may have changed, and writes those that did, all in one transaction.

The emulator changes what it has read: a queue's messages, a function's versions. So whatever is handed out counts as
touched, and is compared with what was saved once the request that touched it is answered. What no request touched, but
a thread of the emulator's own, is looked at again for a while, as nobody knows when such a thread is done.
"""

import contextlib
import contextvars
import copy
import pickle
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Hashable, Iterator
from typing import Any, Protocol

from infra.local.durable.store import Change, Store, encode, key_text
from infra.local.ministack import app, responses

SETTLING_SECONDS = 2.0
ENCODING_ATTEMPTS = 20

Touch = tuple["Part", Hashable]
Row = tuple[str, str]
"""Area and key."""
GONE = object()


class Part(Protocol):
    """Some of the state: what its touched keys look like now.

    What is `compared` is written if it differs from what was saved last; all else whenever it is touched.
    """

    compared: bool

    def changes(self, keys: set[Any]) -> Iterator[Change]: ...


class Writer(Protocol):
    """Keeps what it has by itself."""

    def write(self) -> None:
        """Writes what is new, in the journal's transaction."""

    def undo(self) -> None:
        """That transaction came to nothing: what was new still is."""


class UnsavedError(Exception):
    """The state could not be written: whoever is waiting must not hear that all went well."""


class Request:
    """What one request touched, until it is answered: threads that it started may live longer."""

    def __init__(self) -> None:
        self.touched: set[Touch] = set()
        self.open = True


_request: contextvars.ContextVar[Request | None] = contextvars.ContextVar("request", default=None)


class Journal:
    def __init__(self, store: Store) -> None:
        self.store = store
        self.writers: list[Writer] = []
        self.after: list[Callable[[], None]] = []
        """Called once a transaction is over."""
        self._saved: dict[Row, int] = {}
        self._owed_compared: dict[Row, str | None] = {}
        self._owed: dict[Row, str | None] = {}
        """Told by parts, which do not tell it again, and not written yet: more than one lot if the disk was full."""
        self._touched: deque[Touch] = deque()
        self._settling: dict[Touch, float] = {}
        self._lock = threading.RLock()

    def touch(self, part: Part, key: Hashable) -> None:
        request = _request.get()
        if request is not None and request.open:
            request.touched.add((part, key))
        else:
            self._touched.append((part, key))

    @contextlib.contextmanager
    def request(self) -> Generator[Callable[[], None]]:
        """What is touched inside belongs to one request; yields what saves it."""
        request = Request()
        token = _request.set(request)
        try:
            yield lambda: self._save_request(request)
        finally:
            request.open = False
            self._touched.extend(request.touched)
            _request.reset(token)

    def save(self) -> None:
        """Writes whatever changed. Costs next to nothing when nothing did."""
        self._save(set())

    def save_again(self) -> None:
        """Also looks at what threads touched lately and may have changed since."""
        now = time.monotonic()
        with self._lock:
            again = set(self._settling)
            self._settling = {touch: until for touch, until in self._settling.items() if until > now}
        self._save(again)

    def known(self, area: str, key: str, text: str) -> None:
        """That much is in the store already."""
        self._saved[area, key] = hash(text)

    def _save_request(self, request: Request) -> None:
        touched, request.touched = request.touched, set()
        self._save(touched)

    def _save(self, touched: set[Touch]) -> None:
        with self._lock:
            others = {self._touched.popleft() for _ in range(len(self._touched))}
            until = time.monotonic() + SETTLING_SECONDS
            self._settling |= dict.fromkeys(others, until)
            try:
                self._write(touched | others)
            except (OSError, sqlite3.Error) as exc:
                self._touched.extend(touched | others)
                raise UnsavedError(str(exc)) from exc

    def _write(self, touched: set[Touch]) -> None:
        by_part: dict[Part, set[Hashable]] = {}
        for part, key in touched:
            by_part.setdefault(part, set()).add(key)
        for part, keys in by_part.items():  # what one tells is owed before the next can fail
            for area, key, text in _encoded(part, keys):
                if not part.compared:
                    self._owed[area, key] = text
                elif self._is_news(area, key, text):
                    self._owed_compared[area, key] = text
        owed = self._owed_compared | self._owed
        with self.store.lock, self._undoing(), self.store.transaction():
            self.store.write((area, key, text) for (area, key), text in owed.items())
            for writer in self.writers:
                writer.write()
        self._paid()
        for done in self.after:
            done()

    @contextlib.contextmanager
    def _undoing(self) -> Generator[None]:
        try:
            yield
        except BaseException:
            for writer in self.writers:
                writer.undo()
            raise

    def _paid(self) -> None:
        for row, text in self._owed_compared.items():
            if text is None:
                self._saved.pop(row, None)
            else:
                self._saved[row] = hash(text)
        self._owed_compared, self._owed = {}, {}

    def _is_news(self, area: str, key: str, text: str | None) -> bool:
        if (area, key) in self._owed_compared:
            return True
        saved = self._saved.get((area, key))
        return saved is not None if text is None else saved != hash(text)


def _encoded(part: Part, keys: set[Any]) -> list[Change]:
    """A thread may add to a dictionary while it is encoded: then once more. What cannot be encoded is left out."""
    for _attempt in range(ENCODING_ATTEMPTS):
        try:
            return list(part.changes(keys))
        except RuntimeError:
            time.sleep(0)
        except (TypeError, ValueError):
            break
    app.logger.exception("%s could not be saved", part)
    return []


class Watched(dict[Any, Any]):
    """The dictionary inside one of the emulator's account's dictionaries: what it hands out may be changed."""

    def __init__(self, content: dict[Any, Any], touch: Callable[[Any], None]) -> None:
        super().__init__(content)
        self._touch = touch

    def __getitem__(self, key: Any) -> Any:
        self._touch(key)
        return super().__getitem__(key)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key, value)
        self._touch(key)

    def __delitem__(self, key: Any) -> None:
        super().__delitem__(key)
        self._touch(key)

    def get(self, key: Any, default: Any = None) -> Any:
        self._touch(key)
        return super().get(key, default)

    def pop(self, key: Any, *default: Any) -> Any:
        self._touch(key)
        return super().pop(key, *default)

    def setdefault(self, key: Any, default: Any = None) -> Any:
        self._touch(key)
        return super().setdefault(key, default)

    def items(self) -> Any:
        self._touch_all()
        return super().items()

    def values(self) -> Any:
        self._touch_all()
        return super().values()

    def update(self, *others: Any, **named: Any) -> None:
        super().update(*others, **named)
        self._touch_all()

    def clear(self) -> None:
        self._touch_all()
        super().clear()

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[Any, Any]:
        return copy.deepcopy(dict(self), memo)

    def peek(self, key: Any) -> Any:
        """The value, or GONE, without touching it."""
        return super().get(key, GONE)

    def _touch_all(self) -> None:
        for key in list(self):
            self._touch(key)


class Entries:
    """A dictionary of an account's in which each entry is saved by itself, without what `state_of` leaves out."""

    compared = True

    def __init__(
        self,
        area: str,
        container: Any,
        journal: Journal,
        state_of: Callable[[Any], dict[str, Any]] = lambda value: value,
    ) -> None:
        self._area = area
        self._state_of: Callable[[Any], Any] = state_of
        self._seen: dict[Any, int] = {}
        """A hash of each entry that was told last: most were only looked at since."""
        container._data = self._data = Watched(container._data, lambda key: journal.touch(self, key))
        for key in list(self._data):
            journal.touch(self, key)

    def __str__(self) -> str:
        return self._area

    def changes(self, keys: set[Any]) -> Iterator[Change]:
        seen: dict[Any, int] = {}
        changes: list[Change] = []
        for key in keys:
            value = self._data.peek(key)
            state = None if value is GONE else self._state_of(value)
            seen[key] = fingerprint(state)
            if seen[key] != self._seen.get(key):
                changes.append((self._area, key_text(key), None if value is GONE else encode(state)))
        self._seen |= seen
        yield from changes


def fingerprint(state: Any) -> int:
    """Equal ones mean equal states; not so the other way round."""
    try:
        return hash(pickle.dumps(state, pickle.HIGHEST_PROTOCOL))
    except (pickle.PicklingError, AttributeError, TypeError):
        return hash(encode(state))


class Snapshot:
    """A service that saves something other than its own dictionaries: all of it, when any of them was touched."""

    compared = True

    def __init__(
        self, service: str, containers: list[Any], read: Callable[[], dict[str, Any]], journal: Journal
    ) -> None:
        self._service = service
        self._read = read
        self._keys: set[tuple[str, str]] = set()
        for container in containers:
            container._data = Watched(container._data, lambda _key: journal.touch(self, None))
        journal.touch(self, None)

    def __str__(self) -> str:
        return self._service

    def changes(self, keys: set[Any]) -> Iterator[Change]:  # noqa: ARG002 - a part of the journal
        found = dict(self._rows())
        for area, key in self._keys - found.keys():
            yield area, key, None
        for (area, key), text in found.items():
            yield area, key, text
        self._keys = set(found)

    def _rows(self) -> Iterator[tuple[tuple[str, str], str]]:
        for name, value in self._read().items():
            area = f"{self._service}/{name}"
            if is_scoped(value):
                for key, entry in list(value._data.items()):
                    yield (area, key_text(key)), encode(entry)
            else:
                yield (area, WHOLE), encode(value)


WHOLE = ""
"""The key of a value that is saved as one."""


def is_scoped(value: Any) -> bool:
    """One of the emulator's dictionaries by account, or by account and region."""
    return isinstance(value, responses.AccountScopedDict | responses.AccountRegionScopedDict)
