"""Unpacks gz and zst to disk, up to a size and a ratio, so that a bomb is refused before it fills the disk."""

import gzip
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

import zstandard

from tasks.transform.table.limits import LIMITS
from tasks.transform.table.zstd_frames import is_complete
from workflow.errors import CorruptTable, DecompressionBomb, TruncatedFile
from workflow.units import MIB

UNPACKED = "unpacked"
"""Where the unpacked file is, in the scratch folder."""

_PIECE_BYTES = MIB
_MAX_WINDOW_BYTES = 128 * MIB


def unpack(packed: Path, packing: str, scratch: Path) -> Path:
    """The unpacked file; `packing` is "gzip", "zstd" or "" (then it is `packed`). Raises a RejectedError."""
    if not packing:
        return packed
    plain = scratch / UNPACKED
    with packed.open("rb") as source, _damage_named(packing), plain.open("wb") as target:
        if packing == "zstd" and not is_complete(source):
            raise EOFError
        source.seek(0)
        reader = gzip.GzipFile(fileobj=source) if packing == "gzip" else _zstd_reader(source)
        _copy(cast("BinaryIO", reader), target, packed.stat().st_size)
    return plain


def _zstd_reader(source: BinaryIO) -> zstandard.ZstdDecompressionReader:
    opened = zstandard.ZstdDecompressor(max_window_size=_MAX_WINDOW_BYTES)
    return opened.stream_reader(source, read_across_frames=True, closefd=False)


def _copy(reader: BinaryIO, target: BinaryIO, packed_bytes: int) -> None:
    allowed = min(
        LIMITS.max_unpacked_bytes, max(LIMITS.always_unpacked_bytes, packed_bytes * LIMITS.max_unpacked_ratio)
    )
    written = 0
    while piece := reader.read(_PIECE_BYTES):
        written += len(piece)
        if written > allowed:
            raise DecompressionBomb(
                f"The file has {packed_bytes:,} bytes and unpacks to more than {allowed / MIB:,.0f} MiB. "
                "Unpack it, split it, and upload the parts."
            )
        target.write(piece)


@contextmanager
def _damage_named(packing: str) -> Generator[None]:
    try:
        yield
    except EOFError as exc:
        raise TruncatedFile(
            f"The {packing} stream ends before its content is complete. Upload the complete file again."
        ) from exc
    except (zlib.error, gzip.BadGzipFile, zstandard.ZstdError) as exc:
        raise CorruptTable(f"The {packing} stream is damaged ({exc}). Pack the file again and upload it.") from exc
