"""Looks at a file before it is converted: what is in it, what will become of it, and whether one function can do it.

Reads headers and the first picture, wherever they are; all of the file only where it does not say how long it plays.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, BinaryIO

from av.container import InputContainer
from av.sidedata.sidedata import Type as SideDataType
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from tasks.transform.media import opened
from tasks.transform.video.facts import facts_of, technical_of
from tasks.transform.video.geometry import displayed_size, fitted, side_data_of, turn_of
from tasks.transform.video.limits import LEAST_FRAME_RATE, LIMITS, MEGAPIXEL, SOUND_CPU_SHARE, picture_cpu_share
from tasks.transform.video.picture import Picture, has_alpha, is_hdr
from tasks.transform.video.reader import Decoded, Reader
from tasks.transform.video.tracks import DEMUXERS, Tracks, choose, codec_name
from tasks.transform.video.truncation import check_complete, check_index
from workflow.errors import CorruptMedia, LongVideo, TooLong, TooManyPixels

_FIRST_PICTURE_PACKETS = 500
_LEAST_BITS_A_SECOND = 5_000
"""Below, either nothing moves, or the announced duration is not true."""
_MICROSECONDS = 1_000_000
_INTERLACED_FROM = 2
"""FFmpeg's field orders: unknown, progressive, and four that are interlaced."""


@dataclass(frozen=True)
class Probe:
    """What is known of a file. `picture` is None where there is only sound."""

    picture: Picture | None
    duration_seconds: float
    cpu_seconds: float
    facts: dict[str, Any]
    technical: dict[str, Any]


def probe(
    stream: BinaryIO, size: int, *, keep_private: bool = False, max_cpu_seconds: float = LIMITS.max_cpu_seconds
) -> Probe:
    """What `examine` finds; raises LongVideo if converting it takes longer than one function may."""
    found = examine(stream, size, keep_private=keep_private)
    if found.cpu_seconds > max_cpu_seconds:
        raise LongVideo(
            f"Converting {found.duration_seconds / 60:,.0f} minutes takes about {found.cpu_seconds:,.0f} s of CPU; "
            f"one function does up to {max_cpu_seconds:,.0f}. It is converted in segments."
        )
    return found


def examine(stream: BinaryIO, size: int, *, keep_private: bool = False) -> Probe:
    """Everything that decides how a file of `size` bytes is converted; raises a RejectedError if it cannot be."""
    check_complete(stream, size)
    stream.seek(0)
    with opened(stream, DEMUXERS) as container:
        check_index(container, size)
        tracks = choose(container)
        picture = picture_of(container, tracks, tracks.picture) if tracks.picture else None
        seconds = _duration(container, size)
        facts, technical = facts_of(container, tracks, picture), technical_of(container, keep_private=keep_private)
    if seconds is None:
        seconds = _measured_duration(stream)
    _check_duration(seconds)
    facts |= {"duration_seconds": round(seconds, 3)}
    return Probe(picture, seconds, _cost(picture, seconds), facts, technical)


def picture_of(container: InputContainer, tracks: Tracks, stream: VideoStream) -> Picture:
    _check_pixels(stream.width, stream.height)
    frame = _first_frame(container, tracks, stream)
    _check_pixels(frame.width, frame.height)
    turn = turn_of(frame)
    displayed = displayed_size((frame.width, frame.height), stream.sample_aspect_ratio, turn)
    return Picture(
        codec=codec_name(stream),
        stored=(frame.width, frame.height),
        displayed=displayed,
        target=fitted(displayed),
        turn=turn,
        frame_rate=_frame_rate(stream),
        is_hdr=is_hdr(frame),
        is_interlaced=frame.interlaced_frame or stream.codec_context.field_order >= _INTERLACED_FROM,
        has_alpha=has_alpha(frame),
        has_closed_captions=any(each.type is SideDataType.A53_CC for each in side_data_of(frame)),
    )


def _first_frame(container: InputContainer, tracks: Tracks, stream: VideoStream) -> VideoFrame:
    reader = Reader(container, tracks)
    found = next(_first_pictures(reader, stream), None)
    if found and isinstance(found.frame, VideoFrame):
        return found.frame
    reader.raise_damage()
    raise CorruptMedia("Not one picture of the video can be decoded. Export it again, and see if it plays.")


def _first_pictures(reader: Reader, stream: VideoStream) -> Iterator[Decoded]:
    for count, packet in enumerate(reader.demuxed(stream)):
        yield from reader.decoded(packet)
        if count > _FIRST_PICTURE_PACKETS:
            return


def _check_pixels(width: int, height: int) -> None:
    if width * height > LIMITS.max_pixels:
        raise TooManyPixels(
            f"The video has {width:,} by {height:,} pixels; it may have up to {LIMITS.max_pixels / MEGAPIXEL:,.0f} "
            "megapixels. Scale it down and upload it again."
        )


def _frame_rate(stream: VideoStream) -> Fraction | None:
    rates = (stream.average_rate, stream.guessed_rate)
    return next((rate for rate in rates if rate and 0 < rate <= 1000), None)  # noqa: PLR2004 - of no camera and no screen


def _duration(container: InputContainer, size: int) -> float | None:
    """As announced, if it can be."""
    if not container.duration or container.duration < 0:
        return None
    seconds = container.duration / _MICROSECONDS
    return seconds if size * 8 / seconds >= _LEAST_BITS_A_SECOND else None


def _measured_duration(stream: BinaryIO) -> float:
    """By the last packet of all."""
    stream.seek(0)
    with opened(stream, DEMUXERS) as container:
        tracks = choose(container)
        reader = Reader(container, tracks)
        ends = (
            reader.seconds(packet.pts + (packet.duration or 0), packet.stream)
            for packet in reader.demuxed(*tracks.playable)
            if packet.pts is not None
        )
        return float(max(ends, default=Fraction(0)))


def _check_duration(seconds: float) -> None:
    if seconds > LIMITS.max_seconds:
        raise TooLong(
            f"The video plays {seconds / 3600:,.1f} hours; up to {LIMITS.max_seconds / 3600:,.0f} are converted. "
            "Cut it into parts and upload those."
        )


def _cost(picture: Picture | None, seconds: float) -> float:
    sound = seconds * SOUND_CPU_SHARE
    if not picture:
        return sound
    rate = max(float(picture.frame_rate or 0), LEAST_FRAME_RATE)
    share = picture_cpu_share(picture.codec, picture.stored, picture.target, rate, is_hdr=picture.is_hdr)
    return sound + seconds * share
