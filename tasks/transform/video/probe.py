"""Looks at a file before it is converted: what is in it, what will become of it, and whether one function can do it.

Reads headers and the first picture, wherever they are; all of the file only where it does not say how long it plays,
or nothing in it vouches for that.
"""

from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from types import MappingProxyType
from typing import Any, BinaryIO

import av.error
from av.container import InputContainer
from av.sidedata.sidedata import Type as SideDataType
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from tasks.transform.media import opened
from tasks.transform.video.convert import SLACK_SECONDS, check_duration
from tasks.transform.video.facts import facts_of, technical_of
from tasks.transform.video.geometry import Size, displayed_size, fitted, side_data_of, turn_of
from tasks.transform.video.limits import LIMITS, MEGAPIXEL, MIN_FRAME_RATE, SOUND_CPU_SHARE, picture_cpu_share
from tasks.transform.video.picture import Picture, has_alpha, is_hdr
from tasks.transform.video.reader import Decoded, Reader
from tasks.transform.video.tracks import DEMUXERS, Tracks, choose, codec_name
from tasks.transform.video.truncation import check_complete, check_index
from workflow.errors import CorruptMedia, LongVideo, TooManyPixels

_FIRST_PICTURE_PACKETS = 500
_LEAST_BITS_A_SECOND = 5_000
"""Below, either nothing moves, or the announced duration is not true."""
_MICROSECONDS = 1_000_000

_TOLD_FROM_THE_END = frozenset({"mpegts", "mpeg", "ogg"})
"""FFmpeg looks there for the last time, because these formats have none in their headers."""
_TAIL_SHARE, _ROUNDED_SECONDS = 0.1, 1
"""What may follow the last key frame that an index has, of the file; and how much later that may be than announced."""
_FIRST_FIELDS: Mapping[int, str] = MappingProxyType({2: "tff", 3: "bff", 4: "bff", 5: "tff"})
"""Which field of a picture is shown first, by FFmpeg's field orders: the upper lines or the lower ones."""

_SAY_IT_THEMSELVES = frozenset({"prores", "dvvideo", "dnxhd"})
"""Codecs of single pictures that say of each whether it is interlaced. Those of moving pictures all do."""


@dataclass(frozen=True)
class Probe:
    """What is known of a file. `picture` is None where there is only sound."""

    picture: Picture | None
    duration_seconds: float
    cpu_seconds: float
    facts: dict[str, Any]
    technical: dict[str, Any]


def probe(
    stream: BinaryIO,
    size: int,
    *,
    publish_private: bool = False,
    max_cpu_seconds: float = LIMITS.max_cpu_seconds,
    measures: bool = True,
) -> Probe:
    """What `examine` finds; raises LongVideo if converting it takes longer than one function may."""
    found = examine(stream, size, publish_private=publish_private, measures=measures)
    check_cost(found, max_cpu_seconds)
    return found


def with_size(found: Probe, usual: Size | None) -> Probe:
    """The same for pictures that mostly are to be shown at another size than the first one."""
    if not found.picture or not usual or fitted(usual) == found.picture.target:
        return found
    picture = replace(found.picture, displayed=usual, target=fitted(usual))
    return replace(found, picture=picture, cpu_seconds=_cost(picture, found.duration_seconds))


def check_cost(found: Probe, max_cpu_seconds: float = LIMITS.max_cpu_seconds) -> None:
    """Raise LongVideo above a limit."""
    if found.cpu_seconds > max_cpu_seconds:
        raise LongVideo(
            f"Converting {found.duration_seconds / 60:,.0f} minutes takes about {found.cpu_seconds:,.0f} s of CPU; "
            f"one function does up to {max_cpu_seconds:,.0f}. It is converted in parts."
        )


def examine(stream: BinaryIO, size: int, *, publish_private: bool = False, measures: bool = True) -> Probe:
    """Everything that decides how a file of `size` bytes is converted; raises a RejectedError if it cannot be.

    Unless it `measures`, what the header says of the duration is taken on trust if it says anything.
    """
    check_complete(stream, size)
    stream.seek(0)
    with opened(stream, DEMUXERS) as container:
        check_index(container, size)
        tracks = choose(container)
        picture = picture_of(container, tracks, tracks.picture) if tracks.picture else None
        seconds = _announced_duration(container, size)
        is_vouched_for = not measures or _is_vouched_for(container, tracks, size)
        facts, technical = (
            facts_of(container, tracks, picture),
            technical_of(container, publish_private=publish_private),
        )
    if seconds is None:
        seconds = _measured_duration(stream)
    elif not is_vouched_for:
        seconds = _duration_from(stream, seconds)
    check_duration(seconds)
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
        aspect=stream.sample_aspect_ratio,
        frame_rate=_frame_rate(stream),
        fields=_fields(stream, frame),
        is_hdr=is_hdr(frame),
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


def _fields(stream: VideoStream, frame: VideoFrame) -> str:
    """As the container has it, of codecs that do not say it of their pictures."""
    codec = stream.codec_context.codec
    if frame.interlaced_frame or not codec.intra_only or codec.canonical_name in _SAY_IT_THEMSELVES:
        return ""
    return _FIRST_FIELDS.get(int(stream.codec_context.field_order), "")


def _check_pixels(width: int, height: int) -> None:
    if width * height > LIMITS.max_pixels:
        raise TooManyPixels(
            f"The video has {width:,} by {height:,} pixels; it may have up to {LIMITS.max_pixels / MEGAPIXEL:,.0f} "
            "megapixels. Scale it down and upload it again."
        )


def _frame_rate(stream: VideoStream) -> Fraction | None:
    rates = (stream.average_rate, stream.guessed_rate)
    return next((rate for rate in rates if rate and 0 < rate <= 1000), None)  # noqa: PLR2004 - of no camera and no screen


def _announced_duration(container: InputContainer, size: int) -> float | None:
    """If it can be."""
    if not container.duration or container.duration < 0:
        return None
    seconds = container.duration / _MICROSECONDS
    return seconds if size * 8 / seconds >= _LEAST_BITS_A_SECOND else None


def _is_vouched_for(container: InputContainer, tracks: Tracks, size: int) -> bool:
    """Whether the announced duration was told from the end of the file, or its index leads there."""
    if container.format.name in _TOLD_FROM_THE_END:
        return True
    last = [(stream, stream.index_entries[-1]) for stream in tracks.playable if len(stream.index_entries)]
    latest = max((entry.timestamp * (stream.time_base or 0) for stream, entry in last), default=0)
    announced = (container.duration or 0) / _MICROSECONDS
    is_whole = any(entry.pos > size * (1 - _TAIL_SHARE) for _, entry in last)
    return is_whole and latest - tracks.origin_seconds <= announced + _ROUNDED_SECONDS


def _measured_duration(stream: BinaryIO) -> float:
    """By the last packet of all."""
    with _packet_ends(stream, from_seconds=None) as ends:
        return max(ends, default=0)


def _duration_from(stream: BinaryIO, announced: float) -> float:
    """What is announced, or more if there are packets that go on from there."""
    end = announced
    with _packet_ends(stream, from_seconds=announced) as ends:
        for seconds in ends:
            end = seconds if end < seconds <= end + SLACK_SECONDS else end
    return end


@contextmanager
def _packet_ends(stream: BinaryIO, from_seconds: float | None) -> Generator[Iterator[float]]:
    """Where the packets end, of all or of those from about a time on; also of all if the file has no way there."""
    stream.seek(0)
    with opened(stream, DEMUXERS) as container:
        tracks = choose(container)
        reader = Reader(container, tracks)
        if from_seconds is not None:
            with suppress(av.error.FFmpegError):
                container.seek(int((from_seconds + float(tracks.origin_seconds)) * _MICROSECONDS))
        yield (
            float(reader.seconds(packet.pts + (packet.duration or 0), packet.stream))
            for packet in reader.demuxed(*tracks.playable)
            if packet.pts is not None
        )


def _cost(picture: Picture | None, seconds: float) -> float:
    sound = seconds * SOUND_CPU_SHARE
    if not picture:
        return sound
    rate = max(float(picture.frame_rate or 0), MIN_FRAME_RATE)
    share = picture_cpu_share(picture.codec, picture.stored, picture.target, rate, is_hdr=picture.is_hdr)
    return sound + seconds * share
