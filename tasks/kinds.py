"""The table of kinds: what is accepted, and the limits that each kind has.

A kind is a line here and a module of its name in each of `tasks/transform/` and `tasks/thumbnail/`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

MIB = 1024 * 1024
MEGAPIXEL = 1_000_000


@dataclass(frozen=True)
class Format:
    """One accepted content type. `label` is what people call it; `max_pixels` counts all pixels of one frame.

    `several` says what it is when there are more pictures than one in a file.
    """

    label: str
    media_type: str
    extensions: tuple[str, ...]
    max_pixels: int = 0
    several: Literal["", "frames", "pages"] = ""


@dataclass(frozen=True)
class Kind:
    """A family of formats that one module per task serves. `max_bytes` is the size of the original."""

    name: str
    formats: Mapping[str, Format]
    max_bytes: int


@dataclass(frozen=True)
class ImageKind(Kind):
    """`max_frames` counts pages, too; `max_total_pixels` is over all frames of an animation."""

    max_frames: int
    max_total_pixels: int


def _by_type(*formats: Format) -> Mapping[str, Format]:
    return MappingProxyType({each.media_type: each for each in formats})


# Decoding takes up to 25 bytes a pixel (JPEG 2000), 15 (WebP, HEIC), 11 (16-bit PNG), 6 (progressive JPEG): at most
# 1.3 GB. The frames of an animation take up to 30, because decoders keep the one before: at most 2.1 GB.
IMAGE = ImageKind(
    "image",
    max_bytes=200 * MIB,
    max_frames=1000,
    max_total_pixels=1000 * MEGAPIXEL,
    formats=_by_type(
        Format("JPEG", "image/jpeg", (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"), 200 * MEGAPIXEL),
        Format("PNG", "image/png", (".png", ".apng"), 120 * MEGAPIXEL, "frames"),
        Format("WebP", "image/webp", (".webp",), 64 * MEGAPIXEL, "frames"),
        Format("GIF", "image/gif", (".gif",), 60 * MEGAPIXEL, "frames"),
        Format("TIFF", "image/tiff", (".tif", ".tiff"), 120 * MEGAPIXEL, "pages"),
        Format("BMP", "image/bmp", (".bmp", ".dib"), 60 * MEGAPIXEL),
        Format("ICO", "image/x-icon", (".ico",), 16 * MEGAPIXEL),
        Format("JPEG 2000", "image/jp2", (".jp2", ".j2k", ".jpf", ".jpx", ".j2c", ".jpc"), 40 * MEGAPIXEL),
        Format("PSD", "image/vnd.adobe.photoshop", (".psd",), 100 * MEGAPIXEL),
        Format("HEIC", "image/heic", (".heic", ".heif", ".hif"), 64 * MEGAPIXEL, "pages"),
        Format("AVIF", "image/avif", (".avif",), 64 * MEGAPIXEL, "frames"),
    ),
)

KINDS: Mapping[str, Kind] = MappingProxyType({kind.name: kind for kind in (IMAGE,)})

MAX_NAME_BYTES = 255
MAX_KEY_BYTES = 900


def kind_of(media_type: str) -> Kind | None:
    """The kind that accepts a content type, or None."""
    return next((kind for kind in KINDS.values() if media_type in kind.formats), None)


def format_of(media_type: str) -> Format | None:
    """The accepted format with this content type, or None."""
    kind = kind_of(media_type)
    return kind.formats[media_type] if kind else None


def accepted_labels() -> str:
    """Every accepted format, as a sentence names them: "JPEG, PNG, ... and AVIF"."""
    labels = [found.label for kind in KINDS.values() for found in kind.formats.values()]
    return f"{', '.join(labels[:-1])} and {labels[-1]}"
