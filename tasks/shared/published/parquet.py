"""What may be in a published Parquet file besides its table: the engine's name, and where places are, how they count.

Its own reading of the footer, which is in Thrift's compact protocol.
"""

import re
from collections.abc import Iterator
from typing import Any, BinaryIO

_MARK, _TAIL_BYTES = b"PAR1", 8
_ENTRIES, _ENGINE = 5, 6
"""The numbers of their fields in FileMetaData."""
_GROUPS, _CHUNKS, _FACTS, _ENTRIES_OF_CHUNK = 4, 1, 3, 8

_ENGINES = re.compile(rb"DuckDB version [\w.-]{1,40} \(build [0-9a-f]{6,40}\)")
_KEYS = frozenset({b"geo", b"duckdb.interval_bloom_filter"})
"""GeoParquet's, without which its columns are but bytes, and how the engine hashes spans of time."""

_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _STRUCT = 1, 2, 3, 7, 8, 12
_INTEGERS, _LISTS, _LONG = frozenset({4, 5, 6}), frozenset({9, 10}), 15


def faults_of_parquet(stream: BinaryIO) -> Iterator[str]:
    """One sentence's end for each thing that is not on the list."""
    size = stream.seek(0, 2)
    stream.seek(max(0, size - _TAIL_BYTES))
    length, mark = int.from_bytes(stream.read(4), "little"), stream.read(4)
    if mark != _MARK or length > size - _TAIL_BYTES:
        yield "no footer of Parquet"
        return
    stream.seek(size - _TAIL_BYTES - length)
    footer = _Compact(stream.read(length)).struct()
    entries = [*footer.get(_ENTRIES, []), *_entries_of_chunks(footer)]
    for key in {entry.get(1, b"") for entry in entries} - _KEYS:
        yield f"an entry {key.decode('utf-8', 'replace')[:40]!r} about the file"
    if not _ENGINES.fullmatch(footer.get(_ENGINE, b"")):
        yield "the name of a program"


def _entries_of_chunks(footer: dict[int, Any]) -> Iterator[Any]:
    for group in footer.get(_GROUPS, []):
        for chunk in group.get(_CHUNKS, []):
            yield from chunk.get(_FACTS, {}).get(_ENTRIES_OF_CHUNK, [])


class _Compact:
    """Reads structures as dicts of their fields' numbers."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def struct(self) -> dict[int, Any]:
        found: dict[int, Any] = {}
        number = 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else self._signed()
            kind = head & 15
            found[number] = kind == _TRUE if kind in {_TRUE, _FALSE} else self._value(kind)
        return found

    def _value(self, kind: int) -> Any:
        if kind in {_TRUE, _FALSE, _BYTE}:
            return self._byte()
        if kind in _INTEGERS:
            return self._signed()
        if kind == _BINARY:
            return self._bytes(self._number())
        if kind == _DOUBLE:
            return self._bytes(8)
        if kind == _STRUCT:
            return self.struct()
        if kind in _LISTS:
            return self._list()
        raise ValueError(f"Parquet's footer has a field of a type {kind}, which it cannot have.")

    def _list(self) -> list[Any]:
        head = self._byte()
        length = head >> 4 if head >> 4 != _LONG else self._number()
        return [self._value(head & 15) for _ in range(length)]

    def _number(self) -> int:
        number = shift = 0
        while True:
            byte = self._byte()
            number |= (byte & 127) << shift
            shift += 7
            if byte < 128:  # noqa: PLR2004 - the last one of a number
                return number

    def _signed(self) -> int:
        number = self._number()
        return number >> 1 ^ -(number & 1)

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def _bytes(self, length: int) -> bytes:
        self._at += length
        return self._data[self._at - length : self._at]
