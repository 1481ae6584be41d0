"""Writes M4A: AAC-LC that starts to play before all of it was loaded."""

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
from av.audio.frame import AudioFrame
from av.codec.context import Flags

STEREO_BITS_PER_SECOND, MONO_BITS_PER_SECOND = 128_000, 80_000
MIN_BITS_PER_SECOND = 24_000
RATES_HZ = (8000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)

_BITS_PER_SAMPLE = 3
"""Of each channel; more is not heard at low sample rates, and the format allows six."""

_OPTIONS = {"movflags": "+faststart", "fflags": "+bitexact"}


class M4aWriter:
    """A file that is complete when the `with` block ends. Frames are of `shape`, in order, without gaps."""

    def __init__(self, path: Path, shape: tuple[str, str, int], bits_per_second: int, tags: Mapping[str, str]) -> None:
        _, layout, self._rate_hz = shape
        self._samples = 0
        self._container = av.open(str(path), "w", format="ipod", options=_OPTIONS)
        self._container.metadata.update(tags)
        self._stream = self._container.add_stream("aac", rate=self._rate_hz, layout=layout)
        self._stream.bit_rate = bits_per_second
        self._stream.codec_context.flags |= Flags.bitexact

    def __enter__(self) -> Self:
        return self

    def add(self, frame: AudioFrame) -> None:
        frame.pts, frame.time_base = self._samples, Fraction(1, self._rate_hz)
        self._samples += frame.samples
        self._container.mux(self._stream.encode(frame))

    def __exit__(
        self, failed: type[BaseException] | None, _exc: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        if not failed:
            self._container.mux(self._stream.encode(None))
        self._container.close()


def web_shape(channels: int, rate_hz: int) -> tuple[str, str, int]:
    """Sample format, layout and rate of the rendition: at most stereo at 48 kHz, never a higher rate than needed."""
    rate = next((rate for rate in RATES_HZ if rate >= rate_hz), RATES_HZ[-1])
    return "fltp", "mono" if channels == 1 else "stereo", rate


def web_bits_per_second(shape: tuple[str, str, int], source_bits_per_second: int | None) -> int:
    """Never much more than the source has: nothing that it lost comes back."""
    _, layout, rate_hz = shape
    channels, usual = (1, MONO_BITS_PER_SECOND) if layout == "mono" else (2, STEREO_BITS_PER_SECOND)
    sensible = min(usual, _BITS_PER_SAMPLE * rate_hz * channels, source_bits_per_second or usual)
    return max(sensible, MIN_BITS_PER_SECOND)
