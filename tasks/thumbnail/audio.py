"""Draws the previews of a sound from its peaks: mirrored bars, the loudest of each stretch behind its mean.

Quiet recordings are drawn louder, as far as one can still see that they are quiet.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from PIL import Image, ImageColor, ImageDraw

from tasks.shared.work import Drawn
from tasks.thumbnail.fonts import font
from tasks.thumbnail.previews import previews_of
from workflow.errors import ThumbnailError

DRAWN_FROM = "peaks"

WIDTH_PX, HEIGHT_PX = 2048, 1024
BARS = 48
MAX_GAIN = 6

_MARGIN_PX, _GAP_SHARE = 128, 0.36
_MIDDLE_PX, _REACH_PX = 464, 352
_LABEL_PX = 120
_BACKGROUND, _LABEL = "#1c2430", "#aebaca"
_PEAK_COLORS = ("#2f6d83", "#56508f")
_MEAN_COLORS = ("#4fd1c5", "#a48bfa")


@dataclass(frozen=True)
class Bar:
    """Heights, 0..1 of what is drawn at most."""

    peak: float
    mean: float


def preview(path: Path) -> Drawn:
    """Previews of a waveform in audiowaveform's JSON; ThumbnailError if it cannot be read."""
    try:
        waveform = json.loads(path.read_bytes())
        levels = [abs(level) for level in waveform["data"]]
        points = [max(pair) for pair in zip(levels[::2], levels[1::2], strict=True)]
        seconds = float(waveform["duration"])
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise ThumbnailError(f"The peaks cannot be read, so no previews were drawn ({exc}).") from exc
    return previews_of(draw(points, seconds))


def draw(points: list[int], seconds: float) -> Image.Image:
    """A picture of `points`, each the highest level (0..128) of its stretch."""
    image = Image.new("RGB", (WIDTH_PX, HEIGHT_PX), _BACKGROUND)
    pen = ImageDraw.Draw(image)
    bars = list(bars_of(points))
    _draw_bars(pen, [bar.peak for bar in bars], _PEAK_COLORS)
    _draw_bars(pen, [bar.mean for bar in bars], _MEAN_COLORS)
    place = (WIDTH_PX - _MARGIN_PX, HEIGHT_PX - _MARGIN_PX // 2)
    pen.text(place, clock(seconds), _LABEL, font(_LABEL_PX), anchor="rs")
    return image


def bars_of(points: list[int]) -> Iterator[Bar]:
    full = max(max(points, default=0), 128 / MAX_GAIN)
    edges = [len(points) * at // BARS for at in range(BARS + 1)]
    for start, end in pairwise(edges):
        stretch = points[start : max(end, start + 1)] or [0]
        yield Bar(max(stretch) / full, sum(stretch) / len(stretch) / full)


def clock(seconds: float) -> str:
    """As players show it: 0:07, 3:41, 1:02:09."""
    minutes, rest = divmod(max(1, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _draw_bars(pen: ImageDraw.ImageDraw, heights: list[float], colors: tuple[str, str]) -> None:
    step = (WIDTH_PX - 2 * _MARGIN_PX) / BARS
    width = step * (1 - _GAP_SHARE)
    for at, height in enumerate(heights):
        left = _MARGIN_PX + at * step + step * _GAP_SHARE / 2
        reach = max(height * _REACH_PX, width / 2)
        box = (left, _MIDDLE_PX - reach, left + width, _MIDDLE_PX + reach)
        pen.rounded_rectangle(box, width / 2, _between(colors, at / (BARS - 1)))


def _between(colors: tuple[str, str], share: float) -> tuple[int, ...]:
    first, last = (ImageColor.getrgb(color) for color in colors)
    return tuple(round(a + (b - a) * share) for a, b in zip(first, last, strict=True))
