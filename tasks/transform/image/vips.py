"""What libvips reads where Pillow would be wrong, silent or slow: strict JPEG, deep and rare TIFF, cropped AVIF.

Its result is Pillow's again: an image of 8 bits in one of the modes that `color` works on.
"""

import logging
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pyvips
from PIL.Image import Image, frombuffer

_HARMLESS = ("extraneous bytes before marker",)
_DAMAGED = ("Corrupt JPEG data", "Premature end of JPEG file", "premature end of JPEG image")
_ENTROPY_ONLY_SHRINK = 8

_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
_MAX_FLOAT = 3.0e38
"""Beyond it are infinities, and the lowest float, by which many programs mean that there is no value."""

_CUSTOMARY_NODATA = {
    "short": (-32768.0, -9999.0),
    "int": (-2147483648.0, -9999.0),
    "float": (-9999.0,),
    "double": (-9999.0,),
}
_CMYK_BANDS, _COLORS = 4, 3
_SIDEWAYS = frozenset({5, 6, 7, 8})
_ICON_PX, _BLANK_LEVELS, _FAINT_LEVELS = 64, 4, 12
_TURNED_BY_LOADER = frozenset({"image/heic", "image/avif"})
_HEADERS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "image/jpeg": pyvips.Image.jpegload,
        "image/png": pyvips.Image.pngload,
        "image/webp": pyvips.Image.webpload,
        "image/tiff": pyvips.Image.tiffload,
        "image/heic": pyvips.Image.heifload,
        "image/avif": pyvips.Image.heifload,
    }
)

logging.getLogger("pyvips").setLevel(logging.ERROR)  # its errors have what it warns of
pyvips.block_untrusted_set(True)  # pyright: ignore[reportUnknownMemberType]
pyvips.cache_set_max(0)


@dataclass(frozen=True)
class Shown:
    """A decoded picture, and what is to be said of how its values are shown."""

    image: Image
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Header:
    """What libvips reads of a file without decoding it: the size as it is to be shown, in pixels."""

    width: int
    height: int


def read_header(path: Path, media_type: str, page: int) -> Header | None:
    """None for formats that libvips does not read, or not as browsers do, and where it cannot."""
    load: Callable[..., Any] | None = _HEADERS.get(media_type)
    if load is None:
        return None
    try:
        picture = load(str(path), **({"page": page} if page else {}))
    except pyvips.Error:
        return None
    is_sideways = media_type not in _TURNED_BY_LOADER and _orientation(picture) in _SIDEWAYS
    return Header(picture.height, picture.width) if is_sideways else Header(picture.width, picture.height)


def _orientation(picture: Any) -> int:
    return picture.get("orientation") if "orientation" in picture.get_fields() else 1


def looks_blank(data: bytes) -> bool:
    """Whether a rendition, all frames of it, is of one color, or nearly, as far as it can be seen."""
    options = "[n=-1]" if data.startswith(b"RIFF") else ""
    return _spans(pyvips.Image.thumbnail_buffer(data, _ICON_PX, option_string=options)) <= _BLANK_LEVELS


def is_blank(path: Path) -> bool:
    """Whether an original is of one color, so faint that its rendition may be, or cannot be told."""
    try:
        return _spans(pyvips.Image.thumbnail(str(path), _ICON_PX)) <= _FAINT_LEVELS
    except pyvips.Error:
        return True


def _spans(small: Any) -> float:
    """How far the levels of a band are apart, of 256: a thumbnail has eight bits, whatever its picture has."""
    seen = small.copy_memory()
    seen = seen.flatten(background=[0, 255, 0]) if seen.hasalpha() else seen
    return max(band.max() - band.min() for band in seen.bandsplit())


def read_jpeg(path: Path, shrink: int) -> Image | None:
    """Decode at 1/`shrink` (1, 2, 4 or 8); None for one with oddities that do not show, which Pillow decodes as well.

    Raises SyntaxError for damage that would show, and EOFError where data is missing: libjpeg fills that with gray, and
    only warns.
    """
    try:
        return _pillow(pyvips.Image.jpegload(str(path), shrink=shrink, fail_on="warning", access="sequential"))
    except pyvips.Error as exc:
        _raise_if_it_shows(exc)
    return None


def check_jpeg(path: Path) -> None:
    """`read_jpeg` for the errors alone, at little more than what unpacking the data takes."""
    read_jpeg(path, _ENTROPY_ONLY_SHRINK)


def _raise_if_it_shows(exc: Exception) -> None:
    said = [line for line in str(exc).splitlines() if not any(harmless in line for harmless in _HARMLESS)]
    damage = next((line for line in said if any(mark in line for mark in _DAMAGED)), None)
    if damage and "end of" in damage:
        raise EOFError("data of the picture is missing") from exc
    if damage:
        raise SyntaxError(damage.rpartition(":")[2].strip()) from exc


def read_avif(path: Path) -> Image:
    """The picture as it is to be shown: cropped to its clean aperture, turned and mirrored."""
    with _errors_named():
        return _pillow(pyvips.Image.heifload(str(path), fail_on="error"))


def read_png(path: Path) -> Image:
    """Transparency of 16-bit values is compared before they are cut to 8."""
    with _errors_named():
        return _pillow(pyvips.Image.pngload(str(path), fail_on="error"))


def read_tiff(path: Path, page: int, nodata: float | None) -> Shown:
    """Any layout of samples; values that are no colors are stretched from black to white, and the notes say so."""
    with _errors_named():
        picture: Any = pyvips.Image.tiffload(str(path), page=page, fail_on="error")
        return _shown(picture, nodata)


def _shown(picture: Any, nodata: float | None) -> Shown:
    if picture.format not in {"uchar", "ushort"}:
        return _measured(picture, nodata)
    if nodata is not None and picture.bands == 1:
        return _measured(picture, nodata)
    if picture.interpretation == "cmyk" and picture.bands > _CMYK_BANDS:
        picture = _without_inks(picture)
    more = picture.bands - _COLORS if picture.interpretation in {"srgb", "rgb16"} and picture.bands > max(_MODES) else 0
    if more:
        return Shown(_pillow(picture[:_COLORS]), (f"{more} channels beside the colors are left out",))
    return Shown(_pillow(picture))


def _without_inks(picture: Any) -> Any:
    """Pillow has no mode for inks with transparency: opaque ones stay inks, others become colors here."""
    if picture[_CMYK_BANDS].min() == (255 if picture.format == "uchar" else 65535):
        return picture[:_CMYK_BANDS].copy(interpretation="cmyk")
    return _bytes(picture).icc_transform("srgb", embedded=True, intent="relative", black_point_compensation=True)


def _measured(picture: Any, nodata: float | None) -> Shown:
    colors = picture[:3] if picture.bands > 3 else picture[:1] if picture.bands == 2 else picture  # noqa: PLR2004
    missing, name = _without_value(colors, nodata)
    valid = missing.bandor() == 0
    low = valid.ifthenelse(colors, _MAX_FLOAT).min()
    high = valid.ifthenelse(colors, -_MAX_FLOAT).max()
    if low > high:
        raise SyntaxError("no pixel of it has a value")
    scale = 255 / (high - low) if high > low else 0
    shown = valid.ifthenelse((colors - low) * scale, 0).cast("uchar")
    notes = [f"values from {low:g} to {high:g} are shown from black to white"]
    if missing.max():
        shown = shown.bandjoin(valid.cast("uchar"))
        notes.append(f"pixels without a value{name} are transparent")
    return Shown(_pillow(shown), tuple(notes))


def _without_value(colors: Any, nodata: float | None) -> tuple[Any, str]:
    """Where a pixel is no number or means that there is none, and by which value if one says so."""
    is_number = (colors > -_MAX_FLOAT) & (colors < _MAX_FLOAT)  # a NaN is neither
    marks: Sequence[float] = _CUSTOMARY_NODATA.get(colors.format, ()) if nodata is None else (nodata,)
    lowest = is_number.ifthenelse(colors, _MAX_FLOAT).min()
    mark = next((each for each in marks if nodata is not None or each == lowest), None)
    if mark is None:
        return is_number == 0, ""
    return (is_number == 0) | (colors == mark), f" ({mark:g})"


@contextmanager
def _errors_named() -> Generator[None]:
    try:
        yield
    except pyvips.Error as exc:
        raise SyntaxError(_reason(exc)) from exc


def _reason(exc: Exception) -> str:
    """libvips says in the last line what it could not read."""
    lines = [line.strip() for line in str(exc).splitlines() if line.strip()]
    return lines[-1] if lines else type(exc).__name__


def _bytes(picture: Any) -> Any:
    return (picture >> 8).cast("uchar") if picture.format == "ushort" else picture


def _pillow(picture: Any) -> Image:
    shown = _bytes(picture)
    mode = "CMYK" if picture.interpretation == "cmyk" else _MODES[shown.bands]
    return frombuffer(mode, (shown.width, shown.height), shown.write_to_memory(), "raw", mode, 0, 1)
