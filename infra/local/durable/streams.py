"""What of a table's stream a reader has still to take: a row each.

Positions count from the first record that is kept. What all readers have taken makes room, but for the newest.
"""

from collections.abc import Iterator
from typing import Any

from infra.local.durable.store import Store, encode, key_of, key_text, pack
from infra.local.ministack import dynamodb, lambda_svc

AREA = "dynamodb/stream"
KEPT_RECORDS = 1000
"""Of those that were taken: who reads the stream by hand sees so many. AWS keeps them for 24 hours."""
DELETE = "DELETE FROM rows WHERE area = ? AND key = ?"
UPSERT = "INSERT OR REPLACE INTO rows VALUES (?, ?, ?)"

Scope = tuple[str, str, str]
"""Account, region and the name of a table or mapping."""


class Streams:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._saved: dict[Scope, range] = {}
        self._saved_before: dict[Scope, range] = {}

    def restore(self) -> None:
        """Each reader begins with the first record that any of them has not taken: it may read some again."""
        found: dict[Scope, list[tuple[int, Any]]] = {}
        for text, record in self._store.values(AREA):
            *table, number = key_of(text)
            found.setdefault(tuple(table), []).append((number, record))
        for table, numbered in found.items():
            numbered.sort(key=lambda each: each[0])
            first, last = numbered[0][0], numbered[-1][0]
            dynamodb._stream_records._data[table] = [record for _number, record in numbered]
            dynamodb._stream_trimmed._data[table] = first
            self._saved[table] = range(first, last + 1)
        for reader, table in readers():
            lambda_svc._dynamodb_stream_positions._data[reader] = dynamodb._stream_trimmed._data.get(table, 0)

    def undo(self) -> None:
        self._saved = self._saved_before

    def write(self) -> None:
        self._saved_before = dict(self._saved)
        unread: dict[Scope, int] = {}
        for reader, table in readers():
            position: int = lambda_svc._dynamodb_stream_positions._data.get(reader, 0)
            unread[table] = min(position, unread.get(table, position))
        for table, first in unread.items():
            self._write(table, first)

    def _write(self, table: Scope, first: int) -> None:
        records: list[Any] = dynamodb._stream_records._data.get(table, [])
        trimmed: int = dynamodb._stream_trimmed._data.get(table, 0)
        now = range(max(first, trimmed), trimmed + len(records))
        saved = self._saved.get(table, range(0))
        if now == saved:
            return
        with self._store.transaction() as database:
            for number in range(saved.start, min(saved.stop, now.start)):
                database.execute(DELETE, (AREA, key_text([*table, number])))
            for number in range(max(saved.stop, now.start), now.stop):
                row = (AREA, key_text([*table, number]), pack(encode(records[number - trimmed])))
                database.execute(UPSERT, row)
        self._saved[table] = now

    def trim(self) -> None:
        for table, saved in self._saved.items():
            excess = saved.start - KEPT_RECORDS - dynamodb._stream_trimmed._data.get(table, 0)
            if excess > 0:
                with dynamodb._lock:
                    del dynamodb._stream_records._data[table][:excess]
                    dynamodb._stream_trimmed._data[table] = dynamodb._stream_trimmed._data.get(table, 0) + excess


def readers() -> Iterator[tuple[Scope, Scope]]:
    """Each mapping of a table's stream, and the table."""
    for (account, region, mapping), settings in list(lambda_svc._esms._data.items()):
        arn: str = settings.get("EventSourceArn", "")
        if ":dynamodb:" in arn:
            yield (account, region, mapping), (account, region, arn.split("/")[1])
