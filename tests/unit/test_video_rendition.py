"""The MP4 that is made of a video: what a person sees and hears is right, in time, and nothing private is in it."""

import json
import re
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import pytest
from PIL import Image

from tasks.shared.work import Original, Recipe, Rendered
from tasks.transform.video import prove, recipe_name, transform
from tasks.transform.video.encode import KEY_FRAME_SECONDS
from tests.unit.movies import (
    BLUE,
    CORNERS,
    GREEN,
    RED,
    YELLOW,
    Captions,
    Movie,
    Sound,
    corners,
    counting,
    frames_of,
    gray,
    level,
    quarters,
)

TOLERANCE = 12
"""Levels by which two encoders, one after the other, may move a plain area."""

BT709 = {"colorspace": 1, "color_primaries": 1, "color_trc": 1, "color_range": 1}
BT2020 = {"colorspace": 9, "color_primaries": 9, "color_trc": 14, "color_range": 1}


@pytest.fixture
def render(tmp_path):
    def _render(movie: Movie, container: str = "mp4", **recipe) -> Rendered:
        path = movie.write(tmp_path / "original", container)
        scratch = tmp_path / "scratch"
        scratch.mkdir(exist_ok=True)
        original = Original(path, "original", "", scratch)
        rendered = transform(original, Recipe(**recipe))
        prove(original, rendered, Recipe(**recipe))
        return rendered

    return _render


def web(rendered: Rendered) -> Path:
    return rendered.files[0].path


def assert_close(found, expected, tolerance=TOLERANCE):
    levels = [(a, b) for one, other in zip(found, expected, strict=True) for a, b in zip(one, other, strict=True)]
    assert all(abs(a - b) <= tolerance for a, b in levels), f"{found} is not near {expected}"


def times(rendered: Rendered) -> list[float]:
    return [round(float(time), 3) for time, _ in frames_of(web(rendered))]


def test_rendition_is_what_every_browser_plays(render):
    rendered = render(Movie([quarters()] * 30, sounds=[Sound()]))
    with av.open(str(web(rendered))) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.codec_context.name, video.profile, video.pix_fmt) == ("h264", "High", "yuv420p")
        assert (video.colorspace, video.color_primaries, video.color_trc, video.color_range) == (1, 1, 1, 1)
        assert (audio.codec_context.name, audio.layout.name, audio.rate) == ("aac", "stereo", 48_000)
    head = web(rendered).read_bytes()
    assert head.index(b"moov") < head.index(b"mdat")
    assert [(file.name, file.content_type) for file in rendered.files] == [("web", "video/mp4")]


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ((64, 48), (64, 48)),
        ((63, 47), (64, 48)),
        ((1366, 768), (1280, 720)),
        ((1080, 1920), (720, 1280)),
        ((1920, 816), (1280, 544)),
        ((720, 576), (720, 576)),
        ((2000, 100), (1280, 64)),
        ((900, 900), (720, 720)),
    ],
)
def test_size_fits_the_box_that_lies_as_the_video_does_and_never_grows(render, stored, shown):
    rendered = render(Movie([gray(100, stored)] * 2, codec="mpeg4" if stored[0] % 2 == 0 else "ffv1"), "matroska")
    assert (rendered.files[0].width, rendered.files[0].height) == shown
    assert frames_of(web(rendered))[0][1].size == shown
    assert (rendered.facts["width"], rendered.facts["height"]) == stored


@pytest.mark.parametrize(
    ("turn", "expected", "rotation"),
    [
        ((0, False, False), (RED, GREEN, BLUE, YELLOW), 0),
        ((-90, False, False), (BLUE, RED, YELLOW, GREEN), 90),
        ((180, False, False), (YELLOW, BLUE, GREEN, RED), 180),
        ((90, False, False), (GREEN, YELLOW, RED, BLUE), 270),
        ((0, True, False), (GREEN, RED, YELLOW, BLUE), 0),
        ((0, False, True), (BLUE, YELLOW, RED, GREEN), 0),
    ],
)
def test_video_is_upright_however_the_camera_was_held(render, turn, expected, rotation):
    rendered = render(Movie([quarters((96, 64))] * 2, turn=turn, context=BT709))
    picture = frames_of(web(rendered))[0][1]
    assert picture.size == ((64, 96) if rotation % 180 else (96, 64))
    assert rendered.facts["rotation"] == rotation
    colors = corners(picture)
    assert [nearest(color) for color in colors] == list(expected)


def test_colors_of_a_file_that_does_not_say_them_are_taken_as_players_do(render):
    """By size: BT.601 below 720 lines, BT.709 from there on."""
    for size, matrix in (((96, 64), "ITU601"), ((1280, 720), "ITU709")):
        movie = Movie([quarters(size)] * 2, adjust=in_matrix(matrix))
        assert_close(corners(frames_of(web(render(movie)))[0][1]), CORNERS)


def in_matrix(matrix: str, color_range: str = "MPEG"):
    def adjust(frame: av.VideoFrame) -> av.VideoFrame:
        return frame.reformat(format="yuv420p", dst_colorspace=matrix, dst_color_range=color_range)

    return adjust


def test_colors_that_a_file_names_are_kept(render):
    large = Movie([quarters((1280, 720))] * 2, adjust=in_matrix("ITU601"), context={"colorspace": 6})
    small = Movie([quarters()] * 2, adjust=in_matrix("ITU709"), context=BT709)
    full = Movie([quarters()] * 2, adjust=in_matrix("ITU709", "JPEG"), context=BT709 | {"color_range": 2})
    for movie in (large, small, full):
        assert_close(corners(frames_of(web(render(movie)))[0][1]), CORNERS)


@pytest.mark.parametrize(
    ("curve", "signals", "levels"),
    [
        (16, (0, 0.25, 0.44, 0.58, 0.75), (0, 38, 101, 154, 207)),
        (18, (0, 0.25, 0.5, 0.75, 1.0), (0, 59, 114, 172, 253)),
    ],
    ids=["PQ", "HLG"],
)
def test_high_dynamic_range_becomes_standard_in_steps_that_differ(render, curve, signals, levels):
    """White as on paper (PQ 0.58, HLG 0.75) is light gray, so that lights have room above it."""
    stripes = Movie(
        [gray(0, (160, 64))] * 12,
        codec="libx265",
        pixel_format="yuv420p10le",
        adjust=stripes_of(signals),
        context=BT2020 | {"color_trc": curve},
    )
    rendered = render(stripes, "mp4")
    picture = frames_of(web(rendered))[0][1]
    found = [picture.getpixel((32 * at + 16, 32)) for at in range(len(signals))]
    assert_close(found, [(each,) * 3 for each in levels])
    assert rendered.facts["hdr"]
    assert "high dynamic range was brought to standard range" in rendered.facts["notes"]


def stripes_of(signals: tuple[float, ...]):
    """Columns of gray, by their signal from 0 to 1, in 10 bits."""

    def adjust(frame: av.VideoFrame) -> av.VideoFrame:
        made = av.VideoFrame(frame.width, frame.height, "yuv420p10le")
        row = b"".join(
            round(64 + 876 * signal).to_bytes(2, "little") * (frame.width // len(signals)) for signal in signals
        )
        luma, *chroma = made.planes
        luma.update(row.ljust(luma.line_size, b"\0") * luma.height)
        for plane in chroma:
            plane.update((512).to_bytes(2, "little") * (plane.line_size // 2 * plane.height))
        return made

    return adjust


def test_wide_gamut_is_brought_to_the_screens_of_all(render):
    """BT.2020's red is out of reach: the rendition's is as red as can be, and gray stays gray."""
    movie = Movie(
        [quarters((96, 64), [(200, 60, 60), (128, 128, 128), BLUE, YELLOW])] * 2,
        adjust=in_matrix("BT2020"),
        context=BT2020,
    )
    red, neutral, *_ = corners(frames_of(web(render(movie)))[0][1])
    assert red[0] > 205
    assert max(neutral) - min(neutral) <= 4


def test_transparency_becomes_black(render):
    picture = Image.new("RGBA", (64, 48), (255, 255, 255, 0))
    picture.paste((200, 30, 30, 255), (0, 0, 32, 48))
    rendered = render(
        Movie([picture] * 2, codec="qtrle", pixel_format="argb", adjust=lambda _: with_alpha(picture)), "mov"
    )
    shown = frames_of(web(rendered))[0][1]
    assert_close([shown.getpixel((10, 24)), shown.getpixel((54, 24))], [(200, 30, 30), (0, 0, 0)])
    assert rendered.facts["notes"] == ["transparency was put on black"]


def with_alpha(picture: Image.Image) -> av.VideoFrame:
    return av.VideoFrame.from_bytes(picture.tobytes(), *picture.size, format="rgba")


def nearest(color):
    return min(CORNERS, key=lambda known: sum(abs(a - b) for a, b in zip(color, known, strict=True)))


def test_pixels_become_square(render):
    rendered = render(Movie([quarters((72, 56))] * 2, options={"x264-params": "sar=16/11"}))
    assert (rendered.facts["width"], rendered.facts["height"]) == (105, 56)
    with av.open(str(web(rendered))) as container:
        assert (container.streams.video[0].width, container.streams.video[0].height) == (104, 56)
        assert container.streams.video[0].sample_aspect_ratio in {None, 1}


def test_variable_frame_rate_is_kept(render):
    moments = [0, 40, 80, 600, 640, 1900, 1933, 1966]
    rendered = render(Movie(list(counting(8)), times=moments), "matroska")
    assert times(rendered) == [moment / 1000 for moment in moments]


@pytest.mark.parametrize(("rate", "shown"), [(60, 60), (120, 60), (100, 50), (50, 50)])
def test_more_pictures_than_screens_show_are_left_out(render, rate, shown):
    rendered = render(Movie(list(counting(rate)), rate=rate), "matroska")
    assert abs(len(times(rendered)) - shown) <= 1
    assert rendered.facts["frame_rate"] == pytest.approx(rate, rel=0.02)


def test_a_key_frame_comes_every_two_seconds_of_any_frame_rate(render):
    rendered = render(Movie(list(counting(50)), times=[at * 130 for at in range(50)]), "matroska")
    with av.open(str(web(rendered))) as container:
        keys = [packet.pts * packet.time_base for packet in container.demux(video=0) if packet.is_keyframe]
    assert max(after - before for before, after in pairwise(keys)) <= KEY_FRAME_SECONDS + Fraction(13, 100)
    assert len(keys) >= 3


def woven(frame: av.VideoFrame) -> av.VideoFrame:
    """Odd lines show another moment than even ones; which of them are bright changes from picture to picture."""
    plane = frame.planes[0]
    first = 1 if bytes(plane)[0] > 128 else 0
    plane.update(b"".join(bytes([60 + 120 * ((at + first) % 2)]) * plane.line_size for at in range(plane.height)))
    return frame


@pytest.mark.parametrize("flags", ["+ildct+ilme", ""])
def test_only_what_is_said_to_be_interlaced_becomes_progressive(render, flags):
    movie = Movie(
        [gray(0, (64, 64)), gray(255, (64, 64))] * 4,
        codec="mpeg2video",
        options={"flags": flags, "qscale": "1"} if flags else {},
        adjust=woven,
    )
    rendered = render(movie, "mpegts")
    picture = frames_of(web(rendered))[3][1].convert("L")
    is_combed = abs(picture.getpixel((30, 30)) - picture.getpixel((30, 31))) > 60
    assert is_combed != bool(flags)
    assert len(times(rendered)) == 8
    assert ("interlaced pictures were made progressive" in rendered.facts["notes"]) == bool(flags)


def test_sound_late_in_the_file_stays_with_the_picture(render):
    flash_at, beep_at = 30, 1.2
    pictures = [gray(230 if at == flash_at else 20) for at in range(50)]
    beep = Sound("0.8*sin(2*PI*1000*t)*between(t,0.7,0.74)", seconds=1.3, start=0.5)
    rendered = render(Movie(pictures, sounds=[beep]), "matroska")
    flash = next(time for time, picture in frames_of(web(rendered)) if level(picture) > 128)
    assert float(flash) == pytest.approx(flash_at / 25, abs=0.001)
    assert heard_at(web(rendered)) == pytest.approx(beep_at, abs=0.03)


def test_sound_that_begins_long_after_the_picture_is_in_its_place(render):
    late = Sound("0.8*sin(2*PI*1000*t)", seconds=0.5, start=4.5)
    rendered = render(Movie([gray(60)] * 5, rate=1, sounds=[late]), "matroska")
    assert heard_at(web(rendered)) == pytest.approx(4.5, abs=0.03)
    assert rendered.facts["duration_seconds"] == pytest.approx(5, abs=0.1)


def heard_at(path: Path) -> float:
    """When the sound first is loud, in seconds."""
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            samples = memoryview(bytes(frame.planes[0])).cast("f")[: frame.samples]
            loud = next((at for at, sample in enumerate(samples) if abs(sample) > 0.2), None)
            if loud is not None:
                return float(frame.pts * frame.time_base) + loud / frame.sample_rate
    raise AssertionError("nothing is heard")


def test_loudness_is_that_of_the_sound(render):
    rendered = render(Movie([gray(60)] * 75, sounds=[Sound("0.1*sin(2*PI*997*t)", seconds=3)]))
    assert rendered.facts["loudness_lufs"] == pytest.approx(-20, abs=0.6)


def test_surround_is_mixed_down_and_one_of_several_tracks_is_taken(render):
    sounds = [Sound(layout="5.1", language="eng"), Sound(language="fra")]
    rendered = render(Movie([gray(60)] * 25, sounds=sounds), "matroska")
    assert (rendered.facts["audio_tracks"], rendered.facts["audio_codec"]) == (2, "aac")
    assert rendered.facts["notes"] == [
        "2 audio tracks; the main one is in the rendition",
        "6 audio channels were mixed down to stereo",
    ]


def test_video_without_sound_has_none(render):
    rendered = render(Movie([gray(60)] * 5))
    assert (rendered.facts["has_audio"], rendered.facts["loudness_lufs"]) == (False, None)
    with av.open(str(web(rendered))) as container:
        assert not container.streams.audio


def test_sound_without_picture_becomes_audio(render):
    rendered = render(Movie(sounds=[Sound()]))
    assert (rendered.files[0].content_type, rendered.files[0].width) == ("audio/mp4", None)
    assert rendered.facts["notes"] == ["there is no moving picture; the rendition is sound only"]
    assert "width" not in rendered.facts


PRIVATE_TAGS = {"title": "Sunday", "location": "+52.5-013.4/", "comment": "for Eve", "com.apple.quicktime.make": "Acme"}


def test_nothing_private_is_published(render):
    rendered = render(Movie([gray(60)] * 5, tags=PRIVATE_TAGS), "mov")
    content = web(rendered).read_bytes()
    assert not [text for text in ("52.5", "for Eve", "Acme") if text.encode() in content]
    assert "52.5" not in json.dumps([rendered.facts, rendered.technical])
    assert rendered.facts["title"] == "Sunday"


def test_what_is_private_is_kept_where_that_is_wanted(render):
    rendered = render(Movie([gray(60)] * 5, tags=PRIVATE_TAGS), "mov", publish_private=True)
    with av.open(str(web(rendered))) as container:
        assert container.metadata["comment"] == "for Eve"
    assert rendered.technical["tags"]["comment"] == "for Eve"


def test_recipes_that_give_different_files_have_different_names():
    assert recipe_name("a.mp4", Recipe()) != recipe_name("a.mp4", Recipe(publish_private=True))


def test_captions_become_webvtt_by_language(render):
    spoken = ((0, 500, "One <b> & two"), (600, 300, "{\\i1}Three{\\i0}\\Nfour --> five"))
    captions = [
        Captions(spoken, language="eng"),
        Captions(spoken[:1], language="fra"),
        Captions(spoken[1:], language="eng"),
    ]
    rendered = render(Movie([gray(60)] * 25, captions=captions))
    files = {file.name: file for file in rendered.files[1:]}
    assert sorted(files) == ["captions-eng", "captions-eng-2", "captions-fra"]
    assert files["captions-eng"].content_type == "text/vtt"
    assert files["captions-eng"].data.decode() == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:00.500\nOne &lt;b&gt; &amp; two\n\n"
        "00:00:00.600 --> 00:00:00.900\nThree\nfour --&gt; five\n"
    )
    assert rendered.facts["captions"][0] == {"language": "eng", "codec": "mov_text", "text": True}


@pytest.mark.parametrize(("container", "codec"), [("matroska", "subrip"), ("matroska", "ass"), ("webm", "webvtt")])
def test_every_kind_of_text_captions_is_read(render, container, codec):
    codecs = {"codec": "libvpx-vp9"} if container == "webm" else {}
    rendered = render(Movie([gray(60)] * 25, captions=[Captions([(200, 500, "Hello")], codec)], **codecs), container)
    assert b"00:00:00.200 --> 00:00:00.700\nHello" in rendered.files[1].data


@pytest.mark.parametrize(
    ("line", "spoken"),
    [
        (r"{\p1}m 0 0 l 10 10{\p0}Hello\hthere", "Hello there"),
        (r"{\an8\p2}m 348 49 l 367 49", ""),
        (r"{\pos(10,20)\pbo4}Sign{\i1} left{\i0}", "Sign left"),
        (r"soft\nbreak", "soft break"),
    ],
)
def test_captions_are_what_is_spoken_and_not_what_is_drawn(render, line, spoken):
    cues = [(0, 200, line), (500, 200, "the end")]
    rendered = render(Movie([gray(60)] * 25, captions=[Captions(cues, "ass")]), "matroska")
    said = re.findall(r" --> \S+\n(.+)", rendered.files[1].data.decode())
    assert said == [each for each in (spoken, "the end") if each]


def test_chapters_are_counted_and_listed(render):
    rendered = render(Movie([gray(60)] * 25, chapters=[(0, 400, "Opening"), (400, 1000, "End")]))
    assert rendered.facts["chapters"] == 2
    assert [chapter["title"] for chapter in rendered.technical["chapters"]] == ["Opening", "End"]


def test_facts_say_what_the_video_is(render):
    rendered = render(Movie([quarters()] * 50, sounds=[Sound(seconds=2)], tags={"title": "Two seconds"}))
    expected = {
        "format": "mov", "width": 64, "height": 48, "rotation": 0, "frame_rate": 25.0, "video_codec": "h264",
        "hdr": False, "has_audio": True, "audio_codec": "aac", "audio_tracks": 1, "chapters": 0, "captions": [],
        "title": "Two seconds", "notes": [],
    }  # fmt: skip
    assert {name: rendered.facts[name] for name in expected} == expected
    assert rendered.facts["duration_seconds"] == pytest.approx(2, abs=0.03)
    json.dumps([rendered.facts, rendered.technical], allow_nan=False)


@pytest.mark.parametrize(
    ("container", "codec", "pixels", "sound"),
    [
        ("mov", "prores_ks", "yuv422p10le", "pcm_s16le"),
        ("matroska", "libx265", "yuv420p10le", "flac"),
        ("webm", "libvpx-vp9", "yuv420p", "libopus"),
        ("mp4", "libsvtav1", "yuv420p", "aac"),
        ("avi", "mpeg4", "yuv420p", "mp3"),
        ("avi", "libx264", "yuv420p", "mp3"),
        ("avi", "mjpeg", "yuvj420p", "pcm_s16le"),
        ("avi", "mpeg4", "yuv420p", "aac"),
        ("mpegts", "mpeg2video", "yuv420p", "mp2"),
        ("mpegts", "libx264", "yuv420p", "ac3"),
        ("mpeg", "mpeg2video", "yuv420p", "mp2"),
        ("flv", "flv", "yuv420p", "mp3"),
        ("asf", "wmv2", "yuv420p", "wmav2"),
        ("mov", "qtrle", "rgb24", "pcm_s16le"),
    ],
)
def test_every_usual_pair_of_container_and_codecs_is_converted(render, container, codec, pixels, sound):
    movie = Movie(list(counting(25)), codec=codec, pixel_format=pixels, sounds=[Sound(codec=sound)])
    rendered = render(movie, container)
    assert rendered.facts["duration_seconds"] == pytest.approx(1, abs=0.15)
    frames = frames_of(web(rendered))
    assert len(frames) == 25
    assert [level(picture) for _, picture in frames] == pytest.approx([level(each) for each in counting(25)], abs=14)
    assert rendered.facts["has_audio"]
    assert not rendered.facts["notes"]
