"""Color spaces that a file names by numbers and not by a profile: cICP and gAMA in PNG, nclx in HEIC and AVIF.

A profile is made of them, so that there is one way for all colors. The numbers are those of ITU-T H.273.
"""

import re
import struct
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

Point = tuple[float, float]
Vector = tuple[float, float, float]

_D65: Point = (0.3127, 0.3290)
_D50: Vector = (0.9642, 1.0, 0.8249)
_BRADFORD: tuple[Vector, Vector, Vector] = (
    (0.8951, 0.2664, -0.1614),
    (-0.7502, 1.7135, 0.0367),
    (0.0389, -0.0685, 1.0296),
)
_BRADFORD_INVERSE: tuple[Vector, Vector, Vector] = (
    (0.9869929, -0.1470543, 0.1599627),
    (0.4323053, 0.5183603, 0.0492912),
    (-0.0085287, 0.0400428, 0.9684867),
)
_CURVE_POINTS = 1024
_SRGB = "sRGB"
_USUAL_GAMMA, _LEAST_GAMMA, _NEAR, _LEAST_Y = 0.45455, 0.1, 0.005, 1e-4

# White, red, green and blue.
_PRIMARIES: Mapping[int, tuple[str, tuple[Point, ...]]] = MappingProxyType(
    {
        1: (_SRGB, (_D65, (0.64, 0.33), (0.30, 0.60), (0.15, 0.06))),
        9: ("BT.2020", (_D65, (0.708, 0.292), (0.170, 0.797), (0.131, 0.046))),
        12: ("Display P3", (_D65, (0.680, 0.320), (0.265, 0.690), (0.150, 0.060))),
    }
)
# The exponent, None for sRGB's own curve: browsers show video's curves (1, 6, 14, 15) with it, too.
_TRANSFERS: Mapping[int, float | None] = MappingProxyType(
    {1: None, 2: None, 4: 2.2, 5: 2.8, 6: None, 8: 1.0, 13: None, 14: None, 15: None}
)
_PNG_SIGNAL = re.compile(rb"\0\0\0\x04cICP(.)(.)", re.DOTALL)
_BOX_SIGNAL = re.compile(rb"colrnclx\0(.)\0(.)", re.DOTALL)


def announced_profile(media_type: str, head: bytes, info: Mapping[str, Any], *, is_gray: bool = False) -> bytes | None:
    """An ICC profile of what the file announces; None for sRGB, for nothing, and for what has no such profile (HDR).

    Gray pixels need a profile of gray.
    """
    signal = (_PNG_SIGNAL if media_type == "image/png" else _BOX_SIGNAL).search(head)
    if signal:
        return _by_numbers(signal[1][0], signal[2][0], is_gray=is_gray)
    if media_type != "image/png" or "srgb" in info or "gamma" not in info:
        return None
    return _by_gamma(info["gamma"], None if is_gray else info.get("chromaticity"), is_gray=is_gray)


def _by_numbers(primaries: int, transfer: int, *, is_gray: bool) -> bytes | None:
    if primaries not in _PRIMARIES or transfer not in _TRANSFERS:
        return None
    name, points = _PRIMARIES[primaries]
    gamma = _TRANSFERS[transfer]
    if gamma is None and (is_gray or name == _SRGB):
        return None
    return _gray_profile(name, gamma) if is_gray else _profile(name, points, gamma)


def _by_gamma(gamma: float, chromaticity: tuple[float, ...] | None, *, is_gray: bool) -> bytes | None:
    """PNG's gamma is the encoder's: 0.45455 says 2.2, by which everybody means sRGB's curve."""
    if not _LEAST_GAMMA <= gamma <= 1 / _LEAST_GAMMA:
        return None
    exponent = None if abs(gamma - _USUAL_GAMMA) < _NEAR else 1 / gamma
    points = _PRIMARIES[1][1]
    told = tuple(zip(chromaticity[::2], chromaticity[1::2], strict=True)) if chromaticity else points
    if exponent is None and _is_near(told, points):
        return None
    return (
        _gray_profile("gamma of a PNG", exponent)
        if is_gray
        else _profile("gamma and primaries of a PNG", told, exponent)
    )


def _is_near(some: tuple[Point, ...], others: tuple[Point, ...]) -> bool:
    return all(abs(x - u) < _NEAR and abs(y - v) < _NEAR for (x, y), (u, v) in zip(some, others, strict=True))


def _profile(name: str, points: tuple[Point, ...], gamma: float | None) -> bytes | None:
    """A display profile of version 2: three colorants relative to D50, and one curve for all."""
    colorants = _colorants(points)
    if colorants is None:
        return None
    tags = _named_white(name) | {
        **{tag: _xyz(colorant) for tag, colorant in zip((b"rXYZ", b"gXYZ", b"bXYZ"), colorants, strict=True)},
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), _curve_tag(gamma)),
    }
    return _assembled(tags, b"RGB ")


def _gray_profile(name: str, gamma: float | None) -> bytes:
    return _assembled(_named_white(name) | {b"kTRC": _curve_tag(gamma)}, b"GRAY")


def _named_white(name: str) -> dict[bytes, bytes]:
    text = name.encode()
    described = b"desc" + bytes(4) + struct.pack(">I", len(text) + 1) + text + bytes(1 + 78)
    return {b"desc": described, b"wtpt": _xyz(_D50)}


def _curve_tag(gamma: float | None) -> bytes:
    return b"curv" + bytes(4) + struct.pack(f">I{_CURVE_POINTS}H", _CURVE_POINTS, *_curve(gamma))


def _assembled(tags: Mapping[bytes, bytes], colors: bytes) -> bytes:
    index, body, start = b"", b"", 132 + 12 * len(tags)
    for tag, data in tags.items():
        index += tag + struct.pack(">II", start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    content = struct.pack(">I", len(tags)) + index + body
    header = (
        struct.pack(">I4xI", 128 + len(content), 0x02400000)
        + b"mntr"
        + colors
        + b"XYZ "
        + bytes(12)
        + b"acsp"
        + bytes(28)
    )
    return (header + _fixed(_D50)).ljust(128, b"\0") + content


def _xyz(values: Vector) -> bytes:
    return b"XYZ " + bytes(4) + _fixed(values)


def _fixed(values: Vector) -> bytes:
    return struct.pack(">3i", *(round(value * 65536) for value in values))


def _curve(gamma: float | None) -> list[int]:
    levels = [at / (_CURVE_POINTS - 1) for at in range(_CURVE_POINTS)]
    return [round(65535 * (_srgb_light(level) if gamma is None else level**gamma)) for level in levels]


def _srgb_light(level: float) -> float:
    return level / 12.92 if level <= 0.04045 else ((level + 0.055) / 1.055) ** 2.4  # noqa: PLR2004 - IEC 61966-2-1


def _colorants(points: tuple[Point, ...]) -> list[Vector] | None:
    """XYZ of red, green and blue that together give white, adapted to D50 by Bradford; None if they span nothing."""
    if not all(_LEAST_Y < x < 1 and _LEAST_Y < y < 1 for x, y in points):
        return None
    white, red, green, blue = ((x / y, 1.0, (1 - x - y) / y) for x, y in points)
    span = _determinant(red, green, blue)
    if abs(span) < _LEAST_Y:
        return None
    shares = (
        (red, _determinant(white, green, blue) / span),
        (green, _determinant(red, white, blue) / span),
        (blue, _determinant(red, green, white) / span),
    )
    return [_adapted(_times(primary, share), white) for primary, share in shares]


def _adapted(color: Vector, white: Vector) -> Vector:
    response, seen, wanted = (_by_rows(_BRADFORD, each) for each in (color, white, _D50))
    moved = (response[0] * wanted[0] / seen[0], response[1] * wanted[1] / seen[1], response[2] * wanted[2] / seen[2])
    return _by_rows(_BRADFORD_INVERSE, moved)


def _times(vector: Vector, factor: float) -> Vector:
    return vector[0] * factor, vector[1] * factor, vector[2] * factor


def _by_rows(rows: tuple[Vector, Vector, Vector], vector: Vector) -> Vector:
    first, second, third = (sum(a * b for a, b in zip(row, vector, strict=True)) for row in rows)
    return first, second, third


def _determinant(a: Vector, b: Vector, c: Vector) -> float:
    return a[0] * (b[1] * c[2] - b[2] * c[1]) - b[0] * (a[1] * c[2] - a[2] * c[1]) + c[0] * (a[1] * b[2] - a[2] * b[1])
