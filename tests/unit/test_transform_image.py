"""The web rendition: what a person sees is right, nothing private is published, nothing hostile gets through."""

import io
import json
import struct
import warnings
import zlib
from pathlib import Path

import pillow_heif
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import ExifTags, Image, ImageCms

from tasks.shared.work import Original, Recipe, Rendered
from tasks.transform.image import transform
from tasks.transform.image.color import read_profile, to_srgb, to_working_mode
from tests.unit.images import (
    BLUE,
    GREEN,
    MEDIA_TYPES,
    RED,
    SAMPLE_OPTIONS,
    YELLOW,
    claiming,
    corners,
    encoded,
    exif,
    gif_with_frames,
    inks_profile,
    matrix_profile,
    png,
    png_chunk,
    png_end,
    quarters,
    sample,
    sample_of,
    stored_turned,
)
from workflow.errors import CorruptImage, RejectedError, TooManyFrames, TooManyPixels, TruncatedFile, UnsupportedType
from workflow.kinds import IMAGE

WEBP_TOLERANCE = 14
"""Levels by which quality 80 may move a plain area."""

SRGB_PRIMARIES = ((0.43607, 0.22249, 0.01392), (0.38515, 0.71687, 0.09708), (0.14307, 0.06061, 0.71410))
P3_PRIMARIES = ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407))

GPS = {
    ExifTags.GPS.GPSLatitudeRef: "S",
    ExifTags.GPS.GPSLatitude: (33.0, 51.0, 30.0),
    ExifTags.GPS.GPSLongitudeRef: "E",
    ExifTags.GPS.GPSLongitude: (151.0, 12.0, 36.0),
    ExifTags.GPS.GPSAltitudeRef: b"\x01",
    ExifTags.GPS.GPSAltitude: 12.5,
}


@pytest.fixture
def render(tmp_path):
    def _render(content: bytes, name: str = "JPEG", **recipe) -> Rendered:
        path = tmp_path / "original"
        path.write_bytes(content)
        return transform(Original(path, path.name, MEDIA_TYPES[name], tmp_path), Recipe(**recipe))

    return _render


def picture(rendered: Rendered, at: int = 0) -> Image.Image:
    image = Image.open(io.BytesIO(rendered.files[at].data))
    image.load()
    return image


def assert_close(found, expected, tolerance=WEBP_TOLERANCE):
    levels = [(a, b) for one, other in zip(found, expected, strict=True) for a, b in zip(one, other, strict=True)]
    assert all(abs(a - b) <= tolerance for a, b in levels), f"{found} is not near {expected}"


def test_every_format_keeps_its_picture(render, subtests):
    for name in SAMPLE_OPTIONS:
        with subtests.test(name):
            rendered = render(sample(name), name)
            assert_close(corners(picture(rendered)), [RED, GREEN, BLUE, YELLOW])
            assert rendered.facts["format"] == IMAGE.formats[MEDIA_TYPES[name]].label
            assert (rendered.facts["width"], rendered.facts["height"]) == (96, 64)


def test_files_come_in_the_order_of_the_recipe(render):
    rendered = render(sample("PNG"), "PNG", formats=("jpeg", "webp"))
    assert [(file.name, file.content_type) for file in rendered.files] == [("web", "image/jpeg"), ("web", "image/webp")]
    assert [picture(rendered, at).format for at in (0, 1)] == ["JPEG", "WEBP"]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF"])
def test_respecting_orientation(render, name, orientation):
    stored = stored_turned(quarters(), orientation)
    content = encoded(stored, name, **SAMPLE_OPTIONS[name], exif=exif({ExifTags.Base.Orientation: orientation}))
    rendered = render(content, name)
    assert_close(corners(picture(rendered)), [RED, GREEN, BLUE, YELLOW])
    assert (rendered.facts["width"], rendered.facts["height"]) == (96, 64)
    assert (rendered.files[0].width, rendered.files[0].height) == (96, 64)


@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_orientation_is_among_the_facts(render, name):
    content = encoded(quarters(), name, exif=exif({ExifTags.Base.Orientation: 6}))
    assert render(content, name).facts["orientation"] == 6


def test_orientation_that_xmp_alone_has_is_ignored_as_browsers_do(render):
    xmp = b'<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    content = encoded(quarters(), xmp=xmp)
    assert_close(corners(picture(render(content))), [RED, GREEN, BLUE, YELLOW])


def test_senseless_orientation_is_ignored(render):
    content = encoded(quarters(), exif=exif({ExifTags.Base.Orientation: 77}))
    assert_close(corners(picture(render(content))), [RED, GREEN, BLUE, YELLOW])


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((64, 48), (64, 48)),
        ((200, 100), (200, 100)),
        ((201, 100), (200, 100)),
        ((1000, 500), (200, 100)),
        ((500, 1000), (100, 200)),
        ((5000, 3), (200, 1)),
    ],
)
@pytest.mark.parametrize("name", ["JPEG", "PNG"])
def test_scaled_to_fit_and_never_up(render, name, size, expected):
    file = render(sample_of(Image.new("RGB", size, RED), name), name, max_side_px=200).files[0]
    assert (file.width, file.height) == expected


def test_a_scale_that_the_decoder_offers_is_taken_when_it_is_nearly_the_wanted_one(render):
    """4,032 px phone photographs are halved while decoding instead of being resized again."""
    file = render(sample_of(Image.new("RGB", (3960, 20), RED), "JPEG"), max_side_px=2048).files[0]
    assert file.width == 2048
    file = render(sample_of(Image.new("RGB", (4032, 20), RED), "JPEG"), max_side_px=2048).files[0]
    assert file.width == 2016


def srgb_from_p3(color: tuple[int, int, int]) -> tuple[int, ...]:
    """By the formulas: linear P3 with gamma 2.2 → XYZ → linear sRGB → sRGB's curve."""
    inverse_srgb = ((3.13391, -1.61699, -0.49062), (-0.97878, 1.91614, 0.03345), (0.07197, -0.22900, 1.40529))
    linear = [(level / 255) ** 2.2 for level in color]
    xyz = [sum(linear[band] * P3_PRIMARIES[band][axis] for band in range(3)) for axis in range(3)]
    mixed = [min(1, max(0, sum(row[axis] * xyz[axis] for axis in range(3)))) for row in inverse_srgb]
    return tuple(round(255 * (12.92 * x if x <= 0.0031308 else 1.055 * x ** (1 / 2.4) - 0.055)) for x in mixed)


@pytest.mark.parametrize("color", [(200, 100, 50), (60, 180, 90), (40, 60, 200), (128, 128, 128)])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_wide_colors_are_converted_and_not_just_relabelled(render, color, mode):
    patch = Image.new(mode, (32, 32), (*color, 128) if mode == "RGBA" else color)
    rendered = render(encoded(patch, "PNG", icc_profile=matrix_profile(P3_PRIMARIES, 2.2)), "PNG")
    assert_close([corners(picture(rendered))[0]], [srgb_from_p3(color)], tolerance=6)
    assert rendered.facts["color_profile"] == "a profile of its own"


SIGNALS = {"P3 with gamma 2.2": b"\x0c\x04\0\1", "sRGB": b"\1\x0d\0\1", "BT.2020 with PQ": b"\x09\x10\0\1"}


@pytest.mark.parametrize("signal", SIGNALS)
def test_colors_that_a_png_names_by_numbers(render, signal):
    rows = (b"\0" + bytes((200, 100, 50)) * 32) * 32
    rendered = render(png(32, 32, png_chunk(b"cICP", SIGNALS[signal]), color=2, data=rows), "PNG")
    expected = srgb_from_p3((200, 100, 50)) if "P3" in signal else (200, 100, 50)
    assert_close(corners(picture(rendered))[:1], [expected], 6)
    assert rendered.facts["color_profile"] == ("Display P3" if "P3" in signal else None)


def test_gamma_and_primaries_of_a_png(render):
    p3 = struct.pack(">8I", 31270, 32900, 68000, 32000, 26500, 69000, 15000, 6000)
    gamma = png_chunk(b"gAMA", struct.pack(">I", 100_000))
    rows = (b"\0" + bytes((64, 64, 64)) * 32) * 32
    linear = render(png(32, 32, gamma, color=2, data=rows), "PNG")
    assert_close(corners(picture(linear))[:1], [(137, 137, 137)], 4)
    rows = (b"\0" + bytes((60, 180, 90)) * 32) * 32
    chunks = (png_chunk(b"gAMA", struct.pack(">I", 45_455)), png_chunk(b"cHRM", p3))
    wide = render(png(32, 32, *chunks, color=2, data=rows), "PNG")
    assert_close(corners(picture(wide))[:1], [srgb_from_p3((60, 180, 90))], 6)
    usual = render(png(32, 32, chunks[0], color=2, data=rows), "PNG")
    assert_close(corners(picture(usual))[:1], [(60, 180, 90)], 6)


@pytest.mark.parametrize(("gamma", "point"), [(0, 1), (1, 0), (45_455, 30_000), (2**31, 2**31)])
def test_senseless_gamma_and_primaries_are_ignored(render, gamma, point):
    chunks = (png_chunk(b"gAMA", struct.pack(">I", gamma)), png_chunk(b"cHRM", struct.pack(">8I", *[point] * 8)))
    rows = (b"\0" + bytes((60, 180, 90)) * 32) * 32
    assert_close(corners(picture(render(png(32, 32, *chunks, color=2, data=rows), "PNG")))[:1], [(60, 180, 90)], 6)


@pytest.mark.parametrize("name", ["HEIF", "AVIF"])
def test_colors_that_a_photograph_names_by_numbers(render, name):
    patch = Image.new("RGB", (64, 64), (60, 180, 90))
    content = bytearray(sample_of(patch, name))
    at = content.index(b"colrnclx") + len(b"colrnclx")
    content[at : at + 4] = struct.pack(">HH", 12, 4)
    assert_close(corners(picture(render(bytes(content), name)))[:1], [srgb_from_p3((60, 180, 90))], 8)


def test_colors_that_are_srgb_already_are_left_alone():
    srgb = read_profile(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    image = quarters()
    assert to_srgb(image, srgb) is image


def test_damaged_profile_is_ignored(render):
    rendered = render(encoded(quarters(), "PNG", icc_profile=b"not a profile" * 20), "PNG")
    assert rendered.facts["color_profile"] is None
    assert_close(corners(picture(rendered)), [RED, GREEN, BLUE, YELLOW])


def test_profile_of_another_color_space_is_ignored(render):
    rendered = render(encoded(quarters(), icc_profile=inks_profile()))
    assert_close(corners(picture(rendered)), [RED, GREEN, BLUE, YELLOW])


def test_inks_without_profile(render):
    """Adobe stores inks inverted in JPEG: white paper must not turn black."""
    inks = Image.new("CMYK", (64, 32), (0, 0, 0, 0))
    inks.paste((0, 255, 255, 0), (32, 0, 64, 32))
    rendered = render(encoded(inks, quality=95))
    left, right = (picture(rendered).getpixel((x, 16)) for x in (12, 52))
    assert_close([left, right], [(255, 255, 255), (255, 0, 0)])
    assert rendered.facts["mode"] == "CMYK"


@pytest.mark.parametrize("inks", [(255, 0, 0, 0), (128, 64, 32, 0), (0, 0, 0, 128), (64, 64, 64, 64), (9, 200, 30, 90)])
def test_inks_without_profile_are_converted_as_browsers_do(render, inks):
    """There is no telling for which press they were meant: light × (1 - ink) × (1 - black)."""
    *colors, black = inks
    expected = tuple(round(255 * (1 - ink / 255) * (1 - black / 255)) for ink in colors)
    for name in ("JPEG", "TIFF"):
        content = encoded(Image.new("CMYK", (32, 32), inks), name, **({"quality": 95} if name == "JPEG" else {}))
        assert_close(corners(picture(render(content, name))), [expected] * 4, 6)


@pytest.mark.parametrize("name", ["JPEG", "TIFF"])
def test_inks_are_converted_by_their_profile(render, name):
    inks = Image.new("CMYK", (64, 32), (0, 0, 0, 0))
    inks.paste((0, 255, 0, 0), (32, 0, 64, 32))
    rendered = render(encoded(inks, name, icc_profile=inks_profile()), name)
    left, right = (picture(rendered).getpixel((x, 16)) for x in (12, 52))
    assert_close([left, right], [(255, 255, 255), (0, 74, 0)])


def test_gray_profile_changes_gray(render):
    dark = Image.new("L", (32, 32), 64)
    linear = matrix_profile(SRGB_PRIMARIES, 1.0).replace(b"RGB XYZ ", b"GRAYXYZ ").replace(b"rTRC", b"kTRC")
    assert_close([corners(picture(render(encoded(dark, "PNG", icc_profile=linear), "PNG")))[0]], [(137, 137, 137)], 4)


@pytest.mark.parametrize("depth", ["I;16", "I;16B"])
def test_16_bit_gray_keeps_its_brightness(render, depth):
    order = ">" if depth.endswith("B") else "<"
    image = Image.frombytes(depth, (32, 32), struct.pack(f"{order}H", 100 * 257) * 1024)
    assert_close([corners(picture(render(encoded(image, "TIFF"), "TIFF")))[0]], [(100, 100, 100)], 3)


def test_16_bit_png(render):
    row = b"\0" + struct.pack(">3H", 200 * 257, 100 * 257, 50 * 257) * 32
    rendered = render(png(32, 32, depth=16, color=2, data=row * 32), "PNG")
    assert_close([corners(picture(rendered))[0]], [(200, 100, 50)], 8)
    row = b"\0" + struct.pack(">H", 200 * 257) * 32
    rendered = render(png(32, 32, depth=16, color=0, data=row * 32), "PNG")
    assert_close([corners(picture(rendered))[0]], [(200, 200, 200)], 3)


def test_measurements_in_floating_point_are_stretched_to_what_can_be_seen(render):
    image = Image.new("F", (64, 32), -3.5)
    image.paste(1200.25, (32, 0, 64, 32))
    shown = picture(render(encoded(image, "TIFF"), "TIFF")).convert("L")
    assert (shown.getpixel((12, 16)), shown.getpixel((52, 16))) == (0, 255)


def transparent(mode: str) -> Image.Image:
    """Left half fully transparent, right half red (or light gray)."""
    if mode == "P":
        image = Image.new("P", (64, 32), 0)
        image.putpalette([*BLUE, *RED])
        image.paste(1, (32, 0, 64, 32))
        image.info["transparency"] = 0
        return image
    clear, solid = {"LA": ((0, 0), (200, 255)), "RGBA": ((*BLUE, 0), (*RED, 255))}[mode]
    image = Image.new(mode, (64, 32), clear)
    image.paste(solid, (32, 0, 64, 32))
    return image


@pytest.mark.parametrize(
    ("mode", "name"), [("P", "PNG"), ("P", "GIF"), ("LA", "PNG"), ("RGBA", "PNG"), ("RGBA", "TIFF")]
)
def test_transparency_is_kept_in_webp_and_white_in_jpeg(render, mode, name):
    rendered = render(encoded(transparent(mode), name), name, formats=("webp", "jpeg"))
    webp, jpeg = picture(rendered, 0), picture(rendered, 1)
    assert [webp.getpixel((x, 16))[3] for x in (10, 54)] == [0, 255]
    assert_close([jpeg.getpixel((10, 16))], [(255, 255, 255)])
    assert_close([jpeg.getpixel((54, 16))], [webp.getpixel((54, 16))[:3]])
    assert rendered.facts["has_alpha"] is True


def test_single_transparent_color_of_a_png(render):
    for color, depth, key, pixel in ((2, 8, (1, 2, 3), b"\1\2\3"), (2, 16, (257, 514, 771), b"\1\1\2\2\3\3")):
        rows = (b"\0" + pixel * 16 + bytes(len(pixel)) * 16) * 32
        content = png(32, 32, png_chunk(b"tRNS", struct.pack(">3H", *key)), depth=depth, color=color, data=rows)
        assert picture(render(content, "PNG")).size == (32, 32)


def test_alpha_channel_without_transparency_is_dropped(render):
    rendered = render(encoded(quarters().convert("RGBA"), "PNG"), "PNG")
    assert picture(rendered).mode == "RGB"
    assert rendered.facts["has_alpha"] is False


def test_edges_of_a_cut_out_do_not_bleed_the_hidden_color(render):
    image = Image.new("RGBA", (1000, 1000), (0, 255, 0, 0))
    image.paste((*RED, 255), (500, 0, 1000, 1000))
    shown = picture(render(encoded(image, "PNG"), "PNG", max_side_px=100))
    half_visible = [pixel for x in range(100) if (pixel := shown.getpixel((x, 50)))[3] > 100]
    assert all(green < 80 for _, green, _, _ in half_visible)


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "jpeg", "packbits", "tiff_adobe_deflate", "zstd"])
@pytest.mark.parametrize("mode", ["RGB", "CMYK", "L"])
def test_compressions_of_tiff(render, compression, mode):
    image = quarters().convert(mode)
    rendered = render(encoded(image, "TIFF", compression=compression), "TIFF")
    assert_close(corners(picture(rendered)), corners(image), 20)


def test_16_bit_colors_of_a_tiff(render):
    entries = ((256, 3, 1, 32), (257, 3, 1, 32), (258, 3, 3, 122), (259, 3, 1, 1), (262, 3, 1, 2), (273, 4, 1, 128),
               (277, 3, 1, 3), (278, 3, 1, 32), (279, 4, 1, 32 * 32 * 6))  # fmt: skip
    directory = b"".join(struct.pack("<HHII", *entry) for entry in entries)
    header = (
        b"II*\0\x08\0\0\0" + struct.pack("<H", len(entries)) + directory + bytes(4) + struct.pack("<3H", 16, 16, 16)
    )
    content = header + struct.pack("<3H", 200 * 257, 100 * 257, 50 * 257) * 1024
    assert_close(corners(picture(render(content, "TIFF"))), [(200, 100, 50)] * 4, 8)


def test_one_bit_fax(render):
    image = Image.new("1", (64, 32), 1)
    image.paste(0, (32, 0, 64, 32))
    shown = picture(render(encoded(image, "TIFF", compression="group4"), "TIFF")).convert("L")
    assert_close([(shown.getpixel((12, 16)), shown.getpixel((52, 16)))], [(255, 0)], 3)


def test_lab_colors(render):
    lab = Image.new("LAB", (32, 32), (160, 128, 128))
    shown = corners(picture(render(encoded(lab, "TIFF"), "TIFF")))[0]
    assert_close([shown], [(151, 151, 151)], 5)


@pytest.mark.parametrize("mode", Image.MODES)
def test_every_pixel_format_comes_out_in_one_that_can_be_published(mode):
    assert to_srgb(to_working_mode(Image.new(mode, (40, 30))).resize((2, 2)), None).mode in {"L", "RGB", "RGBA"}


PRIVATE = b"Private-Marker"


@pytest.mark.parametrize("profile", [matrix_profile(P3_PRIMARIES, 2.2), b""], ids=["wide", "plain"])
@pytest.mark.parametrize("name", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF", "AVIF"])
def test_nothing_private_is_published(render, name, profile):
    block = exif({ExifTags.Base.Artist: PRIVATE.decode(), ExifTags.Base.Orientation: 3}, gps=GPS)
    options = {"exif": block, **({} if name == "TIFF" else SAMPLE_OPTIONS[name])}
    if name not in {"HEIF", "TIFF"}:
        options["xmp"] = b"<x:xmpmeta>" + PRIVATE + b"</x:xmpmeta>"
    if name == "JPEG":
        options["comment"] = PRIVATE
    content = encoded(quarters(), name, **options, **({"icc_profile": profile} if profile else {}))
    assert PRIVATE in content
    for at, file in enumerate(render(content, name, formats=("webp", "jpeg")).files):
        kept = picture(Rendered((file,), {}, {})).info.keys() & {"exif", "xmp", "icc_profile", "comment", "photoshop"}
        assert not kept, f"rendition {at} keeps {kept}"
        assert PRIVATE not in file.data


def test_place_is_left_out_unless_asked_for(render):
    content = encoded(quarters(), exif=exif({}, gps=GPS))
    rendered = render(content)
    assert "gps" not in rendered.facts
    assert "gps" not in json.dumps(rendered.technical).lower()
    rendered = render(content, publish_private=True)
    assert rendered.facts["gps"] == {"lat": -33.858333, "lon": 151.21, "altitude": -12.5}
    assert rendered.technical["gps"]["GPSLatitudeRef"] == "S"


def test_person_and_device_are_left_out_unless_asked_for(render):
    tags = {ExifTags.Base.Artist: "Ada", ExifTags.Base.HostComputer: "Ada's phone", ExifTags.Base.Make: "Canon"}
    photo = {ExifTags.Base.BodySerialNumber: "4711", ExifTags.Base.CameraOwnerName: "Ada L."}
    content = encoded(quarters(), exif=exif(tags, photo=photo))
    rendered = render(content)
    assert rendered.technical["exif"] == {"Make": "Canon"}
    assert "Ada" not in json.dumps(rendered.facts)
    assert render(content, publish_private=True).technical["exif"]["BodySerialNumber"] == "4711"


def test_tags_that_are_not_listed_are_left_out_unless_asked_for(render):
    """Editors, owners, titles, serial numbers of editors: there will always be one more tag that tells."""
    texts = dict.fromkeys((ExifTags.Base.Copyright, ExifTags.Base.ImageDescription, 42038, 42040, 65001), "Jane")
    odd = {ExifTags.Base.ExposureTime: 0.5, ExifTags.Base.Software: "Jane's", ExifTags.Base.MakerNote: b"Jane"}
    times = {ExifTags.Base.DateTimeOriginal: "2024:02:29 23:59:58", ExifTags.Base.SubsecTime: "Jane"}
    content = encoded(quarters(), exif=exif({ExifTags.Base.Make: "Canon"}, photo=texts | odd | times))
    assert render(content).technical["exif"] == {
        "DateTimeOriginal": "2024:02:29 23:59:58",
        "ExposureTime": 0.5,
        "Make": "Canon",
    }
    assert json.dumps(render(content, publish_private=True).technical).count("Jane") > 5


def test_facts_of_a_photograph(render):
    tags = {ExifTags.Base.Make: "Canon\0", ExifTags.Base.Model: " EOS R5 "}
    photo = {
        ExifTags.Base.LensModel: "RF 50mm",
        ExifTags.Base.DateTimeOriginal: "2024:02:29 23:59:58",
        ExifTags.Base.OffsetTimeOriginal: "+09:00",
        ExifTags.Base.FNumber: 1.8,
        ExifTags.Base.ExposureTime: 0.005,
        ExifTags.Base.ISOSpeedRatings: 400,
    }
    facts = render(encoded(quarters(), exif=exif(tags, photo=photo))).facts
    assert facts["camera"] == {"make": "Canon", "model": "EOS R5", "lens": "RF 50mm"}
    assert facts["taken_at"] == "2024-02-29T23:59:58+09:00"
    assert facts["exposure"] == {"aperture": 1.8, "exposure_seconds": 0.005, "iso": 400}


@pytest.mark.parametrize(
    ("date", "is_told"),
    [
        ("2023:02:29 10:00:00", True),
        ("2024:05:06 24:08:09", True),
        ("yesterday", True),
        ("0000:00:00 00:00:00", False),
        ("", False),
    ],
)
def test_impossible_dates_are_left_out(render, date, is_told):
    content = encoded(quarters(), exif=exif({}, photo={ExifTags.Base.DateTimeOriginal: date}))
    facts = render(content).facts
    assert "taken_at" not in facts
    assert any("taken_at" in note for note in facts.get("notes", ())) is is_told


def test_technical_dump_is_json_and_bounded(render):
    photo = {ExifTags.Base.MakerNote: b"\xff" * 40_000, ExifTags.Base.UserComment: b"ASCII\0\0\0" + b"x" * 5000}
    tags = {ExifTags.Base.ImageDescription: "long " * 1000, **{0xC000 + tag: tag for tag in range(1000)}}
    rendered = render(encoded(quarters(), exif=exif(tags, photo=photo)), publish_private=True)
    assert len(json.dumps(rendered.technical, allow_nan=False)) < 20_000
    assert len(rendered.technical["exif"]) == 200
    assert len(rendered.technical["exif"]["ImageDescription"]) == 256
    assert len(json.dumps(rendered.facts, allow_nan=False)) < 1000


def test_damaged_exif_is_no_reason_to_refuse_the_picture(render):
    for block in (
        b"Exif\0\0garbage",
        b"Exif\0\0II*\0\xff\xff\xff\xff",
        b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\1" * 90,
    ):
        assert render(encoded(quarters(), exif=block)).files
    in_text = png_chunk(b"tEXt", b"Raw profile type exif\0\nexif\n       4\nnot hexadecimal\n")
    assert render(png(8, 8, in_text), "PNG").files


def pages_of(name: str, *pages: Image.Image) -> bytes:
    if name == "TIFF":
        return encoded(pages[0], name, save_all=True, append_images=pages[1:])
    file, buffer = pillow_heif.HeifFile(), io.BytesIO()
    for page in pages:
        file.add_from_pillow(page)
    file.save(buffer, quality=-1, chroma=444)
    return buffer.getvalue()


@pytest.mark.parametrize("name", ["TIFF", "HEIF"])
def test_of_several_pages_the_first_is_shown_and_that_is_said(render, name):
    pages = [Image.new("RGB", (64, 64), color) for color in (RED, GREEN, BLUE)]
    rendered = render(pages_of(name, *pages), name)
    assert_close(corners(picture(rendered))[:1], [RED])
    assert rendered.facts["pages"] == 3
    assert rendered.facts["frames"] == 1
    assert rendered.facts["notes"] == ["the rendition shows the first of 3 pages"]
    assert render(pages_of(name, pages[0]), name).facts.keys().isdisjoint({"pages", "notes"})


def test_too_many_frames(render):
    limit = IMAGE.max_frames
    assert render(gif_with_frames(limit), "GIF").facts["frames"] == limit
    with pytest.raises(TooManyFrames, match="more than 1,000 frames"):
        render(gif_with_frames(limit + 1), "GIF")


def test_endless_page_list_of_a_tiff_ends(render):
    content = bytearray(encoded(quarters(), "TIFF"))
    (first,) = struct.unpack_from("<I", content, 4)
    (count,) = struct.unpack_from("<H", content, first)
    struct.pack_into("<I", content, first + 2 + 12 * count, first)
    assert render(bytes(content), "TIFF").facts["frames"] == 1


@pytest.mark.parametrize("name", ["JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "ICO", "JPEG2000", "PSD"])
def test_decompression_bomb_is_refused_before_it_is_opened(render, name):
    with pytest.raises(TooManyPixels, match="megapixels"):
        render(claiming(name, 16_000, 16_000), name)


@pytest.mark.parametrize(
    ("options", "finding"),
    [
        ({"bits": 16}, "16 bits a channel"),
        ({"version": 2}, "large document format"),
        ({"colors": 7}, "multichannel or duotone"),
        ({"has_composite": 0}, "has layers only"),
    ],
)
def test_photoshop_document_that_cannot_be_shown_is_refused_in_clear_words(render, options, finding):
    with pytest.raises(UnsupportedType, match=rf"{finding}.*Export it as TIFF or PNG"):
        render(encoded(quarters(), "PSD", **options), "PSD")


def test_fourth_channel_of_a_photoshop_document_hides_something_only_if_it_is_the_transparency(render):
    see_through, selection = (render(encoded(transparent("RGBA"), "PSD", layers=n), "PSD") for n in (-1, 1))
    assert [picture(see_through).getpixel((x, 16))[3] for x in (10, 54)] == [0, 255]
    assert selection.facts["has_alpha"] is False
    assert_close([picture(selection).getpixel((54, 16))], [RED])


@pytest.mark.parametrize(("mode", "expected"), [("L", (160,) * 3), ("LAB", (151,) * 3), ("CMYK", (106, 127, 127))])
def test_colors_of_a_photoshop_document(render, mode, expected):
    color = {"L": 160, "LAB": (160, 128, 128), "CMYK": (96, 64, 64, 85)}[mode]
    shown = corners(picture(render(encoded(Image.new(mode, (32, 32), color), "PSD"), "PSD")))[0]
    assert_close([shown], [expected], 6)


def test_profile_of_a_photoshop_document_counts(render):
    content = encoded(Image.new("RGB", (32, 32), (200, 100, 50)), "PSD", icc_profile=matrix_profile(P3_PRIMARIES, 2.2))
    assert_close(corners(picture(render(content, "PSD")))[:1], [srgb_from_p3((200, 100, 50))], 6)


def test_largest_picture_of_an_icon_is_shown(render):
    sizes = [(16, 16), (48, 48), (32, 32)]
    squares = [Image.new("RGBA", size, (*color, 255)) for size, color in zip(sizes, (RED, GREEN, BLUE), strict=True)]
    for options in ({}, {"bitmap_format": "bmp"}):
        content = encoded(squares[1], "ICO", sizes=sizes, append_images=squares, **options)
        rendered = render(content, "ICO")
        assert_close(corners(picture(rendered)), [GREEN] * 4)
        assert (rendered.facts["width"], rendered.facts["height"]) == (48, 48)


def test_transparency_of_an_icon(render):
    for options in ({}, {"bitmap_format": "bmp"}):
        content = encoded(transparent("RGBA"), "ICO", sizes=[(64, 32)], **options)
        assert [picture(render(content, "ICO")).getpixel((x, 16))[3] for x in (10, 54)] == [0, 255]


@pytest.mark.parametrize("options", [{}, {"no_jp2": True}, {"tile_size": (32, 32)}, {"irreversible": True}])
@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA"])
def test_variants_of_jpeg_2000(render, options, mode):
    rendered = render(encoded(quarters().convert(mode), "JPEG2000", **options), "JPEG2000")
    expected = corners(quarters().convert(mode))
    assert_close(corners(picture(rendered)), expected)


def test_16_bit_jpeg_2000(render):
    image = Image.frombytes("I;16", (32, 32), struct.pack("<H", 100 * 257) * 1024)
    shown = corners(picture(render(encoded(image, "JPEG2000"), "JPEG2000")))[0]
    assert_close([shown], [(100, 100, 100)], 3)


@pytest.mark.parametrize(
    "options", [{}, {"no_jp2": True}, {"tile_size": (64, 64)}, {"tile_size": (64, 64), "plt": True}]
)
def test_truncated_jpeg_2000_is_not_filled_up_with_gray(render, options):
    content = encoded(Image.effect_noise((300, 200), 80), "JPEG2000", **options)
    for share in (0.3, 0.6, 0.97):
        with pytest.raises(TruncatedFile):
            render(content[: int(len(content) * share)], "JPEG2000")


def test_size_that_a_container_hides_from_its_codestream_is_found_anywhere(render):
    honest = sample("JPEG2000")
    start = honest.index(b"jp2c") - 4
    padding = struct.pack(">I4s", 100_008, b"free") + bytes(100_000)
    bomb = bytearray(honest[:start] + padding + honest[start:])
    struct.pack_into(">II", bomb, bomb.index(b"\xff\x4f\xff\x51") + 8, 16_000, 16_000)
    with pytest.raises(TooManyPixels, match=r"256\.0 megapixels"):
        render(bytes(bomb), "JPEG2000")


def test_decompression_bomb_in_a_late_entry_of_an_icon(render):
    small, large = png(1, 1), claiming("PNG", 16_000, 16_000)
    directory = struct.pack("<3H", 0, 1, 2)
    for length, at in ((len(small), 38), (len(large), 38 + len(small) + 100_000)):
        directory += bytes(8) + struct.pack("<II", length, at)
    with pytest.raises(TooManyPixels, match=r"256\.0 megapixels"):
        render(directory + small + bytes(100_000) + large, "ICO")


def test_decompression_bomb_whose_size_is_told_late_is_refused_before_it_is_decoded(render):
    padding = b"\xff\xe5\xf0\x00" + bytes(0xF000 - 2)
    bomb = claiming("JPEG", 16_000, 16_000)
    with pytest.raises(TooManyPixels, match="megapixels"):
        render(bomb[:2] + padding * 2 + bomb[2:])


def test_pixels_above_pillows_own_limit_are_no_error_here(render):
    """Pillow warns from 89 megapixels on; our limit for PNG is 120."""
    rows = zlib.compress(bytes(12_000 // 8 + 1) * 10_000)
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", 12_000, 10_000, 1, 0, 0, 0, 0))
    content = b"\x89PNG\r\n\x1a\n" + header + png_chunk(b"IDAT", rows) + png_end()
    assert render(content, "PNG", max_side_px=64).files[0].width == 64


@pytest.mark.parametrize("chunk", [b"zTXt", b"iCCP", b"iTXt"])
def test_decompression_bomb_in_the_metadata_of_a_png_is_not_unpacked(render, chunk):
    bomb = zlib.compress(bytes(50 * 1024 * 1024))
    data = {b"zTXt": b"a\0\0", b"iCCP": b"a\0\0", b"iTXt": b"a\0\1\0\0\0"}[chunk] + bomb
    assert render(png(8, 8, png_chunk(chunk, data)), "PNG").facts["color_profile"] is None


def test_progressive_jpeg_with_absurdly_many_scans(render):
    content = encoded(quarters(), progressive=True)
    last_scan = content[content.rindex(b"\xff\xda") : -2]
    with pytest.raises(TooManyPixels, match="more than 100 layers"):
        render(content[:-2] + last_scan * 100 + b"\xff\xd9")


def test_tiff_with_absurd_tags(render):
    entries = b"".join(struct.pack("<HHII", tag, 4, 0xFFFFFFF0, 8) for tag in range(256, 290))
    content = b"II*\0\x08\0\0\0" + struct.pack("<H", 34) + entries + bytes(4)
    with pytest.raises(RejectedError):
        render(content, "TIFF")


@pytest.mark.parametrize("name", SAMPLE_OPTIONS)
@pytest.mark.parametrize("share", [0.5, 0.8, 0.95])
def test_truncated_file_is_never_published(render, name, share):
    noise = Image.effect_noise((300, 200), 80).convert("RGB")
    content = sample_of(noise, name)
    with pytest.raises((TruncatedFile, CorruptImage)) as caught:
        render(content[: int(len(content) * share)], name)
    if name in {"JPEG", "PNG", "WEBP", "HEIF", "AVIF", "ICO", "JPEG2000"}:
        assert caught.type is TruncatedFile


def test_truncation_is_noticed_although_the_decoder_scales_down(render):
    content = sample_of(Image.effect_noise((2000, 1500), 80).convert("RGB"), "JPEG")
    with pytest.raises(TruncatedFile, match="upload the complete file again"):
        render(content[:-2000], max_side_px=200)


def test_another_format_than_the_sniffed_one_is_not_tried(render):
    with pytest.raises(CorruptImage):
        render(sample("PNG"), "JPEG")


def test_same_bytes_give_the_same_rendition(render):
    content = encoded(quarters(700, 500), icc_profile=matrix_profile(P3_PRIMARIES, 2.2))
    once, again = (render(content, formats=("webp", "jpeg"), max_side_px=100) for _ in range(2))
    assert once == again


def test_nothing_of_the_process_is_changed(render):
    before = (Image.MAX_IMAGE_PIXELS, dict(Image.OPEN), list(warnings.filters))
    render(sample("HEIF"), "HEIF")
    assert (Image.MAX_IMAGE_PIXELS, dict(Image.OPEN), list(warnings.filters)) == before


def rendered_or_rejected(path: Path, content: bytes, name: str) -> None:
    path.write_bytes(content)
    try:
        assert transform(Original(path, path.name, MEDIA_TYPES[name], path.parent), Recipe(max_side_px=32)).files
    except RejectedError as exc:
        assert str(exc)  # noqa: PT017 - either outcome is right, any other error is not


mutating = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300)


@mutating
@given(
    name=st.sampled_from(list(SAMPLE_OPTIONS)),
    places=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), min_size=1, max_size=12),
    head_only=st.booleans(),
)
def test_mutated_files_are_rendered_or_rejected(tmp_path, name, places, head_only):
    content = bytearray(sample(name))
    reach = min(len(content), 120) if head_only else len(content)
    for place, value in places:
        content[int(place * (reach - 1))] = value
    rendered_or_rejected(tmp_path / "mutated", bytes(content), name)


@mutating
@given(name=st.sampled_from(list(SAMPLE_OPTIONS)), content=st.binary(max_size=400), keep=st.integers(0, 64))
def test_garbage_is_rejected(tmp_path, name, content, keep):
    rendered_or_rejected(tmp_path / "garbage", sample(name)[:keep] + content, name)
