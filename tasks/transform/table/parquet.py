"""Takes a Parquet file as it is: its types are its own. What it announces is checked before anything is decoded."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from duckdb import DuckDBPyConnection

from tasks.transform.table.delimited import check_columns
from tasks.transform.table.engine import corrupt, identifier, literal, row_group_rows, write_parquet
from tasks.transform.table.limits import LIMITS
from tasks.transform.table.names import column_names
from tasks.transform.table.raw import RawColumn, RawTable
from workflow.errors import CorruptTable, DecompressionBomb, EncryptedFile, TruncatedFile, UnsupportedCodec
from workflow.units import MIB

_MAX_DIGITS = 38
_FINE = r"'time': '[0-9:]{8}\.[0-9]{7}"
_FAR = r"'date': (?:0|1[0-5]|16[0-6]|167[0-7]|226[2-9]|22[7-9]|2[3-9]|[3-9]|[0-9]{5,}-)|\(BC\)"
"""Beyond the years 1678 to 2261, for which 64 bits count nanoseconds."""

_CUT = '"{}" has nanoseconds, and dates before 1678 or after 2261: microseconds are kept'
_MARK, _ENCRYPTED_MARK = b"PAR1", b"PARE"


def read_parquet(path: Path, name: str, engine: DuckDBPyConnection, scratch: Path) -> RawTable:
    """One table; raises a RejectedError."""
    _check_end(path)
    try:
        rows, row_bytes = _check_announced(engine, path)
        _check_digits(engine, path)
        types = _types(engine, _scan(path))
        check_columns(len(types))
        clocks = _clocks(engine, path, types)
        raw = scratch / "raw.parquet"
        query = _query(path, list(types), [clock.column for clock in clocks if clock.is_fine and not clock.is_far])
        write_parquet(engine, query, raw, row_group_rows(row_bytes, len(types)), "lz4_raw")
    except duckdb.Error as exc:
        raise corrupt(exc) from exc
    columns = tuple(RawColumn(column, None) for column in column_names(types))
    cut = tuple(_CUT.format(clock.column) for clock in clocks if clock.is_fine and clock.is_far)
    return RawTable(name, raw, columns, rows, row_bytes, notes=cut)


def _scan(path: Path, options: str = "") -> str:
    return f"read_parquet({literal(path)}, hive_partitioning = false{options})"


def _types(engine: DuckDBPyConnection, scan: str) -> dict[str, str]:
    return {row[0]: row[1] for row in engine.execute(f"DESCRIBE FROM {scan}").fetchall()}


@dataclass(frozen=True)
class _Clock:
    """A column with INT96 in it: nanoseconds of a day of any year, for which no one type has room."""

    column: str
    is_fine: bool
    is_far: bool


def _clocks(engine: DuckDBPyConnection, path: Path, types: Mapping[str, str]) -> list[_Clock]:
    """By all of their values."""
    scan = _scan(path, ", int96_as = 'struct'")
    columns = [name for name, kind in _types(engine, scan).items() if kind != types[name]]
    if not columns:
        return []
    answers = ", ".join(f"[{', '.join(_has(name, pattern) for pattern in (_FINE, _FAR))}]" for name in columns)
    found: Any = engine.execute(f"SELECT {answers} FROM {scan}").fetchone()
    return [_Clock(name, *answer) for name, answer in zip(columns, found, strict=True)]


def _has(column: str, pattern: str) -> str:
    return f"coalesce(bool_or(regexp_matches({identifier(column)}::VARCHAR, {literal(pattern)})), false)"


def _query(path: Path, names: Sequence[str], fine: Sequence[str]) -> str:
    """How INT96 is read is said of a whole file: for nanoseconds it is read once more, beside itself."""
    fields = ", ".join(
        f"{'fine' if name in fine else 'file'}.{identifier(name)} AS c{at}" for at, name in enumerate(names)
    )
    beside = f" POSITIONAL JOIN {_scan(path, ', int96_as = ' + literal('timestamp_ns'))} AS fine" if fine else ""
    return f"SELECT {fields} FROM {_scan(path)} AS file{beside}"


def _check_end(path: Path) -> None:
    with path.open("rb") as file:
        head = file.read(len(_MARK))
        file.seek(-min(len(_MARK), path.stat().st_size), 2)
        tail = file.read()
    if _ENCRYPTED_MARK in {head, tail}:
        raise EncryptedFile("The Parquet file is encrypted. Write it without encryption and upload it again.")
    if tail != _MARK:
        raise TruncatedFile("The Parquet file ends before its footer. Upload the complete file again.")


def _check_digits(engine: DuckDBPyConnection, path: Path) -> None:
    """Raise UnsupportedCodec for what would be rounded, as no engine here holds it whole."""
    found = engine.execute(f"SELECT name, precision FROM parquet_schema({literal(path)})").fetchall()
    wide = [f'"{name}" ({precision} digits)' for name, precision in found if (precision or 0) > _MAX_DIGITS]
    if wide:
        raise UnsupportedCodec(
            f"The Parquet file has decimals of more than {_MAX_DIGITS} digits: {', '.join(wide[:3])}. They would be "
            "rounded. Write such columns as text, or with fewer digits, and upload the file again."
        )


def _check_announced(engine: DuckDBPyConnection, path: Path) -> tuple[int, float]:
    """Rows, and bytes a row."""
    found = engine.execute(
        "SELECT coalesce(sum(num_values), 0), coalesce(sum(total_uncompressed_size), 0), max(row_group_num_rows)"
        f" FROM parquet_metadata({literal(path)})"
    ).fetchone()
    counted = engine.execute(f"SELECT num_rows FROM parquet_file_metadata({literal(path)})").fetchone()
    if not found or not counted or counted[0] < 0 or found[1] < 0:
        raise CorruptTable("The Parquet file's footer makes no sense. Write it again and upload the new file.")
    if counted[0] > LIMITS.max_rows or found[1] > LIMITS.max_unpacked_bytes:
        raise DecompressionBomb(
            f"The Parquet file announces {counted[0]:,} rows of {found[1] / MIB:,.0f} MiB; up to {LIMITS.max_rows:,} "
            f"rows of {LIMITS.max_unpacked_bytes / MIB:,.0f} MiB are allowed. Split it and upload the parts."
        )
    return int(counted[0]), found[1] / max(1, counted[0])
