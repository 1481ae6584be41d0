"""Writes TIFF and PNG in layouts that encoders seldom offer: any depth, sample format, order and arrangement."""

import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.unit.images import png_chunk, png_end

Samples = Sequence[float]
QUARTER = 16
"""Pixels of each side of a quarter; pictures have two by two of them."""

UNSIGNED, SIGNED, FLOATING = 1, 2, 3
_CODES = {(UNSIGNED, 16): "H", (UNSIGNED, 32): "I", (SIGNED, 16): "h", (SIGNED, 32): "i"}
_CODES |= {(FLOATING, 16): "e", (FLOATING, 32): "f", (FLOATING, 64): "d", (UNSIGNED, 8): "B"}
_COMPRESSIONS: dict[int, Callable[[bytes], bytes]] = {1: bytes, 8: zlib.compress}
"""Of any other there is the number alone: the samples are as they are."""


@dataclass(frozen=True)
class Layout:
    """How samples are stored, by TIFF's numbers; `extra` says what a sample beyond the colors is."""

    photometric: int
    bits: int = 8
    sample_format: int = UNSIGNED
    order: str = "<"
    planar: int = 1
    extra: int | None = None
    compression: int = 1


def tiff(quarters: Sequence[Samples], layout: Layout, tags: dict[int, bytes] | None = None, *, page: int = 0) -> bytes:
    """A TIFF of one page, each quarter of which has the same samples in every pixel. `page` is its NewSubfileType."""
    rows = [[quarters[2 * (y >= QUARTER) + (x >= QUARTER)] for x in range(2 * QUARTER)] for y in range(2 * QUARTER)]
    count = len(quarters[0])
    planes = [range(count)] if layout.planar == 1 else [[at] for at in range(count)]
    packed = _COMPRESSIONS.get(layout.compression, bytes)
    strips = [packed(b"".join(_row([s[at] for s in row for at in plane], layout) for row in rows)) for plane in planes]
    return _assembled(strips, count, layout, tags or {}, page)


def _row(samples: Samples, layout: Layout) -> bytes:
    if layout.bits >= 8:
        return struct.pack(f"{layout.order}{len(samples)}{_CODES[layout.sample_format, layout.bits]}", *samples)
    joined = "".join(f"{sample:0{layout.bits}b}" for sample in samples)
    return int(joined.ljust(-(-len(joined) // 8) * 8, "0"), 2).to_bytes(-(-len(joined) // 8), "big")


def _assembled(strips: Sequence[bytes], count: int, layout: Layout, tags: dict[int, bytes], page: int) -> bytes:
    order, side = layout.order, 2 * QUARTER
    data_at = 8
    body = b"".join(strips)
    offsets = [data_at + sum(map(len, strips[:at])) for at in range(len(strips))]
    entries: dict[int, tuple[int, Sequence[int] | bytes]] = {
        254: (4, [page]),
        256: (4, [side]),
        257: (4, [side]),
        258: (3, [layout.bits] * count),
        259: (3, [layout.compression]),
        262: (3, [layout.photometric]),
        273: (4, offsets),
        277: (3, [count]),
        278: (4, [side]),
        279: (4, [len(strip) for strip in strips]),
        284: (3, [layout.planar]),
        339: (3, [layout.sample_format] * count),
        **({} if layout.extra is None else {338: (3, [layout.extra])}),
        **{tag: (2, value) for tag, value in tags.items()},
    }
    return _with_directory(order, body, entries)


def _with_directory(order: str, body: bytes, entries: dict[int, tuple[int, Sequence[int] | bytes]]) -> bytes:
    at = 8 + len(body) + len(body) % 2
    beyond = at + 2 + 12 * len(entries) + 4
    index, values = struct.pack(f"{order}H", len(entries)), b""
    for tag, (kind, value) in sorted(entries.items()):
        code = {2: "s", 3: "H", 4: "I"}[kind]
        data = value if isinstance(value, bytes) else struct.pack(f"{order}{len(value)}{code}", *value)
        place = data.ljust(4, b"\0") if len(data) <= 4 else struct.pack(f"{order}I", beyond + len(values))
        values += data + bytes(len(data) % 2) if len(data) > 4 else b""
        index += struct.pack(f"{order}HHI", tag, kind, len(value)) + place
    magic = b"II*\0" if order == "<" else b"MM\0*"
    return magic + struct.pack(f"{order}I", at) + body + bytes(len(body) % 2) + index + bytes(4) + values


def followed_by(first: bytes, second: bytes) -> bytes:
    """The pages of two little-endian TIFFs in one: the second's offsets are moved behind the first."""
    start = int.from_bytes(first[4:8], "little")
    (count,) = struct.unpack_from("<H", first, start)
    end = start + 2 + 12 * count
    shift = len(first) + len(first) % 2
    moved = _moved(second, shift)
    following = struct.unpack_from("<I", second, 4)[0] + shift
    return first[:end] + struct.pack("<I", following) + first[end + 4 :] + bytes(len(first) % 2) + moved


def _moved(content: bytes, shift: int) -> bytes:
    data = bytearray(content)
    start = int.from_bytes(content[4:8], "little")
    (entries,) = struct.unpack_from("<H", content, start)
    for at in range(start + 2, start + 2 + 12 * entries, 12):
        tag, kind, count, value = struct.unpack_from("<HHII", content, at)
        is_offset = count * {2: 1, 3: 2, 4: 4}[kind] > 4
        if is_offset or tag == 273:
            struct.pack_into("<I", data, at + 8, value + shift)
        if is_offset and tag == 273:
            for place in range(value, value + 4 * count, 4):
                struct.pack_into("<I", data, place, struct.unpack_from("<I", content, place)[0] + shift)
    return bytes(data)


def png_of(quarters: Sequence[Samples], depth: int, color: int, *chunks: bytes) -> bytes:
    """A PNG of four quarters; `color` is PNG's color type."""
    layout = Layout(0, bits=depth, order=">")
    rows = [[quarters[2 * (y >= QUARTER) + (x >= QUARTER)] for x in range(2 * QUARTER)] for y in range(2 * QUARTER)]
    data = b"".join(b"\0" + _row([value for pixel in row for value in pixel], layout) for row in rows)
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 2 * QUARTER, 2 * QUARTER, depth, color, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + png_chunk(b"IDAT", zlib.compress(data)) + png_end()


@dataclass(frozen=True)
class ApngFrame:
    """A rectangle of one RGBA color: its place, how it is blended, and what happens to it after its time."""

    color: tuple[int, int, int, int]
    box: tuple[int, int, int, int]
    disposal: int = 0
    blending: int = 0
    delay: tuple[int, int] = (1, 10)


def apng(
    size: tuple[int, int], *frames: ApngFrame, plays: int = 0, default: tuple[int, int, int, int] | None = None
) -> bytes:
    """An animated PNG; `default` is the color of a picture before it that is no frame."""
    chunks = [png_chunk(b"acTL", struct.pack(">II", len(frames), plays))]
    number = 0
    if default:
        chunks.append(png_chunk(b"IDAT", _plain_rows(default, size)))
    for frame in frames:
        left, top, width, height = frame.box
        control = struct.pack(">5I2H2B", number, width, height, left, top, *frame.delay, frame.disposal, frame.blending)
        chunks.append(png_chunk(b"fcTL", control))
        rows = _plain_rows(frame.color, (width, height))
        is_first = number == 0 and not default
        number += 1 if is_first else 2
        chunks.append(
            png_chunk(b"IDAT", rows) if is_first else png_chunk(b"fdAT", struct.pack(">I", number - 1) + rows)
        )
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", *size, 8, 6, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + png_end()


def _plain_rows(color: tuple[int, int, int, int], size: tuple[int, int]) -> bytes:
    return zlib.compress((b"\0" + bytes(color) * size[0]) * size[1])
