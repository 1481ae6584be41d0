"""A rendition that is not the picture of its original is not published."""

import io
from dataclasses import replace

import pytest
from PIL import ExifTags, Image

from tasks.shared.work import Encoded, Original, Recipe, Rendered
from tasks.transform.image import prove, transform
from tests.unit.images import MEDIA_TYPES, SAMPLE_OPTIONS, encoded, exif, quarters, sample, stored_turned
from tests.unit.rasters import ApngFrame, apng
from workflow.errors import ResultNotProven


@pytest.fixture
def made(tmp_path):
    def _made(content: bytes, name: str = "JPEG") -> tuple[Original, Rendered]:
        path = tmp_path / "original"
        path.write_bytes(content)
        original = Original(path, path.name, MEDIA_TYPES[name], tmp_path)
        return original, transform(original, Recipe())

    return _made


def instead(rendered: Rendered, image: Image.Image, **claimed: int) -> Rendered:
    """The same, but another picture was made."""
    data = encoded(image, "WEBP")
    sizes = {"width": image.width, "height": image.height} | claimed
    return replace(rendered, files=(Encoded("web", "image/webp", data, **sizes),))


@pytest.mark.parametrize("name", SAMPLE_OPTIONS)
def test_every_format_is_proven(made, name):
    original, rendered = made(sample(name), name)
    prove(original, rendered, Recipe())


@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned_pictures_are_proven(made, orientation):
    content = encoded(stored_turned(quarters(), orientation), exif=exif({ExifTags.Base.Orientation: orientation}))
    original, rendered = made(content)
    prove(original, rendered, Recipe())


def test_a_picture_that_was_not_turned(made):
    turned = exif({ExifTags.Base.Orientation: 6})
    original, rendered = made(encoded(quarters(), exif=turned))
    with pytest.raises(ResultNotProven, match=r"stretched, cropped or turned"):
        prove(original, instead(rendered, quarters()), Recipe())


def test_a_picture_that_was_stretched(made):
    original, rendered = made(encoded(quarters()))
    with pytest.raises(ResultNotProven, match=r"96 by 60"):
        prove(original, instead(rendered, quarters(96, 60)), Recipe())


def test_a_picture_that_became_blank(made):
    original, rendered = made(encoded(quarters()))
    with pytest.raises(ResultNotProven, match="one color"):
        prove(original, instead(rendered, Image.new("RGB", (96, 64))), Recipe())


def test_a_blank_picture_may_stay_blank(made):
    original, rendered = made(encoded(Image.new("RGB", (96, 64), "white")))
    prove(original, rendered, Recipe())


def test_a_size_that_is_not_that_of_the_file(made):
    original, rendered = made(encoded(quarters()))
    with pytest.raises(ResultNotProven, match="were made"):
        prove(original, instead(rendered, quarters(), width=95), Recipe())


def test_an_animation_that_lost_time(made):
    box = (0, 0, 32, 32)
    original, rendered = made(apng((32, 32), ApngFrame((255, 0, 0, 255), box), ApngFrame((0, 255, 0, 255), box)), "PNG")
    prove(original, rendered, Recipe())
    with pytest.raises(ResultNotProven, match=r"takes 200 ms, the original 300"):
        prove(original, replace(rendered, facts=rendered.facts | {"duration_ms": 300}), Recipe())


def test_transparent_renditions_are_read_with_their_transparency(made):
    image = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    image.paste((0, 0, 0, 255), (16, 16, 48, 48))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    original, rendered = made(buffer.getvalue(), "PNG")
    prove(original, rendered, Recipe())


def test_animation_that_begins_blank_is_not_blank(made):
    original, rendered = made(encoded(quarters()))
    blank = Image.new("RGB", (96, 64))
    moving = encoded(blank, "WEBP", save_all=True, append_images=[quarters()], duration=100)
    prove(original, replace(rendered, files=(Encoded("web", "image/webp", moving, 96, 64),)), Recipe())


@pytest.mark.parametrize("name", ["PNG", "TIFF"])
@pytest.mark.parametrize("levels", [(0x7530, 0x7531), (0x7530, 0x7631), (0x7530, 0x7A30)], ids=["1", "257", "1,280"])
def test_faint_picture_of_16_bits_may_become_blank(made, name, levels):
    """What is many steps of 65,536 is hardly any of 256."""
    rows = [levels[at // 32].to_bytes(2, "little") * 96 for at in range(64)]
    original, rendered = made(encoded(Image.frombytes("I;16", (96, 64), b"".join(rows)), name), name)
    prove(original, rendered, Recipe())
    prove(original, instead(rendered, Image.new("RGB", (96, 64), "gray")), Recipe())


def test_picture_of_16_bits_that_became_blank(made):
    rows = [(at * 1024).to_bytes(2, "little") * 96 for at in range(64)]
    original, rendered = made(encoded(Image.frombytes("I;16", (96, 64), b"".join(rows)), "PNG"), "PNG")
    with pytest.raises(ResultNotProven, match="one color"):
        prove(original, instead(rendered, Image.new("RGB", (96, 64), "gray")), Recipe())
