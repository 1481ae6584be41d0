"""Reads a PNG by its chunks: shows Pillow only those that decide the picture, and draws the frames of an animation.

Pillow refuses a good picture for a damaged or large text beside it, and mixes colors where a frame is blended over
another one; here damaged metadata is left out by name, and damaged pixels are refused.
"""

import io
import struct
import zlib
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from PIL.Image import Image
from PIL.Image import new as new_image
from PIL.PngImagePlugin import PngImageFile

from tasks.sniffing.headers import check_pixels
from workflow.kinds import MIB, Format

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_PROFILE_BYTES = 8 * MIB
MAX_PLAYS = 0xFFFF

_PICTURE = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND"})
_DECIDING = frozenset({b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"cICP", b"eXIf"})
_FRAME_DATA, _FRAME_CONTROL, _ANIMATION_CONTROL, _PROFILE = b"fdAT", b"fcTL", b"acTL", b"iCCP"
_CHECKED = _PICTURE | _DECIDING | {_FRAME_DATA, _FRAME_CONTROL, _ANIMATION_CONTROL, _PROFILE}
_FRAME = struct.Struct(">5I2H2B")
_SEQUENCE_BYTES, _IHDR_BYTES = 4, 13
_OVER, _CLEAR, _RESTORE = 1, 1, 2
_NOTHING = (0, 0, 0, 0)
_COPY_BYTES = 256 * 1024


@dataclass(frozen=True)
class Chunk:
    """`at` is where the chunk begins, with its length field; `length` counts its data only."""

    name: bytes
    at: int
    length: int

    @property
    def end(self) -> int:
        return self.at + 12 + self.length


@dataclass(frozen=True)
class Png:
    """The chunks of a PNG that are whole, up to its end, and which ones besides the picture are damaged."""

    file: BinaryIO
    chunks: tuple[Chunk, ...]
    damaged: tuple[str, ...]

    @property
    def bits(self) -> int:
        return self._header()[8]

    @property
    def is_gray(self) -> bool:
        return self._header()[9] in {0, 4}

    def named(self, name: bytes) -> Iterator[bytes]:
        return (self.data(chunk) for chunk in self.chunks if chunk.name == name)

    def data(self, chunk: Chunk) -> bytes:
        self.file.seek(chunk.at + 8)
        return self.file.read(chunk.length)

    def profile(self) -> bytes | None:
        """The embedded color profile; None where there is none that can be unpacked within the limit."""
        packed = next(self.named(_PROFILE), b"").partition(b"\0")[2][1:]
        packer = zlib.decompressobj()
        try:
            unpacked = packer.decompress(packed, MAX_PROFILE_BYTES)
        except zlib.error:
            return None
        return None if packer.unconsumed_tail else unpacked or None

    def still(self) -> BinaryIO:
        """The default picture alone, with all that decides how it is shown: a PNG that Pillow reads."""
        spans = [range(len(SIGNATURE))]
        spans += [range(chunk.at, chunk.end) for chunk in self.chunks if chunk.name in _PICTURE | _DECIDING]
        return io.BufferedReader(_Spans(self.file, spans))

    def frames(self) -> int:
        """How many the animation has, which may begin after the default picture; 1 where there is none."""
        is_animated = any(chunk.name == _ANIMATION_CONTROL for chunk in self.chunks)
        return max(1, sum(chunk.name == _FRAME_CONTROL for chunk in self.chunks)) if is_animated else 1

    def plays(self) -> int:
        """How often the animation plays, 0 for ever."""
        return min(int.from_bytes(next(self.named(_ANIMATION_CONTROL), bytes(8))[4:8]), MAX_PLAYS)

    def _header(self) -> bytes:
        return next(self.named(b"IHDR"))


def read_png(file: BinaryIO) -> Png:
    """Raises EOFError where the file ends before its last chunk, SyntaxError where the picture itself is damaged."""
    chunks: list[Chunk] = []
    damaged: set[str] = set()
    for chunk in _walk(file):
        if chunk.name not in _CHECKED:
            continue
        if _is_whole(file, chunk):
            chunks.append(chunk)
        elif chunk.name in _PICTURE | {_FRAME_DATA}:
            raise SyntaxError(f"the checksum of its {chunk.name.decode()} data is wrong")
        else:
            damaged.add(chunk.name.decode())
    if not chunks or chunks[0].name != b"IHDR" or chunks[0].length != _IHDR_BYTES:
        raise SyntaxError("it does not begin with its header")
    return Png(file, tuple(chunks), tuple(sorted(damaged)))


def _walk(file: BinaryIO) -> Iterator[Chunk]:
    at = len(SIGNATURE)
    while True:
        file.seek(at)
        head = file.read(8)
        if len(head) < 8:  # noqa: PLR2004 - length and name
            raise EOFError("the file ends before its last chunk")
        length, name = struct.unpack(">I4s", head)
        yield (chunk := Chunk(name, at, length))
        if name == b"IEND":
            return
        at = chunk.end


def _is_whole(file: BinaryIO, chunk: Chunk) -> bool:
    file.seek(chunk.at + 4)
    left, crc = chunk.length + 4, 0
    while left:
        block = file.read(min(left, _COPY_BYTES))
        if not block:
            raise EOFError("the file ends within a chunk")
        crc = zlib.crc32(block, crc)
        left -= len(block)
    return crc == int.from_bytes(file.read(4))


def png_frames(png: Png, found: Format) -> Generator[tuple[Image, float]]:
    """Each frame as RGBA in the size of the canvas, with its milliseconds; the next may be drawn over the picture.

    As the PNG specification (third edition) has it: blended in the file's own values, cleared to nothing.
    """
    canvas: Image | None = None
    for control, data in _stored_frames(png):
        _, width, height, left, top, numerator, denominator, disposal, blending = control
        drawn = _unpacked(png, (width, height), data, found)
        if canvas is None:
            canvas = _canvas(png, found)
            disposal = _CLEAR if disposal == _RESTORE else disposal
        before = canvas.copy() if disposal == _RESTORE else canvas
        if blending == _OVER:
            canvas.alpha_composite(drawn, (left, top))
        else:
            canvas.paste(drawn, (left, top))
        yield canvas, 1000 * numerator / (denominator or 100)
        if disposal == _CLEAR:
            canvas.paste(_NOTHING, (left, top, left + width, top + height))
        canvas = before


def _canvas(png: Png, found: Format) -> Image:
    width, height = struct.unpack_from(">II", next(png.named(b"IHDR")))
    check_pixels(found, width, height)
    return new_image("RGBA", (width, height), _NOTHING)


def _stored_frames(png: Png) -> Iterator[tuple[tuple[int, ...], bytes]]:
    """The control values of each frame, and its packed pixels; a picture before the first control is no frame."""
    control: tuple[int, ...] | None = None
    data = bytearray()
    for chunk in png.chunks:
        if chunk.name == _FRAME_CONTROL:
            if control and data:
                yield control, bytes(data)
            control, data = _FRAME.unpack(png.data(chunk)), bytearray()
        elif control and chunk.name == b"IDAT":
            data += png.data(chunk)
        elif control and chunk.name == _FRAME_DATA:
            data += png.data(chunk)[_SEQUENCE_BYTES:]
    if control and data:
        yield control, bytes(data)


def _unpacked(png: Png, size: tuple[int, int], data: bytes, found: Format) -> Image:
    check_pixels(found, *size)
    header = struct.pack(">II", *size) + next(png.named(b"IHDR"))[8:]
    beside = [(name, each) for name in (b"PLTE", b"tRNS") for each in png.named(name)]
    parts = [(b"IHDR", header), *beside, (b"IDAT", data), (b"IEND", b"")]
    image = PngImageFile(io.BytesIO(SIGNATURE + b"".join(_chunk(name, each) for name, each in parts)))
    image.load()
    return with_transparent_level(image, png).convert("RGBA")


def with_transparent_level(image: Image, png: Png) -> Image:
    """Pillow widens gray levels of 2 and 4 bits to 8, but not the one that its transparency names."""
    level = image.info.get("transparency")
    if png.bits in {2, 4} and png.is_gray and isinstance(level, int):
        image.info["transparency"] = level * 255 // ((1 << png.bits) - 1)
    return image


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


class _Spans(io.RawIOBase):
    """Some ranges of a file, one after the other, as a file of their own."""

    def __init__(self, file: BinaryIO, spans: list[range]) -> None:
        self._file = file
        self._spans = spans
        self._at = 0
        self._length = sum(map(len, spans))

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = max(0, offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._length}[whence])
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        start = 0
        for span in self._spans:
            if self._at < start + len(span):
                inside = self._at - start
                self._file.seek(span.start + inside)
                data = self._file.read(min(len(buffer), len(span) - inside))
                buffer[: len(data)] = data
                self._at += len(data)
                return len(data)
            start += len(span)
        return 0
