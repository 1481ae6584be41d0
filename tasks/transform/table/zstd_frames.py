"""Walks the frames of a zst file, because its decoder ends a stream that was cut off as if it were complete.

The layout is RFC 8878's: a frame is a header and blocks of three bytes and content, the last one marked.
"""

import os
from typing import BinaryIO

import zstandard

_FRAME, _SKIPPABLE = b"\x28\xb5\x2f\xfd", b"\x2a\x4d\x18"
_MAX_HEADER_BYTES = 18
_BLOCK_HEADER_BYTES, _CHECKSUM_BYTES = 3, 4
_RLE_BLOCK = 1


def is_complete(file: BinaryIO) -> bool:
    """Whether every frame reaches its end; raises zstandard.ZstdError for a header that makes no sense."""
    size = file.seek(0, os.SEEK_END)
    at = 0
    while at < size:
        file.seek(at)
        at = _frame_end(file, at, size)
    return at == size


def _frame_end(file: BinaryIO, at: int, size: int) -> int:
    head = file.read(_MAX_HEADER_BYTES)
    if head[1:4] == _SKIPPABLE:
        return at + 8 + int.from_bytes(head[4:8], "little")
    if not head.startswith(_FRAME):
        raise zstandard.ZstdError("data behind the last frame is not zstd")
    at += zstandard.frame_header_size(head)
    is_last = False
    while not is_last and at < size:
        file.seek(at)
        block = int.from_bytes(file.read(_BLOCK_HEADER_BYTES), "little")
        is_last = bool(block & 1)
        at += _BLOCK_HEADER_BYTES + (1 if block >> 1 & 3 == _RLE_BLOCK else block >> 3)
    has_checksum = zstandard.get_frame_parameters(head).has_checksum
    return at + _CHECKSUM_BYTES * has_checksum if is_last else size + 1
