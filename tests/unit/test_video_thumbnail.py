"""A video's previews: a poster that shows something, and a storyboard in which players find every moment."""

import io
import re
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import pytest
from PIL import Image

from tasks.shared.work import Drawn, Original, Recipe, Written
from tasks.thumbnail.video import DRAWN_FROM, MAX_TILES, TILE_SIDE_PX, preview
from tasks.transform.video import transform
from tests.unit.movies import CORNERS, Movie, Sound, corners, gray, level, quarters
from workflow.errors import ThumbnailError

TOLERANCE = 14


@pytest.fixture
def draw(tmp_path):
    def _draw(movie: Movie) -> Drawn:
        path = movie.write(tmp_path / "original", "matroska")
        rendered = transform(Original(path, "original", "", tmp_path), Recipe())
        found = next(file for name in DRAWN_FROM for file in rendered.files if file.name == name)
        if isinstance(found, Written):
            return preview(found.path)
        peaks = tmp_path / "peaks"
        peaks.write_bytes(found.data)
        return preview(peaks)

    return _draw


def picture(drawn: Drawn, name: str) -> Image.Image:
    file = next(file for file in drawn.files if file.name == name)
    assert file.content_type == "image/webp"
    image = Image.open(io.BytesIO(file.data))
    assert image.size == (file.width, file.height)
    return image.convert("RGB")


def cues(drawn: Drawn) -> list[tuple[float, float, tuple[int, ...]]]:
    file = next(file for file in drawn.files if file.name == "storyboard-index")
    assert file.content_type == "text/vtt"
    text = file.data.decode()
    assert text.startswith("WEBVTT\n\n")
    found = re.findall(r"(\S+) --> (\S+)\nstoryboard\.webp#xywh=(\d+),(\d+),(\d+),(\d+)\n", text)
    return [(seconds(start), seconds(end), tuple(map(int, box))) for start, end, *box in found]


def seconds(timestamp: str) -> float:
    hours, minutes, rest = timestamp.split(":")
    return int(hours) * 3600 + int(minutes) * 60 + float(rest)


def assert_close(found, expected):
    levels = [(a, b) for one, other in zip(found, expected, strict=True) for a, b in zip(one, other, strict=True)]
    assert all(abs(a - b) <= TOLERANCE for a, b in levels), f"{found} is not near {expected}"


def in_bt709(frame: av.VideoFrame) -> av.VideoFrame:
    return frame.reformat(format="yuv420p", dst_colorspace="ITU709")


def test_poster_has_the_colors_of_the_video_in_every_size(draw):
    drawn = draw(Movie([quarters((1280, 720))] * 10, adjust=in_bt709))
    sizes = [(file.name, file.width, file.height) for file in drawn.files[:3]]
    assert sizes == [("128", 128, 72), ("256", 256, 144), ("512", 512, 288)]
    for name, *_ in sizes:
        assert_close(corners(picture(drawn, name)), CORNERS)
    assert drawn.thumbhash
    assert drawn.dominant_color.startswith("#")


def test_poster_is_not_the_black_of_the_beginning(draw):
    pictures = [gray(0, (320, 240))] * 40 + [quarters((320, 240))] * 30
    assert_close(corners(picture(draw(Movie(pictures, rate=10)), "256")), CORNERS)


def test_poster_of_a_video_that_shows_nothing_is_what_it_shows(draw):
    assert level(picture(draw(Movie([gray(70, (320, 240))] * 30, rate=10)), "256")) == pytest.approx(70, abs=3)


def test_storyboard_shows_each_moment_in_its_box(draw):
    """Every two seconds of the video have their own gray."""
    moments = [30, 80, 130, 180, 230]
    drawn = draw(Movie([gray(each, (320, 240)) for each in moments for _ in range(20)], rate=10))
    sheet, found = picture(drawn, "storyboard"), cues(drawn)
    assert [(start, end) for start, end, _ in found] == [(0, 2), (2, 4), (4, 6), (6, 8), (8, 10)]
    shown = [level(sheet.crop((left, top, left + width, top + height))) for _, _, (left, top, width, height) in found]
    assert shown == pytest.approx(moments, abs=4)


def test_storyboard_of_an_hour_has_a_hundred_tiles_that_follow_one_another(tmp_path):
    path = tmp_path / "hour.mp4"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=1, options={"g": "1"})
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        stream.codec_context.time_base = Fraction(1)
        for at in range(360):
            frame = av.VideoFrame.from_image(gray(20 + at * 200 // 360, (320, 180)))
            frame.pts, frame.time_base = at * 10, Fraction(1)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    drawn = preview(path)
    found, sheet = cues(drawn), picture(drawn, "storyboard")
    assert len(found) == MAX_TILES
    assert sheet.size == (10 * TILE_SIDE_PX, 10 * 90)
    assert all(end == following for (_, end, _), (following, _, _) in pairwise(found))
    assert all(
        left + width <= sheet.width and top + height <= sheet.height for _, _, (left, top, width, height) in found
    )
    shown = [level(sheet.crop((left, top, left + width, top + height))) for _, _, (left, top, width, height) in found]
    assert shown[::10] == sorted(shown[::10])


def test_upright_video_has_upright_tiles(draw):
    drawn = draw(Movie([quarters((180, 320))] * 30, rate=10))
    assert cues(drawn)[0][2] == (0, 0, 90, 160)


def test_short_clip_that_begins_black_shows_what_it_has(draw):
    drawn = draw(Movie([gray(0, (320, 240))] * 8 + [quarters((320, 240))] * 12, rate=10))
    assert_close(corners(picture(drawn, "256")), CORNERS)
    assert len(set(corners(picture(drawn, "storyboard")))) > 1


def test_sound_alone_is_drawn_as_a_waveform(draw):
    drawn = draw(Movie(sounds=[Sound()]))
    assert [file.name for file in drawn.files] == ["128", "256", "512"]
    assert len(picture(drawn, "512").getcolors(10_000)) > 10


def test_sound_without_peaks_has_no_previews(tmp_path):
    path = Movie(sounds=[Sound()]).write(tmp_path / "sound")
    with pytest.raises(ThumbnailError, match="only sound"):
        preview(path)


@pytest.mark.parametrize("content", [b"", b"\0" * 100, b"no video" * 100])
def test_rendition_that_cannot_be_read_has_no_previews(tmp_path: Path, content):
    path = tmp_path / "web"
    path.write_bytes(content)
    with pytest.raises(ThumbnailError):
        preview(path)
