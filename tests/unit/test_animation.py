"""Animations stay animations: every frame, its time, its transparency and how often it plays."""

import io
import struct
from itertools import pairwise
from pathlib import Path

import pytest
from PIL import ExifTags, Image

from tasks.shared.work import Original, Recipe, Rendered
from tasks.thumbnail.image import preview
from tasks.transform.image import prove, transform
from tasks.transform.image.animation import animation_size
from tests.unit.images import (
    BLUE,
    GREEN,
    MEDIA_TYPES,
    RED,
    SAMPLE_OPTIONS,
    YELLOW,
    corners,
    encoded,
    exif,
    gif,
    matrix_profile,
    quarters,
    stored_turned,
)
from workflow.errors import CorruptImage, TooManyPixels, TruncatedFile
from workflow.kinds import IMAGE, MEGAPIXEL

ANIMATED = ["GIF", "PNG", "WEBP", "AVIF"]
P3_PRIMARIES = ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407))
TOLERANCE = 14
CLEAR = None
"""A place that can be seen through."""


@pytest.fixture
def render(tmp_path):
    def _render(content: bytes, name: str = "GIF", **recipe) -> Rendered:
        path = tmp_path / "original"
        path.write_bytes(content)
        original = Original(path, path.name, MEDIA_TYPES[name], tmp_path)
        rendered = transform(original, Recipe(**recipe))
        prove(original, rendered, Recipe(**recipe))
        return rendered

    return _render


def animated(name: str, frames: list[Image.Image], **options) -> bytes:
    return encoded(frames[0], name, save_all=True, append_images=frames[1:], **SAMPLE_OPTIONS[name], **options)


def plain(*colors, size=(64, 48), mode="RGB") -> list[Image.Image]:
    return [Image.new(mode, size, color) for color in colors]


def frames_of(rendered: Rendered, at: int = 0) -> list[Image.Image]:
    image = Image.open(io.BytesIO(rendered.files[at].data))
    frames = []
    for number in range(image.n_frames):
        image.seek(number)
        frames.append(image.convert("RGBA"))
        frames[-1].info = dict(image.info)
    return frames


def shown(frame: Image.Image, *places: tuple[int, int]) -> list[tuple[int, ...] | None]:
    pixels = [frame.getpixel(place) for place in places]
    return [pixel[:3] if pixel[3] > 127 else CLEAR for pixel in pixels]


def assert_shows(found, expected):
    assert [color is CLEAR for color in found] == [color is CLEAR for color in expected]
    for color, wanted in zip(found, expected, strict=True):
        if color and wanted:
            assert all(abs(a - b) <= TOLERANCE for a, b in zip(color, wanted, strict=True)), f"{found} {expected}"


@pytest.mark.parametrize("name", ANIMATED)
def test_every_frame_is_kept_for_its_time(render, name):
    rendered = render(animated(name, plain(RED, GREEN, BLUE), duration=[70, 120, 200]), name)
    frames = frames_of(rendered)
    assert_shows([shown(frame, (30, 20))[0] for frame in frames], [RED, GREEN, BLUE])
    assert [frame.info["duration"] for frame in frames] == [70, 120, 200]
    assert (rendered.facts["frames"], rendered.facts["duration_ms"]) == (3, 390)
    assert "notes" not in rendered.facts
    assert rendered.files[0].content_type == "image/webp"


@pytest.mark.parametrize("name", ANIMATED)
def test_jpeg_is_the_first_frame_and_that_is_said_where_there_is_no_other(render, name):
    content = animated(name, plain(RED, GREEN, BLUE))
    both, still = render(content, name, formats=("webp", "jpeg")), render(content, name, formats=("jpeg",))
    assert [file.content_type for file in both.files] == ["image/webp", "image/jpeg"]
    assert_shows([Image.open(io.BytesIO(both.files[1].data)).getpixel((30, 20))], [RED])
    assert both.files[1] == still.files[0]
    assert still.facts["frames"] == 3
    assert still.facts["notes"] == ["the rendition shows the first of 3 frames"]


@pytest.mark.parametrize(
    ("name", "options", "plays"),
    [
        ("GIF", {}, 1),
        ("GIF", {"loop": 0}, 0),
        ("GIF", {"loop": 2}, 3),
        ("GIF", {"loop": 65535}, 65535),
        ("PNG", {"loop": 0}, 0),
        ("PNG", {"loop": 2}, 2),
        ("WEBP", {"loop": 0}, 0),
        ("WEBP", {"loop": 2}, 2),
        ("AVIF", {}, 0),
    ],
)
def test_plays_as_often_as_the_original(render, name, options, plays):
    rendered = render(animated(name, plain(RED, GREEN), duration=100, **options), name)
    assert rendered.facts["loop"] == plays
    assert Image.open(io.BytesIO(rendered.files[0].data)).info["loop"] == plays


def test_animation_in_which_nothing_moves_becomes_a_still_picture_and_that_is_said(render):
    frames = [((0, 0, 32, 24), 1, 0)] * 3
    rendered = render(gif(32, 24, *frames))
    assert len(frames_of(rendered)) == 1
    assert rendered.facts["frames"] == 3
    assert "duration_ms" not in rendered.facts
    assert "its 3 frames look alike: the rendition does not move" in rendered.facts["notes"]


def test_frames_without_a_time_take_as_long_as_browsers_give_them(render):
    content = gif(8, 8, ((0, 0, 8, 8), 0, 0), ((0, 0, 8, 8), 1, 0), ms=0)
    assert render(content).facts["duration_ms"] == 200
    content = gif(8, 8, ((0, 0, 8, 8), 0, 0), ((0, 0, 8, 8), 1, 0), ms=20)
    assert render(content).facts["duration_ms"] == 40


LEFT, RIGHT, PLACES = (0, 0, 32, 32), (32, 0, 32, 32), ((16, 16), (48, 16))


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        ([(LEFT, 0, 0), (RIGHT, 1, 0)], [[RED, CLEAR], [RED, GREEN]]),
        ([(LEFT, 0, 1), (RIGHT, 1, 1)], [[RED, CLEAR], [RED, GREEN]]),
        ([(LEFT, 0, 2), (RIGHT, 1, 2), (LEFT, 2, 0)], [[RED, CLEAR], [CLEAR, GREEN], [BLUE, CLEAR]]),
        ([(LEFT, 0, 1), (LEFT, 1, 3), (RIGHT, 2, 0)], [[RED, CLEAR], [GREEN, CLEAR], [RED, BLUE]]),
        ([(LEFT, 0, 1), (LEFT, 1, 4), (RIGHT, 2, 0)], [[RED, CLEAR], [GREEN, CLEAR], [RED, BLUE]]),
        ([(LEFT, 0, 3), (RIGHT, 1, 0)], [[RED, CLEAR], [CLEAR, GREEN]]),
        ([(LEFT, 0, 2), (RIGHT, 1, 0), (LEFT, 2, 0)], [[RED, CLEAR], [CLEAR, GREEN], [BLUE, GREEN]]),
        ([(LEFT, 0, 0), ((0, 0, 64, 32), 3, 0), (RIGHT, 1, 0)], [[RED, CLEAR], [RED, GREEN]]),
        ([(LEFT, 0, 0), ((32, 0, 64, 64), 1, 0)], [[RED, CLEAR], [RED, GREEN]]),
    ],
    ids=["unspecified", "keep", "clear", "restore", "restore-as-4", "restore-nothing", "not-inherited", "see-through",
         "over-the-edge"],
)  # fmt: skip
def test_frames_of_a_gif_are_taken_away_as_they_ask(render, frames, expected):
    found = [shown(frame, *PLACES) for frame in frames_of(render(gif(64, 32, *frames)))]
    assert len(found) == len(expected)
    for colors, wanted in zip(found, expected, strict=True):
        assert_shows(colors, wanted)


def test_gray_palette_of_a_later_frame_that_can_be_seen_through(render):
    """Pillow alone cannot convert such a frame."""
    gray = bytes([0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3])
    colored = gif(64, 32, (LEFT, 0, 1), (RIGHT, 2, 1))
    descriptor = struct.pack("<4HB", *RIGHT, 0)
    with_palette = colored.replace(descriptor, descriptor[:-1] + b"\x81" + gray)
    assert_shows(shown(frames_of(render(with_palette))[1], *PLACES), [RED, (2, 2, 2)])


@pytest.mark.parametrize("others", [[], [(RIGHT, 1, 0)]], ids=["still", "animated"])
def test_what_the_first_frame_leaves_of_the_canvas_is_white_in_jpeg(render, others):
    jpeg = Image.open(io.BytesIO(render(gif(64, 32, (LEFT, 0, 0), *others), formats=("jpeg",)).files[0].data))
    assert_shows([jpeg.getpixel(place) for place in PLACES], [RED, (255, 255, 255)])


def test_first_frame_larger_than_the_screen_of_a_gif_is_shown_whole(render):
    rendered = render(gif(8, 8, ((0, 0, 64, 32), 0, 0), (RIGHT, 1, 0)))
    assert (rendered.files[0].width, rendered.files[0].height) == (64, 32)


@pytest.mark.parametrize("name", ANIMATED)
def test_transparency_is_kept_in_every_frame(render, name):
    frames = plain((0, 0, 0, 0), (0, 0, 0, 0), mode="RGBA")
    frames[0].paste((*RED, 255), (0, 0, 32, 48))
    frames[1].paste((*BLUE, 255), (32, 0, 64, 48))
    for frame, color, corner in zip(frames, (RED, BLUE), ((60, 44, 64, 48), (0, 0, 4, 4)), strict=True):
        frame.paste((*color, 255), corner)  # so that an encoder cannot crop the transparent part away
    options = {"disposal": 2} if name == "GIF" else {"disposal": 1, "blend": 0} if name == "PNG" else {}
    rendered = render(animated(name, frames, duration=100, **options), name, formats=("webp", "jpeg"))
    found = [shown(frame, (12, 20), (52, 20)) for frame in frames_of(rendered)]
    assert_shows(found[0], [RED, CLEAR])
    assert_shows(found[1], [CLEAR, BLUE])
    assert rendered.facts["has_alpha"] is True
    assert_shows([Image.open(io.BytesIO(rendered.files[1].data)).getpixel((52, 20))], [(255, 255, 255)])


@pytest.mark.parametrize("name", ANIMATED)
def test_animation_without_transparency_has_none(render, name):
    assert render(animated(name, plain(RED, GREEN)), name).facts["has_alpha"] is False


def test_picture_for_those_who_cannot_animate_is_no_frame(render):
    content = animated("PNG", plain(RED, GREEN, BLUE), default_image=True, duration=100)
    rendered = render(content, "PNG", formats=("webp", "jpeg"))
    assert_shows([shown(frame, (30, 20))[0] for frame in frames_of(rendered)], [GREEN, BLUE])
    assert_shows([Image.open(io.BytesIO(rendered.files[1].data)).getpixel((30, 20))], [RED])
    assert rendered.facts["frames"] == 2


@pytest.mark.parametrize("name", ["PNG", "WEBP"])  # Pillow's encoder of AVIF crashes on turned sequences
def test_frames_are_turned_upright(render, name):
    stored = [stored_turned(image, 6) for image in (quarters(), quarters().rotate(180))]
    rendered = render(animated(name, stored, exif=exif({ExifTags.Base.Orientation: 6})), name)
    first, second = frames_of(rendered)
    assert first.size == (rendered.files[0].width, rendered.files[0].height) == (96, 64)
    assert_shows(corners(first), [RED, GREEN, BLUE, YELLOW])
    assert_shows(corners(second), [YELLOW, BLUE, GREEN, RED])


@pytest.mark.parametrize("name", ["PNG", "WEBP"])
def test_wide_colors_are_converted_in_every_frame(render, name):
    profile = matrix_profile(P3_PRIMARIES, 2.2)
    frames = frames_of(render(animated(name, plain((200, 100, 50), (60, 180, 90)), icc_profile=profile), name))
    converted = [shown(frame, (30, 20))[0] for frame in frames]
    assert_shows(converted, [(215, 95, 35), (0, 184, 83)])


@pytest.mark.parametrize("name", ["PNG", "WEBP", "AVIF"])
def test_nothing_private_is_published(render, name):
    marker = b"Private-Marker"
    content = animated(name, plain(RED, GREEN), exif=exif({ExifTags.Base.Artist: marker.decode()}))
    assert marker in content
    assert marker not in render(content, name).files[0].data


def test_comment_of_a_gif_is_not_published(render):
    content = animated("GIF", plain(RED, GREEN), comment=b"Private-Marker")
    assert b"Private-Marker" in content
    assert b"Private-Marker" not in render(content).files[0].data


def test_frames_are_scaled_to_the_box(render):
    rendered = render(animated("PNG", plain(RED, GREEN, size=(300, 150))), "PNG", max_side_px=100)
    assert frames_of(rendered)[1].size == (100, 50)
    assert (rendered.facts["width"], rendered.facts["height"]) == (300, 150)


def test_many_frames_make_a_smaller_animation():
    recipe = Recipe(max_side_px=2000, max_animation_pixels=100 * MEGAPIXEL)
    sizes = [animation_size((4000, 2000), frames, recipe) for frames in (2, 50, 100, 200, 1000)]
    assert sizes[:2] == [(2000, 1000), (2000, 1000)]
    assert all(more[0] < fewer[0] for fewer, more in pairwise(sizes[1:]))
    assert all(w * h * n <= 101 * MEGAPIXEL for (w, h), n in zip(sizes, (2, 50, 100, 200, 1000), strict=True))
    assert animation_size((1, 60_000), 1000, recipe) == (1, 2000)


def test_too_many_pixels_over_all_frames(render):
    content = gif(10_000, 5_000, *[((0, 0, 1, 1), 0, 1)] * 21)
    assert IMAGE.max_total_pixels < 21 * 50 * MEGAPIXEL
    with pytest.raises(TooManyPixels, match="21 frames of 10,000 by 5,000 pixels, which is 1,050 megapixels together"):
        render(content)


def test_frame_larger_than_its_screen_does_not_get_around_the_limit(render):
    bomb = b"," + struct.pack("<4HB", 0, 0, 60_000, 60_000, 0) + b"\2\1\0\0"
    with pytest.raises(TooManyPixels):
        render(gif(8, 8, ((0, 0, 8, 8), 0, 0))[:-1] + bomb + b";")


@pytest.mark.parametrize("name", ANIMATED)
@pytest.mark.parametrize("share", [0.6, 0.9])
def test_animation_cut_off_in_a_later_frame_is_not_published(render, name, share):
    noise = [Image.effect_noise((100, 80), 60 + at).convert("RGB") for at in range(5)]
    content = animated(name, noise)
    with pytest.raises((TruncatedFile, CorruptImage)):
        render(content[: int(len(content) * share)], name)


def test_same_bytes_give_the_same_animation(render):
    content = animated("GIF", [quarters(), quarters().rotate(180)])
    assert render(content) == render(content)


def previewed(rendered: Rendered, folder: Path) -> list[Image.Image]:
    path = folder / "rendition"
    path.write_bytes(rendered.files[0].data)
    return [Image.open(io.BytesIO(file.data)) for file in preview(path).files]


def test_thumbnails_are_still_pictures_of_the_first_frame(render, tmp_path):
    thumbnails = previewed(render(animated("GIF", [quarters(), quarters().rotate(180)])), tmp_path)
    assert [thumbnail.n_frames for thumbnail in thumbnails] == [1]
    assert_shows(corners(thumbnails[0]), [RED, GREEN, BLUE, YELLOW])


@pytest.mark.parametrize("blank", [(0, 0, 0, 255), (255, 255, 255, 255), (0, 0, 0, 0), (250, 3, 3, 0)])
def test_thumbnail_is_the_first_frame_that_shows_something(render, tmp_path, blank):
    frames = [*plain(blank, blank, size=(96, 64), mode="RGBA"), quarters().convert("RGBA")]
    thumbnails = previewed(render(animated("PNG", frames, blend=0, duration=100), "PNG"), tmp_path)
    assert_shows(corners(thumbnails[0]), [RED, GREEN, BLUE, YELLOW])


def test_thumbnail_of_nothing_but_blank_frames_is_the_first(render, tmp_path):
    thumbnails = previewed(render(animated("GIF", plain(RED, GREEN))), tmp_path)
    assert_shows(corners(thumbnails[0]), [RED] * 4)
