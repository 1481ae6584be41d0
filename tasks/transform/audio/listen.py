"""The one pass over a sound: each frame is encoded, measured and looked at for peaks, and then forgotten."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from av.audio.frame import AudioFrame
from av.audio.layout import AudioLayout

from tasks.shared.work import Encoded
from tasks.transform.audio.decode import Decoder
from tasks.transform.audio.m4a import M4aWriter, web_bits_per_second, web_shape
from tasks.transform.audio.track import Track
from tasks.transform.media import Loudness, LoudnessMeter, SteadyResampler, over_full_scale
from tasks.transform.mixing import STEREO, mixing_note
from tasks.transform.peaks import PeakFinder
from workflow.errors import NothingToPlay


@dataclass(frozen=True)
class Heard:
    """What the pass found; rates, lengths and channels are the true ones of the source."""

    seconds: float
    bits_per_second: int
    rate_hz: int
    channels: int
    loudness: Loudness
    peaks: Encoded
    notes: tuple[str, ...]
    left_out: int


def listen(track: Track, web: Path, tags: Mapping[str, str]) -> Heard:
    """Writes the rendition to `web`. A RejectedError if the sound is cut off, damaged, too long, or not there."""
    decoder = Decoder(track)
    frames = decoder.frames()
    first = next(frames, None)
    measured = _measure(track, first, frames, web, tags) if first else None
    decoder.check()
    if not first or not measured:
        raise NothingToPlay("The file has a track for sound, but nothing is in it. Record or export it again.")
    loudness, peaks = measured
    return Heard(
        seconds=decoder.played_seconds,
        bits_per_second=decoder.bits_per_second,
        rate_hz=first.sample_rate,
        channels=first.layout.nb_channels,
        loudness=loudness,
        peaks=peaks.finish(decoder.played_seconds),
        left_out=decoder.left_out,
        notes=(*_notes(first.layout, loudness), *decoder.notes),
    )


def _measure(
    track: Track, first: AudioFrame, others: Iterator[AudioFrame], web: Path, tags: Mapping[str, str]
) -> tuple[Loudness, PeakFinder]:
    shape = web_shape(first.layout.nb_channels, first.sample_rate)
    meter, mixer = LoudnessMeter(), SteadyResampler(*shape)
    peaks = PeakFinder(shape[-1], track.expected_seconds)
    with M4aWriter(web, shape, web_bits_per_second(shape, track.bits_per_second), tags) as writer:
        for mixed in _mixed(chain((first,), others), meter, mixer):
            peaks.add(mixed)
            writer.add(mixed)
    return meter.finish(), peaks


def _mixed(frames: Iterator[AudioFrame], meter: LoudnessMeter, mixer: SteadyResampler) -> Iterator[AudioFrame]:
    for frame in frames:
        meter.add(frame)
        yield from mixer.resample(frame)
    yield from mixer.flush()


def _notes(layout: AudioLayout, loudness: Loudness) -> tuple[str, ...]:
    found = {
        f"{layout.nb_channels} channels {mixing_note(layout)}": layout.nb_channels > STEREO,
        "there is only silence in it": loudness.true_peak_dbfs is None,
        over_full_scale(loudness): bool(over_full_scale(loudness)),
    }
    return tuple(note for note, applies in found.items() if applies)
