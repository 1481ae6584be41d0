"""Looks into packed files: the beginning of what a gz or zst file holds, unpacked in bounded memory."""

import io
import zlib
from types import MappingProxyType

import zstandard

from workflow.units import MIB

PACKINGS = MappingProxyType({"application/gzip": "gzip", "application/zstd": "zstd"})
"""How the content type of a packed file ends, by the type of its outside."""

_HEAD_BYTES = 64 * 1024
_GZIP_WINDOW = 31
_MAX_WINDOW_BYTES = 128 * MIB


def unpacked_head(head: bytes, media_type: str) -> tuple[bytes, bool]:
    """Up to 64 KiB, and whether that is all there is; nothing where the beginning is damaged."""
    try:
        return _gzip_head(head) if PACKINGS[media_type] == "gzip" else _zstd_head(head)
    except (zlib.error, zstandard.ZstdError):
        return b"", True


def _gzip_head(head: bytes) -> tuple[bytes, bool]:
    unpacking = zlib.decompressobj(_GZIP_WINDOW)
    return unpacking.decompress(head, _HEAD_BYTES), unpacking.eof and not unpacking.unused_data


def _zstd_head(head: bytes) -> tuple[bytes, bool]:
    unpacking = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW_BYTES)
    with unpacking.stream_reader(io.BytesIO(head), read_across_frames=True) as reader:
        inner = reader.read(_HEAD_BYTES)
    return inner, len(inner) < _HEAD_BYTES
