"""The web rendition of a sound: it sounds as it did and as long, and what is said of it is measured."""

import io
import json
import math
import os
import struct
import subprocess
import sys
import zlib
from array import array
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from itertools import pairwise

import av
import pytest
from av.audio.frame import AudioFrame
from av.audio.layout import AudioLayout
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from tasks.shared.work import Original, Recipe, Rendered
from tasks.transform.audio import decode, prove, recipe_name, track, transform
from tasks.transform.audio.limits import LIMITS
from tasks.transform.media import SteadyResampler
from tests.unit.images import corners, quarters
from tests.unit.images import encoded as picture
from tests.unit.sounds import (
    FORMATS,
    encoded,
    id3_picture,
    many_channels,
    sound,
    tone,
    tone_for,
    with_id3,
    without_length,
)
from workflow.errors import (
    CorruptMedia,
    EncryptedFile,
    NothingToPlay,
    RejectedError,
    ResultNotProven,
    TooLarge,
    TooLong,
    TruncatedFile,
    UnsupportedCodec,
)

LOSSLESS = ["FLAC", "WAV", "WAV 24", "WAV float", "ALAC", "FLAC in Ogg", "Wave64", "AIFF"]
ONE_BLOCK_SECONDS = 1024 / 8000


@pytest.fixture
def render(tmp_path):
    def _render(content: bytes, name: str = "MP3", **recipe) -> Rendered:
        path = tmp_path / "original"
        path.write_bytes(content)
        original = Original(path, "sound", FORMATS[name].media_type, tmp_path)
        rendered = transform(original, Recipe(**recipe))
        prove(original, rendered, Recipe(**recipe))
        return rendered

    return _render


def file_of(rendered: Rendered, name: str):
    return next((file for file in rendered.files if file.name == name), None)


def heard(rendered: Rendered) -> tuple[int, list[array]]:
    """Sample rate, and the samples of each channel."""
    with av.open(str(rendered.files[0].path)) as container:
        frames = list(container.decode(audio=0))
    channels = [array("f") for _ in frames[0].layout.channels]
    for frame in frames:
        for channel, plane in zip(channels, frame.planes, strict=True):
            channel.frombytes(bytes(plane)[: 4 * frame.samples])
    return frames[0].sample_rate, channels


def level(samples: array) -> float:
    """Of the sine that has this effective value; the ends are left out."""
    middle = samples[len(samples) // 4 : 3 * len(samples) // 4]
    return math.sqrt(2 * sum(sample * sample for sample in middle) / len(middle))


def pitch_hz(samples: array, rate: int) -> float:
    middle = samples[len(samples) // 4 : 3 * len(samples) // 4]
    return sum(one < 0 <= other for one, other in pairwise(middle)) * rate / len(middle)


def peaks_of(rendered: Rendered) -> dict:
    return json.loads(file_of(rendered, "peaks").data)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_keeps_its_sound(render, name):
    rendered = render(encoded(name, tone_for(name, level=0.3)), name)
    rate, channels = heard(rendered)
    assert rendered.files[0].content_type == "audio/mp4"
    assert len(channels) == FORMATS[name].channels
    for samples in channels:
        assert level(samples) == pytest.approx(0.3, rel=0.15)
        assert pitch_hz(samples, rate) == pytest.approx(1000, rel=0.01)
    assert rendered.facts["format"] == FORMATS[name].label
    assert rendered.facts["codec"] == FORMATS[name].decoded_as
    assert rendered.facts["duration_seconds"] == pytest.approx(2, abs=0.05)
    assert len(channels[0]) / rate == pytest.approx(2, abs=0.05)


@pytest.mark.parametrize("name", LOSSLESS)
def test_loudness_is_that_of_ebu_r128(render, name):
    """A sine of 1 kHz has the loudness of its level in dB of full scale, if both loudspeakers play it."""
    facts = render(encoded(name), name).facts
    assert facts["loudness_lufs"] == pytest.approx(-20, abs=0.1)
    assert facts["true_peak_dbfs"] == pytest.approx(-20, abs=0.1)


def test_loudness_range_of_a_sound_in_two_parts(render):
    two_levels = sound(20, "0.1*sin(2000*PI*t)*if(lt(t,10),1,0.1)")
    facts = render(encoded("FLAC", two_levels), "FLAC").facts
    assert facts["loudness_range_lu"] == pytest.approx(20, abs=0.5)
    assert facts["channels"] == 1


def test_loudness_of_the_short_and_of_the_silent_is_not_invented(render):
    short = render(encoded("WAV", tone(0.2)), "WAV").facts
    assert short["loudness_lufs"] is None
    assert "notes" not in short
    silent = render(encoded("WAV", sound(2, "0", "0")), "WAV").facts
    assert (silent["loudness_lufs"], silent["loudness_range_lu"], silent["true_peak_dbfs"]) == (None, None, None)
    assert silent["notes"] == ["there is only silence in it"]


def test_true_peaks_lie_between_the_samples(render):
    """At a quarter of the sample rate and an eighth of a turn, all samples are 3 dB below the top of the curve."""
    between = sound(2, "0.5*sin(PI/2*n+PI/4)", rate=48_000)
    assert render(encoded("WAV float", between), "WAV").facts["true_peak_dbfs"] == pytest.approx(-6, abs=0.7)


def test_left_stays_left(render):
    _, (left, right) = heard(render(encoded("WAV", sound(2, "0.5*sin(2000*PI*t)", "0")), "WAV"))
    assert level(left) == pytest.approx(0.5, rel=0.05)
    assert level(right) < 0.001


@pytest.mark.parametrize(
    ("rate", "expected"), [(8000, 8000), (11_025, 11_025), (37_800, 44_100), (44_100, 44_100), (96_000, 48_000)]
)
@pytest.mark.parametrize("channels", [1, 2])
def test_rates_are_kept_up_to_48_khz(render, rate, expected, channels):
    rendered = render(encoded("WAV", tone(rate=rate, channels=channels)), "WAV")
    found, samples = heard(rendered)
    assert (found, len(samples)) == (expected, channels)
    assert pitch_hz(samples[0], found) == pytest.approx(1000, rel=0.01)
    assert (rendered.facts["sample_rate_hz"], rendered.facts["channels"]) == (rate, channels)


LAYOUTS = ["2.1", "quad", "4.0", "5.0", "5.1", "5.1(side)", "7.1", "7.1.4", "hexadecagonal"]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_each_channel_is_heard_in_the_mix_and_all_together_do_not_clip(render, layout):
    count = AudioLayout(layout).nb_channels
    for at in range(count):
        channels = ["0"] * count
        channels[at] = "0.9*sin(2000*PI*t)"
        assert max(levels(mixed(channels, layout))) > 0.02
    together = levels(mixed(["0.99*sin(2000*PI*t)"] * count, layout))
    assert together == pytest.approx([0.89] * 2, abs=0.01)


def mixed(channels: list[str], layout: str) -> list[AudioFrame]:
    resampler = SteadyResampler("fltp", "stereo", 48_000)
    frames = sound(0.2, *channels, layout=layout, rate=48_000)
    return [*(out for frame in frames for out in resampler.resample(frame)), *resampler.flush()]


def levels(frames: list[AudioFrame]) -> list[float]:
    return [max(max(array("f", bytes(each.planes[at])[: 4 * each.samples])) for each in frames) for at in range(2)]


def test_surround_is_mixed_down(render):
    center_only = sound(2, "0", "0", "0.4*sin(2000*PI*t)", "0", "0", "0", layout="5.1")
    rendered = render(encoded("WAV", center_only), "WAV")
    _, channels = heard(rendered)
    share = 0.7071 / (1 + 0.7071 + 0.5 + 0.25)
    assert [level(samples) for samples in channels] == pytest.approx([0.4 * share] * 2, rel=0.06)
    assert rendered.facts["channels"] == 6
    assert rendered.facts["notes"] == ["6 channels were mixed down to stereo"]


@pytest.mark.parametrize(("count", "at"), [(6, 3), (10, 3), (10, 4), (20, 19), (64, 40)])
def test_of_many_channels_without_names_each_is_heard(render, count, at):
    rendered = render(many_channels(count, at), "WAV")
    _, found = heard(rendered)
    assert max(level(samples) for samples in found) > 0.04
    (note,) = rendered.facts["notes"]
    assert note.startswith(f"{count} channels that are not named were ")


def test_more_channels_than_are_mixed_are_refused_by_their_number(render):
    with pytest.raises(UnsupportedCodec, match="70 channels"):
        render(many_channels(70, 1), "WAV")


def test_silence_is_told_only_of_silence(render):
    assert "there is only silence in it" in render(encoded("WAV", sound(1, "0", "0"))).facts["notes"]
    bass_only = sound(1, "0", "0", "0", "0.02*sin(100*PI*t)", "0", "0", layout="5.1")
    assert "there is only silence in it" not in render(encoded("WAV", bass_only)).facts["notes"]


@pytest.mark.parametrize("seconds", [0.01, 0.09, 0.25])
def test_a_sound_of_less_than_a_tenth_of_a_second_is_no_silence(render, seconds):
    content = encoded("WAV", sound(seconds, "0.5*sin(1000*2*PI*t)", "0.5*sin(1000*2*PI*t)"))
    assert not render(content).facts.get("notes")


@pytest.mark.parametrize("peak", [0.9, 4.0])
def test_floating_point_sound_above_full_scale_is_turned_down_and_said_to_be(render, peak):
    rendered = render(encoded("WAV float", tone(2, level=peak)), "WAV")
    _, channels = heard(rendered)
    assert max(channels[0]) < 1.15
    told = [note for note in rendered.facts.get("notes", ()) if "dB above full scale" in note]
    assert bool(told) == (peak > 1)


def test_bits_are_not_spent_on_what_the_source_does_not_have(render):
    noise = "0.3*(random(0)-0.5)"
    narrow, wide = encoded("WAV", sound(20, noise, rate=8000)), encoded("WAV", sound(20, noise, noise))
    rates = [render(content, "WAV").files[0].path.stat().st_size * 8 / 20 for content in (narrow, wide)]
    assert rates == pytest.approx([24_000, 128_000], rel=0.2)


def test_it_starts_to_play_before_all_of_it_is_there(render):
    content = render(encoded("WAV")).files[0].path.read_bytes()
    assert content[4:12] == b"ftypM4A "
    assert content.index(b"moov") < content.index(b"mdat")


def test_the_same_sound_gives_the_same_file(render):
    content = encoded("FLAC")
    first, second = (render(content, "FLAC").files[0].path.read_bytes() for _ in range(2))
    assert first == second


@pytest.mark.parametrize("content", ["mp3 without length", "aac", "streamed wav", "wav of length 0", "fragments"])
def test_the_length_is_what_is_heard(render, content):
    """None of these say how long they are, or say something else."""
    wav = bytearray(encoded("WAV", tone(7)))
    at = wav.index(b"data") + 4
    contents = {
        "mp3 without length": quiet_then_loud_mp3,
        "aac": lambda: encoded("AAC", tone(7)),
        "streamed wav": lambda: bytes(wav[:4]) + b"\xff" * 4 + bytes(wav[8:at]) + b"\xff" * 4 + bytes(wav[at + 4 :]),
        "wav of length 0": lambda: bytes(wav[:4]) + bytes(4) + bytes(wav[8:at]) + bytes(4) + bytes(wav[at + 4 :]),
        "fragments": lambda: encoded("M4A", tone(7), movflags="empty_moov+default_base_moof", frag_duration="500000"),
    }
    rendered = render(contents[content]())
    rate, channels = heard(rendered)
    assert rendered.facts["duration_seconds"] == pytest.approx(7, abs=0.15)
    assert len(channels[0]) / rate == pytest.approx(7, abs=0.15)


def quiet_then_loud_mp3() -> bytes:
    """Its first frames are the smallest, so that a length guessed from them is far too long."""
    quiet, loud = encoded("MP3", tone(1), b="32000"), encoded("MP3", tone(6), b="320000")
    return without_length(quiet) + without_length(loud)


def test_rate_and_channels_may_change_on_the_way(render):
    content = encoded("AAC") + encoded("AAC", tone(rate=22_050, channels=1))
    rendered = render(content, "AAC")
    rate, channels = heard(rendered)
    assert rendered.facts["duration_seconds"] == pytest.approx(4, abs=0.2)
    assert "its sample rate or its channels change on the way" in rendered.facts["notes"]
    late = channels[0][3 * rate :]
    assert pitch_hz(late, rate) == pytest.approx(1000, rel=0.01)


def test_peaks_are_what_audiowaveform_writes(render):
    peaks = peaks_of(render(encoded("WAV", sound(4, "if(lt(t,2),0.5,0.25)*sin(200*PI*t)")), "WAV"))
    assert [peaks[name] for name in ("version", "channels", "sample_rate", "bits")] == [2, 1, 44_100, 8]
    assert len(peaks["data"]) == 2 * peaks["length"]
    assert peaks["length"] == math.ceil(4 * 44_100 / peaks["samples_per_pixel"])
    lows, highs = peaks["data"][::2], peaks["data"][1::2]
    half = peaks["length"] // 2
    assert (min(lows[: half - 1]), max(highs[: half - 1])) == (-64, 64)
    assert (min(lows[half + 1 :]), max(highs[half + 1 :])) == (-32, 32)
    assert peaks["duration"] == 4


@pytest.mark.parametrize(("seconds", "name"), [(0.05, "WAV"), (2, "WAV"), (90, "WAV"), (90, "AAC")])
def test_peaks_are_many_but_bounded(render, seconds, name):
    peaks = peaks_of(render(encoded(name, tone(seconds, rate=8000, channels=1)), name))
    assert min(seconds * 1000, 300) <= peaks["length"] <= 2000
    assert peaks["length"] * peaks["samples_per_pixel"] >= seconds * 8000


def test_peaks_cover_all_channels(render):
    """A mix would show nothing of what the two channels cancel."""
    opposite = sound(2, "0.5*sin(200*PI*t)", "-0.5*sin(200*PI*t)")
    assert max(peaks_of(render(encoded("WAV", opposite), "WAV"))["data"]) == pytest.approx(64, abs=1)


TAGS = {
    "title": "Largo",
    "artist": "Ada",
    "album": "Nights",
    "track": "3",
    "genre": "Ambient",
    "date": "2021",
    "comment": "taken at home, 12 Elm Street",
}


@pytest.mark.parametrize("name", ["MP3", "M4A", "FLAC", "Vorbis", "Opus", "WAV"])
def test_public_tags_are_facts_and_private_ones_are_not(render, name):
    rendered = render(encoded(name, tags=TAGS), name)
    public = {tag: TAGS[tag] for tag in ("title", "artist", "album", "genre", "date")}
    assert rendered.facts | public == rendered.facts
    assert rendered.facts["track"].lstrip("0").startswith("3")
    assert rendered.technical["tags"]["title"] == "Largo"
    assert "Elm Street" not in json.dumps([rendered.facts, rendered.technical])
    published = rendered.files[0].path.read_bytes()
    assert b"Elm Street" not in published
    assert b"Lav" not in published


def test_private_tags_are_kept_where_the_stage_wants_them(render):
    rendered = render(encoded("FLAC", tags=TAGS), "FLAC", publish_private=True)
    assert "Elm Street" in rendered.technical["tags"]["comment"]
    assert b"Elm Street" in rendered.files[0].path.read_bytes()


def test_tags_of_any_size_and_code_page_are_short_text(render):
    content = with_id3(
        encoded("MP3"), (b"TIT2", b"\0Caf\xe9\n" + b"a" * 100_000), *((b"TXXX", b"\0n%d\0v" % at) for at in range(900))
    )
    rendered = render(content)
    assert rendered.facts["title"].startswith("Café aaa")
    assert len(json.dumps(rendered.facts)) < 4096
    assert len(json.dumps(rendered.technical)) < 100_000


def test_a_header_without_end_is_rejected(render):
    tags = [(b"TXXX", b"\0n%d\0v" % at) for at in range(100)]
    with pytest.raises(TooLarge, match="ahead of the media"):
        render(with_id3(encoded("MP3"), (b"TIT2", b"\0" + b"a" * 70_000_000), *tags))


@pytest.mark.parametrize("name", ["JPEG", "PNG", "GIF", "WEBP", "BMP"])
def test_the_cover_is_an_image_like_any_other(render, name):
    rendered = render(with_id3(encoded("MP3"), id3_picture(picture(quarters(), name))))
    cover = file_of(rendered, "cover")
    shown = Image.open(io.BytesIO(cover.data))
    assert (cover.content_type, cover.width, cover.height) == ("image/jpeg", 96, 64)
    assert shown.size == (96, 64)
    assert corners(shown)[0][0] > 200
    assert rendered.facts["has_cover"] is True
    assert "notes" not in rendered.facts


def test_the_front_cover_goes_first(render):
    def cover(kind: int, color: str) -> tuple[bytes, bytes]:
        return b"APIC", b"\0image/png\0" + bytes([kind]) + b"\0" + picture(Image.new("RGB", (32, 32), color), "PNG")

    rendered = render(with_id3(encoded("MP3"), cover(4, "red"), cover(3, "blue")))
    red, _, blue = Image.open(io.BytesIO(file_of(rendered, "cover").data)).getpixel((16, 16))
    assert blue > 200 > red


def png_bomb() -> bytes:
    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", 30_000, 30_000, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(bytes(100_000)))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<html><script>alert(1)</script>", "UnsupportedType"),
        (b"\xff\xd8\xff" + bytes(500), "CorruptImage"),
        (png_bomb(), "TooManyPixels"),
        (b"\xff\xd8\xff" + bytes(LIMITS.max_cover_bytes), "TooLarge"),
        (b"%PDF-1.7", "UnsupportedType"),
    ],
    ids=["markup", "damaged", "bomb", "huge", "document"],
)
def test_a_bad_cover_does_not_fail_the_sound(render, content, reason):
    rendered = render(with_id3(encoded("MP3"), id3_picture(content)))
    assert [file.name for file in rendered.files] == ["web", "peaks"]
    assert rendered.facts["has_cover"] is False
    assert rendered.facts["notes"] == [f"the embedded picture is left out: {reason}"]


@pytest.mark.parametrize("share", [0.5, 0.8])
@pytest.mark.parametrize("name", sorted(FORMATS.keys() - {"AAC", "AMR", "CAF"}))
def test_truncated_files_are_rejected(render, name, share):
    content = encoded(name, tone_for(name, 6))
    with pytest.raises(TruncatedFile):
        render(content[: int(len(content) * share)], name)


@pytest.mark.parametrize("name", ["MP3", "AAC"])
def test_streams_of_frames_may_be_cut_anywhere(render, name):
    content = encoded(name, tone(6))
    cut = (without_length(content) if name == "MP3" else content)[1500 : len(content) // 2]
    assert render(cut, name).facts["duration_seconds"] == pytest.approx(2.9, abs=0.4)


def test_an_ogg_that_does_not_mark_its_end_is_noted(render):
    content = bytearray(encoded("Opus"))
    last = content.rindex(b"OggS")
    content[last + 5] &= ~4
    content[last + 22 : last + 26] = bytes(4)
    content[last + 22 : last + 26] = ogg_checksum(content[last:]).to_bytes(4, "little")
    rendered = render(bytes(content), "Opus")
    assert rendered.facts["notes"] == ["the Ogg file does not mark its end; it may have been longer"]
    assert rendered.facts["duration_seconds"] == pytest.approx(2, abs=0.05)


def ogg_checksum(page: bytes) -> int:
    register = 0
    for byte in page:
        register ^= byte << 24
        for _ in range(8):
            register = (register << 1) ^ (0x104C11DB7 if register & 0x80000000 else 0)
    return register


def damaged(name: str, share: float) -> bytes:
    """Some bytes in the middle replaced."""
    content = bytearray(encoded(name, tone(6)))
    start, length = len(content) // 2, int(len(content) * share)
    content[start : start + length] = (bytes(range(1, 252)) * (length // 251 + 1))[:length]
    return bytes(content)


def test_a_little_damage_is_noted_and_passed_over(render):
    rendered = render(damaged("M4A", 0.01), "M4A")
    assert any("packets of sound are damaged" in note for note in rendered.facts["notes"])
    assert rendered.facts["duration_seconds"] == pytest.approx(6, abs=0.3)


def test_seconds_that_are_missing_in_the_middle_are_noted(render):
    rendered = render(damaged("Vorbis", 0.02), "Vorbis")
    assert any("seconds are missing" in note for note in rendered.facts["notes"])


def test_much_damage_is_rejected(render):
    with pytest.raises(CorruptMedia, match="packets of sound are damaged"):
        render(damaged("M4A", 0.4), "M4A")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        bytes(100_000),
        b"\xff\xfb\x90\x64" * 50_000,
        b"#EXTM3U\n#EXTINF:10,\nfile:///etc/hosts\n#EXT-X-ENDLIST\n",
        b"ffconcat version 1.0\nfile '/etc/hosts'\n",
        b"OggS\0\2" + bytes(20) + b"\1\x1e\1vorbis" + bytes(23),
        with_id3(b"", (b"TIT2", b"\0only a tag")),
    ],
    ids=["nothing", "zeros", "headers only", "playlist", "list of files", "one page", "tag only"],
)
def test_what_is_no_sound_is_rejected(render, content):
    with pytest.raises(RejectedError):
        render(content)


@pytest.mark.parametrize("value", [1e7, 2.0**31])
def test_samples_far_above_full_scale_do_not_stop_the_encoder(render, value):
    """FFmpeg's AAC encoder turns in circles on them."""
    content = bytearray(encoded("WAV float"))
    at = content.index(b"data") + 8 + 300_000
    content[at : at + 40_000] = struct.pack("<2f", value, -value) * 5000
    rendered = render(bytes(content), "WAV")
    rate, channels = heard(rendered)
    assert level(channels[0][: rate // 2]) == pytest.approx(0.1, rel=0.06)
    assert max(map(abs, channels[0])) < 2
    assert "above full scale" in rendered.facts["notes"][0]


def test_headroom_of_floating_point_is_measured_and_cut(render):
    rendered = render(encoded("WAV float", tone(level=4)), "WAV")
    assert rendered.facts["true_peak_dbfs"] == pytest.approx(12, abs=0.2)
    assert max(heard(rendered)[1][0]) < 1.5


def test_nothing_beside_the_file_is_opened(render, tmp_path):
    """A playlist that names a sound next to it would play, if it were let to."""
    neighbour = tmp_path / "neighbour.mp3"
    neighbour.write_bytes(encoded("MP3"))
    for content in (
        f"#EXTM3U\n#EXTINF:2,\nfile://{neighbour}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile neighbour.mp3\n",
    ):
        with pytest.raises(CorruptMedia):
            render(content.encode())


def test_a_track_without_sound_has_nothing_to_play(render):
    content = bytearray(encoded("WAV"))
    at = content.index(b"data") + 4
    empty = content[:at] + bytes(4)
    empty[4:8] = struct.pack("<I", len(empty) - 8)
    with pytest.raises(NothingToPlay):
        render(bytes(empty), "WAV")


def test_a_file_without_track_has_nothing_to_play(render):
    with pytest.raises(NothingToPlay):
        render(b"\0\0\0\x14ftypM4A \0\0\0\0M4A " + b"\0\0\0\x08moov")


@pytest.mark.parametrize("tag", [b"drms", b"enca"])
def test_encrypted_sound_is_told_as_such(render, tag):
    content = encoded("M4A")
    at = content.index(b"mp4a", content.index(b"stsd"))
    with pytest.raises(EncryptedFile, match="without copy protection"):
        render(content[:at] + tag + content[at + 4 :], "M4A")


@pytest.mark.parametrize(
    ("at", "value"), [(0, struct.pack("<H", 0x1234)), (4, struct.pack("<I", 100)), (4, struct.pack("<I", 999_999_999))]
)
def test_codecs_and_rates_that_nobody_uses_are_rejected(render, at, value):
    content = bytearray(encoded("WAV"))
    start = content.index(b"fmt ") + 8 + at
    content[start : start + len(value)] = value
    with pytest.raises(UnsupportedCodec):
        render(bytes(content), "WAV")


def test_an_ogg_that_goes_on_in_another_form_is_rejected_rather_than_cut(render):
    with pytest.raises(UnsupportedCodec):
        render(encoded("Opus") + encoded("Opus", tone(rate=48_000, channels=1)), "Opus")


def test_an_ogg_of_several_parts_is_heard_whole(render):
    assert render(encoded("Vorbis") * 3, "Vorbis").facts["duration_seconds"] == pytest.approx(6, abs=0.1)


@pytest.mark.parametrize("name", ["WAV", "AAC"])
def test_too_long(render, monkeypatch, name):
    """What says its length is rejected before it is decoded, the rest as soon as it is reached."""
    monkeypatch.setattr(track, "LIMITS", replace(LIMITS, max_length=timedelta(seconds=3)))
    with pytest.raises(TooLong, match="Cut it into parts"):
        render(encoded(name, tone(4)), name)


def test_too_many_samples(render, monkeypatch):
    monkeypatch.setattr(decode, "LIMITS", replace(LIMITS, max_samples=100_000))
    with pytest.raises(TooLong, match="100,000 samples"):
        render(encoded("FLAC", tone(4)), "FLAC")


def two_tracks(default: int) -> bytes:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        streams = [container.add_stream("aac", rate=44_100, layout="mono") for _ in range(2)]
        for at, stream in enumerate(streams):
            stream.disposition = av.stream.Disposition.default if at == default else av.stream.Disposition(0)
        for stream, hz in zip(streams, (500, 2000), strict=True):
            for frame in tone(2, hz=hz, channels=1):
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    return buffer.getvalue()


@pytest.mark.parametrize(("default", "hz"), [(0, 500), (1, 2000)])
def test_of_several_tracks_the_default_one_is_heard(render, default, hz):
    rendered = render(two_tracks(default), "M4A")
    rate, channels = heard(rendered)
    assert pitch_hz(channels[0], rate) == pytest.approx(hz, rel=0.01)
    assert rendered.facts["notes"] == [f"2 audio tracks; track {default + 1} is in the rendition"]


def book(*titles: str) -> bytes:
    """A chapter of a second for each title."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="ipod") as container:
        container.set_chapters(
            [
                {"id": at, "start": at, "end": at + 1, "time_base": Fraction(1), "metadata": {"title": title}}
                for at, title in enumerate(titles)
            ]
        )
        stream = container.add_stream("aac", rate=44_100, layout="stereo")
        for frame in tone(len(titles)):
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return buffer.getvalue()


def test_chapters_are_told(render):
    rendered = render(book("Loomings", "The Carpet-Bag", "The Spouter-Inn"), "M4A")
    assert rendered.facts["chapters"] == 3
    assert rendered.technical["chapters"][1] == {"title": "The Carpet-Bag", "start_seconds": 1.0, "end_seconds": 2.0}


def test_recipes_have_names():
    assert recipe_name("a.mp3", Recipe()) == "m4a-128"
    assert recipe_name("a.mp3", Recipe(publish_private=True)) == "m4a-128-private"


@pytest.mark.parametrize("sample", [math.nan, math.inf, -math.inf, 1e15, 1e38])
def test_floating_point_that_is_no_sound_is_refused(render, sample):
    content = bytearray(encoded("WAV float", tone_for("WAV float", 1)))
    struct.pack_into("<f", content, len(content) // 8 * 4, sample)
    with pytest.raises(CorruptMedia, match="no recording"):
        render(bytes(content), "WAV float")


SMALL = {name: encoded(name, tone_for(name, 0.3)) for name in FORMATS}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), name=st.sampled_from(sorted(FORMATS)))
def test_damaged_files_are_rendered_or_refused(render, data, name):
    content = bytearray(SMALL[name])
    for at in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=30)):
        content[at] = data.draw(st.integers(0, 255))
    content = content[: data.draw(st.integers(0, len(content)))]
    try:
        rendered = render(bytes(content), name)
    except (RejectedError, ResultNotProven):  # the second where a decoder and its witness get over damage differently
        return
    json.dumps([rendered.facts, rendered.technical], allow_nan=False)
    assert rendered.files[0].path.stat().st_size > 0


ORDERED_BY_THE_FILE = """
import gc
import sys
from pathlib import Path
from tasks.shared.work import Original, Recipe
from tasks.transform.audio import transform
from workflow.errors import UnsupportedCodec

scratch = Path(sys.argv[1])
for _ in range(20):
    try:
        transform(Original(scratch / "sound", "sound.caf", "audio/x-caf", scratch), Recipe())
    except UnsupportedCodec as exc:
        print(exc)
    gc.collect()
"""


def test_channels_in_an_order_of_the_files_own_are_refused_and_harm_nobody(tmp_path):
    """The list of them is freed once: a second time would end the process, as the allocator looks for it here."""
    frames = sound(0.5, *["sin(1000*t)"] * 8, rate=8000, layout="7.1")
    (tmp_path / "sound").write_bytes(encoded("CAF", frames))
    command = [sys.executable, "-c", ORDERED_BY_THE_FILE, str(tmp_path)]
    watched = os.environ | {"MALLOC_CHECK_": "3", "MALLOC_PERTURB_": "165"}
    done = subprocess.run(command, env=watched, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("(FL, FR, FC, LFE, SL, SR, BL, BR) are in an order of the file's own") == 20
