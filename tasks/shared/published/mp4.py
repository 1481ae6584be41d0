"""What may be in a published MP4 or M4A: the boxes that players need, and no other name than FFmpeg's."""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import BinaryIO

from tasks.shared.published.samples import Box, faults_of_media

_TOP, _TOOL_ITEM, _FIRST_KEY_ITEM = "file", "\xa9too", "\0\0\0\1"
_INSIDE: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        _TOP: frozenset({"ftyp", "moov", "mdat", "free"}),
        "moov": frozenset({"mvhd", "iods", "trak", "udta"}),
        "trak": frozenset({"tkhd", "edts", "mdia"}),
        "edts": frozenset({"elst"}),
        "mdia": frozenset({"mdhd", "hdlr", "minf"}),
        "minf": frozenset({"vmhd", "smhd", "dinf", "stbl"}),
        "dinf": frozenset({"dref"}),
        "stbl": frozenset(
            {"stsd", "stts", "ctts", "cslg", "stss", "stsc", "stsz", "stco", "co64", "sgpd", "sbgp", "sdtp"}
        ),
        "stsd": frozenset({"avc1", "mp4a"}),
        "avc1": frozenset({"avcC", "colr", "pasp", "btrt", "fiel", "clap"}),
        "mp4a": frozenset({"esds", "btrt"}),
        "udta": frozenset({"meta"}),
        "meta": frozenset({"hdlr", "keys", "ilst"}),
        "ilst": frozenset({_TOOL_ITEM, _FIRST_KEY_ITEM}),
    }
)
_CONTENT_AT = MappingProxyType({"stsd": 8, "meta": 4, "avc1": 78, "mp4a": 28})
"""How many bytes of their own come ahead of the boxes in them."""

_HANDLER_NAME_AT, _TOOL_AT = 24, 16
_HANDLER_NAMES = frozenset(
    {b"", b"VideoHandler", b"SoundHandler", b"ETI ISO Video Media Handler", b"ETI ISO Audio Media Handler"}
)
"""FFmpeg's, and those of AWS Elemental's encoders."""

_KEYS = b"\0\0\0\0\0\0\0\1\0\0\0\x0fmdtaencoder"
"""One, which is FFmpeg's."""

_TOOL = re.compile(rb"Lav[fc][\d.]*")
_COLORS = frozenset({b"nclx", b"nclc"})
"""By number. Profiles have texts in them."""

_IN_THIS_FILE = bytes(7) + b"\1\0\0\0\x0curl \0\0\0\1"
_ENCODER_NAME = slice(42, 74)
_ENCODERS = re.compile(rb"\0*|.(?:Lavc[\d.]* libx264|AVC Coding|Elemental H\.264)\0*", re.DOTALL)
_LOOKED_INTO = frozenset({"free", "hdlr", "keys", "colr", "dref", "avc1", _TOOL_ITEM, _FIRST_KEY_ITEM})
_MAX_SMALL_BYTES = 64 * 1024


def faults_of_mp4(stream: BinaryIO) -> Iterator[str]:
    """One sentence's end for each thing that is not on the list."""
    size, boxes = stream.seek(0, 2), list[Box]()
    yield from _box_faults(stream, 0, size, _TOP, boxes)
    yield from faults_of_media(stream, boxes)


def _box_faults(stream: BinaryIO, at: int, end: int, parent: str, boxes: list[Box]) -> Iterator[str]:
    allowed = _INSIDE[parent]
    while at + 8 <= end:
        stream.seek(at)
        header = stream.read(16)
        length, name, head = int.from_bytes(header[:4], "big"), header[4:8].decode("latin-1"), 8
        if length == 1:
            length, head = int.from_bytes(header[8:16], "big"), 16
        length = length or end - at
        if length < head or at + length > end:
            yield f"a box {name!r} that does not fit"
            return
        boxes.append(Box(name, at + head, at + length))
        if name not in allowed:
            yield f"a box {name!r} in {parent!r}"
            return
        yield from _content_faults(stream, at + head, at + length, name)
        if name in _INSIDE:
            yield from _box_faults(stream, at + head + _CONTENT_AT.get(name, 0), at + length, name, boxes)
        at += length
    if at != end:
        yield f"{end - at:,} bytes behind the last box in {parent!r}"


def _content_faults(stream: BinaryIO, at: int, end: int, name: str) -> Iterator[str]:
    if name not in _LOOKED_INTO:
        return
    stream.seek(at)
    content = stream.read(min(end - at, _MAX_SMALL_BYTES))
    if name == "free" and (content.strip(b"\0") or end - at > _MAX_SMALL_BYTES):
        yield "something in a free box"
    if name == "hdlr" and (said := content[_HANDLER_NAME_AT:].strip(b"\0")) not in _HANDLER_NAMES:
        yield f"a track called {said.decode('utf-8', 'replace')[:40]!r}"
    if name == "keys" and content != _KEYS:
        yield "a tag"
    if name == "colr" and content[:4] not in _COLORS:
        yield "a color profile"
    if name == "dref" and content != _IN_THIS_FILE:
        yield "a way to another file"
    if (name in {_TOOL_ITEM, _FIRST_KEY_ITEM} and not _TOOL.fullmatch(content[_TOOL_AT:])) or (
        name == "avc1" and not _ENCODERS.fullmatch(content[_ENCODER_NAME])
    ):
        yield "the name of a program"
