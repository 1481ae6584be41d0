"""Reads chosen tracks and writes them anew: all of a video, only its sound, or a part of its pictures."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream

from tasks.shared.work import Encoded
from tasks.transform.media import Loudness
from tasks.transform.peaks import PeakFinder
from tasks.transform.video.captions import CaptionTrack, files_of, notes_of
from tasks.transform.video.encode import PictureLine, mp4_writer
from tasks.transform.video.geometry import Size
from tasks.transform.video.limits import LIMITS
from tasks.transform.video.picture import Picture
from tasks.transform.video.reader import Decoded, Reader
from tasks.transform.video.sound import SoundLine
from tasks.transform.video.tracks import Tracks
from workflow.errors import NothingToPlay, TooLong

SLACK_SECONDS = 60
"""What is said to be shown later than this after all else, and after the end, is an error of the file."""


class Line(Protocol):
    """Makes packets of decoded frames."""

    frames: int

    def add(self, decoded: Decoded) -> Iterator["Packet[Any]"]: ...
    def finish(self) -> Iterator["Packet[Any]"]: ...


class Window:
    """What is kept: from a time up to another, in seconds from the beginning of the file.

    What is left out of one that `is_whole` is in no other, either.
    """

    is_whole = False

    def __init__(self, start: Fraction, end: Fraction) -> None:
        self._start, self._end = start, end

    def __contains__(self, decoded: Decoded) -> bool:
        return self._start <= decoded.seconds < self._end


class Whole(Window):
    """All of a file, as far as it goes on. What it announces is the least: recorders that were stopped announce less.

    Of what is beyond, only a jump is left out that a clock set anew does not explain.
    """

    is_whole = True

    def __init__(self, announced_seconds: float, *, is_steady: bool) -> None:
        slack = SLACK_SECONDS if is_steady else LIMITS.max_seconds
        super().__init__(Fraction(0), Fraction(announced_seconds + slack))
        self._slack = Fraction(slack)

    def __contains__(self, decoded: Decoded) -> bool:
        if not super().__contains__(decoded):
            return False
        check_duration(float(decoded.seconds))
        self._end = max(self._end, decoded.end + self._slack)
        return True


def whole(duration_seconds: float, reader: Reader) -> Window:
    return Whole(duration_seconds, is_steady=reader.clock.is_steady)


def check_duration(seconds: float) -> None:
    """Raise TooLong above the limit."""
    if seconds > LIMITS.max_seconds:
        raise TooLong(
            f"The video plays {seconds / 3600:,.1f} hours; up to {LIMITS.max_seconds / 3600:,.0f} are converted. "
            "Cut it into parts and upload those."
        )


@dataclass(frozen=True)
class Converted:
    """What was read and written. `end_seconds` is where the last picture or sound ends.

    `too_soon` counts the pictures that screens would not show, `out_of_time` all that lies in no time of the file.
    `usual_size` is that at which most pictures are to be shown, of `sizes` different ones.
    """

    pictures: int
    end_seconds: float
    packets: int
    lost_packets: int
    breaks_off: bool
    too_soon: int = 0
    out_of_time: int = 0
    deinterlaced: bool = False
    sizes: int = 0
    usual_size: Size | None = None
    loudness: Loudness | None = None
    peaks: Encoded | None = None
    captions: tuple[Encoded, ...] = ()
    caption_notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Job:
    """The tracks to be converted, how their picture is to become, and what part of it is kept.

    `peaks` are found of a sound that nothing is to be seen with.
    """

    tracks: Tracks
    picture: Picture | None
    window: Window
    peaks: PeakFinder | None = None


def convert(
    job: Job, reader: Reader, packets: Iterable["Packet[Stream]"], to: Path, tags: Mapping[str, str]
) -> Converted:
    """Write an MP4 of the packets of a job's tracks; raises NothingToPlay or FFmpeg's error if nothing is decoded."""
    captions = {stream.index: CaptionTrack(stream) for stream in job.tracks.captions}
    with mp4_writer(to, tags) as output:
        writing = _Writing(output, _lines(output, job), job.window)
        for packet in packets:
            if packet.stream.index in captions:
                captions[packet.stream.index].add(packet, reader)
            else:
                writing.add(packet.stream.index, reader.decoded(packet))
        writing.finish()
    if not any(line.frames for line in writing.lines.values()):
        reader.raise_damage()
        raise NothingToPlay("There is no picture and no sound in the tracks of this file. Check the export.")
    return _converted(reader, writing, captions.values())


class _Writing:
    """`end` is where the last of what was kept ends, in seconds; `out_of_time` counts what was not."""

    def __init__(self, output: OutputContainer, lines: Mapping[int, Line], window: Window) -> None:
        self.lines, self.end, self.out_of_time = lines, Fraction(0), 0
        self._output, self._window = output, window

    def add(self, track: int, decoded: Iterable[Decoded]) -> None:
        for each in decoded:
            if each in self._window:
                self.end = max(self.end, each.end)
                self._output.mux(list(self.lines[track].add(each)))
            else:
                self.out_of_time += self._window.is_whole

    def finish(self) -> None:
        for line in self.lines.values():
            self._output.mux(list(line.finish()))


def _lines(output: OutputContainer, job: Job) -> dict[int, Line]:
    lines: dict[int, Line] = {}
    if job.tracks.picture and job.picture:
        lines[job.tracks.picture.index] = PictureLine(output, job.picture)
    if job.tracks.sound:
        lines[job.tracks.sound.index] = SoundLine(output, job.peaks)
    return lines


def _converted(reader: Reader, writing: _Writing, captions: Collection[CaptionTrack]) -> Converted:
    lines = writing.lines.values()
    sound = next((line for line in lines if isinstance(line, SoundLine)), None)
    pictures = next((line for line in lines if isinstance(line, PictureLine)), None)
    found = Converted(
        pictures=pictures.frames if pictures else 0,
        end_seconds=float(writing.end),
        packets=reader.packets,
        lost_packets=reader.lost,
        breaks_off=reader.breaks_off,
        out_of_time=writing.out_of_time,
        loudness=sound.loudness() if sound else None,
        peaks=sound.peaks.finish(float(writing.end)) if sound and sound.peaks else None,
        captions=files_of(captions),
        caption_notes=notes_of(captions),
    )
    return _with_pictures(found, pictures) if pictures else found


def _with_pictures(found: Converted, line: PictureLine) -> Converted:
    ((usual, _),) = line.chain.sizes.most_common(1) or ((None, 0),)
    return replace(
        found,
        too_soon=line.too_soon,
        out_of_time=found.out_of_time + line.out_of_order,
        deinterlaced=line.chain.deinterlaced,
        sizes=len(line.chain.sizes),
        usual_size=usual,
    )
