"""Decides from name, size and both ends of a file whether it goes on, before anything is downloaded or decoded."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from types import MappingProxyType

from tasks.sniffing.headers import announced_size, check_pixels, ends_early
from tasks.sniffing.sniff import sniff
from tasks.sniffing.text import is_active_markup
from tasks.validate.descriptions import FORBIDDEN, advice, describe
from workflow.errors import (
    EmptyFile,
    FolderMarker,
    ForbiddenType,
    NameTooLong,
    TooLarge,
    TruncatedFile,
    UnsupportedType,
)
from workflow.kinds import KINDS, MAX_KEY_BYTES, MAX_NAME_BYTES, Format, Kind, accepted_labels, kind_of, most_bytes
from workflow.units import told_apart

SMALLER: Mapping[str, str] = MappingProxyType(
    {
        "image": "make it smaller, with fewer pixels or stronger compression",
        "table": "split it, or save it as Parquet",
        "video": "cut it, or encode it with a lower bit rate",
        "audio": "cut it, or encode it with a lower bit rate",
        "document": "split it, or save it with smaller pictures",
        "archive": "pack fewer files into one archive",
    }
)
"""What makes a file of each kind smaller."""
MAX_BYTES = max(most_bytes(kind, big_files=True) for kind in KINDS.values())

_UNTOLD_TYPES = frozenset({"", "application/octet-stream", "binary/octet-stream", "application/x-www-form-urlencoded"})
_SAME_TYPE = {
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/mpo": "image/jpeg",
    "image/apng": "image/png",
    "image/x-png": "image/png",
    "image/heif": "image/heic",
    "image/heic-sequence": "image/heic",
    "image/heif-sequence": "image/heic",
    "image/x-ms-bmp": "image/bmp",
    "image/x-bmp": "image/bmp",
    "image/tif": "image/tiff",
    "image/ico": "image/x-icon",
    "image/vnd.microsoft.icon": "image/x-icon",
    "application/x-photoshop": "image/vnd.adobe.photoshop",
    "image/psd": "image/vnd.adobe.photoshop",
    "image/x-photoshop": "image/vnd.adobe.photoshop",
    "image/j2c": "image/jp2",
    "image/jpeg2000": "image/jp2",
    "image/jpx": "image/jp2",
    "application/csv": "text/csv",
    "text/x-csv": "text/csv",
    "text/plain": "text/csv",
    "text/json": "application/json",
    "application/jsonl": "application/x-ndjson",
    "application/ndjson": "application/x-ndjson",
    "application/jsonlines": "application/x-ndjson",
    "application/parquet": "application/vnd.apache.parquet",
    "application/x-parquet": "application/vnd.apache.parquet",
    "video/avi": "video/x-msvideo",
    "video/vnd.avi": "video/x-msvideo",
    "video/m2ts": "video/mp2t",
    "video/matroska": "video/x-matroska",
    "video/x-m4v": "video/mp4",
    "audio/mp3": "audio/mpeg",
    "audio/x-mp3": "audio/mpeg",
    "audio/x-wav": "audio/wav",
    "audio/wave": "audio/wav",
    "audio/vnd.wave": "audio/wav",
    "audio/x-flac": "audio/flac",
    "audio/x-aiff": "audio/aiff",
    "audio/x-m4a": "audio/mp4",
    "audio/m4a": "audio/mp4",
    "audio/aacp": "audio/aac",
    "audio/opus": "audio/ogg",
    "application/ogg": "audio/ogg",
    "audio/webm": "video/webm",
    "audio/x-matroska": "video/x-matroska",
    "audio/matroska": "video/x-matroska",
    "application/x-pdf": "application/pdf",
    "application/x-zip-compressed": "application/zip",
    "application/x-zip": "application/zip",
}


@dataclass(frozen=True)
class Verdict:
    """An accepted file: its kind, its real content type, and what was odd about it."""

    kind: str
    media_type: str
    notes: tuple[str, ...] = ()


def check_name_and_size(key: str, size: int) -> None:
    """What needs no read: folder markers, empty files, names and files over the limits. `size` in bytes."""
    if key.endswith("/"):
        raise FolderMarker(f'"{key}" is a folder marker, not a file. Nothing needs to be done: folders need no object.')
    if size == 0:
        raise EmptyFile("The file is empty (0 bytes). Check that the upload finished, then upload it again.")
    _check_name(key)
    if size > MAX_BYTES:
        raise _too_large(size, MAX_BYTES, "The file", "is the most that is taken of any kind. Split it")


def inspect(
    *,
    key: str,
    size: int,
    declared_type: str,
    head: bytes,
    tail: bytes,
    refused: Mapping[str, str] = MappingProxyType({}),
    big_files: bool = False,
    lowered: Mapping[str, int] = MappingProxyType({}),
) -> Verdict:
    """The verdict, or the RejectedError that says why not. `head` and `tail` are up to 64 KiB from both ends.

    Kinds that a stage does not take are `refused`: the setting that says so, by kind. With `big_files` it takes more
    than its functions can do; of kinds that are `lowered`, by a live setting, it takes no more bytes than that.
    """
    check_name_and_size(key, size)
    sniffed = sniff(head, tail, size, name=PurePosixPath(key).name)
    kind = kind_of(sniffed.media_type)
    if kind is None or kind.name in refused:
        raise _refusal(sniffed.media_type, head + tail, refused)
    found = kind.formats[sniffed.media_type]
    _check_size_of_kind(size, kind, found, big_files=big_files, lowered=lowered.get(kind.name))
    _check_content(found, head, size)
    return Verdict(kind.name, found.media_type, (*_lies(key, declared_type, found), *sniffed.notes))


def _check_name(key: str) -> None:
    name = PurePosixPath(key).name
    if len(name.encode()) > MAX_NAME_BYTES:
        raise NameTooLong(
            f"The file name is {len(name.encode())} bytes long; up to {MAX_NAME_BYTES} are allowed. "
            "Shorten the name and upload the file again."
        )
    if len(key.encode()) > MAX_KEY_BYTES:
        raise NameTooLong(
            f"The name with its folders is {len(key.encode())} bytes long; up to {MAX_KEY_BYTES} are allowed. "
            "Use fewer or shorter folder names and upload the file again."
        )


def _check_content(found: Format, head: bytes, size: int) -> None:
    if ends_early(found.media_type, head, size):
        raise TruncatedFile(
            f"The {found.label} file stops after {size:,} bytes, before its content is complete. "
            "Most likely an upload or a copy was cut off: upload the complete file again."
        )
    pixels = announced_size(found.media_type, head)
    if pixels:
        check_pixels(found, *pixels)


def _check_size_of_kind(size: int, kind: Kind, found: Format, *, big_files: bool, lowered: int | None) -> None:
    """Whatever refuses it is named: the live setting, the kind's own limit, or that the stage has no containers."""
    packed = _is_packed(found)
    most = most_bytes(kind, big_files=big_files and not packed)
    what = f"The {found.label} file"
    if lowered is not None and lowered < size:
        setting = f"is what the live setting max_bytes.{kind.name} allows for now: it can be raised (`sluice settings`)"
        raise _too_large(size, lowered, what, f"{setting}. Else {SMALLER[kind.name]}")
    if size > most:
        with_containers = most_bytes(kind, big_files=not packed)
        helps = f"; up to {told_apart(with_containers)[0]} where the stage has the setting big_files"
        ways = helps if size <= with_containers else ""
        limit = f"is the most that is taken of {kind.plural}{ways}"
        raise _too_large(size, most, what, f"{limit}. {SMALLER[kind.name].capitalize()}")


def _too_large(size: int, limit: int, what: str, because_then: str) -> TooLarge:
    has, most = told_apart(size, limit)
    return TooLarge(f"{what} has {has}; {most} {because_then}, and upload it again.")


def _is_packed(found: Format) -> bool:
    """What is packed stays small: its content counts, and that is known only once it is unpacked."""
    return "+" in found.media_type


def _refusal(media_type: str, content: bytes, refused: Mapping[str, str]) -> ForbiddenType | UnsupportedType:
    found = f"The content is {describe(media_type)}"
    kind = kind_of(media_type)
    ask = f"Accepted are {accepted_labels(kind for kind in KINDS.values() if kind.name not in refused)}."
    if media_type == "image/svg+xml" and is_active_markup(content):
        return ForbiddenType(f"{found} with scripts or references to other places, which could act when opened. {ask}")
    if media_type in FORBIDDEN:
        return ForbiddenType(f"{found}, which could act when opened. {ask} Do not upload such files here.")
    turned_away = f"; {refused[kind.name]} turns {kind.plural} away" if kind else ", which is not accepted here"
    return UnsupportedType(f"{found}{turned_away}. {ask} {advice(media_type)}")


def _lies(key: str, declared_type: str, found: Format) -> tuple[str, ...]:
    extension = PurePosixPath(key).suffix
    declared = declared_type.partition(";")[0].strip().lower()
    notes = {
        f"named {extension}, but the content is {found.label}": extension.lower() not in {"", *found.extensions},
        f"declared as {declared}, but the content is {found.label}": (
            declared not in _UNTOLD_TYPES and _SAME_TYPE.get(declared, declared) != found.media_type
        ),
    }
    return tuple(note for note, applies in notes.items() if applies)
