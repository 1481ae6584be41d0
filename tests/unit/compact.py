"""Writes structures in Thrift's compact protocol, as the footers of Parquet have them."""

from collections.abc import Iterator
from typing import Any


class I32(int):
    """A number of 32 bits; the protocol tells it from one of 64."""


class I64(int):
    """A number of 64 bits."""


_LONG_LIST = 15


def struct(fields: dict[int, Any]) -> bytes:
    """A structure, its fields by their ids, in ascending order."""
    parts, last = [], 0
    for number, value in fields.items():
        parts.append(bytes([(number - last) << 4 | _kind(value)]) + _encoded(value))
        last = number
    return b"".join(parts) + b"\0"


def _kind(value: Any) -> int:
    return {I32: 5, I64: 6, str: 8, list: 9, dict: 12}[type(value)]


def _encoded(value: Any) -> bytes:
    match value:
        case int():
            return _varint(value << 1 ^ value >> 63)
        case str():
            return _varint(len(value.encode())) + value.encode()
        case dict():
            return struct(value)
        case _:
            few = len(value) < _LONG_LIST
            head = bytes([(len(value) if few else _LONG_LIST) << 4 | _kind(value[0])])
            return head + (b"" if few else _varint(len(value))) + b"".join(map(_encoded, value))


def _varint(number: int) -> bytes:
    return bytes(_septets(number))


def _septets(number: int) -> Iterator[int]:
    while number > 127:
        yield number & 127 | 128
        number >>= 7
    yield number
