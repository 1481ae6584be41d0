"""Every layout of samples shows the colors that were stored in it: TIFF and PNG by depth, order, arrangement, alpha."""

import io
import struct
from itertools import product

import pytest
from PIL import Image

from tasks.shared.work import Original, Recipe, Rendered
from tasks.transform.image import prove, transform
from tests.unit.images import encoded, inks_profile, png_chunk, quarters
from tests.unit.rasters import (
    FLOATING,
    QUARTER,
    SIGNED,
    UNSIGNED,
    ApngFrame,
    Layout,
    apng,
    followed_by,
    png_of,
    tiff,
)
from workflow.errors import RejectedError, TruncatedFile, UnsupportedType

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, CMYK = 0, 1, 2, 5
LINEAR_RAW, ASSOCIATED, UNASSOCIATED, UNSPECIFIED = 34892, 1, 2, 0
GRAYS = (0, 85, 170, 255)
COLORS = ((220, 40, 30), (40, 170, 60), (30, 60, 200), (240, 240, 240))
TOLERANCE = 8


@pytest.fixture
def render(tmp_path):
    def _render(content: bytes, media_type: str) -> Rendered:
        path = tmp_path / "original"
        path.write_bytes(content)
        original = Original(path, path.name, media_type, tmp_path)
        rendered = transform(original, Recipe())
        prove(original, rendered, Recipe())
        return rendered

    return _render


def shown(rendered: Rendered) -> list[tuple[int, ...]]:
    """The colors in the middle of the four quarters, with alpha."""
    image = Image.open(io.BytesIO(rendered.files[0].data)).convert("RGBA")
    places = [(x * QUARTER + QUARTER // 2, y * QUARTER + QUARTER // 2) for y in (0, 1) for x in (0, 1)]
    return [image.getpixel(place) for place in places]


def assert_shows(rendered: Rendered, expected) -> None:
    """Expected are RGB or RGBA of each quarter; of what is wholly transparent the color does not matter."""
    for found, wanted in zip(shown(rendered), expected, strict=True):
        red, green, blue, alpha = (*wanted, 255)[:4]
        assert abs(found[3] - alpha) <= TOLERANCE, (found, wanted)
        if alpha:
            assert all(abs(a - b) <= TOLERANCE for a, b in zip(found[:3], (red, green, blue), strict=True)), (
                found,
                wanted,
            )


GRAY_LAYOUTS = [
    Layout(photometric, bits, order=order, compression=compression)
    for photometric, bits, order, compression in product((WHITE_IS_ZERO, BLACK_IS_ZERO), (1, 2, 4, 8, 16), "<>", (1, 8))
]


@pytest.mark.parametrize("layout", GRAY_LAYOUTS, ids=str)
def test_gray_tiff(render, layout):
    top = (1 << layout.bits) - 1
    grays = GRAYS if layout.bits > 1 else (0, 255, 255, 0)
    stored = [[round((255 - gray if layout.photometric == WHITE_IS_ZERO else gray) * top / 255)] for gray in grays]
    assert_shows(render(tiff(stored, layout), "image/tiff"), [(gray,) * 3 for gray in grays])


@pytest.mark.parametrize(
    "layout", [Layout(RGB, b, order=o, planar=p) for b, o, p in product((8, 16), "<>", (1, 2))], ids=str
)
@pytest.mark.parametrize("extra", [None, ASSOCIATED, UNASSOCIATED])
def test_rgb_tiff(render, layout, extra):
    wide = 257 if layout.bits == 16 else 1
    alphas = (255, 255, 128, 255) if extra is not None else (255,) * 4
    share = [alpha / 255 if extra == ASSOCIATED else 1 for alpha in alphas]
    stored = [[round(value * part) * wide for value in color] for color, part in zip(COLORS, share, strict=True)]
    if extra is not None:
        stored = [[*color, alpha * wide] for color, alpha in zip(stored, alphas, strict=True)]
    arranged = Layout(RGB, layout.bits, order=layout.order, planar=layout.planar, extra=extra)
    expected = [(*color, alpha) for color, alpha in zip(COLORS, alphas, strict=True)]
    assert_shows(render(tiff(stored, arranged), "image/tiff"), expected)


@pytest.mark.parametrize("bits", [8, 16])
def test_gray_tiff_with_alpha(render, bits):
    wide = 257 if bits == 16 else 1
    stored = [[gray * wide, alpha * wide] for gray, alpha in zip(GRAYS, (255, 255, 0, 128), strict=True)]
    expected = [(gray,) * 3 + (alpha,) for gray, alpha in zip(GRAYS, (255, 255, 0, 128), strict=True)]
    assert_shows(render(tiff(stored, Layout(BLACK_IS_ZERO, bits, extra=UNASSOCIATED)), "image/tiff"), expected)


@pytest.mark.parametrize(("bits", "alpha"), list(product((8, 16), (None, 255, 128))))
def test_inks_in_tiff(render, bits, alpha):
    wide = 257 if bits == 16 else 1
    inks = [(0, 0, 0, 0), (0, 0, 0, 255), (255, 0, 0, 0), (0, 255, 255, 0)]
    stored = [[value * wide for value in (*ink, *([] if alpha is None else [alpha]))] for ink in inks]
    layout = Layout(CMYK, bits, extra=None if alpha is None else UNASSOCIATED)
    found = shown(render(tiff(stored, layout), "image/tiff"))
    assert [pixel[3] for pixel in found] == pytest.approx([alpha or 255] * 4, abs=TOLERANCE)
    white, black, cyan, red = found
    assert min(white[:3]) > 240
    assert max(black[:3]) < 60
    assert cyan[0] < 60 < min(cyan[1:3])
    assert max(red[1:3]) < 80 < red[0]


MEASURED = ((SIGNED, 16), (SIGNED, 32), (UNSIGNED, 32), (FLOATING, 16), (FLOATING, 32))


@pytest.mark.parametrize(
    "layout",
    [Layout(BLACK_IS_ZERO, bits, sign, order=order) for (sign, bits), order in product(MEASURED, "<>")],
    ids=str,
)
def test_measured_values_are_stretched_and_it_is_said(render, layout):
    rendered = render(tiff([[100], [200], [300], [400]], layout), "image/tiff")
    assert_shows(rendered, [(gray,) * 3 for gray in GRAYS])
    assert rendered.facts["notes"] == ["values from 100 to 400 are shown from black to white"]


@pytest.mark.parametrize(("layout", "missing", "nodata"), [
    (Layout(BLACK_IS_ZERO, 16, SIGNED), -32768, None),
    (Layout(BLACK_IS_ZERO, 16, SIGNED), -1, b"-1\0"),
    (Layout(BLACK_IS_ZERO, 32, FLOATING), -9999, b"-9999\0"),
    (Layout(BLACK_IS_ZERO, 32, FLOATING), float("nan"), None),
    (Layout(BLACK_IS_ZERO, 32, FLOATING), float("inf"), None),
    (Layout(BLACK_IS_ZERO, 32, FLOATING), -3.4028234663852886e38, None),
    (Layout(BLACK_IS_ZERO, 16, UNSIGNED), 65535, b"65535\0"),
    (Layout(BLACK_IS_ZERO, 8, UNSIGNED), 255, b"255\0"),
])  # fmt: skip
def test_pixels_without_a_value_are_transparent(render, layout, missing, nodata):
    tags = {42113: nodata} if nodata else {}
    rendered = render(tiff([[missing], [100], [200], [150]], layout, tags), "image/tiff")
    assert_shows(rendered, [(0, 0, 0, 0), (0, 0, 0), (255, 255, 255), (128, 128, 128)])
    assert rendered.facts["notes"][0] == "values from 100 to 200 are shown from black to white"
    assert rendered.facts["notes"][1].startswith("pixels without a value")


def test_numbers_of_64_bits_are_refused_with_the_way_out(render):
    with pytest.raises(UnsupportedType, match="32 bits a sample"):
        render(tiff([[1.5]] * 4, Layout(BLACK_IS_ZERO, 64, FLOATING)), "image/tiff")


@pytest.mark.parametrize(
    ("bits", "compression", "name"),
    [
        (16, 50000, "Zstandard"),
        (16, 34925, "LZMA"),
        *((8, number, name) for number, name in ((34887, "LERC"), (34712, "JPEG 2000"), (50001, "WebP"))),
    ],
)
def test_a_compression_that_is_not_decoded_is_named(render, bits, compression, name):
    """The decoder would go on with zeros: a black picture."""
    with pytest.raises(UnsupportedType, match=name):
        render(tiff(COLORS, Layout(RGB, bits, compression=compression)), "image/tiff")


def test_damage_in_a_tiff_of_16_bits_is_no_black_picture(render):
    content = tiff([[sample * 257 for sample in color] for color in COLORS], Layout(RGB, 16, compression=8))
    with pytest.raises(RejectedError):
        render(content[:40] + bytes(12) + content[52:], "image/tiff")


def test_channels_beside_the_colors_are_left_out_with_a_note(render):
    rendered = render(tiff([[*color, 9, 9] for color in COLORS], Layout(RGB)), "image/tiff")
    assert_shows(rendered, COLORS)
    assert "2 channels beside the colors are left out" in rendered.facts["notes"]


def test_the_page_that_is_no_reduced_preview_is_shown(render):
    preview = tiff([[0, 0, 0]] * 4, Layout(RGB), page=1)
    rendered = render(followed_by(preview, tiff(COLORS, Layout(RGB))), "image/tiff")
    assert_shows(rendered, COLORS)
    assert rendered.facts["notes"] == [
        "the rendition shows number 2, as those before it are reduced previews, of 2 pages"
    ]


@pytest.mark.parametrize("layout", [Layout(LINEAR_RAW, 16), Layout(32803, 8)])
def test_raw_data_of_a_camera_is_named(render, layout):
    with pytest.raises(UnsupportedType, match="camera's raw data"):
        render(tiff([[0] * (3 if layout.photometric == LINEAR_RAW else 1)] * 4, layout), "image/tiff")


# PNG


@pytest.mark.parametrize("depth", [1, 2, 4, 8, 16])
def test_transparent_gray_of_a_png(render, depth):
    top = (1 << depth) - 1
    grays = GRAYS if depth > 1 else (0, 255, 0, 255)
    stored = [[round(gray * top / 255)] for gray in grays]
    content = png_of(stored, depth, 0, png_chunk(b"tRNS", struct.pack(">H", stored[1][0])))
    expected = [(gray,) * 3 + (0 if gray == grays[1] else 255,) for gray in grays]
    assert_shows(render(content, "image/png"), expected)


@pytest.mark.parametrize("depth", [8, 16])
def test_transparent_color_of_a_png(render, depth):
    wide = 257 if depth == 16 else 1
    stored = [[value * wide for value in color] for color in COLORS]
    content = png_of(stored, depth, 2, png_chunk(b"tRNS", struct.pack(">3H", *stored[2])))
    assert_shows(render(content, "image/png"), [*COLORS[:2], (0, 0, 0, 0), COLORS[3]])


def test_transparency_of_16_bits_takes_all_of_them_to_match(render):
    near, transparent = [0x8000], [0x80FF]
    content = png_of([near, transparent, near, near], 16, 0, png_chunk(b"tRNS", struct.pack(">H", transparent[0])))
    assert [pixel[3] for pixel in shown(render(content, "image/png"))] == [255, 0, 255, 255]


def test_gamma_of_a_gray_png_is_applied(render):
    linear = png_of([[0], [128], [64], [255]], 8, 0, png_chunk(b"gAMA", struct.pack(">I", 100_000)))
    assert_shows(render(linear, "image/png"), [(gray,) * 3 for gray in (0, 188, 137, 255)])


@pytest.mark.parametrize("has_alpha", [True, False])
def test_profile_of_gray_is_applied_beside_transparency(render, has_alpha):
    levels = [[0], [128], [64], [255]]
    content = png_of([[*level, 128] if has_alpha else level for level in levels], 8, 4 if has_alpha else 0)
    image = Image.open(io.BytesIO(content))
    linear = encoded(image, "PNG", icc_profile=gray_profile_without_gamma())
    alpha = 128 if has_alpha else 255
    assert_shows(render(linear, "image/png"), [(gray, gray, gray, alpha) for gray in (0, 188, 137, 255)])


def gray_profile_without_gamma() -> bytes:
    """An ICC profile in which gray levels are amounts of light."""
    name = b"desc" + bytes(4) + struct.pack(">I", 5) + b"gray\0" + bytes(79)
    tags = {b"desc": name, b"wtpt": b"XYZ " + bytes(4) + struct.pack(">3i", 63190, 65536, 54061)}
    tags[b"kTRC"] = b"curv" + bytes(4) + struct.pack(">I", 0)
    index, body = struct.pack(">I", len(tags)), b""
    for tag, data in tags.items():
        index += tag + struct.pack(">II", 132 + 12 * len(tags) + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    header = struct.pack(">I4xI", 128 + len(index + body), 0x02400000) + b"mntrGRAYXYZ " + bytes(12) + b"acsp"
    return (header + bytes(28) + struct.pack(">3i", 63190, 65536, 54061)).ljust(128, b"\0") + index + body


def test_damaged_text_beside_a_picture_is_left_out_and_damaged_settings_are_named(render):
    chunks = [bytearray(png_chunk(name, data)) for name, data in ((b"tEXt", b"Comment\0hi"), (b"gAMA", bytes(4)))]
    for chunk in chunks:
        chunk[-1] ^= 1
    rendered = render(png_of(COLORS, 8, 2, *map(bytes, chunks)), "image/png")
    assert_shows(rendered, COLORS)
    assert rendered.facts["notes"] == ["damaged data beside the picture was left out (gAMA)"]


def test_damaged_pixels_of_a_png_are_refused(render):
    content = bytearray(png_of(COLORS, 8, 2))
    content[content.index(b"IDAT") + 30] ^= 1
    with pytest.raises(RejectedError, match=r"checksum of its IDAT data"):
        render(bytes(content), "image/png")


def frames_of(rendered: Rendered) -> list[Image.Image]:
    image = Image.open(io.BytesIO(rendered.files[0].data))
    frames = []
    for at in range(image.n_frames):
        image.seek(at)
        frames.append(image.convert("RGBA"))
    return frames


RED, HALF_BLUE, GREEN = (220, 40, 30, 255), (30, 60, 200, 128), (40, 170, 60, 255)
ALL, LEFT = (0, 0, 32, 32), (0, 0, 16, 32)
KEPT, CLEARED, RESTORED, REPLACING, OVER = 0, 1, 2, 0, 1


@pytest.mark.parametrize(("disposal", "blending", "left"), [
    (KEPT, OVER, (125, 50, 115, 255)),
    (KEPT, REPLACING, HALF_BLUE),
    (CLEARED, OVER, HALF_BLUE),
    (RESTORED, OVER, HALF_BLUE),
])  # fmt: skip
def test_frames_of_a_png_are_blended_and_disposed_of_as_it_says(render, disposal, blending, left):
    """PNG specification, third edition, 11.3.6.2; a first frame that is to be restored is cleared."""
    rendered = render(
        apng((32, 32), ApngFrame(RED, ALL, disposal), ApngFrame(HALF_BLUE, LEFT, 0, blending)), "image/png"
    )
    second = frames_of(rendered)[1]
    right = RED if disposal == KEPT else (0, 0, 0, 0)
    for place, wanted in (((6, 16), left), ((26, 16), right)):
        found = second.getpixel(place)
        assert abs(found[3] - wanted[3]) <= TOLERANCE
        assert not wanted[3] or all(abs(a - b) <= 14 for a, b in zip(found[:3], wanted[:3], strict=True)), (
            found,
            wanted,
        )


def test_picture_before_an_animation_is_no_frame_and_delays_are_as_stored(render):
    frames = (
        ApngFrame(RED, ALL, delay=(3, 100)),
        ApngFrame(GREEN, ALL, delay=(5, 0)),
        ApngFrame(RED, ALL, delay=(1, 0)),
    )
    rendered = render(apng((32, 32), *frames, plays=2, default=GREEN), "image/png")
    assert (rendered.facts["frames"], rendered.facts["loop"]) == (3, 2)
    assert rendered.facts["duration_ms"] == 30 + 50 + 100
    assert frames_of(rendered)[0].getpixel((16, 16))[0] > 200


# JPEG


@pytest.mark.parametrize("side", [200, 3000])
@pytest.mark.parametrize("progressive", [False, True])
def test_jpeg_with_half_of_its_data_and_an_end_mark(render, side, progressive):
    noise = Image.effect_noise((side, side), 90)
    content = encoded(noise, quality=80, progressive=progressive)
    cut = content[: len(content) // 2].rstrip(b"\xff") + b"\xff\xd9"
    with pytest.raises(TruncatedFile, match="before its data is complete"):
        render(cut, "image/jpeg")


@pytest.mark.parametrize("side", [200, 5000])
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_jpeg_in_each_mode_and_scale(render, side, mode):
    picture = quarters(side, side)
    rendered = render(encoded(picture.convert(mode), quality=95, subsampling=0), "image/jpeg")
    image = Image.open(io.BytesIO(rendered.files[0].data)).convert("RGB")
    expected = picture.convert(mode).convert("RGB")
    for x, y in product((1, 3), repeat=2):
        found = image.getpixel((x * image.width // 4, y * image.height // 4))
        wanted = expected.getpixel((x * side // 4, y * side // 4))
        assert all(abs(a - b) <= 14 for a, b in zip(found, wanted, strict=True)), (found, wanted)


@pytest.mark.parametrize("side", [200, 5000])
def test_stray_bytes_between_the_segments_of_a_jpeg_do_not_show(render, side):
    content = encoded(quarters(side, side))
    at = content.index(b"\xff\xdb")
    rendered = render(content[:at] + b"stray bytes" + content[at:], "image/jpeg")
    assert (rendered.facts["width"], rendered.facts["height"]) == (side, side)


def test_inks_of_a_jpeg_go_through_their_profile_at_every_scale(render):
    inks = Image.new("CMYK", (5000, 50), (255, 0, 0, 0))
    small = render(encoded(inks.resize((500, 5)), icc_profile=inks_profile()), "image/jpeg")
    large = render(encoded(inks, icc_profile=inks_profile()), "image/jpeg")
    colors = [Image.open(io.BytesIO(each.files[0].data)).convert("RGB").getpixel((9, 2)) for each in (small, large)]
    assert colors[0] == pytest.approx(colors[1], abs=4)


# AVIF


def test_what_a_clean_aperture_cuts_off_is_not_published(render):
    content = with_clean_aperture(encoded(quarters(64, 64), "AVIF", quality=100, subsampling="4:4:4", speed=10), 32, 32)
    rendered = render(content, "image/avif")
    image = Image.open(io.BytesIO(rendered.files[0].data)).convert("RGB")
    assert (image.size, rendered.facts["width"], rendered.facts["height"]) == ((32, 32), 32, 32)
    assert image.getcolors() is not None
    assert image.resize((1, 1)).getpixel((0, 0)) == pytest.approx((220, 30, 30), abs=12)


def with_clean_aperture(content: bytes, width: int, height: int) -> bytes:
    """The AVIF with its upper left corner as what is to be shown: a property more, and data that begins later."""
    corner = (width - 64, 2, height - 64, 2)
    aperture = struct.pack(">I4s8i", 40, b"clap", width, 1, height, 1, *corner)
    data = bytearray(content)
    container = data.index(b"ipco") - 4
    end = container + int.from_bytes(data[container : container + 4])
    associations = data.index(b"ipma", end) - 4
    entry = associations + 16  # size, name, version and flags, count of entries, then item id and count
    count, number = data[entry + 2], _boxes_in(bytes(data[container + 8 : end])) + 1
    places = entry + 3 + count
    data[entry + 2] = count + 1
    data[places:places] = bytes([0x80 | number])
    data[end:end] = aperture
    for name, grown in ((b"ipco", 40), (b"ipma", 1), (b"iprp", 41), (b"meta", 41)):
        at = data.index(name) - 4
        data[at : at + 4] = struct.pack(">I", int.from_bytes(data[at : at + 4]) + grown)
    _move_data(data, 41)
    return bytes(data)


def _boxes_in(container: bytes) -> int:
    at = count = 0
    while at < len(container):
        at += int.from_bytes(container[at : at + 4])
        count += 1
    return count


def _move_data(data: bytearray, by: int) -> None:
    """Each extent in `iloc` (version 0, offsets and lengths of four bytes) begins so much later."""
    at = data.index(b"iloc") + 4
    assert data[at : at + 5] == b"\0\0\0\0\x44"
    (items,) = struct.unpack_from(">H", data, at + 6)
    at += 8
    for _ in range(items):
        (extents,) = struct.unpack_from(">H", data, at + 4)
        for extent in range(extents):
            place = at + 6 + 8 * extent
            struct.pack_into(">I", data, place, struct.unpack_from(">I", data, place)[0] + by)
        at += 6 + 8 * extents
