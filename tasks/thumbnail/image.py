"""Draws the previews of an image from its rendition: thumbnails, a ThumbHash and the dominant color.

A preview is named by the box it fits: "128", "256", "512". Boxes that would only repeat a smaller preview are left
out: an image of 200 px has "128" and "256" (at its own 200 px), one of 100 px only "128" (at its own 100 px).
"""

import base64
import io
import warnings
from collections import defaultdict
from pathlib import Path

from PIL import Image
from thash import rgba_to_thumb_hash_pure

from tasks.work import Drawn, Encoded
from workflow.errors import ThumbnailError

BOXES_PX = (128, 256, 512)
WEBP_QUALITY, WEBP_METHOD = 80, 2
HASH_SIDE_PX = 32
POSTER_SEARCH_FRAMES = 50

_CELL_LOW_BITS = 5
_BLANK_LEVELS = 16


def preview(path: Path) -> Drawn:
    """Previews of a WebP or JPEG rendition, smallest first; ThumbnailError if it cannot be read."""
    largest_first = _shrink(_load(path))
    smallest = largest_first[-1][1]
    icon = smallest.convert("RGBA")
    icon.thumbnail((HASH_SIDE_PX, HASH_SIDE_PX))
    files = tuple(_encode(box, image) for box, image in reversed(largest_first))
    return Drawn(files, _thumbhash(icon), _dominant_color(icon))


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
    icon = frame.convert("RGBA").resize(_fitted(frame.size, HASH_SIDE_PX), Image.Resampling.BOX)
    seen = Image.new("RGBA", icon.size)
    seen.alpha_composite(icon)
    bands = (seen.getchannel(band).histogram() for band in "RGBA")
    return all(_spread(histogram) <= _BLANK_LEVELS for histogram in bands)


def _spread(histogram: list[int]) -> int:
    levels = [level for level, count in enumerate(histogram) if count]
    return levels[-1] - levels[0]


def _shrink(image: Image.Image) -> list[tuple[int, Image.Image]]:
    """Each preview is made from the next larger one, in the proportions of the rendition."""
    steps: list[tuple[int, Image.Image]] = []
    rendition_size = image.size
    for box in reversed(_boxes(max(rendition_size))):
        image = image.resize(_fitted(rendition_size, box), Image.Resampling.BICUBIC, reducing_gap=2.0)
        steps.append((box, image))
    return steps


def _fitted(size: tuple[int, int], box: int) -> tuple[int, int]:
    scale = min(1, box / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _boxes(longest_px: int) -> tuple[int, ...]:
    smaller = (0, *BOXES_PX[:-1])
    return tuple(box for box, next_smaller in zip(BOXES_PX, smaller, strict=True) if longest_px > next_smaller)


def _encode(box: int, image: Image.Image) -> Encoded:
    buffer = io.BytesIO()
    image.info.clear()
    image.save(buffer, "WEBP", quality=WEBP_QUALITY, method=WEBP_METHOD)
    return Encoded(str(box), "image/webp", buffer.getvalue(), image.width, image.height)


def _thumbhash(icon: Image.Image) -> str:
    levels = rgba_to_thumb_hash_pure(icon.width, icon.height, list(icon.tobytes()))
    return base64.b64encode(bytes(levels)).decode()


def _dominant_color(icon: Image.Image) -> str:
    """The mean of the fullest of 8 x 8 x 8 color cells; transparent pixels do not count."""
    cells: dict[tuple[int, ...], list[tuple[int, ...]]] = defaultdict(list)
    data = icon.tobytes()
    for at in range(0, len(data), 4):
        pixel = tuple(data[at : at + 4])
        cells[tuple(level >> _CELL_LOW_BITS for level in pixel[:3])].append(pixel)
    fullest = max(cells.values(), key=lambda pixels: sum(pixel[3] for pixel in pixels))
    weight = sum(pixel[3] for pixel in fullest) or 1
    mean = [round(sum(pixel[band] * pixel[3] for pixel in fullest) / weight) for band in range(3)]
    return "#{:02x}{:02x}{:02x}".format(*mean)
