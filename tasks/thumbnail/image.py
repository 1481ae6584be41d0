"""Draws the previews of an image from its rendition."""

import warnings
from pathlib import Path

from PIL import Image

from tasks.shared.work import Drawn
from tasks.thumbnail.previews import BOXES_PX, HASH_SIDE_PX, fitted, previews_of
from workflow.errors import ThumbnailError

DRAWN_FROM = "web"
POSTER_SEARCH_FRAMES = 50

_BLANK_LEVELS = 16


def preview(path: Path) -> Drawn:
    """Previews of a WebP or JPEG rendition, smallest first; ThumbnailError if it cannot be read."""
    return previews_of(_load(path))


def _load(path: Path) -> Image.Image:
    try:
        with warnings.catch_warnings(action="ignore"), Image.open(path, formats=["WEBP", "JPEG"]) as image:
            image.draft("RGB", (2 * BOXES_PX[-1], 2 * BOXES_PX[-1]))
            return _poster(image)
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError) as exc:
        raise ThumbnailError(f"The rendition cannot be read, so no previews were drawn ({exc}).") from exc


def _poster(image: Image.Image) -> Image.Image:
    """The first frame, or the first one that shows something: many animations fade in from a plain color."""
    frames = min(getattr(image, "n_frames", 1), POSTER_SEARCH_FRAMES)
    shown = next((at for at in range(frames) if frames > 1 and not _is_blank(_frame(image, at))), 0)
    return _frame(image, shown)


def _frame(image: Image.Image, at: int) -> Image.Image:
    image.seek(at)
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _is_blank(frame: Image.Image) -> bool:
    """All of one color, or nearly, as far as it can be seen."""
    icon = frame.convert("RGBA").resize(fitted(frame.size, HASH_SIDE_PX), Image.Resampling.BOX)
    seen = Image.new("RGBA", icon.size)
    seen.alpha_composite(icon)
    bands = (seen.getchannel(band).histogram() for band in "RGBA")
    return all(_spread(histogram) <= _BLANK_LEVELS for histogram in bands)


def _spread(histogram: list[int]) -> int:
    levels = [level for level, count in enumerate(histogram) if count]
    return levels[-1] - levels[0]
