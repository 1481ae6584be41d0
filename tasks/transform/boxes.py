"""Walks the outermost boxes of an ISO media file (MP4, MOV, M4A): whether what they announce is all there."""

from collections.abc import Iterator
from typing import BinaryIO

from workflow.errors import NothingToPlay, TruncatedFile

_MEDIA_BOXES = frozenset({b"mdat", b"moof"})
CONTENT_BOXES = frozenset({b"moov", *_MEDIA_BOXES})
_HEADER_BYTES, _LARGE_HEADER_BYTES = 8, 16
_TO_THE_END, _LARGE = 0, 1
_MAX_BOXES = 10_000


def check_end(end: int, size: int) -> None:
    """Raise TruncatedFile for a file of `size` bytes that should have `end`."""
    if end > size:
        raise TruncatedFile(f"The file should have {end:,} bytes and ends after {size:,}. Upload it again.")


def check_boxes(stream: BinaryIO, size: int) -> None:
    """Raise TruncatedFile if content lies beyond the end or there is no index, NothingToPlay if there is only that."""
    found: set[bytes] = set()
    for name, end in _boxes(stream, size):
        found.add(name)
        if name in CONTENT_BOXES:
            check_end(end, size)
    if b"moov" not in found:
        raise TruncatedFile(
            "The file has no index (moov), which recorders write last: it was cut off, or recording never ended. "
            "Upload it again, or repair it first."
        )
    if found.isdisjoint(_MEDIA_BOXES):
        raise NothingToPlay(
            "The file is only the initialization of a stream (DASH or HLS): it describes tracks and has nothing of "
            "them. Join it with its segments to one MP4, and upload that."
        )


def _boxes(stream: BinaryIO, size: int) -> Iterator[tuple[bytes, int]]:
    """Names of the outermost boxes, and where they end."""
    at = 0
    for _ in range(_MAX_BOXES):
        stream.seek(at)
        header = stream.read(_LARGE_HEADER_BYTES)
        if len(header) < _HEADER_BYTES:
            return
        length = int.from_bytes(header[:4], "big")
        if length == _LARGE:
            length = int.from_bytes(header[8:16], "big")
        end = size if length == _TO_THE_END else at + length
        yield header[4:8], end
        if end < at + _HEADER_BYTES or end >= size:
            return
        at = end
