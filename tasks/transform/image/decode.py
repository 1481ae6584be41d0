"""Opens an image strictly as the format it was found to be, within its limits, and decodes its first frame.

Limits are checked before memory is spent. Decoders fail in many ways; here all of them mean a damaged file.
"""

import os
import struct
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO

from PIL import ExifTags
from PIL.AvifImagePlugin import AvifImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.IcoImagePlugin import IcoImageFile
from PIL.Image import DecompressionBombError, Exif, Image
from PIL.ImageFile import ImageFile
from PIL.Jpeg2KImagePlugin import Jpeg2KImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile
from pillow_heif import HeifImageFile

from tasks.sniffing.headers import announced_size, check_pixels, ends_early
from tasks.transform.image import vips
from tasks.transform.image.frames import count_frames, count_scans
from tasks.transform.image.gif import gif_frames, leaves_gaps
from tasks.transform.image.png import read_png, with_transparent_level
from tasks.transform.image.psd import PsdComposite
from tasks.transform.image.signals import announced_profile
from tasks.transform.image.tiff import Page, choose_page
from workflow.errors import CorruptImage, TooManyFrames, TooManyPixels, TruncatedFile
from workflow.kinds import IMAGE, MEGAPIXEL, Format

HEAD_BYTES = 64 * 1024
SNAP_SHARE = 0.93
"""Of the wanted size: what a JPEG's decoder scaled to so much of it is not decoded twice as large and scaled again."""
MAX_JPEG_SCANS = 100

DECODER_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
)

# The plugins' own classes rather than Image.open(): that would probe other formats, register HEIC for the
# whole process, and apply Pillow's process-wide pixel limit instead of the format's.
_OPENERS: Mapping[str, Callable[[BinaryIO], ImageFile]] = MappingProxyType(
    {
        "image/jpeg": JpegImageFile,
        "image/png": PngImageFile,
        "image/webp": WebPImageFile,
        "image/gif": GifImageFile,
        "image/tiff": TiffImageFile,
        "image/bmp": BmpImageFile,
        "image/x-icon": IcoImageFile,
        "image/jp2": Jpeg2KImageFile,
        "image/vnd.adobe.photoshop": PsdComposite,
        "image/heic": HeifImageFile,
        "image/avif": AvifImageFile,
    }
)

# These name the sizes of their parts wherever the parts are; OpenJPEG takes what is left of a file for all of it.
_TOLD_ANYWHERE = frozenset({"image/x-icon", "image/jp2"})


@dataclass(frozen=True)
class Decoded:
    """The first frame, perhaps at a reduced scale, and what the file says of it.

    `icc` is the color profile, embedded or made of what is announced. `width` and `height` are the stored ones at full
    scale; `frames` counts pages, too, and `page` is the one that is shown, from 0. `orientation` is EXIF's 1..8 as the
    file has it, `turn` the part of it that the decoder has not applied yet.
    """

    image: Image
    exif: Exif
    icc: object
    width: int
    height: int
    frames: int
    orientation: int
    turn: int
    page: int = 0
    notes: tuple[str, ...] = ()


def decode(path: Path, found: Format, max_side_px: int) -> Decoded:
    """Decode all data of the first frame, or of the page that is to be shown.

    Raises TooManyPixels, TooManyFrames, TruncatedFile, CorruptImage, or UnsupportedType for a rare variant.
    """
    with path.open("rb") as file, damage_named(path, found):
        source = _Source(path, file, found, max_side_px)
        return _DECODERS.get(found.media_type, _decode)(source)


@dataclass(frozen=True)
class _Source:
    path: Path
    file: BinaryIO
    found: Format
    max_side_px: int

    def opened(self) -> ImageFile:
        return open_image(self.file, self.found)


def _decode(source: _Source) -> Decoded:
    image = source.opened()
    size, count = image.size, count_frames(source.path, image, IMAGE.max_frames) if source.found.several else 1
    frames = _check_frames(source, size, count)
    image.load()
    shown = _without_gaps(image, source.file, source.found)
    return _told(source, image, shown, size=size, frames=frames)


def _decode_jpeg(source: _Source) -> Decoded:
    """The decoder may scale by 2, 4 or 8 on its way, to no less than nearly the wanted size."""
    image = source.opened()
    if image.info.get("progressive"):
        _check_scans(source.path)
    size, shrink = image.size, _shrink(image.size, source.max_side_px)
    shown = vips.read_jpeg(source.path, shrink) if shrink > 1 else vips.check_jpeg(source.path)
    if shown is None:
        image.draft(None, (max(1, size[0] // shrink), max(1, size[1] // shrink)))
        image.load()
    return _told(source, image, shown or image, size=size)


def _decode_png(source: _Source) -> Decoded:
    check_header(source.file, source.found)
    png = read_png(source.file)
    frames = _check_frames(source, announced_size("image/png", _head(source.file)) or (0, 0), png.frames())
    image = PngImageFile(png.still())
    image.load()
    is_deep = png.bits == 16 and "transparency" in image.info  # noqa: PLR2004 - the other depth with transparency
    shown = vips.read_png(source.path) if is_deep else with_transparent_level(image, png)
    notes = (f"damaged data beside the picture was left out ({', '.join(png.damaged)})",) if png.damaged else ()
    return _told(source, image, shown, icc=png.profile(), frames=frames, notes=notes)


def _decode_tiff(source: _Source) -> Decoded:
    check_header(source.file, source.found)
    page = choose_page(source.file, IMAGE.max_frames + 1)
    check_pixels(source.found, page.width, page.height)
    frames = _check_frames(source, (page.width, page.height), page.of)
    if not page.is_for_pillow:
        return _decode_rare_tiff(source, page, frames)
    image = source.opened()
    image.seek(page.at)
    stored, size = page.orientation, image.size
    image.load()
    return replace(_told(source, image, image, size=size, frames=frames), orientation=stored, page=page.at)


def _decode_rare_tiff(source: _Source, page: Page, frames: int) -> Decoded:
    read = vips.read_tiff(source.path, page.at, page.nodata)
    exif = Exif()
    with suppress(*DECODER_ERRORS):
        source.file.seek(0)
        exif.load_from_fp(source.file)
    return Decoded(
        read.image,
        exif,
        page.icc,
        page.width,
        page.height,
        frames,
        page.orientation,
        page.orientation,
        page.at,
        read.notes,
    )


def _decode_avif(source: _Source) -> Decoded:
    """What a clean aperture cuts off was cut off by somebody: Pillow would show it."""
    is_cropped = b"clap" in _head(source.file)
    decoded = _decode(source)
    if not is_cropped or decoded.frames > 1:
        return decoded
    shown = vips.read_avif(source.path)
    return replace(decoded, image=shown, width=shown.width, height=shown.height, turn=1)


_DECODERS: Mapping[str, Callable[[_Source], Decoded]] = MappingProxyType(
    {"image/jpeg": _decode_jpeg, "image/png": _decode_png, "image/tiff": _decode_tiff, "image/avif": _decode_avif}
)


def _told(
    source: _Source,
    image: ImageFile,
    shown: Image,
    *,
    size: tuple[int, int] | None = None,
    icc: object = None,
    frames: int = 1,
    notes: tuple[str, ...] = (),
) -> Decoded:
    """What the file says of a picture that Pillow opened; `size` is the stored one, before anything was scaled."""
    exif = _read_exif(image)
    turn = _orientation(exif.get(ExifTags.Base.Orientation))
    profile = icc or image.info.get("icc_profile") or _announced_icc(source, image.info, is_gray=_is_gray(shown))
    width, height = size or image.size
    return Decoded(shown, exif, profile, width, height, frames, turn, turn, notes=notes)


def _is_gray(image: Image) -> bool:
    return image.getbands()[0] in {"L", "1", "I", "F"}


def open_image(file: BinaryIO, found: Format) -> ImageFile:
    """Read the header with the format's own plugin; raises TooManyPixels."""
    check_header(file, found)
    file.seek(0)
    image = _OPENERS[found.media_type](file)
    check_pixels(found, *image.size)
    return image


def check_header(file: BinaryIO, found: Format) -> None:
    """Raises TooManyPixels or EOFError by what the first bytes announce: some decoders reserve memory for it."""
    head = file.read() if found.media_type in _TOLD_ANYWHERE else _head(file)
    announced = announced_size(found.media_type, head)
    if announced:
        check_pixels(found, *announced)
    if ends_early(found.media_type, head, file.seek(0, os.SEEK_END)):
        raise EOFError("the file ends early")


def _head(file: BinaryIO) -> bytes:
    file.seek(0)
    return file.read(HEAD_BYTES)


def _without_gaps(image: ImageFile, file: BinaryIO, found: Format) -> Image:
    """Pillow fills what the first frame of a GIF leaves of the canvas with some color."""
    if isinstance(image, GifImageFile) and leaves_gaps(image):
        return next(gif_frames(file, found))[0]
    return image


def _announced_icc(source: _Source, info: Mapping[Any, Any], *, is_gray: bool) -> bytes | None:
    return announced_profile(source.found.media_type, _head(source.file), info, is_gray=is_gray)


def _check_scans(path: Path) -> None:
    if count_scans(path, MAX_JPEG_SCANS) > MAX_JPEG_SCANS:
        raise TooManyPixels(
            f"The JPEG image is built of more than {MAX_JPEG_SCANS} layers over all of its pixels, "
            "which takes too long to decode. Save it again as an ordinary JPEG and upload that."
        )


def _check_frames(source: _Source, size: tuple[int, int], frames: int) -> int:
    """The count of frames or pages, within their limits."""
    found = source.found
    if frames > IMAGE.max_frames:
        raise TooManyFrames(
            f"The {found.label} image has more than {IMAGE.max_frames:,} frames or pages, which is the limit. "
            "Split it or leave out frames, and upload it again."
        )
    if found.several == "frames":
        _check_total(found, *size, frames)
    return frames


def _check_total(found: Format, width: int, height: int, frames: int) -> None:
    total = width * height * frames
    if total <= IMAGE.max_total_pixels or frames == 1:
        return
    raise TooManyPixels(
        f"The {found.label} animation has {frames:,} frames of {width:,} by {height:,} pixels, which is "
        f"{total / MEGAPIXEL:,.0f} megapixels together; up to {IMAGE.max_total_pixels / MEGAPIXEL:,.0f} are allowed. "
        "Make it shorter or scale it down, and upload it again; longer ones are better kept as a video."
    )


def _shrink(size: tuple[int, int], max_side_px: int) -> int:
    """By how much the decoder of a JPEG can scale down: 1, 2, 4 or 8."""
    scale = max(size) / (max_side_px * SNAP_SHARE)
    return next((shrink for shrink in (8, 4, 2) if scale >= shrink), 1)


def _read_exif(image: ImageFile) -> Exif:
    """Damaged metadata is no reason to refuse a picture that decodes.

    Where EXIF has no orientation, Pillow would take XMP's: browsers and cameras do not, so nobody saw it turned.
    """
    image.info.pop("xmp", None)
    try:
        return image.getexif()
    except DECODER_ERRORS:
        return Exif()


def _orientation(value: object) -> int:
    return value if isinstance(value, int) and 1 <= value <= 8 else 1  # noqa: PLR2004 - EXIF's eight


@contextmanager
def damage_named(path: Path, found: Format) -> Generator[None]:
    """Raise whatever a decoder raises as TooManyPixels, TruncatedFile or CorruptImage."""
    try:
        yield
    except DecompressionBombError as exc:
        raise TooManyPixels(
            f"The {found.label} image claims far more than the {found.max_pixels / MEGAPIXEL:,.0f} megapixels that "
            "are allowed. Scale it down and upload it again."
        ) from exc
    except DECODER_ERRORS as exc:
        if isinstance(exc, OSError) and exc.errno:
            raise  # the disk's trouble, not the file's
        if _is_cut_off(path, found, exc):
            raise TruncatedFile(
                f"The {found.label} image ends before its data is complete ({path.stat().st_size:,} bytes are there). "
                "Most likely an upload or a copy was cut off: upload the complete file again."
            ) from exc
        raise CorruptImage(
            f"The {found.label} image cannot be decoded: it is damaged, or of a rare variant ({_reason(exc)}). "
            "Open it in an image editor, save it again and upload that."
        ) from exc


def _is_cut_off(path: Path, found: Format, exc: Exception) -> bool:
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    says_so = isinstance(exc, EOFError) or "truncated" in str(exc).lower()
    return says_so or ends_early(found.media_type, head, path.stat().st_size)


def _reason(exc: Exception) -> str:
    return (str(exc).strip() or type(exc).__name__)[:120]
