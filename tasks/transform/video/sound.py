"""The sound of a video: stereo AAC that begins with the picture, silent where the file has gaps; and its loudness."""

from collections.abc import Iterator
from fractions import Fraction

from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet

from tasks.transform.media import FrameGraph, Loudness, LoudnessMeter, SteadyResampler
from tasks.transform.peaks import PeakFinder
from tasks.transform.video.reader import Decoded

RATE_HZ = 48_000
BITS_A_SECOND = 128_000
SAMPLE_FORMAT, LAYOUT = "fltp", "stereo"

_FILL_GAPS = f"{RATE_HZ}:async=1:first_pts=0"
"""Of FFmpeg's resampler: put silence where samples are missing and cut what overlaps, above a tenth of a second."""

Packets = Iterator["Packet[AudioStream]"]


class SoundLine:
    """Takes the decoded frames of one track, and gives packets to be written; looks for peaks if it is handed that."""

    def __init__(self, container: OutputContainer, peaks: PeakFinder | None = None) -> None:
        self._stream = container.add_stream("aac", rate=RATE_HZ, layout=LAYOUT)
        self._stream.bit_rate = BITS_A_SECOND
        self._stream.time_base = Fraction(1, RATE_HZ)
        self._resampler = SteadyResampler(SAMPLE_FORMAT, LAYOUT, RATE_HZ)
        self._gap_filler: FrameGraph | None = None
        self._meter = LoudnessMeter()
        self._end = 0
        self.peaks = peaks
        self.frames = 0

    def add(self, decoded: Decoded) -> Packets:
        frame, seconds = decoded.frame, decoded.seconds
        if not isinstance(frame, AudioFrame):
            return
        frame.pts, frame.time_base = round(seconds * frame.sample_rate), Fraction(1, frame.sample_rate)
        self.frames += 1
        yield from self._place(self._resampler.resample(frame))

    def finish(self) -> Packets:
        yield from self._place(self._resampler.flush())
        if self._gap_filler:
            yield from self._encode(None)
            yield from self._stream.encode(None)

    def loudness(self) -> Loudness:
        return self._meter.finish()

    def _place(self, frames: Iterator[AudioFrame]) -> Packets:
        """Long gaps are filled bit by bit: the filter would hold all of the silence in memory."""
        for frame in frames:
            start = round(Fraction(frame.pts or 0) * (frame.time_base or Fraction(1, RATE_HZ)) * RATE_HZ)
            while start - self._end > RATE_HZ:
                yield from self._encode(_a_second_of_silence(self._end))
                self._end += RATE_HZ
            frame.pts, frame.time_base = start, Fraction(1, RATE_HZ)
            self._end = start + frame.samples
            yield from self._encode(frame)

    def _encode(self, frame: AudioFrame | None) -> Packets:
        if not self._gap_filler and frame:
            self._gap_filler = FrameGraph(frame, ("aresample", _FILL_GAPS))
        for filled in self._gap_filler.push(frame) if self._gap_filler else ():
            self._meter.add(filled)
            if self.peaks:
                self.peaks.add(filled)
            yield from self._stream.encode(filled)


def peak_finder(seconds: float) -> PeakFinder:
    """For a waveform of what plays about so long."""
    return PeakFinder(RATE_HZ, seconds)


def _a_second_of_silence(start: int) -> AudioFrame:
    frame = AudioFrame(format=SAMPLE_FORMAT, layout=LAYOUT, samples=RATE_HZ)
    frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, start, Fraction(1, RATE_HZ)
    for plane in frame.planes:
        plane.update(bytes(plane.buffer_size))
    return frame
