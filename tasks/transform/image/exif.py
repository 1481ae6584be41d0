"""What a photograph's EXIF tags tell: a few facts for the record, and those of a list in JSON-safe form.

The list has what tells how a picture was taken. Where, by whom, of what and with which very device stays out, and
with it every tag that is not known, unless it is asked for.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

from PIL import ExifTags
from PIL.Image import Exif

from tasks.transform.image.decode import DECODER_ERRORS

MAX_TAGS = 200
MAX_TEXT_CHARS = 256
MAX_VALUES = 16
MAX_FACT_CHARS = 80

_DATE = re.compile(r"(\d{4}):(\d\d):(\d\d) (\d\d:\d\d:\d\d)")
_OFFSET = re.compile(r"[+-]\d\d:\d\d")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
_POINTERS = frozenset(ExifTags.IFD)
_DEVICE = frozenset({ExifTags.Base.Make, ExifTags.Base.Model, ExifTags.Base.LensMake, ExifTags.Base.LensModel})
_TIMES = frozenset(
    {
        ExifTags.Base.DateTime,
        ExifTags.Base.DateTimeDigitized,
        ExifTags.Base.DateTimeOriginal,
        ExifTags.Base.OffsetTime,
        ExifTags.Base.OffsetTimeDigitized,
        ExifTags.Base.OffsetTimeOriginal,
        ExifTags.Base.SubsecTime,
        ExifTags.Base.SubsecTimeDigitized,
        ExifTags.Base.SubsecTimeOriginal,
    }
)
_NUMBERS = frozenset(
    {
        ExifTags.Base.ApertureValue,
        ExifTags.Base.BitsPerSample,
        ExifTags.Base.BrightnessValue,
        ExifTags.Base.ColorSpace,
        ExifTags.Base.Compression,
        ExifTags.Base.Contrast,
        ExifTags.Base.CustomRendered,
        ExifTags.Base.DigitalZoomRatio,
        ExifTags.Base.ExifImageHeight,
        ExifTags.Base.ExifImageWidth,
        ExifTags.Base.ExposureBiasValue,
        ExifTags.Base.ExposureIndex,
        ExifTags.Base.ExposureMode,
        ExifTags.Base.ExposureProgram,
        ExifTags.Base.ExposureTime,
        ExifTags.Base.FNumber,
        ExifTags.Base.Flash,
        ExifTags.Base.FlashEnergy,
        ExifTags.Base.FocalLength,
        ExifTags.Base.FocalLengthIn35mmFilm,
        ExifTags.Base.FocalPlaneResolutionUnit,
        ExifTags.Base.FocalPlaneXResolution,
        ExifTags.Base.FocalPlaneYResolution,
        ExifTags.Base.GainControl,
        ExifTags.Base.ISOSpeed,
        ExifTags.Base.ISOSpeedRatings,
        ExifTags.Base.ImageLength,
        ExifTags.Base.ImageWidth,
        ExifTags.Base.LensSpecification,
        ExifTags.Base.LightSource,
        ExifTags.Base.MaxApertureValue,
        ExifTags.Base.MeteringMode,
        ExifTags.Base.Orientation,
        ExifTags.Base.PhotometricInterpretation,
        ExifTags.Base.PlanarConfiguration,
        ExifTags.Base.RecommendedExposureIndex,
        ExifTags.Base.ResolutionUnit,
        ExifTags.Base.SamplesPerPixel,
        ExifTags.Base.Saturation,
        ExifTags.Base.SceneCaptureType,
        ExifTags.Base.SensingMethod,
        ExifTags.Base.SensitivityType,
        ExifTags.Base.Sharpness,
        ExifTags.Base.ShutterSpeedValue,
        ExifTags.Base.StandardOutputSensitivity,
        ExifTags.Base.SubjectDistance,
        ExifTags.Base.SubjectDistanceRange,
        ExifTags.Base.WhiteBalance,
        ExifTags.Base.XResolution,
        ExifTags.Base.YCbCrPositioning,
        ExifTags.Base.YResolution,
    }
)
_TIME = re.compile(r"[\d:+\-. TZ]{1,32}")
_EXPOSURE: Mapping[str, int] = MappingProxyType(
    {
        "aperture": ExifTags.Base.FNumber,
        "exposure_seconds": ExifTags.Base.ExposureTime,
        "iso": ExifTags.Base.ISOSpeedRatings,
        "focal_length_mm": ExifTags.Base.FocalLength,
        "focal_length_35mm": ExifTags.Base.FocalLengthIn35mmFilm,
    }
)
_DATE_TAGS = (
    (ExifTags.Base.DateTimeOriginal, ExifTags.Base.OffsetTimeOriginal),
    (ExifTags.Base.DateTimeDigitized, ExifTags.Base.OffsetTimeDigitized),
)


@dataclass(frozen=True)
class Tags:
    """All tags of the picture and its exposure in `main`, those of the place in `gps`."""

    main: Mapping[int, Any] = field(default_factory=dict[int, Any])
    gps: Mapping[int, Any] = field(default_factory=dict[int, Any])


def read_tags(exif: Exif) -> Tags:
    """Copy the tags out of a lazily read block, leaving out whatever is damaged."""
    main = {**_directory(exif, None), **_directory(exif, ExifTags.IFD.Exif)}
    shown = {tag: value for tag, value in main.items() if tag not in _POINTERS}
    return Tags(shown, _directory(exif, ExifTags.IFD.GPSInfo))


def photo_facts(tags: Tags, *, publish_private: bool) -> dict[str, Any]:
    """Camera, time, exposure and, if asked for, place; only what is there and makes sense."""
    facts = {
        "camera": _camera(tags.main),
        "taken_at": _taken_at(tags.main),
        "exposure": _exposure(tags.main),
        "gps": _place(tags.gps) if publish_private else None,
    }
    return {name: fact for name, fact in facts.items() if fact}


def photo_notes(tags: Tags) -> list[str]:
    """What the photograph says of itself and cannot be so."""
    is_said = any(_text(tags.main, date).strip(" :0") for date, _ in _DATE_TAGS)
    return ["taken_at is left out: what the photograph says is no date"] if is_said and not _taken_at(tags.main) else []


def dump_tags(tags: Tags, *, publish_private: bool) -> dict[str, Any]:
    """The listed tags by name, which tell how the picture was taken; with the place all of them. Bounded."""
    shown = {tag: value for tag, value in tags.main.items() if publish_private or _is_public(tag, value)}
    dump: dict[str, Any] = {"exif": _named(shown, ExifTags.TAGS)}
    if publish_private and tags.gps:
        dump["gps"] = _named(tags.gps, ExifTags.GPSTAGS)
    return dump


def _is_public(tag: int, value: Any) -> bool:
    """A listed tag whose value is what it should be: anybody can write anything anywhere."""
    if isinstance(value, str):
        return tag in _DEVICE or (tag in _TIMES and _TIME.fullmatch(_clean(value)) is not None)
    return tag in _NUMBERS and not isinstance(value, bytes)


def _directory(exif: Exif, pointer: int | None) -> dict[int, Any]:
    try:
        return dict(exif.items() if pointer is None else exif.get_ifd(pointer).items())
    except DECODER_ERRORS:
        return {}


def _named(tags: Mapping[int, Any], names: Mapping[int, str]) -> dict[str, Any]:
    return {names.get(tag, f"0x{tag:04x}"): _json_safe(tags[tag]) for tag in sorted(tags)[:MAX_TAGS]}


def _json_safe(value: Any) -> Any:
    if isinstance(value, bool | int | None):
        return value
    if isinstance(value, str):
        return _clean(value)[:MAX_TEXT_CHARS]
    if isinstance(value, bytes):
        return f"<{len(value)} bytes>"  # maker notes and XMP can hold a place, too
    if isinstance(value, tuple | list):
        return [_json_safe(item) for item in value[:MAX_VALUES]]  # pyright: ignore[reportUnknownVariableType]
    return _number(value)


def _number(value: Any) -> float | int | None:
    try:
        number = float(value)
    except (TypeError, ValueError, ArithmeticError):
        return None
    if not math.isfinite(number):
        return None
    return int(number) if number.is_integer() else round(number, 6)


def _clean(text: str) -> str:
    return _UNPRINTABLE.sub(" ", text).strip()


def _text(tags: Mapping[int, Any], tag: int) -> str:
    value = tags.get(tag)
    return _clean(value)[:MAX_FACT_CHARS] if isinstance(value, str) else ""


def _camera(tags: Mapping[int, Any]) -> dict[str, str]:
    camera = {
        "make": _text(tags, ExifTags.Base.Make),
        "model": _text(tags, ExifTags.Base.Model),
        "lens": _text(tags, ExifTags.Base.LensModel),
    }
    return {part: name for part, name in camera.items() if name}


def _taken_at(tags: Mapping[int, Any]) -> str | None:
    moments = (_moment(_text(tags, date), _text(tags, offset)) for date, offset in _DATE_TAGS)
    return next((moment for moment in moments if moment), None)


def _moment(date: str, offset: str) -> str | None:
    """ISO 8601, with the offset from UTC where the camera knew it."""
    parts = _DATE.match(date)
    if not parts:
        return None
    year, month, day, clock = parts.groups()
    known_offset = offset if _OFFSET.fullmatch(offset) else ""
    try:
        return datetime.fromisoformat(f"{year}-{month}-{day}T{clock}{known_offset}").isoformat()
    except ValueError:
        return None


def _exposure(tags: Mapping[int, Any]) -> dict[str, float]:
    values = {name: _number(_first(tags.get(tag))) for name, tag in _EXPOSURE.items()}
    return {name: value for name, value in values.items() if value}


def _first(value: Any) -> Any:
    return value[0] if isinstance(value, tuple) and value else value  # pyright: ignore[reportUnknownVariableType]


def _place(gps: Mapping[int, Any]) -> dict[str, float] | None:
    latitude = _degrees(gps.get(ExifTags.GPS.GPSLatitude), gps.get(ExifTags.GPS.GPSLatitudeRef), limit=90)
    longitude = _degrees(gps.get(ExifTags.GPS.GPSLongitude), gps.get(ExifTags.GPS.GPSLongitudeRef), limit=180)
    if latitude is None or longitude is None:
        return None
    altitude = _altitude(gps)
    return {"lat": latitude, "lon": longitude, **({} if altitude is None else {"altitude": altitude})}


def _degrees(value: Any, reference: Any, *, limit: int) -> float | None:
    if not isinstance(value, tuple):
        return None
    parts = [_number(part) for part in value[:3]]  # pyright: ignore[reportUnknownVariableType]
    if not parts or None in parts:
        return None
    degrees = sum((part or 0) / 60**power for power, part in enumerate(parts))
    signed = -degrees if str(reference).strip("\0 ").upper() in {"S", "W"} else degrees
    return round(signed, 6) if abs(signed) <= limit else None


def _altitude(gps: Mapping[int, Any]) -> float | None:
    """Metres above sea level; below it with reference 1."""
    metres = _number(gps.get(ExifTags.GPS.GPSAltitude))
    below = gps.get(ExifTags.GPS.GPSAltitudeRef) in {1, b"\x01"}
    return -metres if metres is not None and below else metres
