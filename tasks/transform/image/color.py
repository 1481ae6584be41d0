"""Brings pixels of any mode and color profile to 8-bit sRGB: "L", "RGB" or "RGBA"."""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import product
from types import MappingProxyType
from typing import Literal

from PIL import Image, ImageCms

NEAR_LEVELS = 3
"""Profiles that move no color by more than this many of 255 levels are not worth a conversion."""

_GRID_LEVELS = (0, 51, 102, 153, 204, 255)
_MAX_16_BITS = 0xFFFF
_MAX_NAME_CHARS = 64
_PUBLISHED_MODES = frozenset({"L", "RGB", "RGBA"})
_WORKING_MODES: Mapping[str, str] = MappingProxyType(
    {"1": "L", "P": "RGB", "RGBX": "RGB", "YCbCr": "RGB", "HSV": "RGB"}
)
_DEEP_MODES = frozenset({"I", "F", "I;16", "I;16L", "I;16B", "I;16N"})


@dataclass(frozen=True)
class Profile:
    """A color profile as it was embedded, and what it calls itself."""

    icc: ImageCms.ImageCmsProfile
    name: str | None


def to_working_mode(image: Image.Image) -> Image.Image:
    """A mode that can be scaled and converted well: "L", "LA", "RGB", "RGBA", "CMYK" or "LAB"."""
    if image.mode in _DEEP_MODES:
        return _to_8_bits(image)
    if image.mode == "La":  # Pillow converts it to nothing but "LA"
        return image.convert("LA")
    if image.mode == "L" and image.has_transparency_data:
        return image.convert("LA")
    if image.has_transparency_data and image.mode not in {"RGBA", "LA"}:
        return image.convert("RGBA")
    return image.convert(_WORKING_MODES[image.mode]) if image.mode in _WORKING_MODES else image


def to_srgb(image: Image.Image, profile: Profile | None) -> Image.Image:
    """Convert a working mode by the embedded profile, where there is one that fits and differs from sRGB."""
    return srgb_converter(profile)(image)


def srgb_converter(profile: Profile | None) -> Callable[[Image.Image], Image.Image]:
    """`to_srgb` for many pictures of one file: what a profile does to a mode is looked up once."""

    @cache
    def transform_of(mode: str) -> ImageCms.ImageCmsTransform | None:
        return _worthwhile_transform(mode, profile)

    def convert(image: Image.Image) -> Image.Image:
        if image.mode == "LA":  # profiles of gray know no transparency
            gray, alpha = image.split()
            colored = convert(gray).convert("RGB")
            colored.putalpha(alpha)
            return colored
        transform = transform_of(image.mode)
        if transform:
            return ImageCms.applyTransform(image, transform) or image
        return image if image.mode in _PUBLISHED_MODES else image.convert("RGB")

    return convert


def read_profile(data: object) -> Profile | None:
    """The embedded profile; None where there is none, or it is damaged (then sRGB is the best guess)."""
    if not isinstance(data, bytes) or not data:
        return None
    try:
        icc = ImageCms.ImageCmsProfile(io.BytesIO(data))
        name = ImageCms.getProfileDescription(icc).strip()[:_MAX_NAME_CHARS]
    except (OSError, ValueError, ImageCms.PyCMSError):
        return None
    return Profile(icc, name or None)


def _built_in(name: Literal["LAB", "sRGB"]) -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile(name))  # pyright: ignore[reportUnknownArgumentType]


def _worthwhile_transform(mode: str, profile: Profile | None) -> ImageCms.ImageCmsTransform | None:
    icc = _built_in("LAB") if mode == "LAB" else profile and profile.icc
    transform = _transform_to_srgb(mode, icc) if icc else None
    is_idle = transform and mode in _PUBLISHED_MODES and _is_near_identity(transform, mode)
    return None if is_idle else transform


def _transform_to_srgb(mode: str, icc: ImageCms.ImageCmsProfile) -> ImageCms.ImageCmsTransform | None:
    """None where the profile describes another color space than the pixels have."""
    try:
        return ImageCms.buildTransform(
            icc,
            _built_in("sRGB"),
            mode,
            "RGBA" if mode == "RGBA" else "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except ImageCms.PyCMSError:
        return None


def _is_near_identity(transform: ImageCms.ImageCmsTransform, mode: str) -> bool:
    patches = _patches(mode)
    converted = ImageCms.applyTransform(patches, transform) or patches
    pairs = zip(patches.convert("RGB").tobytes(), converted.convert("RGB").tobytes(), strict=True)
    return all(abs(before - after) <= NEAR_LEVELS for before, after in pairs)


def _patches(mode: str) -> Image.Image:
    if mode == "L":
        return Image.frombytes("L", (256, 1), bytes(range(256)))
    colors = bytes(level for color in product(_GRID_LEVELS, repeat=3) for level in color)
    return Image.frombytes("RGB", (len(colors) // 3, 1), colors).convert(mode)


def _to_8_bits(image: Image.Image) -> Image.Image:
    """16 bits lose their lower half; 32-bit and floating point values have no agreed range and are stretched."""
    wide = image if image.mode in {"I", "F"} else image.convert("I")
    low, high = _range(wide)
    scale = 255 / (high - low) if high > low else 0
    return wide.point(lambda value: value * scale - low * scale).convert("L")


def _range(image: Image.Image) -> tuple[float, float]:
    low, high = image.getextrema()
    if not isinstance(low, int | float) or not isinstance(high, int | float):
        return 0, 0
    is_16_bits = image.mode == "I" and low >= 0 and high <= _MAX_16_BITS
    return (0, _MAX_16_BITS) if is_16_bits else (low, high)
