"""Chooses the page of a TIFF that is its picture, and who is to decode it.

Pillow is trusted with the layouts that it was compared on with another decoder (`tests/unit/test_image_matrix.py`).
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, BinaryIO

from PIL.TiffImagePlugin import ImageFileDirectory_v2

from workflow.errors import UnsupportedType

_SUBFILE_TYPE, _BITS, _COMPRESSION, _PHOTOMETRIC = 254, 258, 259, 262
_SAMPLES, _PLANAR, _EXTRA, _SAMPLE_FORMAT = 277, 284, 338, 339
_GDAL_NODATA, _DNG_VERSION = 42113, 50706
_WIDTH, _HEIGHT, _ORIENTATION, _PROFILE = 256, 257, 274, 34675

_REDUCED, _MASK = 1, 4
_SENSOR_COLORS = frozenset({32803, 34892})
_RAW_COMPRESSIONS = frozenset({32767, 32769, 32770, 34713, 65000, 65535})
_NOT_DECODED = MappingProxyType(
    {
        **dict.fromkeys((50002, 52546), "JPEG XL"),
        **dict.fromkeys((33003, 33004, 33005, 33007, 34712), "JPEG 2000"),
        34661: "JBIG",
        34887: "LERC",
        50001: "WebP",
    }
)
_BY_PILLOW_ALONE = MappingProxyType({34925: "LZMA", 50000: "Zstandard"})
"""libvips says that it cannot decode them, and goes on with zeros where it is let."""
_WHITE_IS_ZERO, _BLACK_IS_ZERO, _RGB, _PALETTE, _CMYK, _YCBCR, _LAB = 0, 1, 2, 3, 5, 6, 8
_TRUSTED = {
    _WHITE_IS_ZERO: {1},
    _BLACK_IS_ZERO: {1, 2},
    _RGB: {3, 4},
    _PALETTE: {1},
    _CMYK: {4},
    _YCBCR: {3},
    _LAB: {3},
}
_UNSIGNED, _CHUNKY, _ASSOCIATED, _BYTE_BITS, _WORD_BITS = 1, 1, 1, 8, 16
_WIDEST_FLOAT_BITS = 64
_WHOLE_BITS = frozenset({1, 2, 4, 8, 16, 32})
_BIG_TIFF_VERSION, _BIG_ENDIAN_BIG_TIFF = 43, b"MM\0+"


@dataclass(frozen=True)
class Page:
    """One page that is to be shown; `nodata` is the value by which GDAL says that there is none.

    `at` counts from 0, `of` how many there are; `orientation` is EXIF's 1..8.
    """

    at: int
    of: int
    width: int
    height: int
    is_for_pillow: bool
    nodata: float | None
    orientation: int
    icc: bytes | None


def choose_page(file: BinaryIO, limit: int) -> Page:
    """The first page that is no reduced preview and no mask; raises UnsupportedType for a raw file."""
    pages = _directories(file, limit)
    chosen = next((at for at, tags in enumerate(pages) if not _first(tags, _SUBFILE_TYPE, 0) & (_REDUCED | _MASK)), 0)
    tags = pages[chosen]
    _check_is_picture(tags)
    return Page(
        at=chosen,
        of=len(pages),
        width=_first(tags, _WIDTH, 0),
        height=_first(tags, _HEIGHT, 0),
        is_for_pillow=_is_for_pillow(tags),
        nodata=_nodata(tags),
        orientation=orientation if 1 <= (orientation := _first(tags, _ORIENTATION, 1)) <= 8 else 1,  # noqa: PLR2004
        icc=profile if isinstance(profile := tags.get(_PROFILE), bytes) else None,
    )


def _directories(file: BinaryIO, limit: int) -> list[ImageFileDirectory_v2]:
    """Their offsets are a linked list, which a hostile file can close to a ring."""
    file.seek(0)
    header = file.read(8)
    if header.startswith(_BIG_ENDIAN_BIG_TIFF):
        raise UnsupportedType(
            "The file is a BigTIFF of the other byte order (big-endian), which is not read here. Save it as TIFF, and "
            "upload that."
        )
    if _BIG_TIFF_VERSION in header[2:4]:
        header += file.read(8)
    directory = ImageFileDirectory_v2(header)
    found: list[ImageFileDirectory_v2] = []
    seen: set[int] = set()
    while (at := directory.next) and at not in seen and len(found) < limit:
        seen.add(at)
        file.seek(at)
        following = ImageFileDirectory_v2(header)
        following.load(file)
        found.append(following)
        directory = following
    if not found:
        raise SyntaxError("it has no directory of tags")
    return found


def _check_is_picture(tags: ImageFileDirectory_v2) -> None:
    compression, colors = _first(tags, _COMPRESSION, 1), _first(tags, _PHOTOMETRIC, _BLACK_IS_ZERO)
    if colors in _SENSOR_COLORS or compression in _RAW_COMPRESSIONS or _DNG_VERSION in tags:
        raise UnsupportedType(
            "The file is a camera's raw data in TIFF, which each program develops differently. Export it as JPEG, "
            "TIFF or PNG from the program that develops your photographs, and upload that."
        )
    if _WIDEST_FLOAT_BITS in _all(tags, _BITS):
        raise UnsupportedType(
            "The TIFF image has numbers of 64 bits, which cannot be shown here. Save it with 32 bits a sample, and "
            "upload that."
        )
    unknown = _NOT_DECODED if _is_for_pillow(tags) else _NOT_DECODED | _BY_PILLOW_ALONE
    if compression in unknown:
        raise UnsupportedType(
            f"The TIFF image is compressed as {unknown[compression]}, which cannot be decoded here. Save it with "
            "another compression (LZW, Deflate or JPEG) and upload that."
        )
    odd = next((bits for bits in _all(tags, _BITS) if bits not in _WHOLE_BITS), None)
    if odd:
        raise UnsupportedType(
            f"The TIFF image has numbers of {odd} bits, which cannot be shown here. Save it with 8 or 16 bits a "
            "sample, and upload that."
        )


def _is_for_pillow(tags: ImageFileDirectory_v2) -> bool:
    bits = _all(tags, _BITS) or (1,)
    samples, colors = _first(tags, _SAMPLES, 1), _first(tags, _PHOTOMETRIC, _BLACK_IS_ZERO)
    is_plain = set(_all(tags, _SAMPLE_FORMAT) or (_UNSIGNED,)) == {_UNSIGNED} and _nodata(tags) is None
    if not is_plain or samples not in _TRUSTED.get(colors, set()) or len(set(bits)) != 1:
        return False
    is_gray_16 = bits[0] == _WORD_BITS and colors == _BLACK_IS_ZERO and samples == 1
    is_whole = _first(tags, _PLANAR, _CHUNKY) == _CHUNKY or _first(tags, _EXTRA, 0) != _ASSOCIATED
    return (bits[0] <= _BYTE_BITS and is_whole) or is_gray_16


def _nodata(tags: ImageFileDirectory_v2) -> float | None:
    try:
        return float(str(tags[_GDAL_NODATA]).strip(" \0"))
    except (KeyError, ValueError):
        return None


def _first(tags: ImageFileDirectory_v2, tag: int, otherwise: int) -> int:
    values = _all(tags, tag)
    return values[0] if values else otherwise


def _all(tags: ImageFileDirectory_v2, tag: int) -> tuple[int, ...]:
    value: Any = tags.get(tag, ())
    values: list[Any] = [*value] if isinstance(value, tuple) else [value]
    return tuple(each for each in values if isinstance(each, int))
