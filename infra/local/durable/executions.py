"""Step Functions executions: a row each, its history compressed once it has ended, and in memory only while in use."""

import json
import time
import zlib
from collections import OrderedDict
from collections.abc import Iterator
from hashlib import sha256
from typing import Any, cast

from infra.local.durable.journal import GONE
from infra.local.durable.store import Store, encode, pack, unpack

Key = tuple[str, str, str]
"""Account, region and execution ARN."""
Execution = dict[str, Any]
Conditions = dict[str, list[Any]]
"""SQL's, of the table of executions, each with its parameters."""

KEPT = 100
IDLE_SECONDS = 10.0
DEFINITIONS = "stepfunctions/definitions"
FRESH_SECONDS = 2.0
UPSERT = """
    INSERT INTO executions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET moment = excluded.moment, status = excluded.status, redrives = excluded.redrives,
        record = excluded.record, history = COALESCE(excluded.history, history)
"""
WHERE_KEY = "WHERE account = ? AND region = ? AND arn = ?"
EACH_AS_TEXT = "account, region, arn, record, history"


class Executions(dict[Key, Execution]):
    """All executions by key, as the emulator sees them; those that ended long ago come from the store when asked for.

    Iterating goes through all of them, a few at a time.
    """

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store
        self._definitions: dict[str, str] = {}
        self._saved: dict[Key, tuple[object, int]] = {}
        """Of those in memory: the progress that was saved, and how many of the events."""
        self._used: OrderedDict[Key, float] = OrderedDict()
        self._fresh: dict[Key, float] = {}
        """When each was last seen to go on: those may have something to save."""
        self._moved: set[Key] = set()
        """Those that certainly have: `progress_of` does not tell of a new position that no event followed."""
        self._gone: set[Key] = set()
        self._last_written: set[Key] = set()
        self._last_gone: set[Key] = set()
        self._lock = store.lock

    def running(self) -> list[tuple[Key, Execution]]:
        """Those that the last process left running."""
        rows = self._store.query(f"SELECT {EACH_AS_TEXT} FROM executions WHERE status = 'RUNNING'")  # noqa: S608
        return [self._loaded(row) for row in rows]

    def listed(self, conditions: Conditions, before: tuple[str, str] | None, limit: int) -> list[Execution]:
        """Newest first, without their histories."""
        self.write()
        where = " AND ".join([*conditions, *(["(moment, arn) < (?, ?)"] if before else [])])
        parameters = [each for given in conditions.values() for each in given] + list(before or ())
        sql = f"SELECT record FROM executions WHERE {where} ORDER BY moment DESC, arn DESC LIMIT ?"  # noqa: S608
        return [json.loads(unpack(record)) for (record,) in self._store.query(sql, [*parameters, limit])]

    def write(self) -> None:
        """Saves those that went on."""
        with self._store.transaction() as database:
            self._last_written, self._last_gone = set(), set(self._gone)
            for key in self._gone:
                database.execute(f"DELETE FROM executions {WHERE_KEY}", key)  # noqa: S608
                database.execute("DELETE FROM events WHERE arn = ?", (key[2],))
            self._gone.clear()
            past = time.monotonic() - FRESH_SECONDS
            for key, moment in list(self._fresh.items()):
                if execution := super().get(key):
                    self._write(key, execution)
                if moment < past:
                    del self._fresh[key]

    def undo(self) -> None:
        """What the last write saved was not saved after all."""
        self._gone |= {key for key in self._last_gone if not dict.__contains__(self, key)}
        for key in self._last_written:
            self._saved.pop(key, None)
            self._fresh[key] = time.monotonic()

    def went_on(self, execution: Execution) -> None:
        """It has a new event or position: that is saved with the next answer that anybody gets."""
        _, _, _, region, account, *_ = execution["executionArn"].split(":")
        key = account, region, execution["executionArn"]
        self._moved.add(key)
        self._fresh[key] = time.monotonic()

    def put_back(self) -> None:
        """Lets go of those that ended and that nobody asked for in a while."""
        idle = time.monotonic() - IDLE_SECONDS
        with self._lock:
            for key, used in list(self._used.items())[: max(0, len(self._used) - KEPT)]:
                execution = super().get(key)
                if used < idle and execution and self._is_settled(key, execution):
                    super().__delitem__(key)
                    del self._used[key], self._saved[key]

    def __getitem__(self, key: Key) -> Execution:
        with self._lock:
            if key not in self:
                raise KeyError(key)
            self._use(key)
            return super().__getitem__(key)

    def __setitem__(self, key: Key, execution: Execution) -> None:
        with self._lock:
            super().__setitem__(key, execution)
            self._use(key)

    def __delitem__(self, key: Key) -> None:
        with self._lock:
            self._gone.add(key)
            self._used.pop(key, None)
            self._saved.pop(key, None)
            self._moved.discard(key)
            super().pop(key, None)

    def __contains__(self, key: object) -> bool:
        """Whether there is such an execution, which then is in memory."""
        with self._lock:
            if super().__contains__(key):
                return True
            wanted = cast("Key", key)
            rows = self._store.query(f"SELECT {EACH_AS_TEXT} FROM executions {WHERE_KEY}", wanted)  # noqa: S608
            if not rows or wanted in self._gone:
                return False
            super().__setitem__(*self._loaded(rows[0]))
            self._use(wanted)
            return True

    def __iter__(self) -> Iterator[Key]:
        with self._lock:
            self.write()
            return iter([tuple(row) for row in self._store.query("SELECT account, region, arn FROM executions")])

    def __len__(self) -> int:
        return len(list(iter(self)))

    def __bool__(self) -> bool:
        return len(self) > 0

    def get(self, key: Key, default: Any = None) -> Any:
        if key not in self:
            return default
        return self[key]

    def pop(self, key: Key, *default: Any) -> Any:
        if (execution := self.get(key, GONE)) is GONE:
            if default:
                return default[0]
            raise KeyError(key)
        del self[key]
        return execution

    def update(self, others: dict[Key, Execution]) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        for key, execution in others.items():
            self[key] = execution

    def items(self) -> Any:
        return ((key, self[key]) for key in self)

    def values(self) -> Any:
        return (execution for _key, execution in self.items())

    def clear(self) -> None:
        for key in self:
            del self[key]

    def _use(self, key: Key) -> None:
        self._gone.discard(key)
        self._fresh[key] = self._used[key] = time.monotonic()
        self._used.move_to_end(key)

    def _is_settled(self, key: Key, execution: Execution) -> bool:
        saved = key not in self._moved and self._saved.get(key, (None,))[0] == progress_of(execution)
        return saved and execution["status"] != "RUNNING"

    def _write(self, key: Key, execution: Execution) -> None:
        progress = progress_of(execution)
        saved, events_saved = self._saved.get(key, (None, 0))
        if saved == progress and key not in self._moved:
            return
        self._moved.discard(key)
        events: list[Any] = execution["events"]
        known = len(events)
        with self._store.transaction() as database:
            database.execute(UPSERT, (*key, *self._columns(execution), *self._texts(execution, known)))
            if execution["status"] == "RUNNING":
                fresh = [(key[2], event["id"], encode(event)) for event in events[events_saved:known]]
                database.executemany("INSERT OR REPLACE INTO events VALUES (?, ?, ?)", fresh)
            else:
                database.execute("DELETE FROM events WHERE arn = ?", (key[2],))
        self._saved[key] = (progress, known)
        self._last_written.add(key)

    def _columns(self, execution: Execution) -> tuple[Any, ...]:
        return (
            moment_of(execution),
            execution["stateMachineArn"],
            execution["stateMachineVersionArn"],
            execution["stateMachineAliasArn"],
            execution["mapRunArn"],
            execution["status"],
            execution["redriveCount"],
        )

    def _texts(self, execution: Execution, known: int) -> tuple[str | bytes, bytes | None]:
        """The record without what has a place of its own, and the history if it is complete."""
        definition = self._keep_definition(execution["definition"])
        record = encode(execution | {"definition": definition, "events": []})
        ended = execution["status"] != "RUNNING"
        return pack(record), zlib.compress(encode(execution["events"][:known]).encode(), 6) if ended else None

    def _keep_definition(self, definition: str) -> str:
        """Its digest. Thousands of executions have one definition."""
        digest = sha256(definition.encode()).hexdigest()
        if digest not in self._definitions:
            self._store.write([(DEFINITIONS, digest, encode(definition))])
            self._definitions[digest] = definition
        return digest

    def _loaded(self, row: tuple[str, str, str, Any, bytes | None]) -> tuple[Key, Execution]:
        account, region, arn, record, history = row
        key = (account, region, arn)
        execution: Execution = json.loads(unpack(record))
        execution["definition"] = self._definition(execution["definition"])
        events: list[Any] = json.loads(zlib.decompress(history)) if history else []
        rest = self._store.query("SELECT event FROM events WHERE arn = ? AND id > ? ORDER BY id", (arn, len(events)))
        execution["events"] = events + [json.loads(event) for (event,) in rest]
        self._saved[key] = (progress_of(execution), len(execution["events"]))
        return key, execution

    def _definition(self, digest: str) -> str:
        if digest not in self._definitions:
            self._definitions[digest] = self._store.value(DEFINITIONS, digest)
        return self._definitions[digest]


def moment_of(execution: Execution) -> str:
    """What lists are ordered by: a running execution counts by its start or redrive, an ended one by its end."""
    return execution["stopDate"] or execution["redriveDate"] or execution["startDate"]


def progress_of(execution: Execution) -> object:
    """Differs whenever something happened: that adds an event, but for the last steps of an end."""
    return execution["status"], len(execution["events"]), execution["stopDate"], execution["progress"] is None
