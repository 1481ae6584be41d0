"""What people call the types that are not accepted, and which of them are forbidden rather than merely unsupported."""

from collections.abc import Mapping
from types import MappingProxyType

FORBIDDEN = frozenset(
    {
        "application/java-archive",
        "application/java-vm",
        "application/vnd.android.package-archive",
        "application/wasm",
        "application/x-dosexec",
        "application/x-elf",
        "application/x-mach-binary",
        "application/x-ms-shortcut",
        "text/html",
        "text/x-script",
    }
)

OFFICE_DOCUMENTS = frozenset(
    {
        "application/msword",
        "application/rtf",
        "application/vnd.ms-powerpoint",
        "application/vnd.oasis.opendocument",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    }
)

_DESCRIPTIONS: Mapping[str, str] = MappingProxyType(
    {
        "application/avro": "an Avro table",
        "application/epub+zip": "an EPUB book",
        "application/gzip": "a gzip archive",
        "application/java-archive": "a Java program",
        "application/java-vm": "a Java program",
        "application/json": "JSON data",
        "application/msword": "a Word document",
        "application/octet-stream": "of no known type",
        "application/orc": "an ORC table",
        "application/pdf": "a PDF document",
        "application/postscript": "a PostScript document",
        "application/rtf": "an RTF document",
        "application/vnd.android.package-archive": "an Android program",
        "application/vnd.apache.parquet": "a Parquet table",
        "application/vnd.iccprofile": "a color profile",
        "application/vnd.ms-cab-compressed": "a Windows archive",
        "application/vnd.ms-excel": "an Excel workbook",
        "application/vnd.ms-outlook": "an Outlook message",
        "application/vnd.ms-powerpoint": "a PowerPoint presentation",
        "application/vnd.oasis.opendocument": "an OpenDocument file",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation": "a PowerPoint presentation",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "an Excel workbook",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "a Word document",
        "application/vnd.rar": "a RAR archive",
        "application/vnd.sqlite3": "an SQLite database",
        "application/wasm": "a WebAssembly program",
        "application/x-7z-compressed": "a 7-Zip archive",
        "application/x-bzip2": "a bzip2 archive",
        "application/x-dosexec": "a Windows program",
        "application/x-elf": "a Linux program",
        "application/x-hdf5": "an HDF5 data file",
        "application/x-mach-binary": "a macOS program",
        "application/x-ms-shortcut": "a Windows shortcut",
        "application/x-ndjson": "JSON data, one object a line",
        "application/x-ole-storage": "an old Office document",
        "application/x-riff": "a RIFF file",
        "application/x-tar": "a tar archive",
        "application/x-xz": "an xz archive",
        "application/xml": "XML data",
        "application/zip": "a ZIP archive",
        "application/zstd": "a Zstandard archive",
        "font/woff": "a web font",
        "image/jxl": "a JPEG XL image",
        "image/qoi": "a QOI image",
        "image/svg+xml": "an SVG drawing",
        "image/vnd-ms.dds": "a DirectDraw texture",
        "image/vnd.radiance": "a Radiance HDR image",
        "image/x-cursor": "a mouse cursor",
        "image/x-exr": "an OpenEXR image",
        "image/x-raw": "a camera raw file",
        "image/x-xcf": "a GIMP document",
        "text/csv": "a CSV table",
        "text/html": "an HTML page",
        "text/plain": "plain text",
        "text/tab-separated-values": "a table with tabs",
        "text/x-log": "a log",
        "text/x-script": "a script",
    }
)
_FAMILIES: Mapping[str, str] = MappingProxyType(
    {"video": "a video", "audio": "an audio file", "image": "an image of another type", "font": "a font"}
)


def describe(media_type: str) -> str:
    """A content type in words that follow "the content is"."""
    family = media_type.partition("/")[0]
    return _DESCRIPTIONS.get(media_type) or _FAMILIES.get(family) or f"of type {media_type}"
