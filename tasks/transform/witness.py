"""Looks at a film or a sound with nothing of what converts it: which seconds have pictures, what is heard at times.

What a witness saw of the original is held against what it sees of the rendition, before that is published.
"""

import math
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice, pairwise, takewhile
from pathlib import Path
from typing import BinaryIO

import av.error
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from tasks.transform.media import opened
from workflow.errors import CorruptMedia, RejectedError, ResultNotProven

LISTEN_EVERY_SECONDS, LISTEN_SECONDS = 10, 0.5
_WARM_UP_SECONDS = 0.2
_LISTENED_RATE_HZ = 32_000
"""What is higher than half of it, nobody hears, and AAC leaves it out."""
_MICROSECONDS = 1_000_000
_AFTER_SECONDS = 2
"""Tracks are interleaved by about a second, and pictures come before they are shown."""
_MAX_PACKETS = 5000
"""That are read to come from a key frame to a place."""
_AUDIBLE_DBFS, _LOST_DB = -40.0, 60.0
_NEIGHBOURS = (-1, 0, 1)


@dataclass
class Seen:
    """Of one file. Seconds are counted from its first picture or sound; `heard_dbfs` by the number of a window."""

    picture_starts: list[float] = field(default_factory=list[float])
    sound_end: float = 0.0
    announced_end: float = 0.0
    heard_dbfs: dict[int, float] = field(default_factory=dict[int, float])

    @property
    def pictures(self) -> int:
        return len(self.picture_starts)

    @property
    def picture_seconds(self) -> set[int]:
        return set(map(math.floor, self.picture_starts))

    @property
    def longest_picture_seconds(self) -> float:
        """But for the last, of which containers say what they like."""
        return max((after - before for before, after in pairwise(sorted(self.picture_starts))), default=0.0)


def look(
    file: BinaryIO, demuxers: Iterable[str], picture: int | None, sound: int | None, at: Sequence[float] | None = None
) -> Seen:
    """What is in two tracks of a file, by their numbers; if `at` is given, only around these seconds."""
    file.seek(0)
    with opened(file, demuxers) as container:
        tracks = [container.streams[number] for number in (picture, sound) if number is not None]
        packets = _packets(container, tracks) if at is None else _packets_at(container, tracks, at)
        return _look(packets, _origin(tracks))


@contextmanager
def reopened(made: Path) -> Generator[InputContainer]:
    """A rendition; that it cannot be read is no fault of the original."""
    try:
        with made.open("rb") as file, opened(file, ("mov",)) as container:
            yield container
    except RejectedError as exc:
        raise ResultNotProven(f"The rendition cannot be read again. {exc}") from exc


def look_again(made: Path) -> Seen:
    """What is in a rendition."""
    with reopened(made) as container:
        tracks = list(container.streams)
        seen = _look(_packets(container, tracks), _origin(tracks))
        seen.announced_end = (container.duration or 0) / _MICROSECONDS
        return seen


def agree(original: Seen, made: Seen, *, left_out_seconds: float) -> None:
    """Raises ResultNotProven where the rendition lacks seconds of pictures or of sound that the original has."""
    shown = made.picture_seconds
    missing = [second for second in original.picture_seconds if not _is_near(second, shown)]
    if len(missing) > left_out_seconds:
        raise ResultNotProven(
            f"In {len(missing):,} of the seconds in which the original has pictures the rendition has none, "
            f"from {min(missing):,} s on."
        )
    silent = [at for at, level in original.heard_dbfs.items() if level > _AUDIBLE_DBFS and _is_lost(at, level, made)]
    if len(silent) * LISTEN_EVERY_SECONDS > left_out_seconds:
        raise ResultNotProven(
            f"The original is heard at {min(silent) * LISTEN_EVERY_SECONDS:,} s, and the rendition is not."
        )


@contextmanager
def blaming_damage(packets: int, of: str) -> Generator[None]:
    """Where the decoder itself met damage, that is why two decodings are not the same: CorruptMedia says so."""
    try:
        yield
    except ResultNotProven as exc:
        if not packets:
            raise
        raise CorruptMedia(
            f"{packets:,} packets of the {of} are damaged or missing: what is left cannot be proven. "
            "Export the file again, and see if it plays."
        ) from exc


def is_heard(seen: Seen, *, at_all: bool = False) -> bool:
    """Whether there is sound in any window that people hear, or that is more than nothing `at_all`."""
    return max(seen.heard_dbfs.values(), default=-math.inf) > _AUDIBLE_DBFS - (_LOST_DB if at_all else 0)


def _is_near(second: int, seconds: set[int]) -> bool:
    return any(second + off in seconds for off in _NEIGHBOURS)


def _is_lost(window: int, level: float, made: Seen) -> bool:
    """Nothing is heard above full scale: floating point that goes there is turned down."""
    return made.heard_dbfs.get(window, -math.inf) < min(level, 0) - _LOST_DB


def _look(packets: Iterable["Packet[Stream]"], origin: float) -> Seen:
    seen = Seen()
    ear = _Ear(seen)
    for packet in packets:
        start = _seconds(packet, origin)
        if start is None:
            continue
        end = start + float((packet.duration or 0) * packet.time_base)
        if isinstance(packet.stream, VideoStream) and packet.size:
            seen.picture_starts.append(start)
        elif isinstance(packet.stream, AudioStream):
            seen.sound_end = max(seen.sound_end, end)
            ear.hear(packet, start, end)
    return seen


def _packets(container: InputContainer, tracks: list[Stream]) -> Iterator["Packet[Stream]"]:
    """Up to where the container breaks."""
    with suppress(av.error.InvalidDataError, IndexError):
        yield from container.demux(tracks)


def _packets_at(container: InputContainer, tracks: list[Stream], at: Sequence[float]) -> Iterator["Packet[Stream]"]:
    """From the key frame before each of these seconds until a little later; none if the file has no way there."""
    origin = _origin(tracks)
    with suppress(av.error.FFmpegError, IndexError):
        for place in at:
            container.seek(int((place + origin) * _MICROSECONDS))
            yield from takewhile(
                lambda packet, end=place + _AFTER_SECONDS: (_seconds(packet, origin) or 0) <= end,
                islice(container.demux(tracks), _MAX_PACKETS),
            )


def _seconds(packet: "Packet[Stream]", origin: float) -> float | None:
    stamp = packet.dts if packet.pts is None else packet.pts
    return None if stamp is None else float(stamp * packet.time_base) - origin


def _origin(tracks: list[Stream]) -> float:
    return min((float((track.start_time or 0) * (track.time_base or 0)) for track in tracks), default=0.0)


class _Ear:
    """Decodes half a second of every ten; what a decoder still has of the time before is passed over."""

    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self._window = -1
        self._resampler: AudioResampler | None = None

    def hear(self, packet: "Packet[Stream]", start: float, end: float) -> None:
        window = math.floor(end / LISTEN_EVERY_SECONDS)
        into, until = (seconds - window * LISTEN_EVERY_SECONDS for seconds in (start, end))
        if window < 0 or into > LISTEN_SECONDS:
            return
        if window != self._window:
            self._window, self._resampler = window, None
        with suppress(av.error.FFmpegError):
            frames = [frame for frame in packet.decode() if isinstance(frame, AudioFrame)]
            if until > _WARM_UP_SECONDS:
                self._note(window, frames)

    def _note(self, window: int, frames: list[AudioFrame]) -> None:
        level = max((self._level_dbfs(frame) for frame in frames), default=-math.inf)
        self._seen.heard_dbfs[window] = max(self._seen.heard_dbfs.get(window, -math.inf), level)

    def _level_dbfs(self, frame: AudioFrame) -> float:
        frame.pts = None
        self._resampler = self._resampler or AudioResampler("flt", frame.layout, _LISTENED_RATE_HZ)
        highest = max((_highest(each) for each in self._resampler.resample(frame)), default=0.0)
        return 20 * math.log10(highest) if highest > 0 else -math.inf


def _highest(frame: AudioFrame) -> float:
    """Of all channels, which lie in one plane: PyAV has room for eight."""
    samples = memoryview(bytes(frame.planes[0])).cast("f")[: frame.samples * frame.layout.nb_channels]
    low, high = min(samples, default=0.0), max(samples, default=0.0)
    return max(high, -low)
