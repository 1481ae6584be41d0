"""Counts frames, pages and scans by walking the file, without decoding anything and no further than asked."""

import mmap
import re
import struct
from pathlib import Path
from typing import BinaryIO

from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.TiffImagePlugin import TiffImageFile

_GIF_HEADER_BYTES, _GIF_FRAME_BYTES = 13, 9
_GIF_EXTENSION, _GIF_FRAME = b"!", b","
_BIG_TIFF_VERSION = 43
_JPEG_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd8\xff]", re.DOTALL)
_JPEG_END, _JPEG_SCAN = b"\xff\xd9", b"\xff\xda"


def count_frames(path: Path, image: ImageFile, limit: int) -> int:
    """Frames of the animation, or pages, in the file; counting stops soon after `limit`."""
    if isinstance(image, GifImageFile):
        with path.open("rb") as file:
            return _count_gif_frames(file, limit)
    if isinstance(image, TiffImageFile):
        with path.open("rb") as file:
            return _count_tiff_pages(file, limit)
    return getattr(image, "n_frames", 1) - bool(getattr(image, "default_image", False))


def count_scans(path: Path, limit: int) -> int:
    """Passes over the pixels of a progressive JPEG; each costs about as much as decoding the whole image."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        at, scans = 2, 0
        while scans <= limit:
            marker = _JPEG_MARKER.search(data, at)
            if not marker or marker[0] == _JPEG_END:
                break
            scans += marker[0] == _JPEG_SCAN
            at = marker.end() + int.from_bytes(data[marker.end() : marker.end() + 2], "big")
        return scans


def _count_gif_frames(file: BinaryIO, limit: int) -> int:
    frames = 0
    _skip_gif_palette(file, file.read(_GIF_HEADER_BYTES)[10:11])
    while frames <= limit:
        block = file.read(1)
        if block == _GIF_FRAME:
            frames += 1
            _skip_gif_palette(file, file.read(_GIF_FRAME_BYTES)[8:9])
        elif block != _GIF_EXTENSION:
            break
        file.seek(1, 1)  # an extension's label, or a frame's code size
        _skip_gif_data(file)
    return max(1, frames)


def _skip_gif_palette(file: BinaryIO, flags: bytes) -> None:
    if flags and flags[0] & 0x80:
        file.seek(3 << (flags[0] & 7) + 1, 1)


def _skip_gif_data(file: BinaryIO) -> None:
    while (length := file.read(1)) not in {b"", b"\0"}:
        file.seek(length[0], 1)


def _count_tiff_pages(file: BinaryIO, limit: int) -> int:
    """Pages are a linked list, which a hostile file can close to a ring."""
    magic = file.read(4)
    order = "<" if magic[:2] == b"II" else ">"
    big = _BIG_TIFF_VERSION in magic[2:]
    offset_code, count_code, entry_bytes = ("Q", "Q", 20) if big else ("I", "H", 12)
    if big:
        file.seek(8)
    seen: set[int] = set()
    at = _read_number(file, order + offset_code)
    while at and at not in seen and len(seen) <= limit:
        seen.add(at)
        file.seek(at)
        file.seek(_read_number(file, order + count_code) * entry_bytes, 1)
        at = _read_number(file, order + offset_code)
    return max(1, len(seen))


def _read_number(file: BinaryIO, code: str) -> int:
    data = file.read(struct.calcsize(code))
    return struct.unpack(code, data)[0] if len(data) == struct.calcsize(code) else 0
