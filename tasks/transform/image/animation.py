"""Makes the animated rendition: an animated WebP of all frames, each upright, in sRGB and scaled to fit.

One frame at a time is decoded, drawn and encoded, so that memory does not grow with their number.
"""

import io
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from PIL.GifImagePlugin import GifImageFile
from PIL.Image import Image, Resampling
from PIL.ImageFile import ImageFile
from PIL.PngImagePlugin import PngImageFile

from tasks.shared.work import Encoded, Recipe
from tasks.transform.image.color import to_working_mode
from tasks.transform.image.decode import damage_named, open_image
from tasks.transform.image.gif import gif_frames, gif_plays
from tasks.transform.image.png import png_frames, read_png
from workflow.kinds import Format

WEBP_QUALITY, WEBP_METHOD = 80, 2
FOREVER = 0
"""Also where the file does not say, or Pillow not what an AVIF sequence says."""

# Browsers show frames that claim 10 ms or less for 100; the longest is what a GIF can say (1,000 of them fit libwebp).
_TOO_SHORT_MS, _INSTEAD_MS = 10, 100
_MAX_FRAME_MS = 655_350
_WEBP_FIRST_CHUNK, _WEBP_FLAGS_AT, _WEBP_ALPHA_FLAG = slice(12, 16), 20, 0x10
_WEBP_MOVES_FLAG = 0x02

Size = tuple[int, int]
Frames = Iterator[tuple[Image, float]]


@dataclass(frozen=True)
class Animation:
    """The rendition and what it shows: `loop` is how often it plays, 0 for ever."""

    file: Encoded
    duration_ms: int
    loop: int
    has_alpha: bool

    @property
    def is_still(self) -> bool:
        """Of frames that all look alike, libwebp makes a picture that does not move."""
        data = self.file.data
        return data[_WEBP_FIRST_CHUNK] != b"VP8X" or not data[_WEBP_FLAGS_AT] & _WEBP_MOVES_FLAG

    @property
    def facts(self) -> dict[str, Any]:
        times = {} if self.is_still else {"duration_ms": self.duration_ms, "loop": self.loop}
        return times | {"has_alpha": self.has_alpha}


def animate(path: Path, found: Format, frames: int, recipe: Recipe, finish: Callable[[Image], Image]) -> Animation:
    """Encode all frames of a file that is within its limits; raises TruncatedFile or CorruptImage.

    `finish` takes a scaled frame to upright sRGB.
    """
    with path.open("rb") as file, damage_named(path, found):
        canvas, loop, source = _opened(file, found)
        pictures = _Pictures(_scaled(source, animation_size(canvas, frames, recipe), finish), frames)
        return Animation(_encode(pictures, loop), sum(pictures.durations_ms), loop, pictures.has_alpha)


def _opened(file: BinaryIO, found: Format) -> tuple[Size, int, Frames]:
    """Its canvas, how often it plays, and its frames."""
    image = open_image(file, found)
    if isinstance(image, GifImageFile):
        return image.size, gif_plays(image), gif_frames(file, found)
    if isinstance(image, PngImageFile):
        png = read_png(file)
        return image.size, png.plays(), png_frames(png, found)
    return image.size, int(image.info.get("loop", FOREVER)), _read_frames(image)


def animation_size(size: Size, frames: int, recipe: Recipe) -> Size:
    """Fits the recipe's box, and all frames together its pixels: what is encoded decides time and size of the file."""
    width, height = size
    by_pixels = math.sqrt(recipe.max_animation_pixels / (frames * width * height))
    scale = min(1, recipe.max_side_px / max(size), by_pixels)
    return max(1, round(width * scale)), max(1, round(height * scale))


class _Pictures(Image):
    """An image of several frames in Pillow's way, each of which is drawn when the encoder turns to it."""

    def __init__(self, source: Frames, count: int) -> None:
        super().__init__()
        self.n_frames = count
        self.durations_ms: list[int] = []
        self.has_alpha = False
        self._source = source
        self.seek(0)

    def tell(self) -> int:
        return 0

    def seek(self, frame: int) -> None:
        if frame < len(self.durations_ms):
            return
        drawn = next(self._source, None)
        if drawn is None:
            raise EOFError("the file has fewer frames than it announces")
        image, duration_ms = drawn
        self.im, self._mode, self._size = image.im, image.mode, image.size
        self.durations_ms.append(_shown_ms(duration_ms))
        self.has_alpha = self.has_alpha or _is_seen_through(image)


def _encode(pictures: _Pictures, loop: int) -> Encoded:
    """Durations are filled in while the frames are drawn."""
    buffer = io.BytesIO()
    pictures.save(
        buffer,
        "WEBP",
        save_all=True,
        duration=pictures.durations_ms,
        loop=loop,
        background=(0, 0, 0, 0),
        quality=WEBP_QUALITY,
        method=WEBP_METHOD,
    )
    data = _marked_transparent(buffer.getvalue()) if pictures.has_alpha else buffer.getvalue()
    return Encoded("web", "image/webp", data, pictures.width, pictures.height)


def _marked_transparent(data: bytes) -> bytes:
    """Say that there is alpha: libwebp does not if each frame's own rectangle is opaque, and the rest turns black."""
    if data[_WEBP_FIRST_CHUNK] != b"VP8X":
        return data
    flags = data[_WEBP_FLAGS_AT] | _WEBP_ALPHA_FLAG
    return data[:_WEBP_FLAGS_AT] + bytes([flags]) + data[_WEBP_FLAGS_AT + 1 :]


def _scaled(source: Frames, size: Size, finish: Callable[[Image], Image]) -> Frames:
    for frame, duration_ms in source:
        image = to_working_mode(frame)
        if image.size != size:
            image = image.resize(size, Resampling.BICUBIC, reducing_gap=2.0)
        image = finish(image)
        yield image.convert("RGB") if image.mode == "L" else image, duration_ms


def _read_frames(image: ImageFile) -> Frames:
    """What Pillow composes."""
    for at in range(getattr(image, "n_frames", 1)):
        image.seek(at)
        image.load()
        yield image, image.info.get("duration", 0)


def _shown_ms(claimed_ms: float) -> int:
    return _INSTEAD_MS if claimed_ms <= _TOO_SHORT_MS else min(round(claimed_ms), _MAX_FRAME_MS)


def _is_seen_through(image: Image) -> bool:
    return image.mode == "RGBA" and image.getchannel("A").getextrema()[0] != 255  # noqa: PLR2004 - opaque
