"""Decodes one track frame by frame, over damaged packets, and counts what there is."""

import math
from collections.abc import Iterator

import av.error
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.packet import Packet

from tasks.transform.audio.limits import LIMITS
from tasks.transform.audio.promise import check_complete
from tasks.transform.audio.track import Track, check_length, check_rate
from tasks.transform.media import NOT_DONE, seconds
from workflow.errors import CorruptMedia, TooLong

TOLERATED_PACKETS = 2
"""Damaged ones at the very beginning or end are usual where a recording was cut out of a longer one."""

MAX_TRIMMED_SECONDS = 0.25
"""What encoders add at both ends of an MP3, at the lowest sample rates; it is counted, and not played."""

MAX_FILLED_SECONDS = 0.15
"""AAC's blocks have 1,024 samples, or twice that; the longest are those at 8 kHz."""


class Decoder:
    """Yields the frames once; what it counted is right when all of them were taken."""

    def __init__(self, track: Track) -> None:
        self.seconds = 0.0
        self._track = track
        self._packets = self.damaged = self._bytes = self._samples = 0
        self._damaged_seconds = 0.0
        self._start_seconds: float | None = None
        self._end_seconds = 0.0
        self._stopped: av.error.FFmpegError | None = None
        self._shapes: set[tuple[str, int]] = set()

    def frames(self) -> Iterator[AudioFrame]:
        """Raises TooLong or UnsupportedCodec before more is decoded than the limits allow."""
        for packet in self._demuxed():
            for frame in self._decoded(packet):
                self._count(frame)
                yield frame

    def check(self) -> None:
        """A RejectedError, or FFmpeg's own, if too much is missing; to be called when all frames were taken."""
        reached = max(self.seconds + self._damaged_seconds, self._end_seconds)
        check_complete(self._track.promised_seconds, reached)
        if self._stopped:
            raise self._stopped
        tolerated = max(TOLERATED_PACKETS, LIMITS.max_damaged_share * self._packets) if self.seconds else 0
        if self.damaged > tolerated:
            raise CorruptMedia(
                f"{self.damaged:,} of {self._packets:,} packets of sound are damaged. "
                "Export the file again, and see if it plays."
            )

    @property
    def left_out(self) -> int:
        """Packets that are damaged or, as far as the times of the others tell, missing."""
        missing = self._end_seconds - self.seconds
        if missing <= MAX_TRIMMED_SECONDS or not self.seconds:
            return self.damaged
        return max(self.damaged, math.ceil(missing / self.seconds * self._packets))

    @property
    def notes(self) -> tuple[str, ...]:
        missing = self._end_seconds - self.seconds
        found = {
            f"{missing:.1f} of {self._end_seconds:.1f} seconds are missing": missing > MAX_TRIMMED_SECONDS,
            f"{self.damaged:,} of {self._packets:,} packets of sound are damaged and left out": self.damaged > 0,
            "its sample rate or its channels change on the way": len(self._shapes) > 1,
        }
        return tuple(note for note, applies in found.items() if applies)

    @property
    def played_seconds(self) -> float:
        """Without what an encoder added to fill the last block, where the container tells."""
        promised = self._track.promised_seconds or 0
        return promised if 0 < self.seconds - promised < MAX_FILLED_SECONDS else self.seconds

    @property
    def bits_per_second(self) -> int:
        return round(8 * self._bytes / self.seconds) if self.seconds else 0

    def _demuxed(self) -> Iterator["Packet[AudioStream]"]:
        try:
            for packet in self._track.container.demux(self._track.stream):
                self._follow(packet)
                yield packet
        except av.error.FFmpegError as exc:
            self._stopped = exc

    def _follow(self, packet: "Packet[AudioStream]") -> None:
        if packet.pts is None:
            return
        start = float(packet.pts * packet.time_base)
        self._start_seconds = max(0, start) if self._start_seconds is None else self._start_seconds
        self._end_seconds = start + float((packet.duration or 0) * packet.time_base) - self._start_seconds

    def _decoded(self, packet: "Packet[AudioStream]") -> list[AudioFrame]:
        self._packets += packet.size > 0
        self._bytes += packet.size
        try:
            return packet.decode()
        except NOT_DONE:
            raise
        except av.error.FFmpegError:
            self.damaged += 1
            self._damaged_seconds += seconds(packet.duration, packet.time_base) or 0
            return []

    def _count(self, frame: AudioFrame) -> None:
        check_rate(frame.sample_rate)
        self._shapes.add((frame.layout.name, frame.sample_rate))
        self._samples += frame.samples * frame.layout.nb_channels
        self.seconds += frame.samples / frame.sample_rate
        check_length(self.seconds)
        if self._samples > LIMITS.max_samples:
            raise TooLong(
                f"The sound has more than {LIMITS.max_samples:,} samples over all its channels. "
                "Export it with fewer channels or a lower sample rate."
            )
