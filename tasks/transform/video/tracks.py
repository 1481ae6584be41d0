"""Which tracks of a file are converted: its moving picture, one track of sound, and captions that are text."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType

from av.audio.stream import AudioStream
from av.codec import CodecContext
from av.codec.context import ThreadType
from av.container import InputContainer
from av.stream import Disposition, Stream
from av.subtitles.stream import SubtitleStream
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from tasks.transform.media import require_decoder
from tasks.transform.video.limits import LIMITS
from workflow.errors import NothingToPlay

DEMUXERS = ("mov", "matroska", "webm", "avi", "mpegts", "mpeg", "mpegvideo", "flv", "ogg", "asf")
MAX_CAPTION_TRACKS = 5
UNKNOWN_CODEC = "unknown"

_TEXT_CODECS = frozenset({"ass", "ssa", "subrip", "srt", "mov_text", "text", "webvtt"})
_SEES_ALPHA: Mapping[str, str] = MappingProxyType({"vp8": "libvpx", "vp9": "libvpx-vp9"})
"""WebM has transparency beside the picture, which only these decoders of FFmpeg look at."""

_NOT_MOVING = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image


@dataclass(frozen=True)
class Tracks:
    """The chosen streams of an opened container, and how many there were of each to choose from.

    `timed` are those by whose times the clock of the file is followed, whether or not they are converted now.
    """

    picture: VideoStream | None
    sound: AudioStream | None
    captions: tuple[SubtitleStream, ...]
    pictures: int
    sounds: int
    timed: tuple[Stream, ...]
    origin_seconds: Fraction
    """What the file calls the time at which it begins: everything is counted from there."""

    @property
    def playable(self) -> tuple[VideoStream | AudioStream, ...]:
        return tuple(stream for stream in (self.picture, self.sound) if stream)

    def prepare_decoder(self) -> None:
        """With all cores, and no pictures that grow beyond the limit; to be said before the first packet is decoded."""
        if self.picture:
            context = self.picture.codec_context
            context.options = {"max_pixels": str(LIMITS.max_pixels)}
            context.thread_type = ThreadType.AUTO
            context.thread_count = os.cpu_count() or 1


def choose(container: InputContainer) -> Tracks:
    """What is converted of a container. Raises NothingToPlay, UnsupportedCodec or EncryptedFile."""
    moving = [stream for stream in container.streams.video if not stream.disposition & _NOT_MOVING]
    picture = max(moving, key=_picture_rank, default=None)
    sound = _choose_sound(container, picture)
    if not picture and not sound:
        raise NothingToPlay("There is neither a moving picture nor sound in the file. Export it again.")
    captions = tuple(stream for stream in container.streams.subtitles if is_text(stream))[:MAX_CAPTION_TRACKS]
    chosen = tuple(stream for stream in (picture, sound) if stream)
    for stream in chosen:
        require_decoder(stream)
    return Tracks(picture, sound, captions, len(moving), len(container.streams.audio), chosen, _origin(chosen))


def _origin(chosen: Iterable[Stream]) -> Fraction:
    starts = (starts_at(stream) for stream in chosen)
    return min((start for start in starts if start is not None), default=Fraction(0))


def _picture_rank(stream: VideoStream) -> tuple[bool, bool, int]:
    context = stream.codec_context
    is_default = bool(stream.disposition & Disposition.default)
    return bool(context), is_default, context.width * context.height if context else 0


def _choose_sound(container: InputContainer, picture: VideoStream | None) -> AudioStream | None:
    """The track that FFmpeg takes for the main one; only if nothing can decode it, another."""
    best = container.streams.best("audio", related=picture)
    if isinstance(best, AudioStream):
        return best
    return next(iter(container.streams.audio), None)


def is_text(stream: SubtitleStream) -> bool:
    return codec_name(stream) in _TEXT_CODECS


def codec_name(stream: Stream) -> str:
    """As FFmpeg calls the codec; UNKNOWN_CODEC where it has no decoder."""
    context = stream.codec_context
    return context.codec.canonical_name if context else UNKNOWN_CODEC  # pyright: ignore[reportUnnecessaryComparison]


def decoder_with_alpha(stream: Stream) -> VideoCodecContext | None:
    """Instead of the usual one, for tracks that say that they have transparency beside the picture."""
    name = _SEES_ALPHA.get(codec_name(stream)) if stream.metadata.get("alpha_mode") == "1" else None
    found = CodecContext.create(name, "r") if name else None
    return found if isinstance(found, VideoCodecContext) else None


def starts_at(stream: Stream) -> Fraction | None:
    if stream.start_time is None or stream.time_base is None:
        return None
    return stream.start_time * stream.time_base
