"""Reduces a color profile to its colors: what it says of a monitor, its owner and who calibrated it goes.

ICC.1:2022, clauses 7 (the layout) and 9 (the tags). Systems write serial numbers of monitors into tags of their own.
"""

import struct

_HEADER_BYTES, _ENTRY_BYTES, _MAX_TAGS = 128, 12, 200
_MAGIC_AT, _MAGIC = 36, b"acsp"
_TAGS = frozenset(
    [
        b"wtpt",
        b"bkpt",
        b"chad",
        b"chrm",
        b"clro",
        b"lumi",
        b"gamt",
        b"cicp",
        b"rXYZ",
        b"gXYZ",
        b"bXYZ",
        b"rTRC",
        b"gTRC",
    ]
    + [b"bTRC", b"kTRC"]
    + [prefix + digit for prefix in (b"A2B", b"B2A", b"D2B", b"B2D", b"pre") for digit in (b"0", b"1", b"2", b"3")]
)
_SAID = (b"desc", b"cprt")
"""Every profile has to have these: they say nothing here."""

_OLD_DESCRIPTION = b"desc" + bytes(4) + struct.pack(">I", 6) + b"color\0" + bytes(4 + 4 + 2 + 1 + 67)
_OLD_TEXT = b"text" + bytes(4) + b"none\0"
_TEXT = b"mluc" + bytes(4) + struct.pack(">II2s2sII", 1, 12, b"en", b"US", 10, 28) + "color".encode("utf-16-be")
_UNNAMED = (slice(4, 8), slice(24, 36), slice(48, 56), slice(80, 84), slice(84, 100))
"""Which program, when, of which maker and model, by whom, and a checksum over it all."""


def bare_profile(data: bytes) -> bytes:
    """A profile of the same colors; empty if it is none."""
    if data[_MAGIC_AT : _MAGIC_AT + 4] != _MAGIC or len(data) < _HEADER_BYTES + 4:
        return b""
    tags = {name: content for name, content in _tags(data).items() if name in _TAGS}
    is_old = data[8] < 4  # noqa: PLR2004 - version 4 has texts in several languages
    tags |= dict(zip(_SAID, (_OLD_DESCRIPTION, _OLD_TEXT) if is_old else (_TEXT, _TEXT), strict=True))
    header = bytearray(data[:_HEADER_BYTES])
    for place in _UNNAMED:
        header[place] = bytes(place.stop - place.start)
    header[24:36] = struct.pack(">6H", 2000, 1, 1, 0, 0, 0)
    return _built(header, tags)


def _tags(data: bytes) -> dict[bytes, bytes]:
    count = min(int.from_bytes(data[_HEADER_BYTES : _HEADER_BYTES + 4], "big"), _MAX_TAGS)
    entries = data[_HEADER_BYTES + 4 :][: count * _ENTRY_BYTES]
    whole = entries[: len(entries) // _ENTRY_BYTES * _ENTRY_BYTES]
    return {name: data[at : at + size] for name, at, size in struct.iter_unpack(">4sII", whole)}


def _built(header: bytearray, tags: dict[bytes, bytes]) -> bytes:
    """Tags that are the same share their place, as those of the three channels usually do."""
    first = at = _HEADER_BYTES + 4 + _ENTRY_BYTES * len(tags)
    places: dict[bytes, int] = {}
    for content in tags.values():
        if content not in places:
            places[content] = at
            at += len(content) + -len(content) % 4
    table = b"".join(struct.pack(">4sII", name, places[content], len(content)) for name, content in tags.items())
    body = b"".join(content + bytes(-len(content) % 4) for content in places)
    header[0:4] = struct.pack(">I", first + len(body))
    return bytes(header) + struct.pack(">I", len(tags)) + table + body
