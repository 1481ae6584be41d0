"""Counts frames, pages and scans by walking the file, without decoding anything and no further than asked."""

import mmap
import re
from pathlib import Path
from typing import BinaryIO

from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile

_GIF_HEADER_BYTES, _GIF_FRAME_BYTES = 13, 9
_GIF_EXTENSION, _GIF_FRAME = b"!", b","
_JPEG_MARKER = re.compile(rb"\xff[^\x00\x01\xd0-\xd8\xff]", re.DOTALL)
_JPEG_END, _JPEG_SCAN = b"\xff\xd9", b"\xff\xda"


def count_frames(path: Path, image: ImageFile, limit: int) -> int:
    """Frames of the animation, or pages, in the file; counting stops soon after `limit`."""
    if isinstance(image, GifImageFile):
        with path.open("rb") as file:
            return _count_gif_frames(file, limit)
    return getattr(image, "n_frames", 1)


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
