"""What may be in a published color profile: numbers of colors, and no word (ICC.1:2022, clauses 7 and 9)."""

import re
import struct
from collections.abc import Iterator

_MARK_AT, _MARK = 36, b"acsp"
_TAGS_AT, _ENTRY_BYTES = 132, 12
_WHO_AND_WHAT = (slice(4, 8), slice(48, 56), slice(80, 100))
"""Which program, of which maker and model, by whom, and a checksum."""

_NUMBERS = re.compile(
    rb"wtpt|bkpt|chad|chrm|clro|lumi|gamt|cicp|[rgb]XYZ|[rgbk]TRC|A2B[0-3]|B2A[0-3]|D2B[0-3]|B2D[0-3]|pre[0-3]"
)
_TEXTS = frozenset({b"desc", b"cprt"})
_WORDS = re.compile(rb"[A-Za-z]{3,}")
_NEUTRAL = frozenset({b"desc", b"mluc", b"enUS", b"color", b"textnone"})


def is_profile(data: bytes) -> bool:
    return data[_MARK_AT : _MARK_AT + len(_MARK)] == _MARK


def faults_of_profile(data: bytes) -> Iterator[str]:
    """One sentence's end for each thing that is not on the list."""
    if any(data[place].strip(b"\0") for place in _WHO_AND_WHAT):
        yield "a color profile with the name of its maker"
    count = int.from_bytes(data[_TAGS_AT - 4 : _TAGS_AT], "big")
    for name, at, length in struct.iter_unpack(">4sII", data[_TAGS_AT : _TAGS_AT + count * _ENTRY_BYTES]):
        if name in _TEXTS:
            if set(_WORDS.findall(data[at : at + length].replace(b"\0", b""))) - _NEUTRAL:
                yield "a color profile with a description"
        elif not _NUMBERS.fullmatch(name):
            yield f"a color profile with a tag {name.decode('latin-1')!r}"
