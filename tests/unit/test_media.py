"""What audio and video have in common: files are opened without trust, loudness is measured, tags are kept apart."""

import errno
import io
import math
from fractions import Fraction

import av.error
import pytest

from tasks.transform.media import (
    FACT_TAGS,
    FILM_TAGS,
    LoudnessMeter,
    SteadyResampler,
    clean,
    media_errors,
    opened,
    public_tags,
    read_tags,
    seconds,
    shape,
    tag_facts,
)
from tasks.transform.national import readable, unreadable_note
from tests.unit.sounds import encoded, id3_picture, sound, tone, with_id3
from workflow.errors import CorruptMedia, NothingToPlay, TooLarge, TransientError, TruncatedFile, UnsupportedCodec


def measured(frames):
    meter = LoudnessMeter()
    for frame in frames:
        meter.add(frame)
    return meter.finish()


@pytest.mark.parametrize(
    ("channels", "level", "expected"), [(1, 0.1, -23.0), (2, 0.1, -20.0), (2, 1, 0.0), (2, 0.01, -40.0), (1, 0.5, -9.0)]
)
@pytest.mark.parametrize("rate", [8000, 44_100, 48_000, 96_000])
def test_loudness_of_a_sine(channels, level, expected, rate):
    """BS.1770: at 1 kHz the filters cancel out, so that a sine in both channels has its level in dBFS."""
    loudness = measured(tone(6, channels=channels, level=level, rate=rate))
    assert loudness.integrated_lufs == pytest.approx(expected, abs=0.11)
    assert loudness.true_peak_dbfs == pytest.approx(20 * math.log10(level), abs=0.25)
    assert loudness.range_lu == pytest.approx(0, abs=0.1)


def test_pauses_do_not_make_a_speech_quieter():
    """EBU Tech 3341: what is more than 10 LU below the mean is not counted."""
    with_pauses = sound(60, *["0.1*sin(2000*PI*t)*if(lt(mod(t,20),10),1,0.01)"] * 2, rate=48_000)
    assert measured(with_pauses).integrated_lufs == pytest.approx(-20, abs=0.2)


def test_surround_counts_its_back_more_and_its_bass_not():
    """BS.1770 weighs the channels behind 1.41 times, which is 1.5 dB, and leaves out the effects channel."""
    back = sound(6, "0", "0", "0", "0", "0.1*sin(2000*PI*t)", "0", layout="5.1", rate=48_000)
    effects = sound(6, "0", "0", "0", "0.1*sin(2000*PI*t)", "0", "0", layout="5.1", rate=48_000)
    assert measured(back).integrated_lufs == pytest.approx(-21.5, abs=0.1)
    assert measured(effects).integrated_lufs is None


def test_loudness_goes_on_where_the_format_changes():
    frames = [*tone(6), *tone(6, channels=1, rate=22_050), *tone(6, rate=48_000)]
    assert measured(frames).integrated_lufs == pytest.approx(-21, abs=1)


def test_nothing_has_no_loudness():
    assert measured([]).facts == {"loudness_lufs": None, "loudness_range_lu": None, "true_peak_dbfs": None}
    assert measured(sound(3, "0", "0")).facts == measured([]).facts


def test_frames_of_changing_shape_come_out_in_one():
    resampler = SteadyResampler("fltp", "stereo", 48_000)
    sources = [*tone(1), *tone(1, channels=1, rate=8000), *sound(1, *["0.1*sin(t)"] * 6, layout="5.1", rate=96_000)]
    frames = [out for frame in sources for out in resampler.resample(frame)] + list(resampler.flush())
    assert {shape(frame) for frame in frames} == {("fltp", "stereo", 48_000)}
    assert sum(frame.samples for frame in frames) == pytest.approx(3 * 48_000, abs=300)


def test_a_playlist_is_no_medium_and_what_it_names_stays_closed(tmp_path):
    sound_path = tmp_path / "sound.mp3"
    sound_path.write_bytes(encoded("MP3"))
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nfile://{sound_path}\n#EXT-X-ENDLIST\n"
    for demuxers in (["mp3"], ["hls", "mp3"]):
        with pytest.raises(CorruptMedia), opened(io.BytesIO(playlist.encode()), demuxers):
            pass


def test_only_the_named_demuxers_are_used():
    content = encoded("WAV")
    with opened(io.BytesIO(content), ["mp3", "wav"]) as container:
        assert container.format.name == "wav"
    with pytest.raises(CorruptMedia), opened(io.BytesIO(content), ["mp3", "mov"]):
        pass


@pytest.mark.parametrize("of", ["one tag", "pictures"])
def test_headers_are_bounded_in_bytes(of):
    tags = {"one tag": [(b"TIT2", b"\0" + b"a" * 80_000_000)], "pictures": [id3_picture(bytes(9_000_000))] * 9}
    content = with_id3(encoded("MP3"), *tags[of])
    with pytest.raises(TooLarge, match="64 MiB"), opened(io.BytesIO(content), ["mp3"]):
        pass


def test_headers_are_bounded_in_time(monkeypatch):
    monkeypatch.setattr("tasks.transform.media.MAX_HEADER_CPU_SECONDS", -1)
    with pytest.raises(TooLarge, match="seconds to read"), opened(io.BytesIO(encoded("MP3")), ["mp3"]):
        pass


def test_a_large_medium_behind_a_small_header_is_read_to_its_end():
    content = encoded("WAV", sound(200, *["0"] * 4, rate=48_000))
    assert len(content) > 64 * 1024 * 1024
    with opened(io.BytesIO(content), ["wav"]) as container:
        assert sum(packet.size for packet in container.demux(audio=0)) == 200 * 48_000 * 4 * 2


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (av.error.InvalidDataError(1094995529, "Invalid data"), CorruptMedia),
        (av.error.EOFError(541478725, "End of file"), TruncatedFile),
        (av.error.DecoderNotFoundError(1128613112, "Decoder not found"), UnsupportedCodec),
        (av.error.PatchWelcomeError(1163346256, "Not yet implemented"), UnsupportedCodec),
        (av.error.MemoryError(errno.ENOMEM, "Cannot allocate memory"), CorruptMedia),
        (MemoryError(), CorruptMedia),
        (av.error.NotImplementedError(errno.ENOSYS, "Function not implemented"), UnsupportedCodec),
        (av.error.ArgumentError(errno.EINVAL, "Invalid argument"), CorruptMedia),
        (UnicodeDecodeError("ascii", b"\xff", 0, 1, "ordinal not in range"), UnsupportedCodec),
        (ValueError("not a member of an enumeration"), UnsupportedCodec),
        (OSError(errno.ENOSPC, "No space left on device"), TransientError),
        (ConnectionResetError(errno.ECONNRESET, "Connection reset"), TransientError),
        (NothingToPlay("as it is"), NothingToPlay),
        (TransientError("as it is"), TransientError),
    ],
    ids=repr,
)
def test_whose_fault_an_error_is(raised, expected):
    with pytest.raises(expected), media_errors():
        raise raised


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("two\nlines\0", "two lines"),
        ("  Café \u202e ", "Café"),
        (b"Caf\xe9".decode("utf-8", "surrogateescape"), "Café"),
        ("a" * 99, "aaaaaaaaaaaaaaaa"),
        ("", ""),
    ],
)
def test_text_of_strangers_is_cleaned(text, expected):
    assert clean(text, 16) == expected


def test_tags_are_told_apart():
    tags = read_tags(
        {"Title": "Largo", "COMMENT": "at home", "com.apple.quicktime.location.ISO6709": "+48.1+011.5/"},
        {"title": "another", "com.apple.quicktime.make": "Apple", "com.apple.quicktime.model": "iPhone", "empty": " "},
    )
    assert public_tags(tags) == {"title": "Largo", "make": "Apple", "model": "iPhone"}
    assert tag_facts(tags) == {"title": "Largo"}
    assert tags["com.apple.quicktime.location.iso6709"] == "+48.1+011.5/"
    assert "empty" not in tags


def test_position_in_an_innocent_tag_is_not_told():
    tags = {"title": "GPS 48.1368, 11.5755", "album": "+48.1368+011.5755/", "artist": "Ada"}
    assert public_tags(tags) == {"artist": "Ada"}
    assert tag_facts(tags) == {"artist": "Ada"}


def test_who_made_a_film_is_not_told():
    tags = {"title": "Holidays", "artist": "Ada", "publisher": "Ada", "date": "2026"}
    assert public_tags(tags, FILM_TAGS) == {"title": "Holidays", "date": "2026"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Largo", "Largo"),
        ("Dvořák – 日本語の歌", "Dvořák – 日本語の歌"),
        ("Café Über Ærø", "Café Über Ærø"),
        ("Øl", "Øl"),
        (b"Caf\xe9 \x93Paris\x94", "Café “Paris”"),
        ("Café".encode().decode("latin-1"), "Café"),
        ("日本語の歌".encode("cp932"), None),
        ("山田太郎".encode("cp932").decode("latin-1"), None),
        ("Привет мир".encode("cp1251"), None),
        ("Привет мир".encode("cp1251").decode("latin-1"), None),
        ("나는 나비".encode("euc-kr"), None),
        ("月亮代表我的心".encode("gbk"), None),
        ("lost \ufffd\ufffd", None),
    ],
)
def test_tags_are_read_where_their_encoding_can_be_told(text, expected):
    stored = text if isinstance(text, str) else text.decode("utf-8", "surrogateescape")
    assert readable(stored) == expected
    assert read_tags({"Title": stored}) == ({"title": expected} if expected else {})
    assert unreadable_note({"Title": stored}) == (
        () if expected else ("tags in an encoding that cannot be told are left out: title",)
    )


def test_tags_are_bounded():
    tags = read_tags({f"name {at}": "x" * 10_000 for at in range(10_000)})
    assert len(tags) == 100
    assert {len(text) for text in tags.values()} == {512}
    assert all(len(text) <= 120 for text in tag_facts(dict.fromkeys(FACT_TAGS, "x" * 512)).values())


def test_times():
    assert seconds(90_000, Fraction(1, 90_000)) == 1.0
    assert seconds(None, Fraction(1, 2)) is None
    assert seconds(5, None) is None
