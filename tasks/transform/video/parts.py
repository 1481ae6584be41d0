"""Converts a long video in several functions: plan it, convert its parts and its sound, join what they made.

Parts begin at key frames of the original. Each reads only its own part of the file, and writes the times of the
whole: joining copies packets and computes nothing.
"""

import heapq
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import chain, dropwhile, pairwise, takewhile
from pathlib import Path
from typing import BinaryIO

import av.error
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from tasks.shared.work import Recipe, Rendered
from tasks.transform.media import opened, read_tags
from tasks.transform.video.convert import Converted, Job, Window, convert, whole
from tasks.transform.video.encode import mp4_writer
from tasks.transform.video.limits import LIMITS, Limits
from tasks.transform.video.picture import Picture
from tasks.transform.video.probe import Probe, examine, picture_of
from tasks.transform.video.reader import Reader, is_flush, stamp_of
from tasks.transform.video.rendered import rendered
from tasks.transform.video.sound import peak_finder
from tasks.transform.video.tracks import DEMUXERS, Tracks, choose
from workflow.errors import CorruptMedia, TooLong

_STEPS_BACK_SECONDS = (0, 2, 10, 60)
"""Where reading begins before a part, because seeking may lead behind its key frame."""


@dataclass(frozen=True)
class Part:
    """A part of a video's pictures, in the ticks of their track; None where the file begins and ends."""

    index: int
    start: int | None
    end: int | None


@dataclass(frozen=True)
class Plan:
    """The parts in their order, and whether there is sound to be converted besides."""

    parts: tuple[Part, ...]
    has_sound: bool


@dataclass(frozen=True)
class PartFile:
    """What was made of a part, or of the sound: the file, which may be one that is read by ranges."""

    stream: BinaryIO
    converted: Converted


@dataclass(frozen=True)
class _Source:
    """A file whose pictures are read, and nothing else of it."""

    container: InputContainer
    tracks: Tracks
    track: VideoStream
    reader: Reader

    def seconds(self, key: int) -> Fraction:
        return self.reader.seconds(key, self.track)

    def seek(self, seconds: Fraction) -> bool:
        """To a key frame before a time, if the file allows that."""
        base = self.track.time_base or Fraction(1)
        try:
            self.container.seek(int((seconds + self.tracks.origin_seconds) / base), stream=self.track)
        except av.error.FFmpegError:
            return False
        return True

    def packets(self) -> Iterator["Packet[Stream]"]:
        return (packet for packet in self.reader.demuxed(self.track) if not is_flush(packet))


def plan(stream: BinaryIO, size: int, limits: Limits = LIMITS) -> Plan:
    """Cut at key frames into parts that one function can convert; TooLong if the file has too few of them."""
    found = examine(stream, size)
    if not found.picture:
        return Plan((), has_sound=True)
    step = _part_seconds(found, limits)
    with _opened(stream) as source:
        keys = _keys_by_seeking(source, found, step) if source.reader.clock.is_steady else []
    if not keys:
        with _opened(stream) as source:
            keys = _keys_by_reading(source, step)
    _check_lengths([Fraction(0), *map(source.seconds, keys), Fraction(found.duration_seconds)], found, limits)
    parts = (Part(index, *ends) for index, ends in enumerate(pairwise([None, *keys, None])))
    return Plan(tuple(parts), has_sound=found.facts["has_audio"])


def convert_part(stream: BinaryIO, part: Part, to: Path) -> Converted:
    """The pictures of one part, as an MP4 that keeps their times: each picture is in exactly one part."""
    with _opened(stream) as source:
        picture = picture_of(source.container, source.tracks, source.track)
    steps = (None,) if part.start is None else (*_STEPS_BACK_SECONDS, None)
    for back in steps:
        with _opened(stream) as source:
            packets = _packets(source, part, back)
            first = next(packets, None)
            if first is not None:
                return _convert(source, chain([first], packets), part, picture, to)
    raise CorruptMedia("A key frame that was found before is not found again. Export the video again.")


def convert_sound(stream: BinaryIO, size: int, to: Path) -> Converted:
    """The sound of the whole file as an M4A, and its captions."""
    found = examine(stream, size)
    stream.seek(0)
    with opened(stream, DEMUXERS) as container:
        tracks = replace(choose(container), picture=None)
        reader = Reader(container, tracks)
        packets = reader.demuxed(*tracks.playable, *tracks.captions)
        job = Job(
            tracks,
            None,
            whole(found.duration_seconds, reader),
            None if found.picture else peak_finder(found.duration_seconds),
        )
        return convert(job, reader, packets, to, {})


def join(
    stream: BinaryIO, size: int, parts: Sequence[PartFile], sound: PartFile | None, to: Path, recipe: Recipe
) -> Rendered:
    """The same as `transform` would have made of the original in `stream`, of parts that are in their order."""
    found = examine(stream, size, publish_private=recipe.publish_private)
    with mp4_writer(to, _tags(stream) if recipe.publish_private else {}) as output:
        files = [part.stream for part in parts], [sound.stream] if sound else []
        tracks = [_copied(output, of_track) for of_track in files if of_track]
        for packet in heapq.merge(*tracks, key=_decoding_seconds):
            output.mux(packet)
    return rendered(found, _together(parts, sound), to)


@contextmanager
def _opened(stream: BinaryIO) -> Generator[_Source]:
    stream.seek(0)
    with opened(stream, DEMUXERS) as container:
        tracks = replace(choose(container), sound=None, captions=())
        if not tracks.picture:
            raise CorruptMedia("The video has lost its pictures. Export it again.")
        yield _Source(container, tracks, tracks.picture, Reader(container, tracks))


def _keys_by_seeking(source: _Source, found: Probe, step: Fraction) -> list[int]:
    """Of the key frames that players would jump to; none if the file has no index, or its pictures one key."""
    keys: list[int] = []
    wanted, last = step, Fraction(0)
    while wanted < found.duration_seconds and source.seek(wanted):
        key = _next_key(source, source.packets())
        if key is not None and source.seconds(key) > last:
            keys.append(key)
            last = source.seconds(key)
        wanted = max(wanted, last) + step
    return keys


def _keys_by_reading(source: _Source, step: Fraction) -> list[int]:
    """Of all key frames; none where the file's clock is set anew on the way, because then a time is not one place."""
    keys: list[int] = []
    wanted, packets = step, source.packets()
    while (key := _next_key(source, packets)) is not None:
        if source.seconds(key) >= wanted:
            keys.append(key)
            wanted = source.seconds(key) + step
    return [] if source.reader.clock.jumps else keys


def _next_key(source: _Source, packets: Iterable["Packet[Stream]"]) -> int | None:
    keys = (source.reader.key(packet) for packet in packets if packet.is_keyframe)
    return next((key for key in keys if key is not None), None)


def _part_seconds(found: Probe, limits: Limits) -> Fraction:
    by_cost = limits.part_cpu_seconds * found.duration_seconds / max(found.cpu_seconds, 1)
    within = min(max(by_cost, limits.min_part_seconds), limits.max_part_seconds)
    return Fraction(max(within, found.duration_seconds / limits.max_parts))


def _check_lengths(ends: Sequence[Fraction], found: Probe, limits: Limits) -> None:
    longest = float(max(end - start for start, end in pairwise(ends)))
    if longest * found.cpu_seconds > limits.max_cpu_seconds * found.duration_seconds:
        raise TooLong(
            f"The video has no key frame for {longest / 60:,.0f} minutes, so that it cannot be converted in parts. "
            "Export it again with a key frame every few seconds, or in shorter pieces."
        )


def _packets(source: _Source, part: Part, back: float | None) -> Iterator["Packet[Stream]"]:
    """From the key frame of a part to its last packet; none if reading begins behind that key frame."""
    packets = source.packets() if part.start is None else _from_key(source, part.start, back)
    return takewhile(lambda packet: part.end is None or _order(packet) < part.end, packets)


def _from_key(source: _Source, start: int, back: float | None) -> Iterator["Packet[Stream]"]:
    """`back` is how many seconds earlier to seek to; None reads from the beginning."""
    if back is not None and not source.seek(source.seconds(start) - Fraction(back)):
        return
    packets = dropwhile(lambda packet: not packet.is_keyframe, source.packets())
    first = next(packets, None)
    if first is None or (source.reader.key(first) or 0) > start:
        return
    yield from dropwhile(lambda packet: source.reader.key(packet) != start, chain([first], packets))


def _order(packet: "Packet[Stream]") -> int:
    stamp = stamp_of(packet)
    return -1 if stamp is None else stamp


def _convert(source: _Source, packets: Iterator["Packet[Stream]"], part: Part, picture: Picture, to: Path) -> Converted:
    start = Fraction(0) if part.start is None else source.seconds(part.start)
    end = Fraction(LIMITS.max_seconds) if part.end is None else source.seconds(part.end)
    source.tracks.prepare_decoder()
    flush: Packet[Stream] = Packet()
    flush.stream = source.track
    return convert(Job(source.tracks, picture, Window(start, end)), source.reader, chain(packets, [flush]), to, {})


def _copied(output: OutputContainer, files: Sequence[BinaryIO]) -> Iterator["Packet[Stream]"]:
    """The packets of files that follow one another, for one track that the output gets."""
    with _made(files[0]) as first:
        track = output.add_stream_from_template(first.streams[0])
    return _moved(track, files)


def _moved(track: Stream, files: Sequence[BinaryIO]) -> Iterator["Packet[Stream]"]:
    """Where pictures are far apart, a file's first was to be decoded before the previous file's last: corrected."""
    last = None
    for file in files:
        with _made(file) as container:
            for packet in container.demux(container.streams[0]):
                if packet.dts is None:
                    continue
                packet.dts = packet.dts if last is None else max(packet.dts, last + 1)
                last = packet.dts
                packet.stream = track
                yield packet


@contextmanager
def _made(file: BinaryIO) -> Generator[InputContainer]:
    file.seek(0)
    with opened(file, ("mov",)) as container:
        yield container


def _decoding_seconds(packet: "Packet[Stream]") -> Fraction:
    return Fraction(packet.dts or 0) * packet.time_base


def _tags(stream: BinaryIO) -> dict[str, str]:
    stream.seek(0)
    with opened(stream, DEMUXERS) as container:
        return read_tags(container.metadata)


def _together(parts: Sequence[PartFile], sound: PartFile | None) -> Converted:
    every = [part.converted for part in (*parts, *([sound] if sound else []))]
    return Converted(
        pictures=sum(each.pictures for each in every),
        end_seconds=max(each.end_seconds for each in every),
        packets=sum(each.packets for each in every),
        lost_packets=sum(each.lost_packets for each in every),
        breaks_off=any(each.breaks_off for each in every),
        too_soon=sum(each.too_soon for each in every),
        out_of_time=sum(each.out_of_time for each in every),
        deinterlaced=any(each.deinterlaced for each in every),
        sizes=max([*(each.sizes for each in every), len({each.usual_size for each in every if each.usual_size})]),
        loudness=sound.converted.loudness if sound else None,
        peaks=sound.converted.peaks if sound else None,
        captions=sound.converted.captions if sound else (),
        caption_notes=sound.converted.caption_notes if sound else (),
    )
