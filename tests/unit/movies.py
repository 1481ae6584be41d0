"""Makers of small videos whose pictures, times and sounds are known."""

import struct
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.filter import Graph
from av.subtitles.subtitle import SubtitleSet
from PIL import Image

RED, GREEN, BLUE, YELLOW = (200, 30, 30), (30, 160, 30), (30, 30, 200), (200, 200, 30)
CORNERS = (RED, GREEN, BLUE, YELLOW)
MILLISECONDS = Fraction(1, 1000)

SUBTITLE_HEADER = b"""[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize, PrimaryColour, Bold, Italic, Alignment
Style: Default,Arial,16,&Hffffff,0,0,2

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""

Color = tuple[int, int, int]
Size = tuple[int, int]


def quarters(size: Size = (64, 48), colors: Sequence[Color] = CORNERS) -> Image.Image:
    """Red and green above, blue and yellow below."""
    image, (width, height) = Image.new("RGB", size), size
    for number, color in enumerate(colors):
        box = (number % 2 * width // 2, number // 2 * height // 2)
        image.paste(color, (*box, box[0] + width // 2 + 1, box[1] + height // 2 + 1))
    return image


def corners(image: Image.Image) -> list[Color]:
    """The colors in the middle of the four quarters."""
    width, height = image.size
    return [image.getpixel((width * x // 4, height * y // 4)) for y in (1, 3) for x in (1, 3)]


def gray(level: int, size: Size = (64, 48)) -> Image.Image:
    return Image.new("RGB", size, (level, level, level))


def counting(count: int, size: Size = (64, 48)) -> Iterator[Image.Image]:
    """Pictures that differ: each its own level of gray, as far as they last."""
    return (gray(20 + at * 7 % 210, size) for at in range(count))


@dataclass(frozen=True)
class Sound:
    """A track of sound: FFmpeg's expression of the time `t`, from `start` seconds on."""

    expression: str = "0.25*sin(2*PI*1000*t)"
    seconds: float = 1.0
    layout: str = "stereo"
    rate: int = 48_000
    codec: str = "aac"
    start: float = 0.0
    language: str = ""

    def frames(self) -> Iterator[av.AudioFrame]:
        channels = av.AudioLayout(self.layout).nb_channels
        expressions = "|".join([self.expression] * channels)
        source = f"{expressions}:s={self.rate}:c={self.layout}:d={self.seconds}"
        for frame in filtered([("aevalsrc", source), ("aformat", "sample_fmts=fltp"), ("abuffersink", "")]):
            frame.pts += round(self.start * self.rate)
            yield frame


def filtered(chain: Iterable[tuple[str, str]]) -> Iterator[Any]:
    """What a chain of FFmpeg's filters gives that begins with a source."""
    graph = Graph()
    graph.link_nodes(*(graph.add(name, arguments) for name, arguments in chain))
    graph.configure()
    while True:
        try:
            yield graph.pull()
        except av.error.EOFError:
            return


@dataclass(frozen=True)
class Captions:
    """A track of captions: what is said, from when on and for how long, in milliseconds."""

    cues: Sequence[tuple[int, int, str]]
    codec: str = "mov_text"
    language: str = ""

    def encoded(self, output: av.container.OutputContainer) -> Iterator[av.Packet]:
        stream = output.add_stream(self.codec)
        stream.codec_context.time_base = MILLISECONDS
        stream.codec_context.subtitle_header = SUBTITLE_HEADER
        if self.language:
            stream.metadata["language"] = self.language
        return self._packets(stream)

    def _packets(self, stream: av.stream.Stream) -> Iterator[av.Packet]:
        for start, length, text in self.cues:
            line = f"0,0,Default,,0,0,0,,{text}".encode()
            packet = stream.codec_context.encode_subtitle(SubtitleSet.create(line, 0, length, pts=start))
            packet.stream, packet.time_base = stream, MILLISECONDS
            yield packet


@dataclass(frozen=True)
class Movie:
    """What is to be in a file. `times` are in milliseconds; without them pictures come at `rate`."""

    pictures: Sequence[Image.Image] = ()
    rate: int = 25
    times: Sequence[int] = ()
    codec: str = "libx264"
    pixel_format: str = "yuv420p"
    options: Mapping[str, str] = field(default_factory=dict)
    context: Mapping[str, Any] = field(default_factory=dict)
    adjust: Callable[[av.VideoFrame], av.VideoFrame] = lambda frame: frame
    repack: Callable[[bytes], bytes] | None = None
    turn: tuple[float, bool, bool] | None = None
    sounds: Sequence[Sound] = ()
    captions: Sequence[Captions] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    chapters: Sequence[tuple[int, int, str]] = ()
    writer: Mapping[str, str] = field(default_factory=dict)

    def write(self, path: Path, container: str = "mp4") -> Path:
        with av.open(str(path), "w", format=container, options=dict(self.writer)) as output:
            output.metadata.update(self.tags)
            streams = [self._video(output)] if self.pictures else []
            streams += [_audio(output, sound) for sound in self.sounds]
            streams += [captions.encoded(output) for captions in self.captions]
            if self.chapters:
                output.set_chapters([_chapter(*chapter) for chapter in self.chapters])
            output.start_encoding()
            for packets in streams:
                output.mux(list(packets))
        return path

    def bytes(self, folder: Path, container: str = "mp4") -> bytes:
        return self.write(folder / "movie", container).read_bytes()

    def _video(self, output: av.container.OutputContainer) -> Iterator[av.Packet]:
        width, height = self.pictures[0].size
        stream = output.add_stream(self.codec, rate=self.rate, options=dict(self.options))
        stream.width, stream.height, stream.pix_fmt = width, height, self.pixel_format
        stream.codec_context.time_base = MILLISECONDS if self.times else Fraction(1, self.rate)
        for name, value in self.context.items():
            setattr(stream.codec_context, name, value)
        if self.turn:
            degrees, hflip, vflip = self.turn
            stream.set_display_rotation(degrees, hflip=hflip, vflip=vflip)
        return self._encoded(stream)

    def _encoded(self, stream: av.VideoStream) -> Iterator[av.Packet]:
        for time, picture in zip(self.times or range(len(self.pictures)), self.pictures, strict=True):
            frame = self.adjust(av.VideoFrame.from_image(picture))
            frame.pts, frame.duration, frame.time_base = time, 1, stream.codec_context.time_base
            yield from map(self._repacked, stream.encode(frame))
        yield from map(self._repacked, stream.encode(None))

    def _repacked(self, packet: av.Packet) -> av.Packet:
        if not self.repack:
            return packet
        made = av.Packet(self.repack(bytes(packet)))
        made.pts, made.dts, made.duration, made.time_base = packet.pts, packet.dts, packet.duration, packet.time_base
        made.stream, made.is_keyframe = packet.stream, packet.is_keyframe
        return made


def _audio(output: av.container.OutputContainer, sound: Sound) -> Iterator[av.Packet]:
    stream = output.add_stream(sound.codec, rate=sound.rate, layout=sound.layout)
    stream.bit_rate = 128_000
    if sound.language:
        stream.metadata["language"] = sound.language
    return (packet for frame in [*sound.frames(), None] for packet in stream.encode(frame))


def _chapter(start: int, end: int, title: str) -> dict[str, Any]:
    return {"id": start, "start": start, "end": end, "time_base": MILLISECONDS, "metadata": {"title": title}}


def supplement(kind: int, content: bytes) -> Callable[[bytes], bytes]:
    """A repacking that puts a message ahead of each picture of H.264, as cameras do."""
    unit = b"\0\0\0\1\6" + bytes([kind, len(content)]) + content + b"\x80"
    return lambda packet: unit + packet


def announcing(content: bytes, seconds: float) -> bytes:
    """A Matroska or FLV file with another duration in its header."""
    for mark, form, unit in ((b"\x44\x89\x88", ">d", 1000), (b"\0\x08duration\0", ">d", 1)):
        at = content.find(mark) + len(mark)
        if at >= len(mark):
            return content[:at] + struct.pack(form, seconds * unit) + content[at + 8 :]
    raise AssertionError("the header has no duration")


def frames_of(path: Path) -> list[tuple[Fraction, Image.Image]]:
    """The pictures of a file and their times in seconds, in the colors that a browser shows."""
    with av.open(str(path)) as container:
        return [(frame.pts * frame.time_base, shown(frame)) for frame in container.decode(video=0)]


def shown(frame: av.VideoFrame) -> Image.Image:
    return frame.reformat(format="rgb24", src_colorspace="ITU709", dst_color_range="JPEG").to_image()


def level(image: Image.Image) -> int:
    """The gray in the middle of a picture."""
    return image.convert("L").getpixel((image.width // 2, image.height // 2))
