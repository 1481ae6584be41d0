"""What the pure modules of a kind are given and hand back: files and facts, before anything is stored."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Recipe:
    """How renditions are made, from the stage's settings.

    `formats` are of {"webp", "jpeg"}; the first is the main one. An animation is scaled down further until all of its
    frames together have at most `max_animation_pixels`: half a minute of encoding. `partition_by` names the date
    column by which tables are split, "" for none. With `publish_private`, places, authors, comments and serial numbers
    stay in what is published.
    """

    formats: tuple[str, ...] = ("webp",)
    max_side_px: int = 2048
    max_animation_pixels: int = 400_000_000
    partition_by: str = ""
    publish_private: bool = False


@dataclass(frozen=True)
class Original:
    """A file to be transformed: its local copy, its name, its content type, and an empty folder for what is made."""

    path: Path
    name: str
    media_type: str
    scratch: Path


@dataclass(frozen=True)
class Encoded:
    """One file that was made, in memory. Sizes in pixels, where it is a picture."""

    name: str
    content_type: str
    data: bytes
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True)
class Written:
    """One file that was made, on disk. Sizes in pixels, where it is a picture or a video."""

    name: str
    content_type: str
    path: Path
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True)
class Rendered:
    """Renditions, main one first; `facts` are small and go into the record, `technical` is the full dump."""

    files: tuple[Encoded | Written, ...]
    facts: dict[str, Any]
    technical: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class Drawn:
    """Previews, smallest first; `thumbhash` is base64, `dominant_color` is #rrggbb."""

    files: tuple[Encoded, ...]
    thumbhash: str
    dominant_color: str
