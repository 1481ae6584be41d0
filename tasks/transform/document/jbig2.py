"""Reduces a JBIG2 in a PDF to what shows its picture: segments that say anything else go (ITU-T T.88, 7.2 and 7.3)."""

import struct
from collections.abc import Iterator

_SHOWN = frozenset({0, 4, 6, 7, 16, 20, 22, 23, 36, 38, 39, 40, 42, 43, 48, 49, 50, 51, 53})
"""Dictionaries, regions, pages, their ends, and tables of codes. Comments and profiles of decoders are others."""

_TYPE, _LONG_PAGE = 0x3F, 0x40
_LONG_COUNT, _COUNT = 7, 0x1FFFFFFF
_UNKNOWN_BYTES = 0xFFFFFFFF
_REGION_BYTES, _ROWS_BYTES = 17, 4


def bare_jbig2(data: bytes) -> bytes:
    """The same picture, or the same part of several; empty if there is none."""
    return b"".join(segment for kind, segment in _segments(data) if kind in _SHOWN)


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Up to where they cannot be told apart."""
    at = 0
    while at < len(data):
        try:
            kind, body_at, length = _header(data, at)
        except struct.error:
            return
        end = body_at + (_measured(data, body_at) if length == _UNKNOWN_BYTES else length)
        yield kind, data[at:end]
        at = end


def _header(data: bytes, at: int) -> tuple[int, int, int]:
    """The type of a segment, where its data begins, and how long it is."""
    number, flags, referred = struct.unpack_from(">IBB", data, at)
    count, at = referred >> 5, at + 5
    if count == _LONG_COUNT:
        (count,) = struct.unpack_from(">I", data, at)
        count &= _COUNT
        at += 4 + (count + 8) // 8
    else:
        at += 1
    number_bytes = 1 if number <= 0x100 else 2 if number <= 0x10000 else 4  # noqa: PLR2004 - as the standard has it
    at += count * number_bytes + (4 if flags & _LONG_PAGE else 1)
    (length,) = struct.unpack_from(">I", data, at)
    return flags & _TYPE, at + 4, length


def _measured(data: bytes, at: int) -> int:
    """Of a region that was written before its length was known: to its end mark, and the number of its rows."""
    is_mmr = int.from_bytes(data[at + _REGION_BYTES : at + _REGION_BYTES + 1]) & 1
    end = data.find(b"\0\0" if is_mmr else b"\xff\xac", at + _REGION_BYTES + 1)
    return (end + 2 + _ROWS_BYTES if end >= 0 else len(data)) - at
