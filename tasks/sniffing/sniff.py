"""What a file is, told from its first and last bytes alone: names and declared types are not asked.

Knows many more types than are accepted, so that a rejection can say what the file was taken for.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from types import MappingProxyType

from tasks.sniffing.frames import framed_type
from tasks.sniffing.headers import icon_entries, tiff_tags
from tasks.sniffing.packed import PACKINGS, unpacked_head
from tasks.sniffing.text import TEXT_TABLES, text_type

UNKNOWN = "application/octet-stream"

_OLE, _EXCEL = "application/x-ole-storage", "application/vnd.ms-excel"
_OFFICE = "application/vnd.openxmlformats-officedocument"
_OPEN_SHEETS, _BINARY_SHEETS = (
    "application/vnd.oasis.opendocument.spreadsheet",
    f"{_EXCEL}.sheet.binary.macroenabled.12",
)
TABLES = frozenset(
    {
        *TEXT_TABLES,
        *("application/vnd.apache.parquet", f"{_OFFICE}.spreadsheetml.sheet"),
        *(_EXCEL, _OPEN_SHEETS, _BINARY_SHEETS),
    }
)
_BEGIN_WITH_WORDS = frozenset(
    {
        *("application/orc", "application/x-bzip2", "application/x-tar", "application/vnd.iccprofile"),
        *("audio/aiff", "audio/amr", "audio/midi", "audio/mpeg", "audio/x-caf"),
        *("font/woff", "image/qoi", "video/quicktime"),
    }
)
"""Types whose mark a heading may begin with, as in "FORM,COLOR": what is a table of text is none of them."""

_SAS = bytes.fromhex("c2ea8160b31411cfbd92080009c7318c181f1011")
_WORDS: tuple[tuple[bytes, str], ...] = (
    (b"MAC ", "audio/x-ape"),
    (b"wvpk", "audio/x-wavpack"),
    (b"MPCK", "audio/x-musepack"),
    (b"MP+", "audio/x-musepack"),
    (b"TTA1", "audio/x-tta"),
    (b"\x0b\x77", "audio/ac3"),
    (b"\x7f\xfe\x80\x01", "audio/vnd.dts"),
    (b"tBaK", "audio/x-tak"),
    (b"ajkg", "audio/x-shorten"),
    (b"DSD ", "audio/x-dsd"),
    (b"FRM8", "audio/x-dsd"),
    (b".snd", "audio/basic"),
    (b"Creative Voice File", "audio/x-voc"),
    (b".RMF", "application/vnd.rn-realmedia"),
    (b".ra\xfd", "application/vnd.rn-realmedia"),
    (b"DKIF", "video/x-ivf"),
    (b"YUV4MPEG2", "video/x-y4m"),
    (b"BIK", "video/x-bink"),
    (b"SMK2", "video/x-bink"),
    (b"ARROW1", "application/vnd.apache.arrow.file"),
    (b"FEA1", "application/vnd.apache.arrow.file"),
    (b"GRIB", "application/x-grib"),
    (b"SIMPLE  =", "application/fits"),
    (b"MATLAB 5.0", "application/x-matlab-data"),
    (b"<stata_dta>", "application/x-stata"),
    (b"$FL2", "application/x-spss-sav"),
    (b"$FL3", "application/x-spss-sav"),
    (b"RDX", "application/x-r-data"),
    (b"!BDN", "application/vnd.ms-outlook"),
    (b"BPG\xfb", "image/bpg"),
    (b"FLIF", "image/flif"),
    (b"icns", "image/x-icns"),
    (b"AT&TFORM", "image/vnd.djvu"),
    *((b"P%d%b" % (number, end), "image/x-portable-anymap") for number in range(1, 8) for end in (b"\n", b" ", b"\r")),
    (b"#?RGBE", "image/vnd.radiance"),
    (b"FWS", "application/vnd.adobe.flash.movie"),
    (b"CWS", "application/vnd.adobe.flash.movie"),
    (b"ZWS", "application/vnd.adobe.flash.movie"),
)
_BEGIN_LIKE_TEXT = frozenset(kind for _, kind in _WORDS)
"""Types whose mark is a word: where all of the beginning is text, it is text that begins with that word."""

_ID3_HEADER_BYTES = 10
_ID3_TAGGED = (
    *((b"fLaC", "audio/flac"), (b"OggS", "audio/ogg"), (b"MAC ", "audio/x-ape"), (b"TTA1", "audio/x-tta")),
    *((mark, "audio/aac") for mark in (b"\xff\xf0", b"\xff\xf1", b"\xff\xf8", b"\xff\xf9")),
)
"""MP3 is what is usually behind such a tag, and what else there is."""

_SCRIPT_IN_IMAGE = re.compile(rb"<\?php|<script|%PDF-1\.", re.IGNORECASE)
_SCRIPT_SEARCH_BYTES = 4096
_OGG_HEADS_BYTES = 4096
_ZIP_FIRST_NAME_AT = 30
_ZIP_ENTRY = re.compile(rb"PK\x03\x04.{22}(..)..", re.DOTALL)
_ZIP_DIRECTORY_ENTRY = re.compile(rb"PK\x01\x02.{24}(..).{16}", re.DOTALL)
_ZIP_END = b"PK\x05\x06"
_ZIP_END_BYTES = 22
_PDF_SEARCH_BYTES = 1024
_AAC_FRAME = re.compile(rb"\xff[\xf0\xf1\xf8\xf9]")
_MPEG_AUDIO_FRAME = re.compile(rb"\xff[\xe2-\xe5\xf2-\xf5\xfa-\xfd][\x10-\xef]")
_FRAMES = ((_AAC_FRAME, "audio/aac"), (_MPEG_AUDIO_FRAME, "audio/mpeg"))
_TRACK_KIND = re.compile(rb"hdlr.{8}(soun|vide)", re.DOTALL)
_VIDEO_BRANDS = frozenset({"video/mp4", "video/quicktime", "video/3gpp"})
_ASF_VIDEO = bytes.fromhex("c0ef19bc4d5bcf11a8fd00805f5c442b")
_MAX_ARCHITECTURES = 20
_BMP_HEADER_BYTES = frozenset({12, 16, 40, 52, 56, 64, 108, 124})
_ICON_HEADER_BYTES, _ICON_ENTRY_BYTES, _ICON_HEAD_BYTES = 6, 16, 1024
_TS_PACKETS = ((0, 188), (4, 192))
"""Where the first packet's mark is, and how many bytes lie between marks: as broadcast, and as cameras store it."""
_DNG_VERSION, _NEW_SUBFILE_TYPE, _SUB_IFDS = 0xC612, 254, 330


@dataclass(frozen=True)
class Sniffed:
    """The content type, and what a person may want to know about the content besides."""

    media_type: str
    notes: tuple[str, ...] = ()


def sniff(head: bytes, tail: bytes, size: int, *, name: str = "") -> Sniffed:
    """`head` and `tail` are up to 64 KiB from both ends of the file of `size` bytes; they may overlap.

    `name` tells only between kinds of text, and what a packed file or a container of Microsoft's most likely holds.
    """
    media_type = _type(head, tail, name, whole=size <= len(head))
    return Sniffed(media_type, _image_notes(head, tail) if media_type.startswith("image/") else ())


def _type(head: bytes, tail: bytes, name: str, *, whole: bool) -> str:
    found = _type_outside(head, tail, name, whole=whole)
    if found not in PACKINGS:
        return found
    inner_head, is_whole = unpacked_head(head, found)
    inner = _type_outside(inner_head, b"", PurePosixPath(name).stem, whole=is_whole)
    return f"{inner}+{PACKINGS[found]}" if inner in TABLES else found


def _type_outside(head: bytes, tail: bytes, name: str, *, whole: bool) -> str:
    binary = _binary_type(head, tail)
    if binary == _OLE and name.lower().endswith(".xls"):
        return _EXCEL  # its directory lies in the middle of the file
    may_be_text = binary is None or binary in _BEGIN_WITH_WORDS or binary in _BEGIN_LIKE_TEXT
    text = text_type(head, whole=whole, name=name) if may_be_text else None
    if binary is None or text in TEXT_TABLES or (text and binary in _BEGIN_LIKE_TEXT):
        return text or framed_type(head) or UNKNOWN
    return binary


def _binary_type(head: bytes, tail: bytes) -> str | None:
    signature = next((kind for magic, kind in _SIGNATURES if head.startswith(magic)), "")
    if signature in _REFINEMENTS:
        return _REFINEMENTS[signature](head, tail)
    return signature or _type_inside(head, tail)


def _type_inside(head: bytes, tail: bytes) -> str | None:
    """Types whose mark is not at the very beginning."""
    if head[4:8] == b"ftyp":
        return _sound_only(_iso_media_type(head), head, tail)
    marked = next((kind for at, marks, kind in _INNER_MARKS if head[at:].startswith(marks)), None)
    if marked:
        return marked
    if any(head[at : at + 3 * length : length] == b"GGG" for at, length in _TS_PACKETS):
        return "video/mp2t"
    if b"%PDF-" in head[:_PDF_SEARCH_BYTES]:
        return "application/pdf"
    if tail.endswith(b"TRUEVISION-XFILE.\0"):
        return "image/x-tga"
    return next((kind for mark, kind in _FRAMES if mark.match(head)), None)


def _iso_media_type(head: bytes) -> str:
    length = min(int.from_bytes(head[:4], "big"), 256, len(head))
    brands = [head[8:12], *(head[at : at + 4] for at in range(16, length - 3, 4))]
    otherwise = "image/heic" if brands[0] in _ISO_STILL_BRANDS else "video/mp4"
    return next((kind for brand in brands for known, kind in _ISO_BRANDS if brand in known), otherwise)


def _sound_only(media_type: str, head: bytes, tail: bytes) -> str:
    """Many sound files have the brand of a video: their tracks tell, where one of the ends has the whole index."""
    tracks = set(_TRACK_KIND.findall(_whole_index(head) or _whole_index(tail)))
    return "audio/mp4" if media_type in _VIDEO_BRANDS and tracks == {b"soun"} else media_type


def _whole_index(content: bytes) -> bytes:
    """The box `moov`, unless it is cut off: of half an index, the other half may tell of pictures."""
    at = content.find(b"moov") - 4
    end = at + int.from_bytes(content[at : at + 4]) if at >= 0 else 0
    return content[at:end] if at < end <= len(content) else b""


def _asf_type(head: bytes, _tail: bytes) -> str:
    """Its header tells, unless it is so long that it may say more than is seen of it."""
    whole = int.from_bytes(head[16:24], "little") <= len(head)
    return "audio/x-ms-wma" if whole and _ASF_VIDEO not in head else "video/x-ms-asf"


def _riff_type(head: bytes, _tail: bytes) -> str:
    return _RIFF_FORMS.get(head[8:12], "application/x-riff")


def _id3_type(head: bytes, _tail: bytes) -> str:
    """What is tagged tells, where the tag does not reach beyond `head`: its size has seven bits in a byte."""
    size = sum((byte & 0x7F) << shift for byte, shift in zip(head[6:10], (21, 14, 7, 0), strict=False))
    tagged = head[_ID3_HEADER_BYTES + size :]
    return next((kind for mark, kind in _ID3_TAGGED if tagged.startswith(mark)), "audio/mpeg")


def _form_type(head: bytes, _tail: bytes) -> str | None:
    return "audio/aiff" if head[8:12] in {b"AIFF", b"AIFC"} else None


def _bmp_type(head: bytes, _tail: bytes) -> str | None:
    return "image/bmp" if int.from_bytes(head[14:18], "little") in _BMP_HEADER_BYTES else None


def _tiff_type(head: bytes, _tail: bytes) -> str:
    """Camera raws are TIFF files whose first image is a small preview: converting that would be a quiet loss."""
    if head[8:10] == b"CR":
        return "image/x-raw"
    tags = tiff_tags(head)
    is_preview = tags.get(_NEW_SUBFILE_TYPE) == 1 and _SUB_IFDS in tags
    return "image/x-raw" if is_preview or _DNG_VERSION in tags else "image/tiff"


def _icon_type(head: bytes, _tail: bytes) -> str | None:
    """Two bytes that are not zero are little to go by: the directory has to make sense, too."""
    entries = icon_entries(head[:_ICON_HEAD_BYTES])
    directory_end = _ICON_HEADER_BYTES + len(entries) * _ICON_ENTRY_BYTES
    makes_sense = entries and all(entry.length and entry.at >= directory_end for entry in entries)
    return "image/x-icon" if makes_sense else None


def _cursor_type(head: bytes, tail: bytes) -> str | None:
    return "image/x-cursor" if _icon_type(head, tail) else None


def _zip_type(head: bytes, tail: bytes) -> str:
    """By the names of the files in it: those in the directory at the end or, where it is not all there, the first ones.

    A folder "word" alone makes no document.
    """
    opening = head[_ZIP_FIRST_NAME_AT:]
    marked = next((kind for mark, kind in _ZIP_MIMETYPES if opening.startswith(mark)), "")
    if marked:
        return marked
    names = [*_zip_names(_ZIP_DIRECTORY_ENTRY, tail), *_zip_names(_ZIP_ENTRY, head)]
    marks = _OFFICE_PARTS if _OFFICE_INDEX in names else _ZIP_FILES
    return next((kind for mark, kind in marks for name in names if name.startswith(mark)), "application/zip")


def _zip_names(entry: re.Pattern[bytes], content: bytes) -> list[bytes]:
    found = entry.finditer(content)
    return [content[each.end() : each.end() + int.from_bytes(each[1], "little")] for each in found]


def _ole_type(head: bytes, tail: bytes) -> str:
    names = head + tail
    return next((kind for mark, kind in _OLE_STREAMS if mark.encode("utf-16-le") in names), _OLE)


def _matroska_type(head: bytes, _tail: bytes) -> str:
    return "video/webm" if b"webm" in head[:64] else "video/x-matroska"


def _ogg_type(head: bytes, _tail: bytes) -> str:
    return "video/ogg" if b"\x80theora" in head[:_OGG_HEADS_BYTES] else "audio/ogg"


def _arrow_type(head: bytes, _tail: bytes) -> str | None:
    """Its stream begins with the length of a small message, a multiple of eight."""
    length = int.from_bytes(head[4:8], "little")
    return "application/vnd.apache.arrow.stream" if 0 < length < len(head) and length % 8 == 0 else None


def _windows_program_type(head: bytes, _tail: bytes) -> str | None:
    at = int.from_bytes(head[60:64], "little")
    is_program = head[at : at + 2] in {b"PE", b"NE", b"LE"} or not head[:512].isascii()
    return "application/x-dosexec" if is_program or b"\0" in head[:512] else None


def _java_or_macos_type(head: bytes, _tail: bytes) -> str:
    """Class files and universal Mach-O programs share a magic number; the second has few architectures there."""
    return (
        "application/x-mach-binary" if int.from_bytes(head[4:8], "big") < _MAX_ARCHITECTURES else "application/java-vm"
    )


def _image_notes(head: bytes, tail: bytes) -> tuple[str, ...]:
    ends = head[:_SCRIPT_SEARCH_BYTES] + tail[-_SCRIPT_SEARCH_BYTES:]
    found = {
        "a ZIP archive is appended to the image": _ends_as_zip(tail),
        "a script or a PDF is hidden in the image": _SCRIPT_IN_IMAGE.search(ends) is not None,
    }
    return tuple(note for note, applies in found.items() if applies)


def _ends_as_zip(tail: bytes) -> bool:
    at = tail.rfind(_ZIP_END)
    if at < 0 or len(tail) - at < _ZIP_END_BYTES:
        return False
    return len(tail) - at - _ZIP_END_BYTES == int.from_bytes(tail[at + 20 : at + 22], "little")


_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"BM", "bmp?"),
    (b"II*\0", "tiff?"),
    (b"MM\0*", "tiff?"),
    (b"II+\0", "image/tiff"),
    (b"MM\0+", "image/tiff"),
    (b"RIFF", "riff?"),
    (b"RF64", "audio/wav"),
    (b"BW64", "audio/wav"),
    (b"8BPS", "image/vnd.adobe.photoshop"),
    (b"\0\0\1\0", "icon?"),
    (b"\0\0\2\0", "cursor?"),
    (b"\0\0\0\x0cjP  ", "image/jp2"),
    (b"\xff\x4f\xff\x51", "image/jp2"),
    (b"\0\0\0\x0cJXL ", "image/jxl"),
    (b"\xff\x0a", "image/jxl"),
    (b"gimp xcf", "image/x-xcf"),
    (b"qoif", "image/qoi"),
    (b"DDS ", "image/vnd-ms.dds"),
    (b"v/1\x01", "image/x-exr"),
    (b"#?RADIANCE", "image/vnd.radiance"),
    (b"\xc5\xd0\xd3\xc6", "application/postscript"),
    (b"%!PS", "application/postscript"),
    (b"IIRO", "image/x-raw"),
    (b"IIU\0", "image/x-raw"),
    (b"FUJIFILMCCD-RAW", "image/x-raw"),
    (b"FOVb", "image/x-raw"),
    (b"\0MRM", "image/x-raw"),
    (b"%PDF-", "application/pdf"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "ole?"),
    (b"{\\rtf", "application/rtf"),
    (b"\x1a\x45\xdf\xa3", "matroska?"),
    (b"OggS", "ogg?"),
    (b"fLaC", "audio/flac"),
    (b"ID3", "id3?"),
    (b"FORM", "form?"),
    (b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb", "audio/wav"),
    (b"MThd", "audio/midi"),
    (b"#!AMR", "audio/amr"),
    (b"caff", "audio/x-caf"),
    (b"FLV\x01", "video/x-flv"),
    (b"0&\xb2u\x8ef\xcf\x11", "asf?"),
    (b"\0\0\1\xba", "video/mpeg"),
    (b"\0\0\1\xb3", "video/mpeg"),
    (b"PK\x03\x04", "zip?"),
    (b"PK\x05\x06", "application/zip"),
    (b"PK\x07\x08", "application/zip"),
    (b"\x1f\x8b", "application/gzip"),
    (b"\x28\xb5\x2f\xfd", "application/zstd"),
    (b"BZh", "application/x-bzip2"),
    (b"\xfd7zXZ\0", "application/x-xz"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"MSCF", "application/vnd.ms-cab-compressed"),
    (b"PAR1", "application/vnd.apache.parquet"),
    (b"Obj\x01", "application/avro"),
    (b"ORC", "application/orc"),
    (b"SQLite format 3\0", "application/vnd.sqlite3"),
    (b"\x89HDF\r\n\x1a\n", "application/x-hdf5"),
    (b"wOFF", "font/woff"),
    (b"wOF2", "font/woff"),
    (b"\x7fELF", "application/x-elf"),
    (b"MZ", "mz?"),
    (b"\xca\xfe\xba\xbe", "cafebabe?"),
    (b"\xfe\xed\xfa\xce", "application/x-mach-binary"),
    (b"\xfe\xed\xfa\xcf", "application/x-mach-binary"),
    (b"\xce\xfa\xed\xfe", "application/x-mach-binary"),
    (b"\xcf\xfa\xed\xfe", "application/x-mach-binary"),
    (b"\0asm", "application/wasm"),
    (b"L\0\0\0\x01\x14\x02\0", "application/x-ms-shortcut"),
    (b"#!", "text/x-script"),
    *_WORDS,
    (b"\x06\x0e\x2b\x34", "application/mxf"),
    (b"\0\0\0\x01\x67", "video/h264"),
    (b"\0\0\0\x01\x27", "video/h264"),
    (b"\0\0\0\x01\x09", "video/h264"),
    (b"\0\0\0\x01\x40\x01", "video/h265"),
    (b"\x1f\x07\0", "video/dv"),
    (b"\xb7\xd8\0 7I\xda\x11\xa6N\0\x07\xe9^\xad\x8d", "video/x-wtv"),
    (b"CDF\x01", "application/x-netcdf"),
    (b"CDF\x02", "application/x-netcdf"),
    (b"CDF\x05", "application/x-netcdf"),
    (b"\xff\xff\xff\xff", "arrow?"),
    (b"\x93NUMPY", "application/x-npy"),
    (b"\0\1\0\0Standard ", "application/x-msaccess"),
    (b"\xd4\xc3\xb2\xa1", "application/vnd.tcpdump.pcap"),
    (b"\xa1\xb2\xc3\xd4", "application/vnd.tcpdump.pcap"),
    (b"\x0a\x0d\x0d\x0a", "application/vnd.tcpdump.pcap"),
    (b"II\xbc", "image/jxr"),
    (b"\xd7\xcd\xc6\x9a", "image/wmf"),
    (b"\x0a\x05\x01\x08", "image/x-pcx"),
)

_INNER_MARKS: tuple[tuple[int, tuple[bytes, ...], str], ...] = (
    (4, (b"moov", b"mdat", b"wide", b"free", b"skip"), "video/quicktime"),
    (4, (b"styp", b"moof", b"sidx", b"emsg", b"prft"), "video/iso.segment"),
    (8, (b"DUCK",), "application/x-duckdb"),
    (12, (_SAS,), "application/x-sas-data"),
    (40, (b" EMF",), "image/emf"),
    (128, (b"DICM",), "application/dicom"),
    (36, (b"acsp",), "application/vnd.iccprofile"),
    (257, (b"ustar",), "application/x-tar"),
)

_REFINEMENTS = MappingProxyType(
    {
        "bmp?": _bmp_type,
        "tiff?": _tiff_type,
        "riff?": _riff_type,
        "id3?": _id3_type,
        "asf?": _asf_type,
        "form?": _form_type,
        "icon?": _icon_type,
        "cursor?": _cursor_type,
        "ole?": _ole_type,
        "zip?": _zip_type,
        "matroska?": _matroska_type,
        "ogg?": _ogg_type,
        "mz?": _windows_program_type,
        "cafebabe?": _java_or_macos_type,
        "arrow?": _arrow_type,
    }
)

_RIFF_FORMS: Mapping[bytes, str] = MappingProxyType(
    {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo", b"ACON": "image/x-cursor"}
    | {b"RMID": "audio/midi", b"sfbk": "audio/x-soundfont", b"CDXA": "video/x-vcd", b"AMV ": "video/x-amv"}
)

_ISO_BRANDS: tuple[tuple[frozenset[bytes], str], ...] = (
    (frozenset({b"avif", b"avis"}), "image/avif"),
    (frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"}), "image/heic"),
    (frozenset({b"crx "}), "image/x-raw"),
    (frozenset({b"M4A ", b"M4B ", b"M4P "}), "audio/mp4"),
    (frozenset({b"qt  "}), "video/quicktime"),
    (frozenset({b"3gp4", b"3gp5", b"3gp6", b"3g2a"}), "video/3gpp"),
    (frozenset({b"isom", b"iso2", b"mp41", b"mp42", b"avc1", b"dash", b"M4V "}), "video/mp4"),
)

_ISO_STILL_BRANDS = frozenset({b"mif1", b"msf1"})

_ZIP_MIMETYPES: tuple[tuple[bytes, str], ...] = (
    (b"mimetypeapplication/epub+zip", "application/epub+zip"),
    (b"mimetypeapplication/vnd.oasis.opendocument.spreadsheet", _OPEN_SHEETS),
    (b"mimetypeapplication/vnd.oasis.opendocument", "application/vnd.oasis.opendocument"),
)
_OFFICE_INDEX = b"[Content_Types].xml"
_OFFICE_PARTS: tuple[tuple[bytes, str], ...] = (
    (b"word/", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    (b"xl/workbook.bin", _BINARY_SHEETS),
    (b"xl/", f"{_OFFICE}.spreadsheetml.sheet"),
    (b"ppt/", "application/vnd.openxmlformats-officedocument.presentationml.presentation"),
)
_ZIP_FILES: tuple[tuple[bytes, str], ...] = (
    (b"AndroidManifest.xml", "application/vnd.android.package-archive"),
    (b"META-INF/MANIFEST.MF", "application/java-archive"),
)

_OLE_STREAMS: tuple[tuple[str, str], ...] = (
    ("WordDocument", "application/msword"),
    ("Workbook", _EXCEL),
    ("EncryptedPackage", _EXCEL),
    ("PowerPoint Document", "application/vnd.ms-powerpoint"),
    ("__substg1.0_", "application/vnd.ms-outlook"),
)
