"""Previews: predictable names and sizes, faithful colors, and an honest error."""

import base64
import io

import pytest
from PIL import Image
from thash import thumb_hash_to_average_rgba

from tasks.shared.work import Drawn
from tasks.thumbnail.image import preview
from tests.unit.images import BLUE, GREEN, RED, YELLOW, corners, encoded, quarters, sample
from workflow.errors import ThumbnailError


@pytest.fixture
def draw(tmp_path):
    def _draw(image: Image.Image, name: str = "WEBP", **options) -> Drawn:
        path = tmp_path / "rendition"
        path.write_bytes(encoded(image, name, **(options or {"quality": 90})))
        return preview(path)

    return _draw


def sizes(drawn: Drawn) -> dict[str, tuple[int, int]]:
    return {file.name: Image.open(io.BytesIO(file.data)).size for file in drawn.files}


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((2048, 1024), {"128": (128, 64), "256": (256, 128), "512": (512, 256)}),
        ((1024, 2048), {"128": (64, 128), "256": (128, 256), "512": (256, 512)}),
        ((300, 200), {"128": (128, 85), "256": (256, 171), "512": (300, 200)}),
        ((256, 256), {"128": (128, 128), "256": (256, 256)}),
        ((200, 100), {"128": (128, 64), "256": (200, 100)}),
        ((128, 10), {"128": (128, 10)}),
        ((1, 1), {"128": (1, 1)}),
        ((2048, 1), {"128": (128, 1), "256": (256, 1), "512": (512, 1)}),
    ],
)
def test_boxes_are_filled_smallest_first_and_never_by_scaling_up(draw, size, expected):
    drawn = draw(Image.new("RGB", size, RED))
    assert sizes(drawn) == expected
    assert list(sizes(drawn)) == list(expected)
    assert [(file.width, file.height) for file in drawn.files] == list(expected.values())


@pytest.mark.parametrize("name", ["WEBP", "JPEG"])
def test_previews_show_the_picture(draw, name):
    for file in draw(quarters(1200, 800), name).files:
        found = corners(Image.open(io.BytesIO(file.data)))
        for color, expected in zip(found, (RED, GREEN, BLUE, YELLOW), strict=True):
            assert all(abs(a - b) < 16 for a, b in zip(color, expected, strict=True)), file.name


def test_transparency_is_kept_and_does_not_count_for_the_color(draw):
    image = Image.new("RGBA", (400, 400), (*GREEN, 0))
    image.paste((*RED, 255), (0, 0, 100, 400))
    drawn = draw(image, lossless=True, exact=True)
    shown = Image.open(io.BytesIO(drawn.files[0].data))
    assert [shown.getpixel((x, 64))[3] for x in (10, 120)] == [255, 0]
    assert drawn.dominant_color == "#dc1e1e"
    red, green, _, alpha = thumb_hash_to_average_rgba(list(base64.b64decode(drawn.thumbhash)))
    assert red > 0.6
    assert green < 0.3
    assert alpha < 0.5


def test_dominant_color_is_the_most_frequent_one_and_not_the_mean(draw):
    image = Image.new("RGB", (300, 100), BLUE)
    image.paste(YELLOW, (0, 0, 120, 100))
    color = draw(image, lossless=True).dominant_color
    assert color == "#{:02x}{:02x}{:02x}".format(*BLUE)


def test_picture_that_is_fully_transparent_has_a_color_all_the_same(draw):
    assert draw(Image.new("RGBA", (50, 50), (0, 0, 0, 0))).dominant_color == "#000000"


def test_thumbhash_resembles_the_picture(draw):
    thumbhash = base64.b64decode(draw(Image.new("RGB", (640, 480), RED)).thumbhash)
    assert 5 <= len(thumbhash) <= 25
    average = thumb_hash_to_average_rgba(list(thumbhash))
    assert all(abs(found * 255 - level) < 25 for found, level in zip(average[:3], RED, strict=True))


def test_same_rendition_gives_the_same_previews(draw):
    assert draw(quarters(600, 400)) == draw(quarters(600, 400))


@pytest.mark.parametrize("content", [b"", b"text", sample("WEBP")[:-40], sample("JPEG")[:300], sample("PNG")])
def test_unreadable_rendition_is_a_thumbnail_error(tmp_path, content):
    path = tmp_path / "rendition"
    path.write_bytes(content)
    with pytest.raises(ThumbnailError, match="no previews"):
        preview(path)
