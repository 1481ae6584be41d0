"""The table of kinds: what is accepted, and the limits that each kind has.

A kind is a line here and a module of its name in each of `tasks/transform/` and `tasks/thumbnail/`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

MIB = 1024 * 1024
MEGAPIXEL = 1_000_000


@dataclass(frozen=True)
class Format:
    """One accepted content type. `max_pixels` counts all pixels of one frame."""

    media_type: str
    extensions: tuple[str, ...]
    max_pixels: int


@dataclass(frozen=True)
class Kind:
    """A family of formats that one module per task serves. `max_bytes` is the size of the original."""

    name: str
    formats: Mapping[str, Format]
    max_bytes: int
    max_frames: int


def _kind(name: str, *, max_bytes: int, max_frames: int, formats: tuple[Format, ...]) -> Kind:
    return Kind(name, MappingProxyType({f.media_type: f for f in formats}), max_bytes, max_frames)


IMAGE = _kind(
    "image",
    max_bytes=200 * MIB,
    max_frames=1000,
    formats=(
        Format("image/jpeg", (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"), 200 * MEGAPIXEL),
        Format("image/png", (".png", ".apng"), 120 * MEGAPIXEL),
        Format("image/webp", (".webp",), 120 * MEGAPIXEL),
        Format("image/gif", (".gif",), 60 * MEGAPIXEL),
        Format("image/tiff", (".tif", ".tiff"), 120 * MEGAPIXEL),
        Format("image/bmp", (".bmp", ".dib"), 60 * MEGAPIXEL),
        Format("image/heic", (".heic", ".heif", ".hif"), 64 * MEGAPIXEL),
        Format("image/avif", (".avif",), 64 * MEGAPIXEL),
    ),
)

KINDS: Mapping[str, Kind] = MappingProxyType({kind.name: kind for kind in (IMAGE,)})

MAX_NAME_BYTES = 255
MAX_KEY_BYTES = 900


def kind_of(media_type: str) -> Kind | None:
    """The kind that accepts a content type, or None."""
    return next((kind for kind in KINDS.values() if media_type in kind.formats), None)
