"""One SQLite file with a write-ahead log: a commit survives the end of the process, and costs what it writes.

`synchronous = NORMAL` never waits for the disk at a commit; a loss of power may take the last ones. The log is moved
into the file by a thread of its own, as that waits for the disk.
"""

import contextlib
import json
import sqlite3
import threading
import zlib
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from typing import Any, cast

from infra.local.ministack import persistence
from workflow.units import MIB

SCHEMA = """
    CREATE TABLE IF NOT EXISTS rows (
        area TEXT, key TEXT, value BLOB NOT NULL, PRIMARY KEY (area, key)
    );
    CREATE TABLE IF NOT EXISTS executions (
        account TEXT, region TEXT, arn TEXT, moment TEXT NOT NULL,
        machine TEXT NOT NULL, version TEXT, alias TEXT, map_run TEXT, status TEXT NOT NULL, redrives INTEGER NOT NULL,
        record BLOB NOT NULL, history BLOB,
        PRIMARY KEY (account, region, arn)
    );
    CREATE INDEX IF NOT EXISTS executions_by_moment ON executions (moment DESC, arn DESC);
    CREATE INDEX IF NOT EXISTS executions_by_status ON executions (status, moment DESC, arn DESC);
    CREATE INDEX IF NOT EXISTS executions_by_map_run ON executions (map_run) WHERE map_run IS NOT NULL;
    CREATE TABLE IF NOT EXISTS events (
        arn TEXT, id INTEGER, event BLOB NOT NULL, PRIMARY KEY (arn, id)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS log_chunks (
        number INTEGER PRIMARY KEY, log_group TEXT NOT NULL, stream TEXT NOT NULL, saved REAL NOT NULL,
        characters INTEGER NOT NULL, count INTEGER NOT NULL, events BLOB NOT NULL
    );
    CREATE INDEX IF NOT EXISTS log_chunks_by_stream ON log_chunks (log_group, stream);
"""
UPSERT = "INSERT OR REPLACE INTO rows VALUES (?, ?, ?)"
DELETE = "DELETE FROM rows WHERE area = ? AND key = ?"
PACKED_FROM_CHARACTERS = 400
CHECKPOINT_SECONDS = 2.0
CHECKPOINT_BYTES = 4 * MIB
IN_MEMORY = Path(":memory:")
MARKS = ('"__bytes__"', '"__scoped__"', '"__account_region_scoped__"')
"""How the emulator's own encoder writes what JSON does not have."""

Change = tuple[str, str, str | None]
"""An area, a key, and the value's text, or None for what is gone."""


class Store:
    """All methods may be called from any thread."""

    def __init__(self, path: Path = IN_MEMORY) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self.lock = threading.RLock()
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.executescript(SCHEMA)

    @contextlib.contextmanager
    def transaction(self) -> Generator[sqlite3.Connection]:
        """All or nothing, also for whoever reads meanwhile; within another one, a part of it."""
        with self.lock:
            if self._database.in_transaction:
                yield self._database
                return
            self._database.execute("BEGIN IMMEDIATE")
            try:
                yield self._database
                self._database.execute("COMMIT")
            except BaseException:
                if self._database.in_transaction:  # a full disk may have ended it
                    self._database.execute("ROLLBACK")
                raise

    def query(self, sql: str, parameters: Iterable[Any] = ()) -> list[Any]:
        with self.lock:
            return self._database.execute(sql, tuple(parameters)).fetchall()

    def write(self, changes: Iterable[Change]) -> None:
        with self.transaction() as database:
            for area, key, text in changes:
                if text is None:
                    database.execute(DELETE, (area, key))
                else:
                    database.execute(UPSERT, (area, key, pack(text)))

    def value(self, area: str, key: str) -> Any:
        """The value in a row that is there."""
        ((packed,),) = self.query("SELECT value FROM rows WHERE area = ? AND key = ?", (area, key))
        return decode(unpack(packed))

    def texts(self, area: str) -> Iterator[tuple[str, str]]:
        rows = self.query("SELECT key, value FROM rows WHERE area = ?", (area,))
        return ((key, unpack(packed)) for key, packed in rows)

    def values(self, area: str) -> Iterator[tuple[str, Any]]:
        return ((key, decode(text)) for key, text in self.texts(area))

    def keys(self, area: str) -> Iterator[Any]:
        return (key_of(key) for (key,) in self.query("SELECT key FROM rows WHERE area = ?", (area,)))

    def areas(self, service: str) -> list[str]:
        found = self.query("SELECT DISTINCT area FROM rows WHERE area BETWEEN ? AND ?", (f"{service}/", f"{service}0"))
        return [area for (area,) in found]

    def put_log_away(self) -> None:
        """At a clean end: the file alone has it all."""
        with self.lock:
            self._database.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def keep_log_short(self) -> None:
        """Moves the write-ahead log into the file whenever it has grown, for ever."""
        if self._path is IN_MEMORY:
            return
        self._database.execute("PRAGMA wal_autocheckpoint = 0")
        threading.Thread(target=self._checkpoint_for_ever, daemon=True).start()

    def _checkpoint_for_ever(self) -> None:
        log = self._path.with_name(f"{self._path.name}-wal")
        database = sqlite3.connect(self._path, isolation_level=None)
        pause = threading.Event()
        while not pause.wait(CHECKPOINT_SECONDS):
            if log.exists() and log.stat().st_size >= CHECKPOINT_BYTES:
                with contextlib.suppress(sqlite3.Error):
                    database.execute("PRAGMA wal_checkpoint(PASSIVE)")


def pack(text: str) -> str | bytes:
    """Compressed where that is worth it: state repeats itself."""
    return zlib.compress(text.encode(errors="surrogatepass"), 1) if len(text) >= PACKED_FROM_CHARACTERS else text


def unpack(packed: str | bytes) -> str:
    return packed if isinstance(packed, str) else zlib.decompress(packed).decode(errors="surrogatepass")


def encode(state: Any) -> str:
    return _encode(state)


def decode(text: str) -> Any:
    """Only state that has bytes or dictionaries of an account's has marks; the hook would cost all others double."""
    marked = any(mark in text for mark in MARKS)
    return json.loads(text, object_hook=persistence._json_object_hook if marked else None)


def _plain(value: Any) -> Any:
    return persistence._json_default(value)


_encode = json.JSONEncoder(default=_plain, separators=(",", ":")).encode
key_text = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
"""A key's text, which `key_of` reads."""


def key_of(text: str) -> Any:
    """The key whose text this is: what was a tuple is one again."""
    value = json.loads(text)
    is_flat = text.startswith("[") and text.find("[", 1) == -1
    return tuple(value) if is_flat else _with_tuples(value)


def _with_tuples(value: Any) -> Any:
    return tuple(_with_tuples(each) for each in cast("list[Any]", value)) if isinstance(value, list) else value
