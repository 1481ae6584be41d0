"""What may be in a published JPEG: tables, one picture, its end; the color space by JFIF's and Adobe's marks."""

import re
from collections.abc import Iterator
from typing import BinaryIO

_START, _END, _SCAN = 0xD8, 0xD9, 0xDA
_TABLES = frozenset({0xC4, 0xCC, 0xDB, 0xDC, 0xDD, 0xDE, 0xDF})
_FRAMES = frozenset({*range(0xC0, 0xD0)}) - {0xC4, 0xC8, 0xCC}
_APPLICATIONS = {0xE0: (b"JFIF\0", 14), 0xEE: (b"Adobe", 12)}
"""How they begin, and how long they are at most: behind it come small pictures, or anything."""

_BEHIND_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


def faults_of_jpeg(stream: BinaryIO) -> Iterator[str]:
    return faults_of_jpeg_data(stream.read())


def faults_of_jpeg_data(data: bytes) -> Iterator[str]:
    """One sentence's end for each thing that is not on the list."""
    if not data.startswith(b"\xff\xd8"):
        yield "no JPEG"
        return
    at = 2
    while data[at : at + 1] == b"\xff" and at + 1 < len(data):
        marker = data[at + 1]
        if marker == _END:
            yield from _behind(data, at + 2)
            return
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        fault = _segment_fault(marker, data[at + 4 : at + 2 + length])
        if fault:
            yield fault
        at += 2 + length
        if marker == _SCAN:
            found = _BEHIND_SCAN.search(data, at)
            if not found:
                yield "no end of its picture"
                return
            at = found.start()
    yield "something else than a JPEG's segments"


def _segment_fault(marker: int, payload: bytes) -> str:
    if marker in _TABLES | _FRAMES or marker == _SCAN:
        return ""
    beginning, most = _APPLICATIONS.get(marker, (b"", -1))
    return "" if len(payload) <= most and payload.startswith(beginning) else f"a segment 0x{marker:02X}"


def _behind(data: bytes, end: int) -> Iterator[str]:
    if data[end:].strip(b"\0\r\n"):
        yield f"{len(data) - end:,} bytes behind the end"
