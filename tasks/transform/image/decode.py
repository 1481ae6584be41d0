"""Opens an image strictly as the format it was found to be, within its limits, and decodes its first frame.

Limits are checked before memory is spent. Decoders fail in many ways; here all of them mean a damaged file.
"""

import os
import struct
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
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

from tasks.headers import announced_size, check_pixels, ends_early
from tasks.kinds import IMAGE, MEGAPIXEL, Format
from tasks.transform.image.frames import count_frames, count_scans
from tasks.transform.image.gif import gif_frames, leaves_gaps
from tasks.transform.image.psd import PsdComposite
from tasks.transform.image.signals import announced_profile
from workflow.errors import CorruptImage, TooManyFrames, TooManyPixels, TruncatedFile

HEAD_BYTES = 64 * 1024
SNAP_SHARE = 0.97
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
    scale; `frames` counts pages, too. `orientation` is EXIF's 1..8 as the file has it, `turn` the part of it that the
    decoder has not applied yet.
    """

    image: Image
    exif: Exif
    icc: object
    width: int
    height: int
    frames: int
    orientation: int
    turn: int


def decode(path: Path, found: Format, max_side_px: int) -> Decoded:
    """Decode all data of the first frame.

    Raises TooManyPixels, TooManyFrames, TruncatedFile, CorruptImage, or UnsupportedType for a rare variant.
    """
    with path.open("rb") as file, damage_named(path, found):
        image = open_image(file, found)
        frames = _check_frames(path, image, found)
        width, height = image.size
        stored = image.tag_v2.get(ExifTags.Base.Orientation) if isinstance(image, TiffImageFile) else None
        _draft(image, max_side_px)
        image.load()
        exif = _read_exif(image)
        turn = _orientation(exif.get(ExifTags.Base.Orientation))
        icc = image.info.get("icc_profile") or _announced_icc(file, found, image.info)
        shown = _without_gaps(image, file, found)
        return Decoded(shown, exif, icc, width, height, frames, _orientation(stored or turn), turn)


def open_image(file: BinaryIO, found: Format) -> ImageFile:
    """Read the header with the format's own plugin; raises TooManyPixels."""
    head = file.read() if found.media_type in _TOLD_ANYWHERE else file.read(HEAD_BYTES)
    announced = announced_size(found.media_type, head)
    if announced:
        check_pixels(found, *announced)
    if ends_early(found.media_type, head, file.seek(0, os.SEEK_END)):
        raise EOFError("the file ends early")
    file.seek(0)
    image = _OPENERS[found.media_type](file)
    check_pixels(found, *image.size)
    return image


def _without_gaps(image: ImageFile, file: BinaryIO, found: Format) -> Image:
    """Pillow fills what the first frame of a GIF leaves of the canvas with some color."""
    if isinstance(image, GifImageFile) and leaves_gaps(image):
        return next(gif_frames(file, found))[0]
    return image


def _announced_icc(file: BinaryIO, found: Format, info: Mapping[Any, Any]) -> bytes | None:
    file.seek(0)
    return announced_profile(found.media_type, file.read(HEAD_BYTES), info)


def _check_frames(path: Path, image: ImageFile, found: Format) -> int:
    if image.info.get("progressive") and count_scans(path, MAX_JPEG_SCANS) > MAX_JPEG_SCANS:
        raise TooManyPixels(
            f"The JPEG image is built of more than {MAX_JPEG_SCANS} layers over all of its pixels, "
            "which takes too long to decode. Save it again as an ordinary JPEG and upload that."
        )
    frames = count_frames(path, image, IMAGE.max_frames) if found.several else 1
    if frames > IMAGE.max_frames:
        raise TooManyFrames(
            f"The {found.label} image has more than {IMAGE.max_frames:,} frames or pages, which is the limit. "
            "Split it or leave out frames, and upload it again."
        )
    if found.several == "frames":
        _check_total(found, *image.size, frames)
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


def _draft(image: ImageFile, max_side_px: int) -> None:
    """Let the JPEG decoder scale down by 2, 4 or 8 on its way, to no less than nearly the wanted size."""
    if not isinstance(image, JpegImageFile):
        return
    scale = int(max(image.size) / (max_side_px * SNAP_SHARE))
    if scale > 1:
        image.draft(None, (max(1, image.width // scale), max(1, image.height // scale)))


def _read_exif(image: ImageFile) -> Exif:
    """Damaged metadata is no reason to refuse a picture that decodes."""
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
