"""What the pure modules of a kind hand back: files in memory and facts, before anything is stored."""

from dataclasses import dataclass
from typing import Any

from workflow import PIPELINE_VERSION


@dataclass(frozen=True)
class Recipe:
    """How renditions are made, from the stage's settings.

    `formats` are of {"webp", "jpeg"}; the first is the main one. An animation is scaled down further until all of its
    frames together have at most `max_animation_pixels`: half a minute of encoding.
    """

    formats: tuple[str, ...] = ("webp",)
    max_side_px: int = 2048
    max_animation_pixels: int = 400_000_000
    keep_gps: bool = False

    @property
    def version(self) -> str:
        """Names everything that decides the output, so that results of another recipe are not reused."""
        return f"{PIPELINE_VERSION}-{'-'.join(self.formats)}-{self.max_side_px}{'-gps' if self.keep_gps else ''}"


@dataclass(frozen=True)
class Encoded:
    """One file that was made. Sizes in pixels."""

    name: str
    content_type: str
    data: bytes
    width: int
    height: int


@dataclass(frozen=True)
class Rendered:
    """Renditions, main one first; `facts` are small and go into the record, `technical` is the full dump."""

    files: tuple[Encoded, ...]
    facts: dict[str, Any]
    technical: dict[str, Any]


@dataclass(frozen=True)
class Drawn:
    """Previews, smallest first; `thumbhash` is base64, `dominant_color` is #rrggbb."""

    files: tuple[Encoded, ...]
    thumbhash: str
    dominant_color: str
