"""Opens audio and video that nobody vouches for, and reads what both have: tags, chapters, loudness.

FFmpeg is handed a stream and told which containers are welcome; whatever a file refers to elsewhere stays closed.
"""

import errno
import math
import re
import time
from array import array
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Any, BinaryIO

import av
import av.error
from av.audio.frame import AudioFrame
from av.audio.layout import AudioLayout
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.filter import Graph
from av.stream import Stream

from tasks.transform.mixing import check_channels, mixing
from tasks.transform.national import readable
from tasks.transform.places import tells_place
from workflow.errors import CorruptMedia, EncryptedFile, TooLarge, TransientError, TruncatedFile, UnsupportedCodec
from workflow.units import MIB

Filter = tuple[str, str]
"""The name of a filter of FFmpeg's, and its arguments."""

READ_BUFFER_BYTES = MIB // 4
MAX_HEADER_BYTES = 64 * MIB
MAX_HEADER_CPU_SECONDS = 5
MAX_TAGS = 100
MAX_TEXT_CHARS = 512
MAX_FACT_CHARS = 120
MAX_CHAPTERS = 500

SILENCE_LUFS = -70.0
"""The meter's lower end: nothing above the absolute gate of EBU R128 was heard."""

FACT_TAGS = ("title", "artist", "album", "track", "genre", "date")
PUBLIC_TAGS = frozenset(
    {*FACT_TAGS, "album_artist", "composer", "performer", "disc", "language", "publisher", "isrc", "make", "model"}
)
"""Everything else may tell of places, persons and devices: comments, lyrics, coordinates, user names, serials."""

FILM_TAGS = frozenset({"title", "genre", "date", "language", "make", "model"})
"""A song's artist is known to all who hear it; a film's is whoever held the phone."""

_ROOM = 16
"""24 dB above full scale are kept until levels are limited: whole numbers of 32 bits have far more room below."""

_TOLD_FROM_DBFS = 1.0
_MAX_PEAK_DBFS = 200
"""Full scale of integers of 32 bits, in which some write floating point, is at 187."""

_FLOATING: Mapping[str, str] = MappingProxyType({"flt": "f", "dbl": "d"})
"""What only sound that is not compressed is decoded to: floating point as it is in the file."""

_LIMIT, _MIX_LIMIT = 1.0, 0.89
"""Full scale; and 1 dB below for what was mixed, because AAC may come out somewhat higher than it went in."""

RANGE_FROM_SECONDS = 4
"""A range of loudness needs more than one of its windows of three seconds."""

_KEEPS_TAGS_FROM = 19
_KEEP_TAGS: dict[str, Any] = (
    {} if int(av.__version__.partition(".")[0]) >= _KEEPS_TAGS_FROM else {"metadata_errors": "surrogateescape"}
)
"""PyAV keeps bytes that are not UTF-8 by itself since 19, and has to be told before: 18 is the last for Python 3.11."""

NOT_DONE = (av.error.LookupError, av.error.PatchWelcomeError, av.error.NotImplementedError)
"""What FFmpeg says where it has no code for something: that is no damage of the file."""

_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE})
_ENCRYPTED_TAGS = frozenset({"drms", "drmi", "enca", "encv", "aavd"})
_FLOATS = ("flt", "dbl")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]+")
_DEVICE_TAG = re.compile(r"com\.(?:apple\.quicktime|android)\.(?=(?:make|model)$)")


class _Bounded:
    """A stream that ends early for a header without end: FFmpeg itself has no limits there.

    The time that it takes for a list of tags grows with the square of their number.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._bytes_left = MAX_HEADER_BYTES
        self._until = time.thread_time() + MAX_HEADER_CPU_SECONDS
        self._is_open = self._is_spent = False
        self.tell = stream.tell

    def seek(self, offset: int, whence: int) -> int:
        """-1 instead of an error for a place that cannot be: damaged files name such ones."""
        try:
            return self._stream.seek(offset, whence)
        except (OSError, ValueError):
            return -1

    def read(self, length: int) -> bytes:
        if self._is_open:
            return self._stream.read(length)
        self._bytes_left -= length
        self._is_spent = self._is_spent or self._bytes_left < 0 or time.thread_time() > self._until
        return b"" if self._is_spent else self._stream.read(length)

    def end_header(self) -> None:
        """From now on all can be read, if it did not take too much to come this far."""
        self._is_open = True
        if self._is_spent:
            raise TooLarge(
                f"What is written ahead of the media takes more than {MAX_HEADER_BYTES // MIB} MiB, or "
                f"{MAX_HEADER_CPU_SECONDS} seconds to read. Remove its tags and pictures."
            )


@contextmanager
def opened(stream: BinaryIO, demuxers: Iterable[str]) -> Generator[InputContainer]:
    """The container in a seekable stream, if it is one that the named demuxers of FFmpeg read."""
    options = {"format_whitelist": ",".join(demuxers), "protocol_whitelist": "none"}
    with media_errors(), _open(_Bounded(stream), options) as container:
        yield container


def _open(stream: _Bounded, options: dict[str, str]) -> InputContainer:
    try:
        return av.open(stream, "r", options=options, buffer_size=READ_BUFFER_BYTES, **_KEEP_TAGS)
    finally:
        stream.end_header()


@contextmanager
def media_errors() -> Generator[None]:
    """Turns what FFmpeg says of a file into a RejectedError, and what the disk or network says into a TransientError.

    Files that are read must be Python's own: what the disk says is then not FFmpeg's error.
    """
    try:
        yield
    except av.error.EOFError as exc:
        raise TruncatedFile("The file ends before its media data begins. Upload it again.") from exc
    except (av.error.FFmpegError, OSError, ValueError, MemoryError, OverflowError) as exc:
        raise _verdict(exc) from exc


def _verdict(exc: Exception) -> CorruptMedia | UnsupportedCodec | TransientError:
    """What its binding to Python does not accept is no damage, either."""
    if isinstance(exc, NOT_DONE) or not isinstance(exc, (av.error.FFmpegError, OSError, MemoryError)):
        return UnsupportedCodec(f"The file cannot be decoded here ({_said(exc)}). Export it with a usual codec.")
    if isinstance(exc, OSError) and (exc.errno in _NO_ROOM or not isinstance(exc, av.error.FFmpegError)):
        return TransientError(f"The media could not be read or written: {exc}.")
    return CorruptMedia(f"The media cannot be decoded ({_said(exc)}). Export it again, and see if it plays.")


def _said(exc: BaseException) -> str:
    if getattr(exc, "errno", None) == errno.EINVAL:
        return "something in it makes no sense"
    return str(getattr(exc, "strerror", None) or type(exc).__name__).lower()


def require_decoder(stream: Stream) -> None:
    """EncryptedFile or UnsupportedCodec if the packets of this stream cannot be decoded, or its channels mixed."""
    context: Any = stream.codec_context
    tag = _tag_of(context) if context else ""
    if tag in _ENCRYPTED_TAGS:
        raise EncryptedFile(f"The {stream.type} is encrypted ({tag}). Upload a copy without copy protection.")
    if not context:
        raise UnsupportedCodec(f"The codec of the {stream.type} is not known. Export it with a usual codec.")
    if isinstance(stream, AudioStream):
        check_channels(stream.codec_context.layout)


def _tag_of(context: Any) -> str:
    """The four letters of a codec; AVI has numbers there, some of which are no letters."""
    try:
        return clean(context.codec_tag, 4)
    except UnicodeDecodeError:
        return ""


class SteadyResampler:
    """Brings audio frames to one shape, also where a stream changes its rate or channels on the way.

    What is above full scale is turned down for that moment, unless levels are to be measured. FFmpeg's AAC encoder
    does not come to an end on samples of 10^7 and more, which damaged files and such of floating-point numbers have.
    """

    def __init__(self, sample_format: str, layout: str, rate: int, *, keeps_levels: bool = False) -> None:
        self._target = (sample_format, layout, rate)
        self._keeps_levels = keeps_levels
        self._source: tuple[str, str, int] | None = None
        self._graph: FrameGraph | None = None

    def resample(self, frame: AudioFrame) -> Iterator[AudioFrame]:
        if shape(frame) != self._source:
            yield from self.flush()
            self._source = shape(frame)
            is_there = self._keeps_levels and self._source == self._target
            self._graph = None if is_there else FrameGraph(frame, *self._conversion(frame))
        yield from self._graph.push(frame) if self._graph else (frame,)

    def flush(self) -> Iterator[AudioFrame]:
        """What is still held back; the resampler can be used again afterwards."""
        if self._graph:
            yield from self._graph.push(None)
        self._graph = self._source = None

    def _conversion(self, frame: AudioFrame) -> list[Filter]:
        sample_format, layout, rate = self._target
        into_shape = "aformat", f"sample_fmts={sample_format}:channel_layouts={layout}:sample_rates={rate}"
        if self._keeps_levels:
            return [into_shape]
        mixed = mixing(frame.layout, AudioLayout(layout).nb_channels)
        is_float = frame.format.name.startswith(_FLOATS)
        if not (mixed or is_float or frame.sample_rate != rate):
            return [into_shape]
        room = [("volume", str(1 / _ROOM)), ("aformat", "sample_fmts=s32p")] if is_float else []
        limit = f"level_in={_ROOM if is_float else 1}:limit={_MIX_LIMIT if mixed else _LIMIT}:level=0:latency=1"
        return [*room, ("aformat", "sample_fmts=fltp"), *mixed, into_shape, ("alimiter", limit), into_shape]


def shape(frame: AudioFrame) -> tuple[str, str, int]:
    """Sample format, channel layout and sample rate: what a filter graph is built for."""
    return frame.format.name, frame.layout.name, frame.sample_rate


@dataclass(frozen=True)
class Loudness:
    """By EBU R128; None where too little was heard to measure it. The true peak lies between the samples, too."""

    integrated_lufs: float | None
    range_lu: float | None
    true_peak_dbfs: float | None

    @property
    def facts(self) -> dict[str, float | None]:
        return {
            "loudness_lufs": self.integrated_lufs,
            "loudness_range_lu": self.range_lu,
            "true_peak_dbfs": self.true_peak_dbfs,
        }


def over_full_scale(loudness: Loudness) -> str:
    """A note, where peaks are higher than what lossy codecs add to a sound at full scale; else nothing."""
    peak = loudness.true_peak_dbfs
    if peak is None or peak < _TOLD_FROM_DBFS:
        return ""
    return f"the sound goes up to {peak:g} dB above full scale; those peaks are turned down in the rendition"


class LoudnessMeter:
    """Is fed with all frames of one audio stream, in order."""

    def __init__(self) -> None:
        self._steady: SteadyResampler | None = None
        self._graph: FrameGraph | None = None
        self._last: Mapping[str, str] = {}
        self._like: AudioFrame | None = None
        self._seconds = 0.0

    def add(self, frame: AudioFrame) -> None:
        _check_numbers(frame)
        self._steady = self._steady or SteadyResampler(*shape(frame), keeps_levels=True)
        for steady in self._steady.resample(frame):
            self._graph = self._graph or FrameGraph(steady, ("ebur128", "metadata=1:peak=true"))
            self._keep_last(self._graph.push(steady))
            self._like = steady
            self._seconds += steady.samples / steady.sample_rate

    def finish(self) -> Loudness:
        """Peaks are told for each tenth of a second: less than one is filled up with silence."""
        if self._graph and self._like:
            if not self._last:
                self._keep_last(self._graph.push(_silence(self._like, seconds=0.1)))
            self._keep_last(self._graph.push(None))
        if (self._true_peak_dbfs() or 0) > _MAX_PEAK_DBFS:
            raise _not_sound(f"goes up to {self._true_peak_dbfs():,.0f} dB above full scale")
        lufs = _number(self._last.get("lavfi.r128.I"))
        if lufs is None or lufs <= SILENCE_LUFS:
            return Loudness(None, None, self._true_peak_dbfs())
        spread = _tenths(self._last.get("lavfi.r128.LRA")) if self._seconds >= RANGE_FROM_SECONDS else None
        return Loudness(round(lufs, 1), spread, self._true_peak_dbfs())

    def _true_peak_dbfs(self) -> float | None:
        level = _number(self._last.get("lavfi.r128.true_peak"))
        return round(20 * math.log10(level), 1) if level else None

    def _keep_last(self, measured: Iterable[AudioFrame]) -> None:
        for frame in measured:
            self._last = frame.metadata or self._last


def _silence(like: AudioFrame, seconds: float) -> AudioFrame:
    """To come after a frame, in its shape."""
    frame = AudioFrame(like.format.name, like.layout.name, round(like.sample_rate * seconds))
    frame.sample_rate, frame.time_base = like.sample_rate, like.time_base
    frame.pts = None if like.pts is None else like.pts + like.samples
    for plane in frame.planes:
        plane.update(bytes(plane.buffer_size))
    return frame


def _check_numbers(frame: AudioFrame) -> None:
    """One sample that is no number would take all that is measured with it."""
    code = _FLOATING.get(frame.format.name)
    if code:
        used_bytes = frame.samples * frame.layout.nb_channels * frame.format.bytes
        samples = array(code, bytes(frame.planes[0])[:used_bytes])
        if not math.isfinite(sum(samples)):
            raise _not_sound("has samples that are no numbers, or beyond all")


def _not_sound(what: str) -> CorruptMedia:
    return CorruptMedia(
        f"The sound {what}: the file is damaged, or is no recording. Export it again, and hear if it plays."
    )


class FrameGraph:
    """A chain of filters through which audio frames of one shape are pushed."""

    def __init__(self, like: AudioFrame, *filters: Filter) -> None:
        graph = Graph()
        self._source = last = graph.add_abuffer(
            sample_rate=like.sample_rate,
            format=like.format,
            layout=like.layout,
            time_base=like.time_base or Fraction(1, like.sample_rate),
        )
        for name, arguments in (*filters, ("abuffersink", "")):
            following = graph.add(name, arguments)
            last.link_to(following)
            last = following
        graph.configure()
        self._graph, self._sink = graph, last

    def push(self, frame: AudioFrame | None) -> Iterator[AudioFrame]:
        """What comes out for this frame, or at the end (None)."""
        self._source.push(frame)
        while True:
            try:
                found = self._sink.pull()
            except (av.error.BlockingIOError, av.error.EOFError):
                return
            if isinstance(found, AudioFrame):
                yield found


def read_tags(*sources: Mapping[str, str]) -> dict[str, str]:
    """All readable tags of a container and its streams under lower-case names, at most `MAX_TAGS`; the first counts."""
    tags: dict[str, str] = {}
    for name, text in (pair for source in sources for pair in source.items()):
        if len(tags) < MAX_TAGS and (cleaned := clean(readable(text) or "", MAX_TEXT_CHARS)):
            tags.setdefault(_DEVICE_TAG.sub("", clean(name, MAX_FACT_CHARS).lower()), cleaned)
    return tags


def public_tags(tags: Mapping[str, str], listed: Collection[str] = PUBLIC_TAGS) -> dict[str, str]:
    """The listed ones, but for those in which somebody wrote a position."""
    return {name: text for name, text in tags.items() if name in listed and not tells_place(text)}


def tag_facts(tags: Mapping[str, str], listed: Collection[str] = PUBLIC_TAGS) -> dict[str, str]:
    public = public_tags(tags, listed)
    return {name: clean(public[name], MAX_FACT_CHARS) for name in FACT_TAGS if name in public}


def read_chapters(container: InputContainer) -> list[dict[str, Any]]:
    """Titles, and seconds from the beginning; the first `MAX_CHAPTERS`."""
    return [
        {
            "title": "" if tells_place(title := clean(chapter["metadata"].get("title", ""), MAX_FACT_CHARS)) else title,
            "start_seconds": seconds(chapter["start"], chapter["time_base"]),
            "end_seconds": seconds(chapter["end"], chapter["time_base"]),
        }
        for chapter in container.chapters()[:MAX_CHAPTERS]
    ]


def seconds(ticks: int | None, time_base: Fraction | None) -> float | None:
    """Rounded to milliseconds; None where the file does not say."""
    return None if ticks is None or time_base is None else round(float(ticks * time_base), 3)


def clean(text: str, max_chars: int) -> str:
    """In one line, cut to `max_chars`; bytes that were not UTF-8 are read as Windows' western code page."""
    cut = text[: 2 * max_chars].encode("utf-8", "surrogateescape")
    try:
        readable = cut.decode("utf-8")
    except UnicodeDecodeError:
        readable = cut.decode("cp1252", "replace")
    return _UNPRINTABLE.sub(" ", readable).strip()[:max_chars]


def _number(text: str | None) -> float | None:
    number = float(text) if text else math.nan
    return number if math.isfinite(number) else None


def _tenths(text: str | None) -> float | None:
    number = _number(text)
    return None if number is None else round(number, 1)
