"""Reads the packets of a file and decodes them, in their order and each with its time; goes on behind damage."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

import av.error
from av.audio.frame import AudioFrame
from av.container import InputContainer
from av.format import Flags
from av.packet import Packet
from av.stream import Stream
from av.subtitles.stream import SubtitleStream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from tasks.transform.media import NOT_DONE
from tasks.transform.video.tracks import Tracks, codec_name, decoder_with_alpha

MAX_JUMP_SECONDS, MAX_STEP_BACK_SECONDS = 10, 1
"""Beyond these a clock was set anew, in formats where that happens."""


_GUESSED = frozenset({("avi", "h264"), ("avi", "hevc")})
"""AVI has no times of showing, and FFmpeg's guess is wrong for these: pictures follow in the order of their coming."""


@dataclass(frozen=True)
class Decoded:
    """A frame, and from when to when it is shown or heard: seconds from the beginning of the file.

    `aspect` is what the decoder says of the pixels from this picture on: their width by their height.
    """

    frame: VideoFrame | AudioFrame
    seconds: Fraction
    end: Fraction
    aspect: Fraction | None = None


class Clock:
    """Gives packets the times of one clock. Broadcasts may set theirs anew at any time: such jumps are taken out."""

    def __init__(self, container: InputContainer) -> None:
        self.is_steady = not container.format.flags & Flags.ts_discont.value
        self.jumps = 0
        self._shift = Fraction(0)
        self._expected: dict[int, Fraction] = {}

    def set(self, packet: "Packet[Stream]") -> None:
        """Change the times of a packet."""
        stamp, base = stamp_of(packet), packet.time_base
        if self.is_steady or stamp is None:
            return
        if not isinstance(packet.stream, SubtitleStream):
            self._follow(packet.stream.index, stamp * base, (packet.duration or 0) * base)
        shift = round(self._shift / base)
        packet.pts = None if packet.pts is None else packet.pts + shift
        packet.dts = None if packet.dts is None else packet.dts + shift

    def _follow(self, track: int, seconds: Fraction, duration: Fraction) -> None:
        expected = self._expected.get(track, seconds + self._shift)
        if not -MAX_STEP_BACK_SECONDS <= seconds + self._shift - expected <= MAX_JUMP_SECONDS:
            self.jumps += 1
            self._shift = expected - seconds
        self._expected[track] = seconds + self._shift + duration


def stamp_of(packet: "Packet[Stream]") -> int | None:
    """The time by which packets are in order."""
    return packet.pts if packet.dts is None else packet.dts


def is_flush(packet: "Packet[Stream]") -> bool:
    """Whether it says that the track has ended. AVI has packets without content, too: they repeat a picture."""
    return not packet.size and packet.dts is None and packet.pts is None


class Reader:
    """`lost` counts packets that could not be decoded, of `packets`."""

    def __init__(self, container: InputContainer, tracks: Tracks) -> None:
        self.clock = Clock(container)
        self.packets = self.lost = 0
        self.breaks_off = False
        self._container, self._timed_streams, self._origin = container, tracks.timed, tracks.origin_seconds
        self._damage: av.error.FFmpegError | None = None
        self._decoders = {stream.index: decoder_with_alpha(stream) for stream in tracks.playable}
        self._is_guessed = bool(tracks.picture and (container.format.name, codec_name(tracks.picture)) in _GUESSED)
        self._first: dict[int, int] = {}
        self._delays: dict[int, int] = {}
        self._next: dict[int, Fraction] = {}

    def demuxed(self, *streams: Stream) -> Iterator["Packet[Stream]"]:
        """The packets of these streams up to the end or to where the container breaks; empty ones flush decoders."""
        wanted = {stream.index for stream in streams}
        more = () if self.clock.is_steady else self._timed_streams
        packets = self._container.demux(*{stream.index: stream for stream in (*streams, *more)}.values())
        while (packet := self._next_packet(packets)) is not None:
            self.clock.set(packet)
            if packet.stream.index in wanted:
                yield packet

    def _next_packet(self, packets: Iterator["Packet[Stream]"]) -> "Packet[Stream] | None":
        try:
            return next(packets)
        except (StopIteration, IndexError):  # PyAV stumbles at the end over tracks that appeared on the way
            return None
        except av.error.InvalidDataError:
            self.breaks_off = True
            return None

    def decoded(self, packet: "Packet[Stream]") -> Iterator[Decoded]:
        """The frames that this packet completes."""
        if not packet.size and not is_flush(packet):
            return
        self.packets += not is_flush(packet)
        if packet.dts is not None:
            self._first.setdefault(packet.stream.index, packet.dts)
        try:
            decoder = self._decoders.get(packet.stream.index)
            frames = decoder.decode(packet) if decoder else packet.decode()
        except NOT_DONE:
            raise
        except av.error.FFmpegError as exc:
            self.lost += 1
            self._damage = exc
            return
        for frame in frames:
            if isinstance(frame, (VideoFrame, AudioFrame)):
                yield self._timed(packet.stream, frame)

    def raise_damage(self) -> None:
        """Raise what was wrong with the last packet that could not be decoded."""
        if self._damage:
            raise self._damage

    def seconds(self, stamp: int, stream: Stream) -> Fraction:
        return stamp * (stream.time_base or Fraction(0)) - self._origin

    def key(self, packet: "Packet[Stream]") -> int | None:
        """The time by which a key frame is known: of showing, if the container has it."""
        return packet.dts if self._is_guessed or packet.pts is None else packet.pts

    def _timed(self, stream: Stream, frame: VideoFrame | AudioFrame) -> Decoded:
        seconds = self._seconds_of(stream, frame)
        end = self._next[stream.index] = seconds + _length(frame, stream)
        aspect = stream.codec_context.sample_aspect_ratio if isinstance(stream, VideoStream) else None
        return Decoded(frame, seconds, end, aspect)

    def _seconds_of(self, stream: Stream, frame: VideoFrame | AudioFrame) -> Fraction:
        if frame.pts is not None and not (self._is_guessed and isinstance(frame, VideoFrame)):
            return self.seconds(frame.pts, stream)
        follows = self._next.get(stream.index, Fraction(0))
        if frame.dts is None:
            return follows
        delay = self._delays.setdefault(stream.index, frame.dts - self._first.get(stream.index, frame.dts))
        return max(self.seconds(frame.dts - delay, stream), follows)


def _length(frame: VideoFrame | AudioFrame, stream: Stream) -> Fraction:
    if isinstance(frame, AudioFrame):
        return Fraction(frame.samples, frame.sample_rate)
    if frame.duration:
        return frame.duration * (stream.time_base or Fraction(0))
    return 1 / stream.average_rate if stream.average_rate else Fraction(0)
