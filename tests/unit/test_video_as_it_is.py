"""What a file says of itself wrongly, in part or anew on the way: all of the film comes out, as it is to be seen."""

from pathlib import Path

import av
import pytest
from av.sidedata.sidedata import Type as SideDataType

from tasks.shared.work import Original, Recipe, Rendered
from tasks.transform.video import prove, transform
from tasks.transform.video.geometry import Turn
from tasks.transform.video.picture import Picture, PictureChain
from tests.unit.movies import CORNERS, Movie, Sound, announcing, corners, counting, frames_of, gray, quarters, shown
from workflow.errors import UnsupportedCodec

TOLERANCE = 14


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


def assert_close(found, expected):
    levels = [(a, b) for one, other in zip(found, expected, strict=True) for a, b in zip(one, other, strict=True)]
    assert all(abs(a - b) <= TOLERANCE for a, b in levels), f"{found} is not near {expected}"


def seconds_of(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        return [float(stream.duration * stream.time_base) for stream in container.streams]


@pytest.mark.parametrize(
    ("container", "codec", "sounds"), [("matroska", "libx264", [Sound(seconds=100)]), ("flv", "flv", [])]
)
def test_film_is_not_cut_where_its_header_says_that_it_ends(tmp_path, convert, container, codec, sounds):
    movie = Movie(list(counting(100)), rate=1, codec=codec, sounds=sounds)
    rendered = convert(announcing(movie.bytes(tmp_path, container), 3))
    assert len(frames_of(rendered.files[0].path)) == 100
    assert min(seconds_of(rendered.files[0].path)) == pytest.approx(100, abs=1.1)
    assert rendered.facts["duration_seconds"] == pytest.approx(100, abs=1.1)


def test_what_lies_in_no_time_of_the_file_is_left_out_and_told(tmp_path, convert):
    movie = Movie(list(counting(4)), times=[0, 40, 80, 4_000_000])
    rendered = convert(announcing(movie.bytes(tmp_path, "matroska"), 0.12))
    assert len(frames_of(rendered.files[0].path)) == 3
    assert rendered.facts["duration_seconds"] < 1
    assert rendered.facts["notes"] == ["1 pictures or blocks of sound are out of the file's time, and were left out"]


def test_picture_that_changes_its_proportions_is_shown_whole_at_the_size_that_it_mostly_has(tmp_path, convert):
    wide = Movie([quarters((128, 72))] * 10).bytes(tmp_path, "mpegts")
    tall = Movie([quarters((72, 128))] * 30).bytes(tmp_path, "mpegts")
    rendered = convert(wide + tall)
    pictures = [picture for _, picture in frames_of(rendered.files[0].path)]
    assert (
        {picture.size for picture in pictures} == {(72, 128)} == {(rendered.files[0].width, rendered.files[0].height)}
    )
    assert_close(corners(pictures[-1]), CORNERS)
    assert_close([pictures[0].getpixel((36, 10)), pictures[0].getpixel((36, 118))], [(0, 0, 0)] * 2)
    assert_close(corners(pictures[0].crop((0, 44, 72, 84))), CORNERS)
    assert (rendered.facts["width"], rendered.facts["height"]) == (72, 128)
    assert (
        "the picture changes its size or its proportions on the way (2); all of it is shown" in rendered.facts["notes"]
    )


def test_pixels_that_become_wider_on_the_way_are_shown_wider(tmp_path, convert):
    square, wide = (
        Movie([quarters((64, 64))] * count, options={"x264-params": f"sar={aspect}"}).bytes(tmp_path, "mpegts")
        for count, aspect in ((30, "1/1"), (10, "2/1"))
    )
    last = frames_of(convert(square + wide).files[0].path)[-1][1]
    assert_close([last.getpixel((32, 6)), last.getpixel((32, 58))], [(0, 0, 0)] * 2)
    assert_close(corners(last.crop((0, 16, 64, 48))), CORNERS)


def with_alpha(format_: str, matrix: str):
    """Left half opaque, right half transparent, with red beneath."""

    def adjust(frame: av.VideoFrame) -> av.VideoFrame:
        image = frame.to_image().convert("RGBA")
        image.paste((200, 30, 30, 0), (image.width // 2, 0, image.width, image.height))
        rgba = av.VideoFrame.from_bytes(image.tobytes(), *image.size, format="rgba")
        return rgba.reformat(format=format_, dst_colorspace=matrix)

    return adjust


@pytest.mark.parametrize(
    ("container", "codec", "pixels", "size", "matrix"),
    [
        ("webm", "libvpx-vp9", "yuva420p", (96, 64), "ITU601"),
        ("mov", "prores_ks", "yuva444p10le", (96, 64), "ITU601"),
        ("mov", "prores_ks", "yuva444p10le", (1280, 720), "ITU709"),
    ],
)
def test_transparency_is_black_and_the_rest_has_its_colors(tmp_path, convert, container, codec, pixels, size, matrix):
    movie = Movie([quarters(size)] * 3, codec=codec, pixel_format=pixels, adjust=with_alpha(pixels, matrix))
    rendered = convert(movie.bytes(tmp_path, container))
    red, right, blue, below = corners(frames_of(rendered.files[0].path)[-1][1])
    assert_close([red, right, blue, below], [CORNERS[0], (0, 0, 0), CORNERS[2], (0, 0, 0)])
    assert "transparency was put on black" in rendered.facts["notes"]


def test_matrix_that_is_not_converted_is_named(tmp_path, convert):
    movie = Movie([quarters()] * 2, context={"colorspace": 8})
    with pytest.raises(UnsupportedCodec, match="YCgCo"):
        convert(movie.bytes(tmp_path))


@pytest.mark.parametrize(("size", "matrix"), [((96, 64), "ITU601"), ((1280, 720), "ITU709")])
@pytest.mark.parametrize("said", [0, 2, 3])
def test_matrix_that_cannot_be_true_is_none(said, size, matrix):
    """Red, green and blue are not in a frame of brightness and color, whatever the container says."""
    frame = av.VideoFrame.from_image(quarters(size)).reformat(format="yuv420p", dst_colorspace=matrix)
    frame.colorspace, frame.pts = said, 0
    chain = PictureChain(Picture("h264", size, size, size, Turn(), None, None, "", False, False, False))
    (made,) = [*chain.push(frame, None), *chain.flush()]
    assert_close(corners(shown(made)), CORNERS)


@pytest.mark.parametrize("order", ["tt", "bb", "progressive"])
def test_fields_that_only_the_container_names_are_made_progressive_and_only_then_that_is_said(tmp_path, convert, order):
    movie = Movie(
        [gray(0, (64, 64)), gray(255, (64, 64))] * 4,
        codec="mjpeg",
        pixel_format="yuvj420p",
        options={"field_order": order, "qscale": "1"},
        adjust=woven,
    )
    rendered = convert(movie.bytes(tmp_path, "mov"))
    picture = frames_of(rendered.files[0].path)[3][1].convert("L")
    is_combed = abs(picture.getpixel((30, 30)) - picture.getpixel((30, 31))) > 60
    is_interlaced = order != "progressive"
    assert is_combed != is_interlaced
    assert ("interlaced pictures were made progressive" in rendered.facts["notes"]) == is_interlaced


def woven(frame: av.VideoFrame) -> av.VideoFrame:
    """Odd lines show another moment than even ones; which of them are bright changes from picture to picture."""
    frame = frame.reformat(format="yuvj420p")
    plane = frame.planes[0]
    first = 1 if bytes(plane)[0] > 128 else 0
    plane.update(b"".join(bytes([60 + 120 * ((at + first) % 2)]) * plane.line_size for at in range(plane.height)))
    return frame


CLOSED_CAPTIONS = bytes.fromhex("b5 0031 47413934 03 41 ff fc9420 ff")
"""ATSC A/53: one pair of CEA-608, "resume caption loading"."""


def with_closed_captions(unit: bytes) -> bytes:
    message = bytes([6, 4, len(CLOSED_CAPTIONS)]) + CLOSED_CAPTIONS + b"\x80"
    return b"\0\0\0\1" + message + unit


def test_closed_captions_within_the_picture_are_left_out_as_it_is_said(tmp_path, convert):
    movie = Movie(list(counting(25)), options={"bf": "0"}, repack=with_closed_captions)
    content = movie.bytes(tmp_path, "mpegts")
    assert b"GA94" in content
    rendered = convert(content)
    assert "closed captions within the picture (CEA-608 or 708) were left out" in rendered.facts["notes"]
    assert b"GA94" not in rendered.files[0].path.read_bytes()
    with av.open(str(rendered.files[0].path)) as container:
        kinds = {data.type for frame in container.decode(video=0) for data in frame.side_data}
    assert SideDataType.A53_CC not in kinds


@pytest.mark.parametrize(("container", "codec"), [("matroska", "libopus"), ("mpegts", "mp2"), ("avi", "mp3")])
def test_sound_alone_has_its_peaks_in_every_container(tmp_path, convert, container, codec):
    rendered = convert(Movie(sounds=[Sound(seconds=2, codec=codec)]).bytes(tmp_path, container))
    assert [(file.name, file.content_type) for file in rendered.files] == [
        ("web", "audio/mp4"),
        ("peaks", "application/json"),
    ]
