"""Makes sounds with the engine itself: tones of known level and length in every format, and what is embedded there."""

import math
import struct
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
from av.audio.frame import AudioFrame
from av.filter import Graph


@dataclass(frozen=True)
class Container:
    """How a format is written: FFmpeg's muxer and encoder, and what is said of it."""

    muxer: str
    codec: str
    media_type: str
    label: str
    decoded_as: str
    rate: int = 44_100
    channels: int = 2
    options: dict[str, str] = field(default_factory=dict)


FORMATS = {
    "MP3": Container("mp3", "libmp3lame", "audio/mpeg", "MP3", "mp3"),
    "AAC": Container("adts", "aac", "audio/aac", "AAC", "aac"),
    "M4A": Container("ipod", "aac", "audio/mp4", "M4A", "aac"),
    "ALAC": Container("ipod", "alac", "audio/mp4", "M4A", "alac"),
    "FLAC": Container("flac", "flac", "audio/flac", "FLAC", "flac"),
    "Vorbis": Container("ogg", "vorbis", "audio/ogg", "Ogg", "vorbis", options={"strict": "experimental"}),
    "Opus": Container("ogg", "libopus", "audio/ogg", "Ogg", "opus", 48_000),
    "FLAC in Ogg": Container("ogg", "flac", "audio/ogg", "Ogg", "flac"),
    "WAV": Container("wav", "pcm_s16le", "audio/wav", "WAV", "pcm_s16le"),
    "WAV 8": Container("wav", "pcm_u8", "audio/wav", "WAV", "pcm_u8"),
    "WAV 24": Container("wav", "pcm_s24le", "audio/wav", "WAV", "pcm_s24le"),
    "WAV 32": Container("wav", "pcm_s32le", "audio/wav", "WAV", "pcm_s32le"),
    "WAV float": Container("wav", "pcm_f32le", "audio/wav", "WAV", "pcm_f32le"),
    "WAV ADPCM": Container("wav", "adpcm_ms", "audio/wav", "WAV", "adpcm_ms"),
    "WAV A-law": Container("wav", "pcm_alaw", "audio/wav", "WAV", "pcm_alaw"),
    "RF64": Container("wav", "pcm_s16le", "audio/wav", "WAV", "pcm_s16le", options={"rf64": "always"}),
    "Wave64": Container("w64", "pcm_s16le", "audio/wav", "Wave64", "pcm_s16le"),
    "AIFF": Container("aiff", "pcm_s16be", "audio/aiff", "AIFF", "pcm_s16be"),
    "AIFC": Container("aiff", "pcm_s16le", "audio/aiff", "AIFF", "pcm_s16le"),
    "CAF": Container("caf", "pcm_s16le", "audio/x-caf", "CAF", "pcm_s16le"),
    "WMA": Container("asf", "wmav2", "audio/x-ms-wma", "WMA", "wmav2", options={"b": "128000"}),
    "AMR": Container("amr", "libopencore_amrnb", "audio/amr", "AMR", "amr_nb", 8000, 1),
}


def tone(
    seconds: float = 2, *, hz: int = 1000, level: float = 0.1, rate: int = 44_100, channels: int = 2
) -> Iterator[AudioFrame]:
    """A sine of the same level in all channels; `level` 1 is full scale."""
    return sound(seconds, *[f"{level}*sin({hz}*2*PI*t)"] * channels, rate=rate)


def tone_for(name: str, seconds: float = 2, *, level: float = 0.1) -> Iterator[AudioFrame]:
    return tone(seconds, level=level, rate=FORMATS[name].rate, channels=FORMATS[name].channels)


def sound(seconds: float, *channels: str, rate: int = 44_100, layout: str = "") -> Iterator[AudioFrame]:
    """Each channel by a formula of FFmpeg's in `t`, the time in seconds."""
    graph = Graph()
    formulas = "|".join(channels)
    source = graph.add("aevalsrc", f"exprs='{formulas}':s={rate}:d={seconds}" + (f":c={layout}" if layout else ""))
    sink = graph.add("abuffersink")
    source.link_to(sink)
    graph.configure()
    while True:
        try:
            frame = graph.pull()
        except av.error.EOFError:
            return
        frame.time_base = Fraction(1, rate)
        yield frame


def encoded(
    name: str, frames: Iterator[AudioFrame] | None = None, tags: dict[str, str] | None = None, **options: str
) -> bytes:
    """A file of a format of `FORMATS`, two seconds of a tone if nothing else is asked for; with FFmpeg's options."""
    made = FORMATS[name]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "sound"
        with av.open(str(path), "w", format=made.muxer, options=made.options | options) as container:
            container.metadata.update(tags or {})
            _write(container, made, frames or tone_for(name), options)
        return path.read_bytes()


def _write(container, made: Container, frames: Iterator[AudioFrame], options: dict[str, str]) -> None:
    stream = None
    for frame in frames:
        if stream is None:
            stream = container.add_stream(
                made.codec, rate=frame.sample_rate, layout=frame.layout, options=made.options | options
            )
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def with_id3(content: bytes, *frames: tuple[bytes, bytes]) -> bytes:
    """ID3v2.3 in front of an MP3, AAC or FLAC file."""
    body = b"".join(name + struct.pack(">I2x", len(data)) + data for name, data in frames)
    size = bytes((len(body) >> shift) & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x03\0\0" + size + body + content


def id3_picture(picture: bytes, media_type: bytes = b"image/jpeg") -> tuple[bytes, bytes]:
    return b"APIC", b"\0" + media_type + b"\0\x03\0" + picture


def without_length(mp3: bytes) -> bytes:
    """The same frames without the tag of the encoder that counts them."""
    first = next(at for at in range(len(mp3)) if mp3[at] == 0xFF and mp3[at + 1] & 0xE0 == 0xE0)
    return mp3.replace(b"Xing", b"\0\0\0\0").replace(b"Info", b"\0\0\0\0")[first:]


def many_channels(count: int, loud: int, seconds: float = 0.5, rate: int = 48_000) -> bytes:
    """A WAV that does not name its channels: a tone at 0.5 of full scale in one of them, silence in the others."""
    wave = [round(16_384 * math.sin(2 * math.pi * 1000 * at / rate)) for at in range(int(seconds * rate))]
    before, after = bytes(2 * loud), bytes(2 * (count - loud - 1))
    data = b"".join(before + struct.pack("<h", sample) + after for sample in wave)
    shape = struct.pack("<HHIIHH", 1, count, rate, 2 * count * rate, 2 * count, 16)
    chunks = b"WAVEfmt " + struct.pack("<I", len(shape)) + shape + b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(chunks)) + chunks
