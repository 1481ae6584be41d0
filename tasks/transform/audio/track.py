"""Finds the sound in a file, and says no before anything is decoded where that is possible."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition

from tasks.transform.audio.limits import LIMITS
from tasks.transform.audio.promise import promised_seconds
from tasks.transform.media import require_decoder, seconds
from workflow.errors import NothingToPlay, TooLong, UnsupportedCodec

FORMATS: Mapping[str, str] = MappingProxyType(
    {
        "mp3": "MP3",
        "aac": "AAC",
        "mov": "M4A",
        "flac": "FLAC",
        "wav": "WAV",
        "w64": "Wave64",
        "ogg": "Ogg",
        "aiff": "AIFF",
        "caf": "CAF",
        "amr": "AMR",
        "asf": "WMA",
    }
)
"""FFmpeg's demuxers that may be used, and what people call the formats."""


_GUESS_DIVISOR = 4


@dataclass(frozen=True)
class Track:
    """The one that is heard. `promised_seconds` is None where a format says nothing, or only guesses."""

    container: InputContainer
    stream: AudioStream
    promised_seconds: float | None
    notes: tuple[str, ...]

    @property
    def demuxer(self) -> str:
        return self.container.format.name.split(",")[0]

    @property
    def format(self) -> str:
        return FORMATS[self.demuxer]

    @property
    def codec(self) -> str:
        return self.stream.codec_context.codec.canonical_name

    @property
    def expected_seconds(self) -> float:
        """What was promised, or a low guess: peaks that are too fine can still be joined."""
        guess = seconds(self.stream.duration, self.stream.time_base) or 0
        return self.promised_seconds or max(0, guess) / _GUESS_DIVISOR

    @property
    def bits_per_second(self) -> int | None:
        """As the file has it; often a guess."""
        return self.stream.codec_context.bit_rate or self.container.bit_rate or None


def find_track(container: InputContainer, path: Path) -> Track:
    """The default track, or the first. Raises NothingToPlay, EncryptedFile, UnsupportedCodec or TooLong."""
    streams = container.streams.audio
    if not streams:
        raise NothingToPlay("There is no sound in the file. Upload the one that has it.")
    stream = min(streams, key=lambda each: Disposition.default not in each.disposition)
    require_decoder(stream)
    check_rate(stream.codec_context.sample_rate)
    track = Track(container, stream, promised_seconds(container, stream, path), _notes(container, stream))
    check_length(track.promised_seconds or 0)
    return track


def check_length(seconds: float) -> None:
    if seconds > LIMITS.max_length.total_seconds():
        raise TooLong(
            f"The sound is longer than {LIMITS.max_length.total_seconds() / 3600:g} hours, which is what one file may "
            "have. Cut it into parts and upload those."
        )


def check_rate(rate_hz: int) -> None:
    if not LIMITS.min_rate_hz <= rate_hz <= LIMITS.max_rate_hz:
        raise UnsupportedCodec(
            f"The file says that it has {rate_hz:,} samples a second; {LIMITS.min_rate_hz:,} to {LIMITS.max_rate_hz:,} "
            "are accepted. Export it at 44,100 or 48,000."
        )


def _notes(container: InputContainer, chosen: AudioStream) -> tuple[str, ...]:
    """What else is in the file, and left out."""
    streams = container.streams
    at = streams.audio.index(chosen) + 1
    found = {
        f"{len(streams.audio)} audio tracks; track {at} is in the rendition": len(streams.audio) > 1,
        "the moving pictures are left out": any(
            Disposition.attached_pic not in each.disposition for each in streams.video
        ),
        "subtitles are left out": bool(streams.subtitles),
    }
    return tuple(note for note, applies in found.items() if applies)
