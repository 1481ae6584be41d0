"""Draws a video's previews from its rendition: a poster, and a storyboard that players show above their time line.

The storyboard is one sheet of small pictures and a WebVTT file that says which of them belongs to which seconds.
"""

import io
import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import cast

import av
import av.error
from av.container import InputContainer
from av.video.frame import VideoFrame
from PIL import Image

from tasks.shared.work import Drawn, Encoded
from tasks.thumbnail import audio
from tasks.thumbnail.previews import fitted, previews_of
from workflow.errors import ThumbnailError

DRAWN_FROM = ("peaks", "web")
"""Peaks are there only of a video without a picture."""

POSTER_AT = (0.1, 0.2, 0.35, 0.5, 0.7, 0.9, 0.0)
"""Shares of the duration: the first one that shows something is the poster, else the first of all."""

MAX_TILES = 100
TILE_SIDE_PX = 160
SECONDS_A_TILE = 2
COLUMNS = 10
WEBP_QUALITY, WEBP_METHOD = 70, 2

_BLANK_LEVELS = 16
_ICON_SIDE_PX = 32
_MICROSECONDS = 1_000_000


def preview(path: Path) -> Drawn:
    """Previews of the poster, smallest first, "storyboard" and "storyboard-index"; of peaks, the waveform.

    Raises ThumbnailError where there is neither.
    """
    try:
        if _holds_peaks(path):
            return audio.preview(path)
        with path.open("rb") as file, av.open(file, "r", format="mp4") as container:
            film = _Film(container)
            drawn = previews_of(_poster(film))
            return replace(drawn, files=(*drawn.files, *_storyboard(film)))
    except (av.error.FFmpegError, OSError, ValueError, MemoryError) as exc:
        raise ThumbnailError(f"The rendition cannot be read, so no previews were drawn ({exc}).") from exc


def _holds_peaks(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(1) == b"{"


class _Film:
    """Gives pictures of any time: the key frame before it or, if there is nothing to be seen on that, the one shown."""

    def __init__(self, container: InputContainer) -> None:
        if not container.streams.video:
            raise ThumbnailError("There is no picture in the rendition, only sound: no previews were drawn.")
        self._container, self._stream = container, container.streams.video[0]
        self.seconds = (container.duration or 0) / _MICROSECONDS

    def picture(self, seconds: float) -> Image.Image:
        key = self._key(seconds)
        return self._shown(seconds) if _is_blank(key) else key

    def _key(self, seconds: float) -> Image.Image:
        """The decoder is emptied at once: it would wait for the pictures that follow."""
        self._seek(seconds)
        packets = (packet for packet in self._container.demux(self._stream) if packet.is_keyframe)
        packet = next(packets, None)
        frames = [*packet.decode(), *self._stream.decode(None)] if packet else []
        return self._first(frames)

    def _shown(self, seconds: float) -> Image.Image:
        self._seek(seconds)
        shown: list[VideoFrame] = []
        for frame in self._container.decode(self._stream):
            if shown and (frame.time or 0) > seconds:
                break
            shown = [frame]
        return self._first(shown)

    def _seek(self, seconds: float) -> None:
        self._container.seek(int(seconds / (self._stream.time_base or Fraction(1))), stream=self._stream)

    def _first(self, frames: Sequence[VideoFrame]) -> Image.Image:
        if not frames:
            raise ThumbnailError("A picture of the rendition cannot be decoded: no previews were drawn.")
        return _image(frames[0].reformat(format="rgb24", src_colorspace="ITU709", dst_color_range="JPEG"))


def _image(frame: VideoFrame) -> Image.Image:
    plane = frame.planes[0]
    return Image.frombuffer("RGB", (frame.width, frame.height), bytes(plane), "raw", "RGB", plane.line_size, 1)


def _poster(film: _Film) -> Image.Image:
    pictures = (film.picture(share * film.seconds) for share in POSTER_AT)
    first = next(pictures)
    return first if not _is_blank(first) else next((found for found in pictures if not _is_blank(found)), first)


def _is_blank(picture: Image.Image) -> bool:
    """All of one color, or nearly: before the first scene, and between scenes."""
    icon = picture.resize(fitted(picture.size, _ICON_SIDE_PX), Image.Resampling.BOX)
    extremes = cast("tuple[tuple[int, int], ...]", icon.getextrema())
    return all(high - low <= _BLANK_LEVELS for low, high in extremes)


def _storyboard(film: _Film) -> tuple[Encoded, Encoded]:
    count = min(MAX_TILES, max(1, math.ceil(film.seconds / SECONDS_A_TILE)))
    starts = [at * film.seconds / count for at in range(count + 1)]
    tiles = [_tile(film.picture((start + end) / 2)) for start, end in pairwise(starts)]
    return _sheet(tiles), _index(tiles[0].size, starts)


def _tile(picture: Image.Image) -> Image.Image:
    return picture.resize(fitted(picture.size, TILE_SIDE_PX), Image.Resampling.BICUBIC, reducing_gap=2.0)


def _sheet(tiles: list[Image.Image]) -> Encoded:
    width, height = tiles[0].size
    sheet = Image.new("RGB", (min(COLUMNS, len(tiles)) * width, math.ceil(len(tiles) / COLUMNS) * height))
    for number, tile in enumerate(tiles):
        sheet.paste(tile, _place(number, tile.size))
    buffer = io.BytesIO()
    sheet.save(buffer, "WEBP", quality=WEBP_QUALITY, method=WEBP_METHOD)
    return Encoded("storyboard", "image/webp", buffer.getvalue(), sheet.width, sheet.height)


def _index(tile: tuple[int, int], starts: list[float]) -> Encoded:
    """By the convention of players: the address of the sheet, and a box in it."""
    cues = [_cue(start, end, (*_place(number, tile), *tile)) for number, (start, end) in enumerate(pairwise(starts))]
    return Encoded("storyboard-index", "text/vtt", "\n".join(("WEBVTT\n", *cues)).encode())


def _cue(start: float, end: float, box: tuple[int, ...]) -> str:
    return f"{_timestamp(start)} --> {_timestamp(end)}\nstoryboard.webp#xywh={','.join(map(str, box))}\n"


def _place(number: int, tile: tuple[int, int]) -> tuple[int, int]:
    row, column = divmod(number, COLUMNS)
    return column * tile[0], row * tile[1]


def _timestamp(seconds: float) -> str:
    whole, milliseconds = divmod(round(seconds * 1000), 1000)
    return f"{whole // 3600:02}:{whole // 60 % 60:02}:{whole % 60:02}.{milliseconds:03}"
