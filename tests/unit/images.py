"""Makes the images that tests look at: small, exact, and as odd as the ones that people upload."""

import io
import struct
import zlib
from collections.abc import Sequence
from functools import cache
from typing import Any

import pillow_heif
from PIL import ExifTags, Image, ImageOps

RED, GREEN, BLUE, YELLOW = (220, 30, 30), (30, 180, 40), (30, 40, 210), (230, 220, 40)


def quarters(width: int = 96, height: int = 64) -> Image.Image:
    """Red, green; blue, yellow: every turn and every mirroring of it differs."""
    image = Image.new("RGB", (width, height), YELLOW)
    half = (width // 2, height // 2)
    image.paste(RED, (0, 0, *half))
    image.paste(GREEN, (half[0], 0, width, half[1]))
    image.paste(BLUE, (0, half[1], half[0], height))
    return image


def corners(image: Image.Image) -> list[tuple[int, ...]]:
    """The colors in the middle of the four quarters: left to right, top to bottom."""
    places = [(x * image.width // 4, y * image.height // 4) for y in (1, 3) for x in (1, 3)]
    return [image.convert("RGB").getpixel(place) for place in places]


def encoded(image: Image.Image, name: str = "JPEG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    if name == "PSD":
        return psd(image, **options)
    if name == "HEIF":
        pillow_heif.from_pillow(image).save(buffer, quality=-1, chroma=444, **options)
    else:
        image.save(buffer, name, **options)
    return buffer.getvalue()


SAMPLE_OPTIONS: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "PNG": {},
    "WEBP": {"lossless": True},
    "GIF": {},
    "TIFF": {"compression": "tiff_adobe_deflate"},
    "BMP": {},
    "ICO": {"sizes": [(96, 64)]},
    "JPEG2000": {},
    "PSD": {},
    "HEIF": {},
    "AVIF": {"quality": 100, "subsampling": "4:4:4", "speed": 10},
}
"""Pillow's name of every accepted format, with options that keep colors nearly exact."""

_SUBTYPES = {"HEIF": "heic", "ICO": "x-icon", "JPEG2000": "jp2", "PSD": "vnd.adobe.photoshop"}
MEDIA_TYPES = {name: f"image/{_SUBTYPES.get(name, name.lower())}" for name in SAMPLE_OPTIONS}


@cache
def sample(name: str) -> bytes:
    return sample_of(quarters(), name)


def sample_of(image: Image.Image, name: str) -> bytes:
    return encoded(image, name, **SAMPLE_OPTIONS[name])


def exif(tags: dict[int, Any], *, gps: dict[int, Any] | None = None, photo: dict[int, Any] | None = None) -> bytes:
    block = Image.Exif()
    block.update(tags)
    for pointer, more in ((ExifTags.IFD.Exif, photo), (ExifTags.IFD.GPSInfo, gps)):
        if more:
            block.get_ifd(pointer).update(more)
    return block.tobytes()


def stored_turned(image: Image.Image, orientation: int) -> Image.Image:
    """How a camera stores the picture so that `orientation` brings it upright; independent of Pillow's own table."""
    if orientation >= 5:
        image = image.transpose(Image.Transpose.TRANSPOSE)
    undo = {2: "mirror", 3: "turn", 4: "flip", 6: "flip", 7: "turn", 8: "mirror"}.get(orientation)
    steps = {"mirror": ImageOps.mirror, "flip": ImageOps.flip, "turn": lambda upright: upright.rotate(180)}
    return steps[undo](image) if undo else image


def png_chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(width: int, height: int, *chunks: bytes, depth: int = 8, color: int = 0, data: bytes | None = None) -> bytes:
    """A PNG of raw rows; black 8-bit gray unless told otherwise."""
    rows = data if data is not None else bytes((width + 1) * height)
    header = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + png_chunk(b"IDAT", zlib.compress(rows)) + png_end()


def png_end() -> bytes:
    return png_chunk(b"IEND", b"")


def gif_with_frames(count: int) -> bytes:
    """Frames of one pixel, written by hand because encoders merge equal ones."""
    frame = b"\x2c\0\0\0\0\1\0\1\0\0\x02\x02\x44\x01\0"
    return b"GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff" + frame * count + b";"


def gif(
    width: int, height: int, *frames: tuple[tuple[int, int, int, int], int, int], repeats: int | None = 0, ms: int = 100
) -> bytes:
    """Plain rectangles: box (left, top, width, height), color 0..3 and disposal of each; color 3 is transparent."""
    palette = bytes([*RED, *GREEN, *BLUE, 0, 0, 0])
    screen = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x81, 0, 0) + palette
    loop = b"" if repeats is None else b"!\xff\x0bNETSCAPE2.0\3\1" + struct.pack("<H", repeats) + b"\0"
    drawn = b"".join(_gif_frame(box, color, disposal, ms) for box, color, disposal in frames)
    return screen + loop + drawn + b";"


def _gif_frame(box: tuple[int, int, int, int], color: int, disposal: int, ms: int) -> bytes:
    """Codes of 3 bits: a 4 after every two pixels empties the table, so that codes never grow longer."""
    pixels = box[2] * box[3]
    codes = [code for at in range(0, pixels, 2) for code in (4, *[color] * min(2, pixels - at))] + [5]
    bits = sum(code << 3 * at for at, code in enumerate(codes))
    data = bits.to_bytes(len(codes) * 3 // 8 + 1, "little")
    blocks = b"".join(bytes([len(data[at : at + 255])]) + data[at : at + 255] for at in range(0, len(data), 255))
    control = b"!\xf9\4" + struct.pack("<BHB", disposal << 2 | 1, ms // 10, 3) + b"\0"
    return control + b"," + struct.pack("<4HB", *box, 0) + b"\2" + blocks + b"\0"


def psd(
    image: Image.Image, *, layers: int = 0, bits: int = 8, colors: int | None = None, version: int = 1,
    has_composite: int | None = None, icc_profile: bytes = b"",
) -> bytes:  # fmt: skip
    """A flattened document without compression; inks are stored inverted. `layers` is only announced."""
    bands = image.split()
    space = {"L": 1, "RGB": 3, "RGBA": 3, "CMYK": 4, "LAB": 9}[image.mode] if colors is None else colors
    header = struct.pack(">4sH6xHIIHH", b"8BPS", version, len(bands), image.height, image.width, bits, space)
    resources = _psd_resource(1039, icc_profile) if icc_profile else b""
    resources += b"" if has_composite is None else _psd_resource(1057, struct.pack(">IB", 1, has_composite) + bytes(12))
    layer_info = struct.pack(">Ih", 4, layers) + bytes(2) if layers else b""
    sections = (b"", resources, layer_info)
    body = b"".join(struct.pack(">I", len(section)) + section for section in sections)
    inverted = (band.point(lambda level: 255 - level) if image.mode == "CMYK" else band for band in bands)
    return header + body + b"\0\0" + b"".join(band.tobytes() for band in inverted)


def _psd_resource(code: int, data: bytes) -> bytes:
    return b"8BIM" + struct.pack(">HHI", code, 0, len(data)) + data + bytes(len(data) % 2)


def claiming(name: str, width: int, height: int) -> bytes:
    """A header that announces a size, with no picture behind it."""
    sizes = struct.pack("<II", width, height)
    return {
        "JPEG": b"\xff\xd8\xff\xc0\0\x11\x08" + struct.pack(">HH", height, width) + b"\x03\1\x22\0\2\x11\1\3\x11\1",
        "PNG": png(1, 1)[:16] + struct.pack(">II", width, height) + b"\x08\2\0\0\0",
        "GIF": b"GIF89a" + struct.pack("<HH", width, height) + b"\0\0\0",
        "BMP": b"BM" + bytes(8) + struct.pack("<II", 54, 40) + sizes + struct.pack("<HH", 1, 24) + bytes(24),
        "WEBP": b"RIFF\x16\0\0\0WEBPVP8X\x0a\0\0\0" + bytes(4) + (width - 1).to_bytes(3, "little")
        + (height - 1).to_bytes(3, "little"),
        "TIFF": b"II*\0\x08\0\0\0\2\0" + struct.pack("<HHIIHHII", 256, 4, 1, width, 257, 4, 1, height) + bytes(4),
        "ICO": struct.pack("<3H8xII", 0, 1, 1, 24, 22)
        + png(1, 1)[:16] + struct.pack(">II", width, height),
        "PSD": struct.pack(">4sH6xHIIHH", b"8BPS", 1, 3, height, width, 8, 3) + bytes(14),
        "JPEG2000": b"\xff\x4f\xff\x51" + struct.pack(">HHIIIIIIII", 47, 0, width, height, 0, 0, width, height, 0, 0)
        + struct.pack(">H", 3) + b"\7\1\1" * 3,
        "HEIF": b"\0\0\0\x14ftypheic\0\0\0\0heic" + b"\0\0\0\x14ispe\0\0\0\0" + struct.pack(">II", width, height),
    }[name]  # fmt: skip


def matrix_profile(primaries: Sequence[tuple[float, float, float]], gamma: float) -> bytes:
    """An ICC display profile: XYZ of red, green and blue relative to D50, and one power curve for all."""
    curve = b"curv" + bytes(4) + struct.pack(">IH", 1, round(gamma * 256)) + bytes(2)
    tags = {b"wtpt": _xyz(0.9642, 1.0, 0.8249), b"rTRC": curve, b"gTRC": curve, b"bTRC": curve}
    tags |= {name: _xyz(*primary) for name, primary in zip((b"rXYZ", b"gXYZ", b"bXYZ"), primaries, strict=True)}
    return _profile(b"mntr", b"RGB ", b"XYZ ", tags)


def inks_profile() -> bytes:
    """An ICC printer profile in which paper is white and any full ink is a dark green, far from naive arithmetic."""
    ramp = bytes(range(256))
    corners_in_lab = b"\xff\x80\x80" + b"\x40\x50\xa0" * 15
    identity = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    table = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + identity + ramp * 4 + corners_in_lab + ramp * 3
    return _profile(b"prtr", b"CMYK", b"Lab ", {b"wtpt": _xyz(0.9642, 1.0, 0.8249), b"A2B0": table})


def _xyz(*values: float) -> bytes:
    return b"XYZ " + bytes(4) + struct.pack(">3i", *(round(value * 65536) for value in values))


def _profile(device: bytes, space: bytes, connection: bytes, tags: dict[bytes, bytes]) -> bytes:
    name = b"desc" + bytes(4) + struct.pack(">I", 5) + b"test\0" + bytes(78 + 4)
    body, index = b"", b""
    for tag, data in {b"desc": name, **tags}.items():
        padded = data + bytes(-len(data) % 4)
        index += tag + struct.pack(">II", 132 + 12 * (len(tags) + 1) + len(body), len(data))
        body += padded
    content = struct.pack(">I", len(tags) + 1) + index + body
    header = struct.pack(">I4xI", 128 + len(content), 0x02400000) + device + space + connection + bytes(12) + b"acsp"
    return header + bytes(28) + struct.pack(">3i", 63190, 65536, 54061) + bytes(48) + content
