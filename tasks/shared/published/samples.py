"""What may be in the media data of a published MP4: the samples of its tracks, and of H.264 what decoders need.

Cameras write serial numbers and positions beside their pictures, as supplemental information (ITU-T H.264, annex D).
"""

import re
import struct
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import BinaryIO


@dataclass(frozen=True)
class Box:
    """By its name, and where its content begins and ends."""

    name: str
    start: int
    end: int


@dataclass(frozen=True)
class _Chunk:
    """Samples that lie one behind the other, by their sizes."""

    start: int
    sizes: Sequence[int]

    @property
    def end(self) -> int:
        return self.start + sum(self.sizes)


_TABLE_HEAD_BYTES, _SIZES_AT = 8, 12
_PARAMETERS_AT = 5
"""Of the lists in an avcC box: sequences, then pictures."""

_SLICES = frozenset({1, 2, 3, 4, 5})
_SUPPLEMENT, _FILLER, _PARAMETERS, _DELIMITER = 6, 12, frozenset({7, 8}), 9
_UNITS = _SLICES | _PARAMETERS | {_SUPPLEMENT, _FILLER, _DELIMITER}
_LENGTH_BYTES, _UNIT_TYPE = 4, 0x1F

_UNREGISTERED = 5
_NUMBERS = frozenset({0, 1, 2, 6, 137, 144, 147})
"""How long pictures wait and are shown, where playing may begin, and how light they are."""

_X264 = re.compile(
    rb"\xdc\x45\xe9\xbd\xe6\xd9\x48\xb7\x96\x2c\xd8\x20\xd9\x23\xee\xefx264 - core \d+[\w .]{0,40} - "
    rb"H\.264/MPEG-4 AVC codec - Copy(?:left|right) [\d-]+ - http://www\.videolan\.org/x264\.html - "
    rb"options: [\w=:., /-]*\0?"
)
"""What our own encoder says of itself."""

_EMULATED = re.compile(rb"\0\0\x03")
_NOT_STUFFED = re.compile(rb"[^\xff\x80]")


def faults_of_media(stream: BinaryIO, boxes: Sequence[Box]) -> Iterator[str]:
    """One sentence's end for each thing that is not on the list; of the pictures themselves, nothing is read."""
    chunks: list[_Chunk] = []
    for track in _tracks(boxes):
        found = list(_chunks(stream, track))
        chunks += found
        if "avc1" in track:
            yield from _parameter_faults(_content(stream, track["avcC"]))
            yield from _picture_faults(stream, found)
    yield from _gap_faults(stream, boxes, sorted(chunks, key=lambda chunk: chunk.start))


def _tracks(boxes: Sequence[Box]) -> Iterator[Mapping[str, Box]]:
    starts = [at for at, box in enumerate(boxes) if box.name == "trak"]
    for start, end in pairwise([*starts, len(boxes)]):
        yield {box.name: box for box in boxes[start:end]}


def _content(stream: BinaryIO, box: Box) -> bytes:
    stream.seek(box.start)
    return stream.read(box.end - box.start)


def _chunks(stream: BinaryIO, track: Mapping[str, Box]) -> Iterator[_Chunk]:
    sizes, at = _sizes(_content(stream, track["stsz"])), 0
    places = _places(stream, track)
    for number, count in _counts(_content(stream, track["stsc"]), len(places)):
        yield _Chunk(places[number], sizes[at : at + count])
        at += count


def _sizes(table: bytes) -> Sequence[int]:
    size, count = struct.unpack_from(">II", table, 4)
    return array("I", [size]) * count if size else _numbers(table[_SIZES_AT:], "I")


def _places(stream: BinaryIO, track: Mapping[str, Box]) -> Sequence[int]:
    box = track.get("co64") or track["stco"]
    return _numbers(_content(stream, box)[_TABLE_HEAD_BYTES:], "Q" if box.name == "co64" else "I")


def _numbers(raw: bytes, code: str) -> Sequence[int]:
    numbers = array(code, raw)
    numbers.byteswap()
    return numbers


def _counts(table: bytes, chunks: int) -> Iterator[tuple[int, int]]:
    """The number of each chunk, from 0 on, and of the samples in it."""
    entries = list(struct.iter_unpack(">III", table[_TABLE_HEAD_BYTES:]))
    for (first, count, _), (following, _, _) in pairwise([*entries, (chunks + 1, 0, 0)]):
        yield from ((number, count) for number in range(first - 1, following - 1))


def _gap_faults(stream: BinaryIO, boxes: Sequence[Box], chunks: Sequence[_Chunk]) -> Iterator[str]:
    """What lies in the media data and belongs to no track."""
    for box in boxes:
        if box.name != "mdat":
            continue
        at = box.start
        for chunk in (each for each in chunks if box.start <= each.start < box.end):
            yield from _gap_fault(stream, at, chunk.start)
            at = max(at, chunk.end)
        yield from _gap_fault(stream, at, box.end)


def _gap_fault(stream: BinaryIO, start: int, end: int) -> Iterator[str]:
    if start >= end:
        return
    stream.seek(start)
    if stream.read(end - start).strip(b"\0"):
        yield f"something of {end - start:,} bytes that belongs to no track"


def _parameter_faults(configuration: bytes) -> Iterator[str]:
    at = _PARAMETERS_AT
    for mask in (0x1F, 0xFF):
        count, at = configuration[at] & mask, at + 1
        for _ in range(count):
            length = int.from_bytes(configuration[at : at + 2], "big")
            if configuration[at + 2] & _UNIT_TYPE not in _PARAMETERS:
                yield "something else than parameters ahead of the pictures"
            at += 2 + length


def _picture_faults(stream: BinaryIO, chunks: Sequence[_Chunk]) -> Iterator[str]:
    for chunk in chunks:
        at = chunk.start
        for size in chunk.sizes:
            yield from _unit_faults(stream, at, at + size)
            at += size


def _unit_faults(stream: BinaryIO, at: int, end: int) -> Iterator[str]:
    while at < end:
        stream.seek(at)
        head = stream.read(_LENGTH_BYTES + 1)
        length, kind = int.from_bytes(head[:_LENGTH_BYTES], "big"), head[-1] & _UNIT_TYPE
        following = at + _LENGTH_BYTES + length
        if length == 0 or following > end:
            yield "a part of a picture that does not fit"
            return
        if kind not in _UNITS:
            yield f"a unit of the type {kind} in the pictures"
        elif kind == _SUPPLEMENT:
            yield from _supplement_faults(_EMULATED.sub(b"\0\0", stream.read(length - 1)))
        elif kind == _FILLER and _NOT_STUFFED.search(stream.read(length - 1)):
            yield "something in what only fills up"
        at = following


def _supplement_faults(data: bytes) -> Iterator[str]:
    """Each message has its type and its length, which go on for as long as a byte is 255; a single bit ends them."""
    at = 0
    while data[at:].rstrip(b"\0") not in {b"", b"\x80"}:
        kind, at = _grown(data, at)
        length, at = _grown(data, at)
        is_ours = kind == _UNREGISTERED and _X264.fullmatch(data[at : at + length])
        if kind not in _NUMBERS and not is_ours:
            yield f"supplemental information of the type {kind} in the pictures"
        at += length


def _grown(data: bytes, at: int) -> tuple[int, int]:
    """A number that is written as a sum of bytes, and where it ends."""
    total = 0
    while data[at : at + 1] == b"\xff":
        total, at = total + 255, at + 1
    return total + (data[at] if at < len(data) else 0), at + 1
