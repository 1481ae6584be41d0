"""Reads chosen tracks and writes them anew: all of a video, only its sound, or a part of its pictures."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream

from tasks.transform.media import Loudness
from tasks.transform.video.captions import CaptionTrack, files_of, notes_of
from tasks.transform.video.encode import PictureLine, mp4_writer
from tasks.transform.video.limits import LIMITS
from tasks.transform.video.picture import Picture
from tasks.transform.video.reader import Decoded, Reader
from tasks.transform.video.sound import SoundLine
from tasks.transform.video.tracks import Tracks
from tasks.work import Encoded
from workflow.errors import NothingToPlay

SLACK_SECONDS = 60
"""What is said to be shown later than this after the end is an error of the file, and left out."""


class Line(Protocol):
    """Makes packets of decoded frames."""

    frames: int

    def add(self, frame: Any, seconds: Fraction) -> Iterator["Packet[Any]"]: ...
    def finish(self) -> Iterator["Packet[Any]"]: ...


@dataclass(frozen=True)
class Window:
    """From a time up to another, in seconds from the beginning of the file."""

    start: Fraction
    end: Fraction

    def __contains__(self, decoded: Decoded) -> bool:
        return self.start <= decoded.seconds < self.end


def whole(duration_seconds: float, reader: Reader) -> Window:
    """All of a file. What it announces is no measure where its clock may be set anew."""
    announced = Fraction(duration_seconds) + SLACK_SECONDS
    return Window(Fraction(0), announced if reader.clock.is_steady else Fraction(LIMITS.max_seconds))


@dataclass(frozen=True)
class Converted:
    """What was read and written. `end_seconds` is where the last picture or sound ends."""

    pictures: int
    end_seconds: float
    packets: int
    lost_packets: int
    breaks_off: bool
    loudness: Loudness | None = None
    captions: tuple[Encoded, ...] = ()
    caption_notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Job:
    """The tracks to be converted, how their picture is to become, and what part of it is kept."""

    tracks: Tracks
    picture: Picture | None
    window: Window


def convert(
    job: Job, reader: Reader, packets: Iterable["Packet[Stream]"], to: Path, tags: Mapping[str, str]
) -> Converted:
    """Write an MP4 of the packets of a job's tracks; raises NothingToPlay or FFmpeg's error if nothing is decoded."""
    captions = {stream.index: CaptionTrack(stream) for stream in job.tracks.captions}
    with mp4_writer(to, tags) as output:
        lines = _lines(output, job)
        for packet in packets:
            if packet.stream.index in captions:
                captions[packet.stream.index].add(packet, reader)
            else:
                _write(reader, packet, lines[packet.stream.index], job.window, output)
        for line in lines.values():
            output.mux(list(line.finish()))
    if not any(line.frames for line in lines.values()):
        reader.raise_damage()
        raise NothingToPlay("There is no picture and no sound in the tracks of this file. Check the export.")
    return _converted(reader, lines, captions.values())


def _lines(output: OutputContainer, job: Job) -> dict[int, Line]:
    lines: dict[int, Line] = {}
    if job.tracks.picture and job.picture:
        lines[job.tracks.picture.index] = PictureLine(output, job.picture)
    if job.tracks.sound:
        lines[job.tracks.sound.index] = SoundLine(output)
    return lines


def _write(reader: Reader, packet: "Packet[Stream]", line: Line, window: Window, output: OutputContainer) -> None:
    for decoded in reader.decoded(packet):
        if decoded in window:
            output.mux(list(line.add(decoded.frame, decoded.seconds)))


def _converted(reader: Reader, lines: Mapping[int, Line], captions: Collection[CaptionTrack]) -> Converted:
    sound = next((line for line in lines.values() if isinstance(line, SoundLine)), None)
    return Converted(
        pictures=sum(line.frames for line in lines.values() if isinstance(line, PictureLine)),
        end_seconds=float(reader.end_seconds),
        packets=reader.packets,
        lost_packets=reader.lost,
        breaks_off=reader.breaks_off,
        loudness=sound.loudness() if sound else None,
        captions=files_of(captions),
        caption_notes=notes_of(captions),
    )
