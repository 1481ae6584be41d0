"""Writes the MP4 that every browser plays: H.264 and AAC, index first, a key frame every two seconds.

Pictures keep their times. All that is encoded for one video, also in several parts, has the same parameters.
"""

import os
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

import av
from av.container import OutputContainer
from av.packet import Packet
from av.video.frame import PictureType, VideoFrame
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from av.video.stream import VideoStream

from tasks.transform.video.picture import TICK, TICKS_A_SECOND, Picture, PictureChain
from tasks.transform.video.reader import Decoded

PRESET = "superfast"
CRF = "24"
MAX_BITS_A_SECOND = 4_000_000
KEY_FRAME_SECONDS = 2
LEAST_GAP_SECONDS = Fraction(11, 800)
"""13.75 ms: pictures that follow sooner are left out. 60 a second are kept, also in milliseconds (16, 17, 17)."""

_NO_KEY_FRAMES_BY_COUNT = 100_000
_USUAL_RATE = Fraction(30)


@contextmanager
def mp4_writer(path: Path, tags: Mapping[str, str]) -> Generator[OutputContainer]:
    options = {"movflags": "+faststart+use_metadata_tags", "movie_timescale": str(TICKS_A_SECOND)}
    with av.open(str(path), "w", format="mp4", options=options) as container:
        container.metadata.update(tags)
        yield container


class PictureLine:
    """Takes the decoded frames of a track, and gives packets to be written.

    Left out are those that follow sooner than screens show them, `too_soon`, and those that are said to be shown
    before one that came before them, `out_of_order`.
    """

    def __init__(self, container: OutputContainer, picture: Picture) -> None:
        self.chain = PictureChain(picture)
        self._stream = _add_encoder(container, picture)
        self._earliest = Fraction(0)
        self._next_key = Fraction(0)
        self._last = Fraction(0)
        self.frames = self.too_soon = self.out_of_order = 0

    def add(self, decoded: Decoded) -> Iterator["Packet[VideoStream]"]:
        frame, seconds = decoded.frame, decoded.seconds
        if seconds < self._earliest or not isinstance(frame, VideoFrame):
            self.too_soon += seconds >= self._last
            self.out_of_order += seconds < self._last
            return
        self._last, self._earliest = seconds, seconds + LEAST_GAP_SECONDS
        length = frame.duration * frame.time_base if frame.time_base else Fraction(0)
        frame.pts, frame.dts, frame.duration = round(seconds * TICKS_A_SECOND), None, round(length * TICKS_A_SECOND)
        frame.time_base = TICK
        for shown in self.chain.push(frame, decoded.aspect):
            yield from self._encode(shown)

    def finish(self) -> Iterator["Packet[VideoStream]"]:
        for shown in self.chain.flush():
            yield from self._encode(shown)
        if self.frames:
            yield from self._stream.encode(None)

    def _encode(self, frame: VideoFrame) -> Iterator["Packet[VideoStream]"]:
        seconds = Fraction(frame.pts or 0) * (frame.time_base or TICK)
        is_key = seconds >= self._next_key
        frame.pict_type = PictureType.I if is_key else PictureType.NONE
        if is_key:
            self._next_key = seconds + KEY_FRAME_SECONDS
        self.frames += 1
        yield from self._stream.encode(frame)


def _add_encoder(container: OutputContainer, picture: Picture) -> VideoStream:
    options = {
        "preset": PRESET,
        "crf": CRF,
        "profile": "high",
        "maxrate": str(MAX_BITS_A_SECOND),
        "bufsize": str(2 * MAX_BITS_A_SECOND),
        "g": str(_NO_KEY_FRAMES_BY_COUNT),
        "forced-idr": "1",
        "a53cc": "0",
    }
    stream = container.add_stream("libx264", rate=picture.frame_rate or _USUAL_RATE, options=options)
    stream.width, stream.height = picture.target
    stream.pix_fmt = "yuv420p"
    stream.time_base = stream.codec_context.time_base = TICK
    stream.codec_context.thread_count = os.cpu_count() or 1
    stream.color_range, stream.colorspace = ColorRange.MPEG, Colorspace.ITU709
    stream.color_primaries, stream.color_trc = ColorPrimaries.BT709, ColorTrc.BT709
    return stream
