"""Files that are damaged, cut off, hostile or too much end in a clear code, or in a video that says what it lacks."""

import io
import random
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import av
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.shared.work import Original, Recipe, Rendered
from tasks.transform.video import check, prove, transform
from tasks.transform.video.limits import LIMITS
from tasks.transform.video.probe import examine, probe
from tests.unit.movies import Movie, Sound, counting, frames_of, gray, level
from workflow.errors import (
    CorruptMedia,
    LongVideo,
    NothingToPlay,
    RejectedError,
    TooLong,
    TooManyPixels,
    TruncatedFile,
    UnsupportedCodec,
)

CODECS = {
    "mp4": ("libx264", "aac"),
    "mov": ("mpeg4", "aac"),
    "matroska": ("libx264", "aac"),
    "webm": ("libvpx-vp9", "libopus"),
    "avi": ("mpeg4", "mp3"),
    "mpegts": ("libx264", "aac"),
    "flv": ("flv", "mp3"),
}
PNG_START = b"\x89PNG\r\n"


@pytest.fixture(scope="module")
def originals(tmp_path_factory) -> Path:
    """A folder of small videos, each named by its container."""
    folder = tmp_path_factory.mktemp("originals")
    for container, (codec, sound) in CODECS.items():
        movie = Movie(list(counting(60)), codec=codec, sounds=[Sound(seconds=2.4, codec=sound)])
        movie.write(folder / container, container)
    return folder


@pytest.fixture
def convert(tmp_path):
    def _convert(content: bytes) -> Rendered:
        path, scratch = tmp_path / "original", tmp_path / "scratch"
        path.write_bytes(content)
        scratch.mkdir(exist_ok=True)
        original = Original(path, "original", "", scratch)
        rendered = transform(original, Recipe())
        prove(original, rendered, Recipe())
        return rendered

    return _convert


def found_in(content: bytes):
    return examine(io.BytesIO(content), len(content))


@pytest.mark.parametrize("container", ["mp4", "mov", "matroska", "webm", "avi"])
@pytest.mark.parametrize("share", [0.3, 0.95])
def test_file_that_was_cut_off_is_refused_before_it_is_converted(originals, container, share):
    content = (originals / container).read_bytes()
    with pytest.raises(TruncatedFile):
        found_in(content[: int(len(content) * share)])


@pytest.mark.parametrize("container", ["mp4", "matroska"])
def test_file_whose_index_comes_first_is_refused_when_it_is_cut_off(tmp_path, container):
    options = {"movflags": "faststart"} if container == "mp4" else {"cues_to_front": "1", "reserve_index_space": "2000"}
    content = Movie(list(counting(60)), writer=options).bytes(tmp_path, container)
    with pytest.raises(TruncatedFile, match="Upload it again"):
        found_in(content[: len(content) * 2 // 3])


def test_recording_that_never_ended_has_no_index(originals):
    content = (originals / "mp4").read_bytes()
    with pytest.raises(TruncatedFile, match="no index"):
        found_in(content[: content.index(b"moov") - 4])


def test_stream_that_was_cut_off_is_converted_as_far_as_it_goes(originals, convert):
    """Broadcasts are cut anywhere, and nothing in them says how long they are."""
    content = (originals / "mpegts").read_bytes()
    rendered = convert(content[: len(content) * 2 // 3])
    assert 0.8 < rendered.facts["duration_seconds"] < 2


@pytest.mark.parametrize(
    "content", [b"\0" * 5000, b"hello " * 900, bytes(range(256)) * 40, b"#EXTM3U\nfile:///etc/passwd\n"]
)
def test_what_is_no_video_is_refused(content):
    with pytest.raises(CorruptMedia):
        found_in(content)


@pytest.mark.parametrize(
    "playlist",
    [
        b"ffconcat version 1.0\nfile '/etc/passwd'\n",
        b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n#EXT-X-ENDLIST\n",
        b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><BaseURL>file:///etc/passwd</BaseURL></MPD>',
        b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
    ],
    ids=["concat", "hls", "dash", "sdp"],
)
def test_list_of_other_files_is_not_followed(playlist):
    with pytest.raises(CorruptMedia):
        found_in(playlist + b" " * 4000)


def test_file_without_a_track_to_play(tmp_path):
    with av.open(str(tmp_path / "data"), "w", format="mp4") as output:
        output.add_data_stream("bin_data")
        output.start_encoding()
    with pytest.raises(NothingToPlay):
        found_in((tmp_path / "data").read_bytes())


def test_codec_that_nobody_knows_is_named(originals):
    content = (originals / "mp4").read_bytes().replace(b"avc1", b"zzz9").replace(b"avcC", b"zzzC")
    with pytest.raises((UnsupportedCodec, CorruptMedia)):
        found_in(content)


def test_large_video_is_refused_by_its_true_size(tmp_path):
    content = Movie([gray(50, (5800, 3000))], codec="mjpeg", pixel_format="yuvj420p").bytes(tmp_path, "mov")
    with pytest.raises(TooManyPixels, match="5,800 by 3,000"):
        found_in(content)


def test_video_that_plays_for_days_is_refused(tmp_path):
    times = [0, 1000, int(1000 * (LIMITS.max_seconds + 60))]
    content = Movie(list(counting(3)), times=times).bytes(tmp_path, "matroska")
    with pytest.raises(TooLong, match="hours"):
        found_in(content)


def test_video_that_takes_long_to_convert_is_told_from_its_header(tmp_path):
    content = Movie([gray(60, (1280, 720))] * 2, times=[0, 3_000_000]).bytes(tmp_path, "matroska")
    with pytest.raises(LongVideo, match="in parts"):
        probe(io.BytesIO(content), len(content))


def test_video_that_is_short_but_fills_the_disk_is_converted_in_parts_too(tmp_path, monkeypatch):
    content = Movie(list(counting(3))).bytes(tmp_path, "mp4")
    check(io.BytesIO(content), len(content), LIMITS.max_cpu_seconds)
    monkeypatch.setattr("tasks.transform.video.LIMITS", replace(LIMITS, max_whole_bytes=len(content) - 1))
    with pytest.raises(LongVideo, match="disk"):
        check(io.BytesIO(content), len(content), LIMITS.max_cpu_seconds)


def with_damage(folder: Path, pictures: range) -> bytes:
    """A hundred pictures, of which some are no longer pictures."""
    content = Movie(list(counting(100)), codec="png", pixel_format="rgb24").bytes(folder, "mov")
    starts = [at for at in range(len(content)) if content.startswith(PNG_START, at)]
    for number in pictures:
        content = content[: starts[number]] + bytes(20) + content[starts[number] + 20 :]
    return content


def test_video_with_little_damage_goes_on_behind_it(tmp_path, convert):
    rendered = convert(with_damage(tmp_path, range(40, 44)))
    assert rendered.facts["notes"] == ["4 of 100 packets could not be decoded and were left out"]
    times = [float(time) for time, _ in frames_of(rendered.files[0].path)]
    assert len(times) == 96
    assert times[40] - times[39] == pytest.approx(5 / 25)


def test_video_with_much_damage_is_refused(tmp_path, convert):
    with pytest.raises(CorruptMedia, match="30 of 100"):
        convert(with_damage(tmp_path, range(10, 40)))


def test_video_of_which_nothing_can_be_decoded_is_refused(tmp_path):
    with pytest.raises(CorruptMedia):
        found_in(with_damage(tmp_path, range(100)))


def test_pictures_may_change_their_size_on_the_way(tmp_path, convert):
    small, large = (Movie(list(counting(30, size))).bytes(tmp_path, "mpegts") for size in ((64, 48), (320, 240)))
    frames = frames_of(convert(small + large).files[0].path)
    assert len(frames) == 60
    assert {picture.size for _, picture in frames} == {(64, 48)}
    assert [level(picture) for _, picture in frames] == pytest.approx(
        [level(each) for each in counting(30)] * 2, abs=14
    )


def test_pictures_that_grow_beyond_the_limit_on_the_way_are_not_decoded(tmp_path, convert):
    small = Movie(list(counting(30))).bytes(tmp_path, "mpegts")
    huge = Movie([gray(50, (5800, 3000))] * 2, options={"preset": "ultrafast"}).bytes(tmp_path, "mpegts")
    rendered = convert(small + huge)
    assert 25 <= len(frames_of(rendered.files[0].path)) <= 30
    assert "could not be decoded" in rendered.facts["notes"][0]


def test_file_that_lacks_most_of_what_it_announces_is_refused(tmp_path, convert):
    content = bytearray(
        Movie(list(counting(60)), codec="flv", sounds=[Sound(seconds=2.4, codec="mp3")]).bytes(tmp_path, "flv")
    )
    with pytest.raises(TruncatedFile, match="announces"):
        convert(bytes(content[: len(content) // 4]))


@pytest.mark.parametrize("container", CODECS)
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32), st.integers(1, 40))
def test_any_damage_ends_in_a_video_or_in_a_code(originals, convert, container, seed, count):
    chance, content = random.Random(seed), bytearray((originals / container).read_bytes())
    for _ in range(count):
        content[int(len(content) * chance.random() ** 2)] = chance.randrange(256)
    with suppress(RejectedError, LongVideo):
        assert convert(bytes(content)).files


@pytest.mark.parametrize("container", CODECS)
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.floats(0, 1))
def test_any_beginning_of_a_file_ends_in_a_video_or_in_a_code(originals, convert, container, share):
    content = (originals / container).read_bytes()
    with suppress(RejectedError):
        assert convert(content[: int(len(content) * share)]).files


def test_tracks_without_anything_in_them_are_nothing_to_play(tmp_path):
    whole = Movie([*counting(3)], sounds=[Sound()]).write(tmp_path / "whole.mp4")
    with av.open(str(whole)) as source, av.open(str(tmp_path / "empty.mkv"), "w", format="matroska") as output:
        for stream in source.streams:
            output.add_stream_from_template(stream)
        output.start_encoding()
    with pytest.raises(RejectedError) as refusal:
        transform(Original(tmp_path / "empty.mkv", "empty.mkv", "video/x-matroska", tmp_path), Recipe())
    assert type(refusal.value).__name__ in {"NothingToPlay", "TruncatedFile", "CorruptMedia"}
