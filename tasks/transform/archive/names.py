"""The names in an archive: what they say in Unicode, and whether a file of that name could go astray."""

import io
import re
import struct
import unicodedata
import zlib
from collections.abc import Iterable
from zipfile import ZipInfo

from tasks.transform.archive.limits import Limits
from tasks.transform.encodings import Told, tell_encoding
from workflow.errors import UnsafeName

_UTF_8_FLAG = 0x800
_UNICODE_PATH, _EXTRA_HEADER = 0x7075, struct.Struct("<HH")
_STANDARD = "cp437"
_USUAL = frozenset(
    {_STANDARD, "cp737", "cp775", "cp850", "cp852", "cp857", "cp866", "cp932", "gb18030", "big5hkscs", "cp949"}
)
"""What Windows and DOS write by themselves, each in its part of the world; others say UTF-8, as a rule."""
_DRIVE = re.compile(r"[A-Za-z]:(?=/|[^ ])")
_MISLEADING = re.compile("[\u2028-\u202e\u2066-\u2069]")
_CLUTTER_FOLDERS, _CLUTTER = frozenset({"__MACOSX"}), frozenset({".ds_store", "thumbs.db", "desktop.ini"})
_SHOWN_CHARS = 80


def tell_names(entries: Iterable[ZipInfo]) -> Told | None:
    """Put into `filename` what the authors named the files; tells the encoding where the archive does not."""
    untold: list[ZipInfo] = []
    for entry in entries:
        told = _told_name(entry)
        entry.filename = entry.orig_filename if told is None else told
        if told is None:
            untold.append(entry)
    stored = [entry.orig_filename.encode(_STANDARD) for entry in untold]
    found = tell_encoding(io.BytesIO(b"\n".join(stored)), usual=_USUAL, unusual_signs="\\") if untold else None
    if found:
        for entry, name in zip(untold, stored, strict=True):
            entry.filename = name.decode(found.encoding)
    return found


def _told_name(entry: ZipInfo) -> str | None:
    """The name in Unicode as the archive has it: many programs write UTF-8 and do not say so.

    Those that write an older encoding for old readers have the name beside it in Unicode (APPNOTE 4.6.9).
    """
    if entry.flag_bits & _UTF_8_FLAG:
        return entry.orig_filename
    if unicode_path := _unicode_path(entry):
        return unicode_path
    try:
        return entry.orig_filename.encode(_STANDARD).decode("utf-8")
    except UnicodeError:
        return None


def _unicode_path(entry: ZipInfo) -> str | None:
    """None where there is none, or where it belongs to another name: one that was changed since."""
    data = extra_field(entry, _UNICODE_PATH)
    version, checksum, name = data[:1], data[1:5], data[5:]
    if version != b"\1" or int.from_bytes(checksum, "little") != zlib.crc32(entry.orig_filename.encode(_STANDARD)):
        return None
    try:
        return name.decode("utf-8") or None
    except UnicodeError:
        return None


def extra_field(entry: ZipInfo, wanted: int) -> bytes:
    """The data of one of the fields that an entry has beside its name; empty where it is not there."""
    at = 0
    while at + _EXTRA_HEADER.size <= len(entry.extra):
        field, length = _EXTRA_HEADER.unpack_from(entry.extra, at)
        at += _EXTRA_HEADER.size
        if field == wanted:
            return entry.extra[at : at + length]
        at += length
    return b""


def safe_name(told: str, limits: Limits) -> str:
    """The name in normal form, its folders separated by slashes as ever; raises UnsafeName."""
    name = unicodedata.normalize("NFC", told).replace("\\", "/")
    parts = [part for part in name.split("/") if part not in {"", "."}]
    dangers = {
        "begins at the root of a disk": name.startswith("/") or _DRIVE.match(name),
        "leads out of its folder": ".." in parts,
        "has characters that are not shown": any(map(_is_hidden, name)),
        "is too long": _is_too_long(parts, limits),
        "names nothing": not parts,
    }
    found = next((danger for danger, applies in dangers.items() if applies), None)
    if found:
        raise unsafe(told, found)
    return "/".join(parts)


def unsafe(told: str, danger: str) -> UnsafeName:
    """What is said of an archive in which one name is dangerous."""
    shown = told.encode("unicode_escape").decode("ascii")[:_SHOWN_CHARS]
    return UnsafeName(
        f'The archive was not unpacked because of the entry "{shown}", which {danger}. '
        "Pack the files again without it, and upload that."
    )


def is_clutter(name: str) -> bool:
    """Whether an operating system added it for itself: nobody means to upload it."""
    *folders, last = name.split("/")
    return last.lower() in _CLUTTER or last.startswith("._") or bool(_CLUTTER_FOLDERS & {*folders, last})


def _is_hidden(character: str) -> bool:
    return unicodedata.category(character) == "Cc" or _MISLEADING.match(character) is not None


def _is_too_long(parts: list[str], limits: Limits) -> bool:
    lengths = [len(part.encode()) for part in parts]
    return max(lengths, default=0) > limits.max_part_bytes or sum(lengths) + len(parts) > limits.max_name_bytes
