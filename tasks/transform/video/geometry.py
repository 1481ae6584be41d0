"""How large a video is shown, and which way up: turns and mirrors, square pixels, and the box of the rendition."""

import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import cast

from av.sidedata.sidedata import SideData
from av.sidedata.sidedata import Type as SideDataType
from av.video.frame import VideoFrame

LONG_SIDE_PX, SHORT_SIDE_PX = 1280, 720
LEAST_SIDE_PX = 16
"""Encoders and players take less, but not gladly."""

_UNSEEN_PX = 2
"""Rounding to even sides, and encoders that know only whole blocks, make so little a difference."""

_MATRIX = struct.Struct("=9i")
_QUARTER = 90
_MAX_ASPECT = 100
_BY_QUARTER = ((1, 0, 0, 1), (0, 1, -1, 0), (-1, 0, 0, -1), (0, -1, 1, 0))

Size = tuple[int, int]

# By the signs of a display matrix: a, b (where the right side goes), c, d (where the bottom goes).
_TURNS: Mapping[tuple[int, int, int, int], tuple[int, tuple[str, ...]]] = MappingProxyType(
    {
        (1, 0, 0, 1): (0, ()),
        (0, 1, -1, 0): (90, ("transpose=clock",)),
        (-1, 0, 0, -1): (180, ("hflip", "vflip")),
        (0, -1, 1, 0): (270, ("transpose=cclock",)),
        (-1, 0, 0, 1): (0, ("hflip",)),
        (1, 0, 0, -1): (0, ("vflip",)),
        (0, 1, 1, 0): (90, ("transpose=cclock_flip",)),
        (0, -1, -1, 0): (270, ("transpose=clock_flip",)),
    }
)


@dataclass(frozen=True)
class Turn:
    """How pictures are turned to be upright: `degrees` clockwise, and the filters of FFmpeg that do it."""

    degrees: int = 0
    filters: tuple[str, ...] = ()

    @property
    def swaps_sides(self) -> bool:
        return self.degrees % (2 * _QUARTER) == _QUARTER

    def turned(self, size: Size) -> Size:
        return (size[1], size[0]) if self.swaps_sides else size


def turn_of(frame: VideoFrame) -> Turn:
    """By its display matrix. Slanted ones are taken for the nearest quarter turn, senseless ones for none."""
    a, b, c, d = _matrix_of(frame)
    is_upright = abs(a) + abs(d) >= abs(b) + abs(c)
    signs = (_sign(a), 0, 0, _sign(d)) if is_upright else (0, _sign(b), _sign(c), 0)
    return Turn(*_TURNS.get(signs, (0, ())))


def _matrix_of(frame: VideoFrame) -> tuple[int, int, int, int]:
    found = next((bytes(each) for each in side_data_of(frame) if each.type is SideDataType.DISPLAYMATRIX), b"")
    if len(found) < _MATRIX.size:
        return _BY_QUARTER[round(-frame.rotation / _QUARTER) % 4]
    a, b, _, c, d, *_ = _MATRIX.unpack_from(found)
    return a, b, c, d


def side_data_of(frame: VideoFrame) -> Iterable[SideData]:
    """Nothing if some of it is of a type that FFmpeg knows and PyAV does not: EXIF in Motion JPEG, views in MV-HEVC."""
    try:
        return tuple(cast("Iterable[SideData]", frame.side_data))
    except ValueError:
        return ()


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)


def displayed_size(stored: Size, aspect: Fraction | None, turn: Turn) -> Size:
    """Upright, with square pixels: of `aspect`, the width of a stored pixel by its height."""
    width, height = stored
    sane = aspect and Fraction(1, _MAX_ASPECT) <= aspect <= _MAX_ASPECT
    return turn.turned((max(1, round(width * aspect)) if sane and aspect else width, height))


def within(displayed: Size, box: Size) -> Size:
    """As large as fits in a box of even sides, in its own proportions; the whole box where one pixel would be left."""
    scale = min(box[0] / displayed[0], box[1] / displayed[1])
    width, height = (max(2, 2 * round(side * scale / 2)) for side in displayed)
    return (
        box[0] if abs(box[0] - width) <= _UNSEEN_PX else width,
        box[1] if abs(box[1] - height) <= _UNSEEN_PX else height,
    )


def fitted(displayed: Size) -> Size:
    """Even sides within the box that lies as the video does; never larger, but for what evenness and codecs need."""
    box = (LONG_SIDE_PX, SHORT_SIDE_PX) if displayed[0] >= displayed[1] else (SHORT_SIDE_PX, LONG_SIDE_PX)
    scale = min(1.0, box[0] / displayed[0], box[1] / displayed[1])
    width, height = (max(LEAST_SIDE_PX, 2 * round(side * scale / 2)) for side in displayed)
    return width, height
