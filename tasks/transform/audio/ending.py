"""Tells from headers alone whether the end of a file is missing; demuxers play what there is."""

import os
from pathlib import Path

from tasks.transform.boxes import check_boxes, check_end
from workflow.errors import TruncatedFile

_HEAD_BYTES = 4096
_BOX_HEAD_BYTES = 16
_ASF = bytes.fromhex("3026b275 8e66cf11 a6d900aa 0062ce6c")
_ASF_PROPERTIES = bytes.fromhex("a1dcab8c 47a9cf11 8ee400c0 0c205365")
_ASF_SIZE_AT = 40
_WAVE64 = bytes.fromhex("72696666 2e91cf11 a5d628db 04c10000")

_STREAMED_BYTES = 0x7FFFF000
"""Recorders that cannot know the length write this or more, or zero."""

_SLOPPY_BYTES = 4096
"""Some count headers twice, or a last chunk that they never wrote."""

_OGG_HEADER_BYTES = 27
_MAX_OGG_PAGE_BYTES = _OGG_HEADER_BYTES + 255 + 255 * 255
_LAST_PAGE_FLAG = 4


def check_ending(path: Path) -> tuple[str, ...]:
    """Notes, or TruncatedFile."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        head = file.read(_HEAD_BYTES)
        if head.startswith(b"OggS"):
            file.seek(max(0, size - _MAX_OGG_PAGE_BYTES))
            return _check_ogg(file.read())
        check_end(_announced_bytes(head), size)
        if head[4:8] == b"ftyp":
            check_boxes(file, size)
    return ()


def _announced_bytes(head: bytes) -> int:
    """The size of a WAV, Wave64 or WMA as its header has it; 0 where it does not say."""
    if head.startswith(b"RIFF"):
        announced = int.from_bytes(head[4:8], "little")
        return announced - _SLOPPY_BYTES if announced < _STREAMED_BYTES else 0
    if head.startswith(_WAVE64):
        return int.from_bytes(head[16:24], "little")
    at = head.find(_ASF_PROPERTIES) if head.startswith(_ASF) else -1
    return int.from_bytes(head[at + _ASF_SIZE_AT :][:8], "little") if at > 0 else 0


def _check_ogg(tail: bytes) -> tuple[str, ...]:
    """Recorders that never mark the last page are common, Android's own among them."""
    page = tail[max(0, tail.rfind(b"OggS")) :]
    sizes = page[_OGG_HEADER_BYTES:][: page[26] if len(page) >= _OGG_HEADER_BYTES else 0]
    if len(page) < _OGG_HEADER_BYTES + len(sizes) + sum(sizes):
        raise TruncatedFile("The last page of the Ogg file is not whole: it was cut off on the way. Upload it again.")
    return () if page[5] & _LAST_PAGE_FLAG else ("the Ogg file does not mark its end; it may have been longer",)
