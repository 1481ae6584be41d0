"""What an original says of places, persons and devices: read out of its bytes to look for it in what is published.

A reading of its own, of EXIF, XMP and IPTC in whatever container, and of containers' tags; what it overlooks, the lists
of what may be published keep back all the same.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import BinaryIO

from tasks.shared.published.tags import in_tags
from workflow.units import MIB

_SPAN_BYTES = 8 * MIB
_MAX_ENTRIES, _MAX_BLOCKS = 500, 20
_MIN_CHARS, _MAX_CHARS = 6, 200

_AHEAD_OF_TIFF = ((b"Exif\0\0", 0), (b"eXIf", 0), (b"EXIF", 4))
"""What announces it, and how many bytes of a length follow: in JPEG and HEIF, in PNG, in WebP."""

_TIFF = (b"II*\0", b"MM\0*")
_POINTERS = frozenset({0x8769, 0x8825})
_GPS = 0x8825
_ASCII, _SHORT, _LONG, _RATIONAL, _UNDEFINED = 2, 3, 4, 5, 7
_PLAIN = frozenset({0x010F, 0x0110, 0x0131, 0x0132, 0xA433, 0xA434, *range(0x9000, 0x9013), 0x9290, 0x9291, 0x9292})
"""Makers, models, programs and times."""

_XMP = re.compile(rb"<x:xmpmeta.{0,2000000}?</x:xmpmeta>", re.DOTALL)
_XMP_NAMES = (
    r"creator|rights|owner|author\w*|city|state|country\w*|location\w*|sublocation|\w*serialnumber|\w*ownername|credit"
    r"|captionwriter|personinimage|persondisplayname|usercomment|instructions|email\w*|gps(?:latitude|longitude)"
)
_XMP_VALUE = re.compile(
    rf'(?is)\b\w+:(?:{_XMP_NAMES})\s*=\s*"([^"]+)"|<\w+:({_XMP_NAMES})\b[^>]*>(.{{1,2000}}?)</\w+:\2>'
)
_ELEMENT_TEXT = re.compile(r">([^<>]+)<")
_IPTC = re.compile(rb"\x1c\x02[\x50\x55\x5a\x5c\x5f\x65\x69\x6e\x73\x74\x78\x7a]([\x00-\x7f].)", re.DOTALL)
"""By-line, city, province, country, credit, source, copyright, caption and who wrote it."""


@dataclass(frozen=True)
class Secrets:
    """Texts, and degrees of latitude and longitude that are no round numbers."""

    texts: frozenset[str] = frozenset()
    degrees: frozenset[float] = frozenset()


def secrets_of(stream: BinaryIO, size: int) -> Secrets:
    """What is in the beginning and in the end of an original, where containers keep it."""
    stream.seek(0)
    data = stream.read(_SPAN_BYTES)
    if size > _SPAN_BYTES:
        stream.seek(max(_SPAN_BYTES, size - _SPAN_BYTES))
        data += stream.read(_SPAN_BYTES)
    found = [*_in_exif(data), *in_tags(data)]
    said = {*(each for each in found if isinstance(each, str)), *_in_xmp(data), *_in_iptc(data)}
    texts = {text.strip() for text in said}
    return Secrets(
        frozenset(text for text in texts if _MIN_CHARS <= len(text) <= _MAX_CHARS),
        frozenset(each for each in found if isinstance(each, float) and round(each, 2) != each),
    )


def _in_exif(data: bytes) -> Iterator[str | float]:
    for start in islice(_blocks(data), _MAX_BLOCKS):
        if data[start : start + 4] in _TIFF:
            yield from _Tiff(data, start).values()


def _blocks(data: bytes) -> Iterator[int]:
    """Where TIFF's structure may begin: at the beginning of a file, and behind what announces it."""
    yield 0
    for mark, length_bytes in _AHEAD_OF_TIFF:
        at = data.find(mark)
        while at >= 0:
            yield at + len(mark) + length_bytes
            at = data.find(mark, at + len(mark))


class _Tiff:
    """A block of TIFF's structure, that begins somewhere in the data. Damage ends a directory."""

    def __init__(self, data: bytes, start: int) -> None:
        self._data, self._start = data, start
        self._order = "<" if data[start : start + 2] == b"II" else ">"

    def values(self) -> Iterator[str | float]:
        waiting, seen = [(self._number("I", 4), 0)], set[int]()
        while waiting:
            at, directory = waiting.pop()
            if at in seen or len(seen) > _MAX_BLOCKS:
                continue
            seen.add(at)
            for tag, kind, count, place in self._entries(at):
                if tag in _POINTERS and kind in {_LONG, _SHORT}:
                    waiting.append((self._number("I", place), tag))
                elif directory == _GPS and kind == _RATIONAL and tag in {2, 4}:
                    yield from self._degrees(count, place)
                elif tag not in _PLAIN and directory != _GPS and kind in {1, _ASCII, _UNDEFINED}:
                    yield from self._texts(count, place, is_wide=kind == 1)

    def _entries(self, at: int) -> Iterator[tuple[int, int, int, int]]:
        for entry in range(min(self._number("H", at), _MAX_ENTRIES)):
            place = at + 2 + 12 * entry
            yield self._number("H", place), self._number("H", place + 2), self._number("I", place + 4), place + 8

    def _texts(self, count: int, place: int, *, is_wide: bool) -> Iterator[str]:
        raw = self._bytes(place if count <= 4 else self._number("I", place), min(count, 2 * _MAX_CHARS))  # noqa: PLR2004
        text = raw.decode("utf-16-le" if is_wide else "utf-8", "ignore").removeprefix("ASCII").strip("\0 ")
        if text.isprintable():
            yield text

    def _degrees(self, count: int, place: int) -> Iterator[float]:
        at = self._number("I", place)
        parts = [
            (self._number("I", at + 8 * part), self._number("I", at + 8 * part + 4)) for part in range(min(count, 3))
        ]
        if parts and all(below for _, below in parts):
            yield sum(above / below / 60**power for power, (above, below) in enumerate(parts))

    def _number(self, code: str, at: int) -> int:
        raw = self._bytes(at, struct.calcsize(code))
        return struct.unpack(self._order + code, raw)[0] if len(raw) == struct.calcsize(code) else 0

    def _bytes(self, at: int, length: int) -> bytes:
        return self._data[self._start + at : self._start + at + length]


def _in_xmp(data: bytes) -> Iterator[str]:
    for packet in _XMP.finditer(data):
        for found in _XMP_VALUE.finditer(packet[0].decode("utf-8", "replace")):
            yield from [found[1]] if found[1] else _ELEMENT_TEXT.findall(f">{found[3]}<")


def _in_iptc(data: bytes) -> Iterator[str]:
    if b"Photoshop 3.0\0" not in data:
        return
    for found in _IPTC.finditer(data):
        length = int.from_bytes(found[1], "big")
        yield data[found.end() : found.end() + length].decode("utf-8", "ignore")
