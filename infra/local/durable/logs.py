"""CloudWatch Logs: events are added to the store in chunks, seconds late, and the oldest of a group make room.

Nothing is computed from logs, so they are no part of what an answer waits for.
"""

import json
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

from infra.local.durable.journal import GONE, Entries, Journal
from infra.local.durable.shelf import Memory, Shelf
from infra.local.durable.store import Change, encode, key_of, key_text, pack, unpack
from infra.local.ministack import cloudwatch_logs
from workflow.units import MIB

AREA = "cloudwatch_logs/streams"
KEPT_STREAMS = 50
KEPT_RECORDS = 1000
MAX_GROUP_CHARACTERS = 32 * MIB
ROTATION_SECONDS = 30.0
COMPLETE_SECONDS = 60.0
ADD = "INSERT INTO log_chunks (log_group, stream, saved, characters, count, events) VALUES (?, ?, ?, ?, ?, ?)"
COMPLETE = "SELECT log_group, stream FROM log_chunks GROUP BY 1, 2 HAVING COUNT(*) > 1 AND MAX(saved) < ?"

Group = dict[str, Any]
GroupKey = tuple[str, str, str]
"""Account, region and name."""
Events = list[dict[str, Any]]

_stock_append = cloudwatch_logs._append_log_events


class Stream(dict[str, Any]):
    """A log stream that knows where it is kept."""

    def __init__(self, content: dict[str, Any], shelf: "Streams", name: str) -> None:
        super().__init__(content)
        self.shelf = shelf
        self.name = name


class Streams(Shelf):
    """A group's streams. Their events are in chunks, beside the rows."""

    def __init__(self, group: GroupKey, logs: "Logs", journal: Journal, memory: Memory) -> None:
        super().__init__(AREA, group, journal, memory)
        self._logs = logs
        self.group = group

    def changed(self, key: Any, value: Any) -> None:
        super().changed(key, value if isinstance(value, Stream) else self._new(key, value))

    def changes(self, keys: set[Any]) -> Iterator[Change]:
        for key in keys:
            stream = self.peek(key)
            self._unsaved.discard(key)
            if stream is GONE:
                self._logs.forget(self, key)
                yield AREA, self._row_key(key), None
            elif isinstance(stream, Stream):
                yield AREA, self._row_key(key), encode({**stream, "events": []})

    def put_back(self, key: Any) -> None:
        if self._logs.is_waiting(self, key):
            self._memory.use(self, key)
        else:
            super().put_back(key)

    def _new(self, name: str, content: dict[str, Any]) -> Stream:
        stream = Stream(content, self, name)
        if stream["events"]:
            self._logs.add(stream, stream["events"])
        return stream

    def _load(self, key: Any) -> Stream:
        stream = Stream(super()._load(key), self, key)
        stream["events"] = self._logs.events(self, key)
        return stream


class Logs(Entries):
    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._memory = Memory(KEPT_STREAMS)
        self._streams: dict[GroupKey, Streams] = {}
        self._added: dict[tuple[Streams, str], Events] = {}
        self._due = time.monotonic() + ROTATION_SECONDS
        super().__init__("cloudwatch_logs/log_groups", cloudwatch_logs._log_groups, journal, group_itself)
        cloudwatch_logs._append_log_events = self.append
        cloudwatch_logs._log_records._data = Newest()

    def restore(self) -> None:
        """Groups that were loaded have their streams in the store."""
        for key in list(self._data):
            self._data.peek(key)["streams"] = self._shelf(key)
        for *group, stream in self._journal.store.keys(AREA):
            if (shelf := self._streams.get(tuple(group))) is not None:
                shelf.stored([stream])

    def append(self, stream: dict[str, Any], events: Events) -> None:
        _stock_append(stream, events)
        if isinstance(stream, Stream) and events:
            self.add(stream, events)

    def add(self, stream: Stream, events: Events) -> None:
        self._added.setdefault((stream.shelf, stream.name), []).extend(events)
        dict.__setitem__(stream.shelf, stream.name, stream)

    def is_waiting(self, shelf: Streams, name: str) -> bool:
        return (shelf, name) in self._added

    def events(self, shelf: Streams, name: str) -> Events:
        sql = "SELECT events FROM log_chunks WHERE log_group = ? AND stream = ? ORDER BY number"
        chunks = self._journal.store.query(sql, (key_text(shelf.group), name))
        return sorted(
            (each for (chunk,) in chunks for each in decode_events(chunk)), key=lambda each: each["timestamp"]
        )

    def forget(self, shelf: Streams, name: str) -> None:
        self._added.pop((shelf, name), None)
        self.forget_chunks(shelf, name)

    def forget_chunks(self, shelf: Streams, name: str) -> None:
        with self._journal.store.transaction() as database:
            sql = "DELETE FROM log_chunks WHERE log_group = ? AND stream = ?"
            database.execute(sql, (key_text(shelf.group), name))

    def changes(self, keys: set[Any]) -> Iterator[Change]:
        for key in keys:
            group = self._data.peek(key)
            if group is GONE:
                self._shelf(key).clear()
            elif not isinstance(group["streams"], Streams):
                self._shelf(key).update(group["streams"])
                group["streams"] = self._shelf(key)
        yield from super().changes(keys)

    def save(self) -> None:
        """What was added since the last time: a chunk for each stream."""
        added, self._added = self._added, {}
        with self._journal.store.transaction() as database:
            for (shelf, name), events in added.items():
                self._journal.touch(shelf, name)
                database.execute(ADD, chunk_of(shelf.group, name, events))
        self._memory.put_back()
        if time.monotonic() >= self._due:
            self._due = time.monotonic() + ROTATION_SECONDS
            self._rotate()

    def _rotate(self) -> None:
        store = self._journal.store
        for group, size in store.query("SELECT log_group, SUM(characters) FROM log_chunks GROUP BY log_group"):
            if size > MAX_GROUP_CHARACTERS:
                self._drop(key_of(group), size - MAX_GROUP_CHARACTERS)
        for group, name in store.query(COMPLETE, (time.time() - COMPLETE_SECONDS,)):
            self._merge(self._shelf(key_of(group)), name)

    def _drop(self, group: GroupKey, excess: int) -> None:
        """Makes room: the oldest chunks go, and streams that have none left."""
        store, shelf, dropped = self._journal.store, self._shelf(group), Counter[str]()
        chunks = "SELECT number, stream, characters, count FROM log_chunks WHERE log_group = ? ORDER BY number"
        with store.transaction() as database:
            for number, name, characters, count in store.query(chunks, (key_text(group),)):
                if excess <= 0:
                    break
                database.execute("DELETE FROM log_chunks WHERE number = ?", (number,))
                excess -= characters
                dropped[name] += count
        left = store.query("SELECT DISTINCT stream FROM log_chunks WHERE log_group = ?", (key_text(group),))
        for name, count in dropped.items():
            stream = shelf.peek(name)
            if isinstance(stream, Stream):
                with cloudwatch_logs._log_events_lock:
                    del stream["events"][:count]
            if (name,) not in left and not self.is_waiting(shelf, name):
                shelf.pop(name, None)

    def _merge(self, shelf: Streams, name: str) -> None:
        """One chunk for a stream that nobody writes to any more takes half the room of many."""
        with self._journal.store.transaction() as database:
            events = self.events(shelf, name)
            self.forget_chunks(shelf, name)
            database.execute(ADD, chunk_of(shelf.group, name, events))

    def _shelf(self, key: GroupKey) -> Streams:
        if key not in self._streams:
            self._streams[key] = Streams(key, self, self._journal, self._memory)
        return self._streams[key]


class Newest(dict[Any, Any]):
    """What the emulator keeps of each event that it was sent, to find it by a pointer: it makes it anew if need be."""

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key, value)
        while len(self) > KEPT_RECORDS:
            self.pop(next(iter(self)), None)


def group_itself(group: Group) -> Group:
    return {name: value for name, value in group.items() if name != "streams"}


def chunk_of(group: GroupKey, stream: str, events: Events) -> tuple[str, str, float, int, int, str | bytes]:
    text = encode(events)
    return key_text(group), stream, time.time(), len(text), len(events), pack(text)


def decode_events(chunk: Any) -> Events:
    return json.loads(unpack(chunk))
