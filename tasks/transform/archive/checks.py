"""What a ZIP's directory must not announce; nothing is unpacked for it."""

import stat
import struct
from collections.abc import Iterable, Sequence
from typing import BinaryIO
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipInfo

from tasks.transform.archive.limits import Limits
from tasks.transform.archive.names import unsafe
from workflow.errors import (
    CorruptArchive,
    DecompressionBomb,
    EncryptedFile,
    TooDeep,
    TooLarge,
    TooManyFiles,
    UnsupportedCodec,
)
from workflow.units import GIB

_ENCRYPTED_FLAGS = 0x1 | 0x40 | 0x2000
_AES = 99
_METHODS = {9: "Deflate64", 12: "bzip2", 14: "LZMA", 20: "Zstandard", 93: "Zstandard", 95: "XZ", 98: "PPMd"}
_UNIX_SYSTEMS = frozenset({3, 19})
_LOCAL_HEADER = struct.Struct("<4s22xHH")
_LOCAL_MAGIC = b"PK\x03\x04"


def check_depth(depth: int, limits: Limits) -> None:
    """`depth` counts this archive and those that it was in."""
    if depth > limits.max_depth:
        raise TooDeep(
            f"The archive is inside of {depth - 1} others; up to {limits.max_depth - 1} are unpacked. "
            "Upload the inner archive by itself."
        )


def check_entries(files: Sequence[ZipInfo], limits: Limits) -> None:
    """Number, protection, packing, kind and sizes of the files."""
    if len(files) > limits.max_files:
        raise TooManyFiles(
            f"The archive has {len(files):,} files; up to {limits.max_files:,} are allowed. "
            "Split it into several archives and upload these."
        )
    for entry in files:
        _check_readable(entry)
        _check_regular(entry)
        _check_size(entry, limits)
    total = sum(entry.file_size for entry in files)
    if total > limits.max_total_bytes:
        raise TooLarge(
            f"The archive's files have {total / GIB:,.1f} GiB together; up to {limits.max_total_bytes / GIB:,.0f} GiB "
            "are allowed. Split it into several archives and upload these."
        )


def check_names(names: Iterable[tuple[ZipInfo, str]]) -> None:
    """No two files of the same name: one would replace the other. S3 tells upper and lower case apart."""
    seen: set[str] = set()
    for entry, name in names:
        if name in seen:
            raise unsafe(entry.filename, "has the same name as another")
        seen.add(name)


def check_places(file: BinaryIO, entries: Sequence[ZipInfo], directory_at: int) -> None:
    """Each entry has its own bytes: those that share them make a small archive immense."""
    in_order = sorted(entries, key=lambda entry: entry.header_offset)
    next_places = [*(entry.header_offset for entry in in_order[1:]), directory_at]
    for entry, next_place in zip(in_order, next_places, strict=False):
        if _end_of(file, entry) > next_place:
            raise DecompressionBomb(
                "Entries of the archive share the same bytes, as only decompression bombs do. "
                "Pack the files again with an ordinary program, and upload that."
            )


def _check_readable(entry: ZipInfo) -> None:
    if entry.flag_bits & _ENCRYPTED_FLAGS or entry.compress_type == _AES:
        raise EncryptedFile(
            "The archive is protected by a password. Pack the files again without one, and upload that."
        )
    if entry.compress_type not in {ZIP_STORED, ZIP_DEFLATED}:
        method = _METHODS.get(entry.compress_type, f"method {entry.compress_type}")
        raise UnsupportedCodec(
            f"The archive is packed with {method}; only Deflate is unpacked here, which is what programs usually take. "
            "Pack the files again as an ordinary ZIP, and upload that."
        )
    if entry.volume:
        raise CorruptArchive("The archive is one part of several. Pack the files into one archive, and upload that.")


def _check_regular(entry: ZipInfo) -> None:
    mode = entry.external_attr >> 16
    if entry.create_system in _UNIX_SYSTEMS and stat.S_IFMT(mode) and not stat.S_ISREG(mode):
        raise unsafe(entry.filename, "is a link" if stat.S_ISLNK(mode) else "is no ordinary file")


def _check_size(entry: ZipInfo, limits: Limits) -> None:
    name, size = entry.filename[:80], entry.file_size
    if size > limits.max_file_bytes:
        raise TooLarge(
            f'The archive\'s file "{name}" has {size / GIB:,.1f} GiB; up to {limits.max_file_bytes / GIB:,.0f} GiB '
            "are allowed. Upload it in parts."
        )
    if size > limits.ratio_from_bytes and size > limits.max_ratio * entry.compress_size:
        raise DecompressionBomb(
            f'The archive\'s file "{name}" would grow from {entry.compress_size:,} to {size:,} bytes; up to '
            f"{limits.max_ratio} times are allowed. If that is as it should be, upload the file itself."
        )


def _end_of(file: BinaryIO, entry: ZipInfo) -> int:
    file.seek(entry.header_offset)
    header = file.read(_LOCAL_HEADER.size)
    if len(header) < _LOCAL_HEADER.size or not header.startswith(_LOCAL_MAGIC):
        raise CorruptArchive(
            f'The archive\'s directory is wrong about "{entry.filename[:80]}": it is not where it should be. '
            "Pack the files again, and upload that."
        )
    _, name_bytes, extra_bytes = _LOCAL_HEADER.unpack(header)
    return entry.header_offset + _LOCAL_HEADER.size + name_bytes + extra_bytes + entry.compress_size
