"""The picture of a sound: one sees where it is loud, how long it is, and that it is a sound."""

import io
import json

import pytest
from PIL import Image, ImageChops

from tasks.shared.work import Original, Recipe
from tasks.thumbnail.audio import DRAWN_FROM, bars_of, clock, draw, preview
from tasks.transform.audio import transform
from tests.unit.sounds import encoded, sound
from workflow.errors import ThumbnailError

BACKGROUND = (28, 36, 48)


@pytest.fixture
def peaks(tmp_path):
    def _peaks(content: bytes):
        path = tmp_path / "original"
        path.write_bytes(content)
        rendered = transform(Original(path, "sound.wav", "audio/wav", tmp_path), Recipe())
        drawn_from = next(file for file in rendered.files if file.name == DRAWN_FROM)
        path.write_bytes(drawn_from.data)
        return path

    return _peaks


def lit(image: Image.Image, left: float, right: float) -> int:
    """How many pixels are not background in the columns between two shares of the width, above the label."""
    box = (int(left * image.width), 0, int(right * image.width), int(image.height * 0.8))
    part = image.convert("RGB").crop(box)
    far = (
        ImageChops.difference(part, Image.new("RGB", part.size, BACKGROUND)).convert("L").point(lambda x: x > 20 and 1)
    )
    return sum(far.tobytes())


def test_previews_fit_their_boxes(peaks):
    drawn = preview(peaks(encoded("WAV")))
    assert [(file.name, file.width, file.height) for file in drawn.files] == [
        ("128", 128, 64),
        ("256", 256, 128),
        ("512", 512, 256),
    ]
    assert {file.content_type for file in drawn.files} == {"image/webp"}
    assert drawn.thumbhash
    assert drawn.dominant_color.startswith("#1c24")


def test_loud_is_tall_and_quiet_is_short(peaks):
    drawn = preview(peaks(encoded("WAV", sound(4, "if(lt(t,2),0.9,0.1)*sin(600*t)"))))
    image = Image.open(io.BytesIO(drawn.files[-1].data))
    assert lit(image, 0.1, 0.45) > 4 * lit(image, 0.55, 0.9) > 0


def test_quiet_recordings_are_drawn_louder_but_stay_quiet():
    heights = [max(bar.peak for bar in bars_of([level] * 500)) for level in (127, 64, 4, 0)]
    assert heights[:2] == [1, 1]
    assert 0 < heights[2] < 0.25
    assert heights[3] == 0


@pytest.mark.parametrize("points", [[], [5], [0, 128], [100] * 49, list(range(128)) * 15])
def test_any_number_of_points_is_drawn(points):
    assert len(list(bars_of(points))) == 48
    assert draw(points, 12.3).size == (2048, 1024)


def test_silence_is_a_line_of_dots():
    assert 0 < lit(draw([0] * 1500, 3), 0, 1) < lit(draw([100] * 1500, 3), 0, 1) / 20


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0.02, "0:01"), (7.4, "0:07"), (59.6, "1:00"), (221, "3:41"), (3729, "1:02:09")]
)
def test_length_is_told_as_players_do(seconds, expected):
    assert clock(seconds) == expected


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"data": [1]}',
        b'{"data": [1], "duration": 2}',
        b'{"data": ["a", "b"], "duration": 2}',
        b"\xff",
    ],
)
def test_peaks_that_cannot_be_read(tmp_path, content):
    path = tmp_path / "peaks"
    path.write_bytes(content)
    with pytest.raises(ThumbnailError):
        preview(path)


def test_missing_peaks(tmp_path):
    with pytest.raises(ThumbnailError):
        preview(tmp_path / "missing")


def test_the_same_peaks_give_the_same_picture(tmp_path):
    path = tmp_path / "peaks"
    path.write_text(json.dumps({"data": [-5, 5] * 300, "duration": 9}))
    assert preview(path) == preview(path)
