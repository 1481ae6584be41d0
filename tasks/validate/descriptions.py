"""What people call the types that are not accepted, what to do about each, and which of them are forbidden."""

from collections.abc import Mapping
from types import MappingProxyType

FORBIDDEN = frozenset(
    {
        "application/java-archive",
        "application/java-vm",
        "application/vnd.adobe.flash.movie",
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
        "application/dicom": "a DICOM image",
        "application/epub+zip": "an EPUB book",
        "application/fits": "a FITS image",
        "application/gzip": "a gzip archive",
        "application/java-archive": "a Java program",
        "application/java-vm": "a Java program",
        "application/json": "JSON data",
        "application/msword": "a Word document",
        "application/mxf": "an MXF film",
        "application/octet-stream": "of no known type",
        "application/orc": "an ORC table",
        "application/pdf": "a PDF document",
        "application/postscript": "a PostScript document",
        "application/rtf": "an RTF document",
        "application/vnd.adobe.flash.movie": "a Flash film",
        "application/vnd.android.package-archive": "an Android program",
        "application/vnd.apache.arrow.file": "an Arrow or Feather table",
        "application/vnd.apache.arrow.stream": "a stream of Arrow tables",
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
        "application/vnd.rn-realmedia": "a RealMedia file",
        "application/vnd.sqlite3": "an SQLite database",
        "application/vnd.tcpdump.pcap": "a recording of network traffic",
        "application/wasm": "a WebAssembly program",
        "application/x-7z-compressed": "a 7-Zip archive",
        "application/x-bzip2": "a bzip2 archive",
        "application/x-dosexec": "a Windows program",
        "application/x-duckdb": "a DuckDB database",
        "application/x-elf": "a Linux program",
        "application/x-grib": "a GRIB weather file",
        "application/x-hdf5": "an HDF5 data file",
        "application/x-mach-binary": "a macOS program",
        "application/x-matlab-data": "a MATLAB data file",
        "application/x-ms-shortcut": "a Windows shortcut",
        "application/x-msaccess": "an Access database",
        "application/x-ndjson": "JSON data, one object a line",
        "application/x-netcdf": "a NetCDF data file",
        "application/x-npy": "a NumPy array",
        "application/x-ole-storage": "an old Office document",
        "application/x-r-data": "an R data file",
        "application/x-riff": "a RIFF file",
        "application/x-sas-data": "a SAS data set",
        "application/x-spss-sav": "an SPSS data set",
        "application/x-stata": "a Stata data set",
        "application/x-tar": "a tar archive",
        "application/x-xz": "an xz archive",
        "application/xml": "XML data",
        "application/zip": "a ZIP archive",
        "application/zstd": "a Zstandard archive",
        "audio/ac3": "an AC-3 sound",
        "audio/basic": "an AU sound",
        "audio/midi": "a MIDI file (notes without sound)",
        "audio/vnd.dts": "a DTS sound",
        "audio/x-ape": "a Monkey's Audio sound",
        "audio/x-dsd": "a DSD sound",
        "audio/x-musepack": "a Musepack sound",
        "audio/x-shorten": "a Shorten sound",
        "audio/x-soundfont": "a sound font",
        "audio/x-tak": "a TAK sound",
        "audio/x-tta": "a True Audio sound",
        "audio/x-voc": "a Creative Voice sound",
        "audio/x-wavpack": "a WavPack sound",
        "font/woff": "a web font",
        "image/bpg": "a BPG image",
        "image/emf": "a Windows metafile",
        "image/flif": "a FLIF image",
        "image/jxl": "a JPEG XL image",
        "image/jxr": "a JPEG XR image",
        "image/qoi": "a QOI image",
        "image/svg+xml": "an SVG drawing",
        "image/vnd-ms.dds": "a DirectDraw texture",
        "image/vnd.djvu": "a DjVu document",
        "image/vnd.radiance": "a Radiance HDR image",
        "image/wmf": "a Windows metafile",
        "image/x-cursor": "a mouse cursor",
        "image/x-exr": "an OpenEXR image",
        "image/x-icns": "a macOS icon",
        "image/x-pcx": "a PCX image",
        "image/x-portable-anymap": "a Netpbm image",
        "image/x-raw": "a camera raw file",
        "image/x-tga": "a Targa image",
        "image/x-xcf": "a GIMP document",
        "text/csv": "a CSV table",
        "text/html": "an HTML page",
        "text/plain": "plain text",
        "text/tab-separated-values": "a table with tabs",
        "text/x-log": "a log",
        "text/x-script": "a script",
        "video/dv": "a bare DV stream",
        "video/h264": "a bare H.264 stream",
        "video/h265": "a bare H.265 stream",
        "video/iso.segment": "a segment of a stream (DASH or HLS)",
        "video/x-amv": "an AMV video",
        "video/x-bink": "a Bink or Smacker video",
        "video/x-ivf": "a bare stream in IVF",
        "video/x-vcd": "a Video CD",
        "video/x-wtv": "a Windows TV recording",
        "video/x-y4m": "uncompressed YUV4MPEG video",
    }
)
_CONVERT = "Convert it to one of these and upload it again."
_AS_TABLE = "Export its tables as Parquet or CSV and upload those."
_AS_PDF = "Export it as PDF and upload that."
_AS_SOUND = "Export it as FLAC, WAV or MP3 and upload that."
_AS_VIDEO = "Export it as MP4 or MKV and upload that."
_AS_IMAGE = "Export it as PNG, TIFF or JPEG and upload that."
_UNPACK = "Unpack it and upload its files."
_ADVICE: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(OFFICE_DOCUMENTS, f"{_AS_PDF[:-1]}: a conversion here would not look the same."),
        **dict.fromkeys(("application/zip", "application/x-tar", "application/x-xz", "application/x-bzip2"), _UNPACK),
        **dict.fromkeys(("application/gzip", "application/zstd", "application/x-7z-compressed"), _UNPACK),
        **dict.fromkeys(("application/vnd.rar", "application/vnd.ms-cab-compressed"), _UNPACK),
        **dict.fromkeys(("application/avro", "application/orc", "application/vnd.sqlite3"), _AS_TABLE),
        **dict.fromkeys(("application/vnd.apache.arrow.file", "application/vnd.apache.arrow.stream"), _AS_TABLE),
        **dict.fromkeys(("application/x-duckdb", "application/x-hdf5", "application/x-matlab-data"), _AS_TABLE),
        **dict.fromkeys(("application/x-msaccess", "application/x-netcdf", "application/x-npy"), _AS_TABLE),
        **dict.fromkeys(("application/x-r-data", "application/x-sas-data", "application/x-spss-sav"), _AS_TABLE),
        **dict.fromkeys(("application/x-stata", "application/x-grib"), _AS_TABLE),
        **dict.fromkeys(("application/mxf", "application/vnd.rn-realmedia"), _AS_VIDEO),
        **dict.fromkeys(("application/dicom", "application/fits"), _AS_IMAGE),
        "application/postscript": _AS_PDF,
        "audio/midi": "Render it with an instrument, as WAV or MP3, and upload that.",
        "image/svg+xml": "Export it as PNG or PDF and upload that.",
        "image/vnd.djvu": _AS_PDF,
        "image/x-raw": "Develop it: export it as JPEG or TIFF and upload that.",
        "video/h264": "Put the stream into an MP4 or MKV and upload that.",
        "video/h265": "Put the stream into an MP4 or MKV and upload that.",
        "video/iso.segment": "Join it with its initialization and the other segments to one MP4, and upload that.",
    }
)
_FAMILY_ADVICE: Mapping[str, str] = MappingProxyType({"video": _AS_VIDEO, "audio": _AS_SOUND, "image": _AS_IMAGE})
_FAMILIES: Mapping[str, str] = MappingProxyType(
    {"video": "a video", "audio": "an audio file", "image": "an image of another type", "font": "a font"}
)


def describe(media_type: str) -> str:
    """A content type in words that follow "the content is"."""
    family = media_type.partition("/")[0]
    return _DESCRIPTIONS.get(media_type) or _FAMILIES.get(family) or f"of type {media_type}"


def advice(media_type: str) -> str:
    """What a person can do with a file of a type that is not accepted."""
    return _ADVICE.get(media_type) or _FAMILY_ADVICE.get(media_type.partition("/")[0], _CONVERT)
