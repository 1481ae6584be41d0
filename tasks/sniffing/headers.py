"""What an image's first bytes announce: its size in pixels, and whether the file can be complete.

Read before a decoder is handed the file, because some decoders reserve memory for the announced size when they open.
"""

import re
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from workflow.errors import TooManyPixels
from workflow.kinds import MEGAPIXEL, Format

Size = tuple[int, int]

_JPEG_SIZE_MARKERS = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_FILL = 0xFF
_JPEG_BARE_MARKERS = frozenset({0x00, 0x01, *range(0xD0, 0xD9), _JPEG_FILL})
_JPEG_START_OF_SCAN = 0xDA
_TIFF_WIDTH, _TIFF_HEIGHT = 256, 257
_TIFF_VALUE_CODES = {3: "H", 4: "I"}
_BMP_CORE_HEADER_BYTES = 12
_BOX_HEADER_BYTES = 8
_PNG_START = b"\x89PNG\r\n\x1a\n"
_ICON_ENTRIES_AT, _ICON_ENTRY_BYTES, _ICON_ANNOUNCED_MAX = 6, 16, 256
_JP2_IMAGE_HEADER = re.compile(rb"ihdr(.{8})", re.DOTALL)
_CODESTREAM_START = b"\xff\x4f\xff\x51"
_CODESTREAM = re.compile(rb"\xff\x4f\xff\x51(?=.{4}(.{16}))", re.DOTALL)
_TILE_PART, _END_OF_CODESTREAM = 0xFF90, 0xFFD9
_SPATIAL_EXTENT = re.compile(rb"ispe\0\0\0\0(.{8})", re.DOTALL)


def announced_size(media_type: str, head: bytes) -> Size | None:
    """Width and height in pixels as the header says; None where `head` does not reach that far or makes no sense."""
    read = _SIZE_READERS.get(media_type)
    if read is None:
        return None
    try:
        return read(head)
    except (struct.error, IndexError):
        return None


def check_pixels(found: Format, width: int, height: int) -> None:
    """Raise TooManyPixels above the format's limit."""
    if width * height <= found.max_pixels:
        return
    raise TooManyPixels(
        f"The image has {width:,} by {height:,} pixels, which is {width * height / MEGAPIXEL:,.1f} megapixels; "
        f"{found.label} images may have up to {found.max_pixels / MEGAPIXEL:,.0f}. "
        "Scale it down and upload it again."
    )


def ends_early(media_type: str, head: bytes, size: int) -> bool:
    """Whether the header proves that the file of `size` bytes ends before its data does."""
    if media_type == "image/webp":
        return size < int.from_bytes(head[4:8], "little") + 8
    if media_type in {"image/heic", "image/avif"}:
        return any(end > size for end in _box_ends(head))
    if media_type == "image/jp2":
        boxes = () if head.startswith(_CODESTREAM_START) else _box_ends(head)
        return any(end > size for end in (*boxes, *_tile_part_ends(head)))
    if media_type == "image/x-icon":
        return any(entry.at + entry.length > size for entry in icon_entries(head))
    if media_type == "image/png" and size <= len(head):
        return _png_ends_early(head)
    return False


def tiff_tags(head: bytes) -> dict[int, int]:
    """The short and long values of the first directory of a TIFF, as far as `head` reaches."""
    order = "<" if head[:2] == b"II" else ">"
    start = int.from_bytes(head[4:8], "little" if order == "<" else "big")
    if start + 2 > len(head):
        return {}
    (count,) = struct.unpack_from(f"{order}H", head, start)
    entries = range(start + 2, min(start + 2 + 12 * count, len(head) - 11), 12)
    return dict(_tiff_entry(head, at, order) for at in entries)


@dataclass(frozen=True)
class IconEntry:
    """One picture of an icon as the directory lists it; sizes in pixels, the rest in bytes."""

    width: int
    height: int
    length: int
    at: int


def icon_entries(head: bytes) -> list[IconEntry]:
    """The directory of an icon, as far as `head` reaches."""
    count = int.from_bytes(head[_ICON_ENTRIES_AT - 2 : _ICON_ENTRIES_AT], "little")
    end = min(_ICON_ENTRIES_AT + _ICON_ENTRY_BYTES * count, len(head) - _ICON_ENTRY_BYTES + 1)
    listed = (struct.unpack_from("<BB6xII", head, at) for at in range(_ICON_ENTRIES_AT, end, _ICON_ENTRY_BYTES))
    largest = _ICON_ANNOUNCED_MAX
    return [IconEntry(width or largest, height or largest, length, at) for width, height, length, at in listed]


def _tiff_entry(head: bytes, at: int, order: str) -> tuple[int, int]:
    tag, value_type = struct.unpack_from(f"{order}HH", head, at)
    code = _TIFF_VALUE_CODES.get(value_type, "I")
    return tag, struct.unpack_from(f"{order}{code}", head, at + 8)[0]


def _png_size(head: bytes) -> Size | None:
    return struct.unpack_from(">II", head, 16) if head[12:16] == b"IHDR" else None


def _psd_size(head: bytes) -> Size | None:
    height, width = struct.unpack_from(">II", head, 14)
    return width, height


def _gif_size(head: bytes) -> Size | None:
    return struct.unpack_from("<HH", head, 6)


def _bmp_size(head: bytes) -> Size | None:
    (header_bytes,) = struct.unpack_from("<I", head, 14)
    if header_bytes == _BMP_CORE_HEADER_BYTES:
        return struct.unpack_from("<HH", head, 18)
    width, height = struct.unpack_from("<ii", head, 18)
    return abs(width), abs(height)


def _tiff_size(head: bytes) -> Size | None:
    tags = tiff_tags(head)
    if _TIFF_WIDTH not in tags or _TIFF_HEIGHT not in tags:
        return None
    return tags[_TIFF_WIDTH], tags[_TIFF_HEIGHT]


def _webp_size(head: bytes) -> Size | None:
    chunk = head[12:16]
    if chunk == b"VP8X":
        return _uint24(head, 24) + 1, _uint24(head, 27) + 1
    if chunk == b"VP8L":
        (bits,) = struct.unpack_from("<I", head, 21)
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if chunk == b"VP8 ":
        width, height = struct.unpack_from("<HH", head, 26)
        return width & 0x3FFF, height & 0x3FFF
    return None


def _uint24(head: bytes, at: int) -> int:
    return struct.unpack("<I", head[at : at + 3] + b"\0")[0]


def _icon_size(head: bytes) -> Size | None:
    """The largest picture: the directory cannot say more than 256, the pictures themselves can."""
    sizes = [
        size for entry in icon_entries(head) for size in ((entry.width, entry.height), _size_in_icon(head, entry.at))
    ]
    return _largest(sizes)


def _size_in_icon(head: bytes, at: int) -> Size:
    try:
        if head.startswith(_PNG_START, at):
            return struct.unpack_from(">II", head, at + 16)
        (width, height) = struct.unpack_from("<4xii", head, at)
    except struct.error:
        return 0, 0
    return abs(width), abs(height) // 2  # the mask is the other half


def _jp2_size(head: bytes) -> Size | None:
    """The largest of the sizes that the container and its codestreams name."""
    sizes = [struct.unpack(">II", extent) for extent in _JP2_IMAGE_HEADER.findall(head)]
    grids = (struct.unpack(">IIII", extent) for extent in _CODESTREAM.findall(head))
    return _largest([*sizes, *((max(0, right - left), max(0, bottom - top)) for right, bottom, left, top in grids)])


def _tile_part_ends(head: bytes) -> Iterator[int]:
    """Where each part of the first codestream ends, as far as `head` tells; its end mark is one."""
    start = head.find(_CODESTREAM_START)
    at = start + 2
    while start >= 0 and at + 12 <= len(head):
        marker, length = struct.unpack_from(">HH", head, at)
        if marker == _END_OF_CODESTREAM:
            return
        part_bytes = struct.unpack_from(">I", head, at + 6)[0] if marker == _TILE_PART else length + 2
        at += part_bytes
        if not part_bytes:  # up to the end of the file
            return
        yield at + 2


def _largest(sizes: list[Size]) -> Size | None:
    return max(sizes, key=lambda size: size[0] * size[1], default=None)


def _heif_size(head: bytes) -> Size | None:
    """The largest of the sizes named: the others are those of tiles, thumbnails and masks."""
    sizes = [struct.unpack(">II", extent) for extent in _SPATIAL_EXTENT.findall(head)]
    return _largest(sizes)


def _jpeg_size(head: bytes) -> Size | None:
    for marker, at in _jpeg_segments(head):
        if marker in _JPEG_SIZE_MARKERS:
            height, width = struct.unpack_from(">HH", head, at + 3)
            return width, height
    return None


def _jpeg_segments(head: bytes) -> Iterator[tuple[int, int]]:
    """Marker and payload offset (at the length field) of each segment before the first scan."""
    at = 2
    while at + 4 <= len(head):
        at = head.find(b"\xff", at)
        if at < 0 or at + 4 > len(head):
            return
        marker = head[at + 1]
        at += 1 if marker == _JPEG_FILL else 2
        if marker in _JPEG_BARE_MARKERS:
            continue
        if marker == _JPEG_START_OF_SCAN:
            return
        yield marker, at
        at += max(2, struct.unpack_from(">H", head, at)[0])


def _png_ends_early(data: bytes) -> bool:
    at = 8
    while at + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        if name == b"IEND":
            return False
        at += length + 12
    return True


def _box_ends(head: bytes) -> Iterator[int]:
    """Where each top-level box of an ISO media file ends, as far as `head` tells."""
    at = 0
    while at + 16 <= len(head):
        length, long_length = struct.unpack_from(">I4xQ", head, at)
        if length == 1:
            length = long_length
        if length < _BOX_HEADER_BYTES:  # 0: up to the end of the file; anything else makes no sense
            return
        at += length
        yield at


_SIZE_READERS: Mapping[str, Callable[[bytes], Size | None]] = MappingProxyType(
    {
        "image/jpeg": _jpeg_size,
        "image/png": _png_size,
        "image/webp": _webp_size,
        "image/gif": _gif_size,
        "image/tiff": _tiff_size,
        "image/bmp": _bmp_size,
        "image/x-icon": _icon_size,
        "image/jp2": _jp2_size,
        "image/vnd.adobe.photoshop": _psd_size,
        "image/heic": _heif_size,
        "image/avif": _heif_size,
    }
)
