"""The table of kinds: what is accepted, and the limits that each kind has.

A kind is a line here and a module of its name in each of `tasks/transform/` and `tasks/thumbnail/`; what its engine
may be asked for is in the kind's own `limits.py`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from workflow.units import GIB, MIB

MEGAPIXEL = 1_000_000


@dataclass(frozen=True)
class Format:
    """One accepted content type. `label` is what people call it; `max_pixels` counts all pixels of one frame.

    `several` says what it is when there are more pictures than one in a file.
    """

    label: str
    media_type: str
    extensions: tuple[str, ...]
    max_pixels: int = 0
    several: Literal["", "frames", "pages"] = ""


@dataclass(frozen=True)
class Kind:
    """A family of formats that one module per task serves. `max_bytes` is the size of an original for its functions."""

    name: str
    plural: str
    formats: Mapping[str, Format]
    max_bytes: int


@dataclass(frozen=True)
class ImageKind(Kind):
    """`max_frames` counts pages, too; `max_total_pixels` is over all frames of an animation."""

    max_frames: int
    max_total_pixels: int


def _by_type(*formats: Format) -> Mapping[str, Format]:
    return MappingProxyType({each.media_type: each for each in formats})


def _packed(plain: Format) -> tuple[Format, ...]:
    """A format of tables as it is, and packed: `text/csv+gzip` is the CSV in a gz file."""
    return (
        plain,
        Format(f"{plain.label}, gz", f"{plain.media_type}+gzip", (".gz",)),
        Format(f"{plain.label}, zst", f"{plain.media_type}+zstd", (".zst",)),
    )


# Decoding takes up to 25 bytes a pixel (JPEG 2000), 15 (WebP, HEIC), 11 (16-bit PNG), 6 (progressive JPEG): at most
# 1.3 GB. The frames of an animation take up to 30, because decoders keep the one before: at most 2.1 GB.
IMAGE = ImageKind(
    "image",
    "images",
    max_bytes=200 * MIB,
    max_frames=1000,
    max_total_pixels=1000 * MEGAPIXEL,
    formats=_by_type(
        Format("JPEG", "image/jpeg", (".jpg", ".jpeg", ".jpe", ".jfif", ".mpo"), 200 * MEGAPIXEL),
        Format("PNG", "image/png", (".png", ".apng"), 120 * MEGAPIXEL, "frames"),
        Format("WebP", "image/webp", (".webp",), 64 * MEGAPIXEL, "frames"),
        Format("GIF", "image/gif", (".gif",), 60 * MEGAPIXEL, "frames"),
        Format("TIFF", "image/tiff", (".tif", ".tiff"), 120 * MEGAPIXEL, "pages"),
        Format("BMP", "image/bmp", (".bmp", ".dib"), 60 * MEGAPIXEL),
        Format("ICO", "image/x-icon", (".ico",), 16 * MEGAPIXEL),
        Format("JPEG 2000", "image/jp2", (".jp2", ".j2k", ".jpf", ".jpx", ".j2c", ".jpc"), 40 * MEGAPIXEL),
        Format("PSD", "image/vnd.adobe.photoshop", (".psd",), 100 * MEGAPIXEL),
        Format("HEIC", "image/heic", (".heic", ".heif", ".hif"), 64 * MEGAPIXEL, "pages"),
        Format("AVIF", "image/avif", (".avif",), 64 * MEGAPIXEL, "frames"),
    ),
)

TABLE = Kind(
    "table",
    "tables",
    max_bytes=4096 * MIB,
    formats=_by_type(
        *_packed(Format("CSV", "text/csv", (".csv", ".txt", ".psv", ".dsv", ".log"))),
        *_packed(Format("TSV", "text/tab-separated-values", (".tsv", ".tab", ".txt"))),
        *_packed(Format("JSON", "application/json", (".json", ".geojson", ".log"))),
        *_packed(Format("NDJSON", "application/x-ndjson", (".ndjson", ".jsonl", ".ldjson", ".json", ".log"))),
        *_packed(Format("log", "text/x-log", (".log", ".txt", ".out", ".err"))),
        *_packed(Format("Parquet", "application/vnd.apache.parquet", (".parquet", ".pq"))),
        Format("XLSX", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", (".xlsx", ".xlsm")),
        Format("XLSB", "application/vnd.ms-excel.sheet.binary.macroenabled.12", (".xlsb",)),
        Format("XLS", "application/vnd.ms-excel", (".xls",)),
        Format("ODS", "application/vnd.oasis.opendocument.spreadsheet", (".ods",)),
    ),
)

VIDEO = Kind(
    "video",
    "videos",
    max_bytes=20 * GIB,
    formats=_by_type(
        Format("MP4", "video/mp4", (".mp4", ".m4v", ".m4a", ".mov")),
        Format("MOV", "video/quicktime", (".mov", ".qt", ".mp4")),
        Format("3GP", "video/3gpp", (".3gp", ".3g2", ".mp4")),
        Format("MKV", "video/x-matroska", (".mkv", ".mka")),
        Format("WebM", "video/webm", (".webm", ".weba")),
        Format("AVI", "video/x-msvideo", (".avi",)),
        Format("MPEG-TS", "video/mp2t", (".ts", ".mts", ".m2ts")),
        Format("MPEG-PS", "video/mpeg", (".mpg", ".mpeg", ".vob")),
        Format("WMV", "video/x-ms-asf", (".wmv", ".asf")),
        Format("FLV", "video/x-flv", (".flv",)),
        Format("OGV", "video/ogg", (".ogv", ".ogg", ".ogx")),
    ),
)

AUDIO = Kind(
    "audio",
    "sound files",
    max_bytes=4096 * MIB,
    formats=_by_type(
        Format("MP3", "audio/mpeg", (".mp3", ".mp2", ".mpga")),
        Format("AAC", "audio/aac", (".aac", ".adts")),
        Format("M4A", "audio/mp4", (".m4a", ".m4b", ".mp4", ".3gp", ".3g2")),
        Format("FLAC", "audio/flac", (".flac",)),
        Format("WAV", "audio/wav", (".wav", ".wave", ".bwf")),
        Format("Ogg", "audio/ogg", (".ogg", ".oga", ".opus", ".spx")),
        Format("AIFF", "audio/aiff", (".aif", ".aiff", ".aifc")),
        Format("WMA", "audio/x-ms-wma", (".wma", ".asf")),
        Format("CAF", "audio/x-caf", (".caf",)),
        Format("AMR", "audio/amr", (".amr",)),
    ),
)

DOCUMENT = Kind(
    "document",
    "documents",
    max_bytes=500 * MIB,
    formats=_by_type(Format("PDF", "application/pdf", (".pdf",))),
)

ARCHIVE = Kind(
    "archive",
    "archives",
    max_bytes=5 * GIB,
    formats=_by_type(Format("ZIP", "application/zip", (".zip",))),
)

KINDS: Mapping[str, Kind] = MappingProxyType(
    {kind.name: kind for kind in (IMAGE, TABLE, VIDEO, AUDIO, DOCUMENT, ARCHIVE)}
)

BIG_FILE_MAX_BYTES: Mapping[str, int] = MappingProxyType({"image": 2 * GIB, "table": 32 * GIB})
"""Bytes up to which a stage with `big_files` takes files of a kind that are above its `max_bytes`: in a container. That
has memory, disk and time that no function has. Long videos need none: they are converted in parts."""

MAX_NAME_BYTES = 255
MAX_KEY_BYTES = 900


def kind_of(media_type: str) -> Kind | None:
    """The kind that accepts a content type, or None."""
    return next((kind for kind in KINDS.values() if media_type in kind.formats), None)


def is_big(kind: Kind, size: int) -> bool:
    """Whether a file of `size` bytes is more than the kind's function can do."""
    return size > kind.max_bytes


def most_bytes(kind: Kind, *, big_files: bool) -> int:
    """The size of the largest file of a kind that is taken."""
    return max(kind.max_bytes, BIG_FILE_MAX_BYTES.get(kind.name, 0) if big_files else 0)


def accepted_labels(kinds: Iterable[Kind]) -> str:
    """Every format of these kinds, as a sentence names them: "images (JPEG, PNG), tables (CSV)"."""
    return ", ".join(f"{kind.plural} ({', '.join(_plain_labels(kind))})" for kind in kinds)


def _plain_labels(kind: Kind) -> list[str]:
    return [found.label for found in kind.formats.values() if "+" not in found.media_type]
