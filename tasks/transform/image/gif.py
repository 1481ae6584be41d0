"""Draws the frames of a GIF one after the other, as browsers do.

Pillow alone keeps an earlier frame's disposal where a frame names none, and clears to the background color where
browsers clear to transparency. Here it only unpacks frames: each is handed to it as a GIF of its own.
"""

import io
import struct
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from PIL.GifImagePlugin import GifImageFile
from PIL.Image import Image
from PIL.Image import new as new_image

from tasks.sniffing.headers import check_pixels
from workflow.kinds import Format

_CLEAR, _RESTORE = 2, frozenset({3, 4})
_FRAME, _EXTENSION, _CONTROL = b",", b"!", b"\xf9"
_HEADER_BYTES, _SCREEN_AT, _HEADER_FLAGS_AT = 13, 6, 10
_DESCRIPTOR_BYTES, _CONTROL_BYTES = 9, 4
_HAS_PALETTE, _INTERLACED, _PALETTE_SIZE = 0x80, 0x40, 0x07
_MAX_PLAYS = 0xFFFF
_NOTHING = (0, 0, 0, 0)

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class _Part:
    """One frame as it is stored: its place on the canvas, what happens to it after its time, and its own file."""

    box: Box
    disposal: int
    duration_ms: int
    content: bytes


def gif_frames(file: BinaryIO, found: Format) -> Iterator[tuple[Image, int]]:
    """Each frame as RGBA in the size of the canvas, with its milliseconds; the next may be drawn over the picture."""
    canvas: Image | None = None
    for part in _parts(file):
        canvas = canvas or _canvas(_canvas_size(file, part), found)
        before = canvas.copy() if part.disposal in _RESTORE else canvas
        drawn = _unpack(part, found)
        canvas.paste(drawn, part.box[:2], drawn)
        yield canvas, part.duration_ms
        if part.disposal == _CLEAR:
            canvas.paste(_NOTHING, part.box)
        canvas = before


def _canvas(size: tuple[int, int], found: Format) -> Image:
    check_pixels(found, *size)
    return new_image("RGBA", size, _NOTHING)


def leaves_gaps(image: GifImageFile) -> bool:
    """Whether the first frame covers a part of the canvas only. What it leaves can be seen through."""
    return image.dispose_extent != (0, 0, *image.size)


def gif_plays(image: GifImageFile) -> int:
    """How often the animation plays, 0 for ever: a GIF says how often to repeat, and nothing for once."""
    loop = image.info.get("loop")
    return min(loop + 1, _MAX_PLAYS) if loop else 1 if loop is None else 0


def _canvas_size(file: BinaryIO, first: _Part) -> tuple[int, int]:
    """The screen, or the first frame where that is larger."""
    at = file.tell()
    file.seek(_SCREEN_AT)
    width, height = struct.unpack("<HH", file.read(4))
    file.seek(at)
    return max(width, first.box[2]), max(height, first.box[3])


def _unpack(part: _Part, found: Format) -> Image:
    image = GifImageFile(io.BytesIO(part.content))
    check_pixels(found, *image.size)
    return image.convert("RGBA")


def _parts(file: BinaryIO) -> Generator[_Part]:
    file.seek(0)
    header = _exactly(file, _HEADER_BYTES)
    palette = _palette(file, header[_HEADER_FLAGS_AT])
    control = bytes(_CONTROL_BYTES)
    while (block := file.read(1)) in {_FRAME, _EXTENSION}:
        if block == _FRAME:
            yield _part(file, header, palette, control)
            control = bytes(_CONTROL_BYTES)
        elif _exactly(file, 1) == _CONTROL:
            control = _data(file)[1 : 1 + _CONTROL_BYTES].ljust(_CONTROL_BYTES, b"\0")
        else:
            _data(file)


def _part(file: BinaryIO, header: bytes, palette: bytes, control: bytes) -> _Part:
    descriptor = _exactly(file, _DESCRIPTOR_BYTES)
    left, top, width, height = struct.unpack_from("<4H", descriptor)
    own_palette = _palette(file, descriptor[-1])
    flags, colors = (descriptor[-1], own_palette) if own_palette else (header[_HEADER_FLAGS_AT], palette)
    screen = header[:_SCREEN_AT] + descriptor[4:8] + bytes([flags & (_HAS_PALETTE | _PALETTE_SIZE), 0, 0]) + colors
    extension = b"!\xf9\x04" + control + b"\0"
    frame = b"," + bytes(4) + descriptor[4:8] + bytes([descriptor[-1] & _INTERLACED])
    data = _exactly(file, 1) + _data(file)
    return _Part(
        box=(left, top, left + width, top + height),
        disposal=control[0] >> 2 & 7,
        duration_ms=10 * int.from_bytes(control[1:3], "little"),
        content=screen + extension + frame + data + b";",
    )


def _palette(file: BinaryIO, flags: int) -> bytes:
    return _exactly(file, 3 << (flags & _PALETTE_SIZE) + 1) if flags & _HAS_PALETTE else b""


def _data(file: BinaryIO) -> bytes:
    """Length-prefixed blocks up to and with the empty one; as many as there are."""
    blocks = bytearray()
    while (length := file.read(1)) not in {b"", b"\0"}:
        blocks += length + file.read(length[0])
    return bytes(blocks) + length


def _exactly(file: BinaryIO, count: int) -> bytes:
    data = file.read(count)
    if len(data) < count:
        raise EOFError("the file ends within a frame")
    return data
