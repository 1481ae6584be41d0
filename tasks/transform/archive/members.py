"""Opens a ZIP that nobody vouches for, and hands out its files: checked before, and again while they are unpacked.

Only stored and deflated files are: the standard library's other decompressors cannot be bounded in memory.
"""

import errno
import struct
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import FileIO
from pathlib import Path
from typing import BinaryIO
from zipfile import BadZipFile, ZipFile, ZipInfo

from tasks.transform.archive.checks import check_depth, check_entries, check_names, check_places
from tasks.transform.archive.limits import LIMITS, Limits
from tasks.transform.archive.names import extra_field, is_clutter, safe_name, tell_names
from tasks.transform.encodings import Told
from workflow.errors import CorruptArchive, TooManyFiles, TruncatedFile

CHUNK_BYTES = 256 * 1024

_ZIP_ERRORS = (
    ArithmeticError,
    BadZipFile,
    EOFError,
    LookupError,
    NotImplementedError,
    OSError,
    RuntimeError,
    ValueError,
    struct.error,
    zlib.error,
)
_FIRST_ENTRY, _END_MARK = b"PK\x03\x04", b"PK\x05\x06"
_END_RECORD_BYTES = 22
_END_BYTES = _END_RECORD_BYTES + 65_535
_UNIX_TIMES, _NTFS_TIMES = 0x5455, 0x000A
_HAS_MODIFIED, _NTFS_ATTRIBUTE = 1, struct.pack("<HH", 1, 24)
_NTFS_EPOCH, _NTFS_TICKS_PER_SECOND = datetime(1601, 1, 1, tzinfo=UTC), 10_000_000
_NO_DATE = datetime(1980, 1, 1)  # noqa: DTZ001 - ZIP's clock has no zone


@dataclass(frozen=True)
class Member:
    """A file in an open archive. `name` is safe and separated by slashes; sizes in bytes."""

    name: str
    size: int
    packed_size: int
    modified: str | None
    archive: ZipFile
    entry: ZipInfo

    def chunks(self) -> Iterator[bytes]:
        """The content, verified by length and checksum when its end is reached; raises CorruptArchive."""
        length = 0
        with _damage_named(), self.archive.open(self.entry) as file:
            while chunk := file.read(CHUNK_BYTES):
                length += len(chunk)
                yield chunk
        if length != self.size:
            raise CorruptArchive(
                f'The archive\'s file "{self.name}" has {length:,} bytes instead of the {self.size:,} that the archive '
                "announces. Pack the files again, and upload that."
            )

    def copy_to(self, file: BinaryIO) -> None:
        """Unpack into an open file."""
        file.writelines(self.chunks())


@dataclass(frozen=True)
class Contents:
    """What is in an open archive: files to unpack, and what is passed over."""

    members: tuple[Member, ...]
    clutter: int
    comment: bytes
    leading_bytes: int
    names_told: Told | None
    """The encoding of the names, where the archive does not say it."""


def members(path: Path, limits: Limits = LIMITS, depth: int = 1) -> Iterator[Member]:
    """The files of an archive, in its order; a RejectedError before the first one if anything about any is wrong.

    `depth` is 1 for an archive that was uploaded, 2 for one that was in it.
    """
    with opened(path, limits, depth) as contents:
        yield from contents.members


@contextmanager
def opened(path: Path, limits: Limits = LIMITS, depth: int = 1) -> Generator[Contents]:
    """What is in an archive within its limits, as long as it is open."""
    check_depth(depth, limits)
    with _Archive(path, limits) as file:
        with _damage_named():
            archive = _directory(file, path)
            contents = _checked(archive, file, limits)
        with archive:
            yield contents


class _Archive(FileIO):
    """ZipFile reads a directory at once, however large it is said to be."""

    def __init__(self, path: Path, limits: Limits) -> None:
        super().__init__(path)
        self._limits = limits

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > self._limits.max_directory_bytes:
            raise TooManyFiles(
                f"The archive's directory alone has {size:,} bytes; up to {self._limits.max_files:,} files are "
                "allowed. Split it into several archives and upload these."
            )
        return super().read(size) or b""


def _directory(file: _Archive, path: Path) -> ZipFile:
    try:
        return ZipFile(file)
    except BadZipFile as exc:
        if _is_cut_off(path):
            raise TruncatedFile(
                f"The archive stops after {path.stat().st_size:,} bytes, before its directory, which is at the end. "
                "Most likely an upload or a copy was cut off: upload the complete file again."
            ) from exc
        raise


def _is_cut_off(path: Path) -> bool:
    """Whether the record at the end of an archive is missing, or ends before the comment that it announces."""
    with path.open("rb") as file:
        begins = file.read(len(_FIRST_ENTRY)) == _FIRST_ENTRY
        file.seek(max(0, path.stat().st_size - _END_BYTES))
        end = file.read()
    at = end.rfind(_END_MARK)
    comment_bytes = int.from_bytes(end[at + 20 : at + 22], "little")
    return begins and (at < 0 or len(end) - at < _END_RECORD_BYTES + comment_bytes)


def _checked(archive: ZipFile, file: BinaryIO, limits: Limits) -> Contents:
    names_told = tell_names(archive.infolist())
    entries = [entry for entry in archive.infolist() if not _is_folder(entry)]
    check_entries(entries, limits)
    named = [(entry, safe_name(entry.filename, limits)) for entry in entries]
    check_places(file, archive.infolist(), archive.start_dir)
    wanted = [(entry, name) for entry, name in named if not is_clutter(name)]
    check_names(wanted)
    return Contents(
        members=tuple(_member(archive, entry, name) for entry, name in wanted),
        clutter=len(entries) - len(wanted),
        comment=archive.comment,
        leading_bytes=min((entry.header_offset for entry in archive.infolist()), default=0),
        names_told=names_told,
    )


def _is_folder(entry: ZipInfo) -> bool:
    return entry.filename.endswith(("/", "\\")) and entry.file_size == 0


def _member(archive: ZipFile, entry: ZipInfo, name: str) -> Member:
    return Member(name, entry.file_size, entry.compress_size, _modified(entry), archive, entry)


def _modified(entry: ZipInfo) -> str | None:
    """In UTC where the archive has it so beside the name, as most programs read it; else by the packer's clock."""
    try:
        told = _unix_time(entry) or _ntfs_time(entry)
        date = told or datetime(*entry.date_time)  # noqa: DTZ001 - ZIP's own clock has no zone
    except (ValueError, OverflowError, OSError):
        return None
    return date.isoformat() if told or date > _NO_DATE else None


def _unix_time(entry: ZipInfo) -> datetime | None:
    data = extra_field(entry, _UNIX_TIMES)
    if len(data) < 5 or not data[0] & _HAS_MODIFIED:  # noqa: PLR2004 - flags and seconds
        return None
    return datetime.fromtimestamp(int.from_bytes(data[1:5], "little", signed=True), UTC)


def _ntfs_time(entry: ZipInfo) -> datetime | None:
    data = extra_field(entry, _NTFS_TIMES)
    if data[4:8] != _NTFS_ATTRIBUTE or len(data) < 16:  # noqa: PLR2004 - up to the time of the last change
        return None
    ticks = int.from_bytes(data[8:16], "little")
    return (_NTFS_EPOCH + timedelta(seconds=ticks // _NTFS_TICKS_PER_SECOND)) if ticks else None


@contextmanager
def _damage_named() -> Generator[None]:
    """Raise what the standard library raises on damaged archives as CorruptArchive."""
    try:
        yield
    except _ZIP_ERRORS as exc:
        if isinstance(exc, OSError) and exc.errno != errno.EINVAL:
            raise  # the disk's trouble; the other is a place before the beginning of the file
        raise CorruptArchive(
            f"The archive is damaged and cannot be unpacked ({str(exc)[:120] or type(exc).__name__}). "
            "Pack the files again, and upload that."
        ) from exc
