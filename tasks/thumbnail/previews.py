"""Makes the previews of any kind from one picture: thumbnails, a ThumbHash and the dominant color.

A preview is named by the box it fits: "128", "256", "512". Boxes that would only repeat a smaller preview are left
out: an image of 200 px has "128" and "256" (at its own 200 px), one of 100 px only "128" (at its own 100 px).
"""

import base64
import io
from collections import defaultdict

from PIL import Image
from thash import rgba_to_thumb_hash_pure

from tasks.shared.work import Drawn, Encoded

BOXES_PX = (128, 256, 512)
WEBP_QUALITY, WEBP_METHOD = 80, 2
HASH_SIDE_PX = 32

_CELL_LOW_BITS = 5


def previews_of(image: Image.Image, boxes: tuple[int, ...] = BOXES_PX) -> Drawn:
    """The previews of a picture in RGB or RGBA, smallest first; `boxes` in pixels, ascending."""
    largest_first = _shrink(image, boxes)
    smallest = largest_first[-1][1]
    icon = smallest.convert("RGBA")
    icon.thumbnail((HASH_SIDE_PX, HASH_SIDE_PX))
    files = tuple(_encode(box, image) for box, image in reversed(largest_first))
    return Drawn(files, _thumbhash(icon), _dominant_color(icon))


def fitted(size: tuple[int, int], box: int) -> tuple[int, int]:
    """Width and height in pixels that fit a square box, never larger than they were."""
    scale = min(1, box / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _shrink(image: Image.Image, boxes: tuple[int, ...]) -> list[tuple[int, Image.Image]]:
    """Each preview is made from the next larger one, in the proportions of the rendition."""
    steps: list[tuple[int, Image.Image]] = []
    rendition_size = image.size
    for box in reversed(_needed(boxes, max(rendition_size))):
        image = image.resize(fitted(rendition_size, box), Image.Resampling.BICUBIC, reducing_gap=2.0)
        steps.append((box, image))
    return steps


def _needed(boxes: tuple[int, ...], longest_px: int) -> tuple[int, ...]:
    smaller = (0, *boxes[:-1])
    return tuple(box for box, next_smaller in zip(boxes, smaller, strict=True) if longest_px > next_smaller)


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
