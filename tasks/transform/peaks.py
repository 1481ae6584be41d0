"""Finds the peaks of a sound for players: audiowaveform's JSON, version 2, in one channel that covers all.

https://github.com/bbc/audiowaveform/blob/master/doc/DataFormat.md
"""

import json
import math
from collections.abc import Iterable, Iterator

from av.audio.frame import AudioFrame

from tasks.shared.work import Encoded
from tasks.transform.media import FrameGraph

MAX_POINTS = 2000
WANTED_POINTS = 1500
MIN_STRETCH_SAMPLES, MAX_STRETCH_SAMPLES = 8, 8192

_LEVELS = 128
_MEASURES = "metadata=1:reset=1:measure_perchannel=none:measure_overall=Min_level+Max_level"


class PeakFinder:
    """Is fed with frames of one shape. When points get too many, each two neighbours become one."""

    def __init__(self, rate_hz: int, expected_seconds: float) -> None:
        self._rate_hz = rate_hz
        self._stretch = _stretch_samples(rate_hz, expected_seconds)
        self._joined = 1
        self._graph: FrameGraph | None = None
        self._open: list[tuple[int, int]] = []
        self._points: list[tuple[int, int]] = []

    def add(self, frame: AudioFrame) -> None:
        chain = ("asetnsamples", f"n={self._stretch}:p=0"), ("astats", _MEASURES)
        self._graph = self._graph or FrameGraph(frame, *chain)
        self._take(self._graph.push(frame))

    def finish(self, seconds: float) -> Encoded:
        """`duration`, in seconds, is not audiowaveform's; its players pass over it."""
        self._take(self._graph.push(None) if self._graph else ())
        if self._open:
            self._close_point()
        waveform = {
            "version": 2,
            "channels": 1,
            "sample_rate": self._rate_hz,
            "samples_per_pixel": self._stretch * self._joined,
            "bits": 8,
            "length": len(self._points),
            "duration": round(seconds, 3),
            "data": [level for point in self._points for level in point],
        }
        return Encoded("peaks", "application/json", json.dumps(waveform, separators=(",", ":")).encode())

    def _take(self, measured: Iterable[AudioFrame]) -> None:
        for frame in measured:
            low, high = _measured(frame, "Min_level"), _measured(frame, "Max_level")
            self._open.append((_level(low), _level(high)))
            if len(self._open) == self._joined:
                self._close_point()

    def _close_point(self) -> None:
        self._points.append(_join(self._open))
        self._open = []
        if len(self._points) == MAX_POINTS:
            self._points = list(_halved(self._points))
            self._joined *= 2


def _stretch_samples(rate_hz: int, expected_seconds: float) -> int:
    wanted = int(expected_seconds * rate_hz / WANTED_POINTS)
    return min(max(wanted, MIN_STRETCH_SAMPLES), MAX_STRETCH_SAMPLES)


def _halved(points: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    return (_join(points[at : at + 2]) for at in range(0, len(points), 2))


def _join(points: list[tuple[int, int]]) -> tuple[int, int]:
    return min(low for low, _ in points), max(high for _, high in points)


def _measured(frame: AudioFrame, name: str) -> float:
    measured = float(frame.metadata.get(f"lavfi.astats.Overall.{name}", "nan"))
    return measured if math.isfinite(measured) else 0


def _level(measured: float) -> int:
    return max(-_LEVELS, min(_LEVELS - 1, round(measured * _LEVELS)))
