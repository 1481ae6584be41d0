"""Takes a Parquet file as it is: its types are its own. What it announces is checked before anything is decoded."""

from pathlib import Path

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
_MARK, _ENCRYPTED_MARK = b"PAR1", b"PARE"


def read_parquet(path: Path, name: str, engine: DuckDBPyConnection, scratch: Path) -> RawTable:
    """One table; raises a RejectedError."""
    _check_end(path)
    try:
        rows, row_bytes = _check_announced(engine, path)
        notes = _check_types(engine, path)
        names = [row[0] for row in engine.execute(f"DESCRIBE FROM read_parquet({literal(path)})").fetchall()]
        check_columns(len(names))
        raw = scratch / "raw.parquet"
        fields = ", ".join(f"{identifier(column)} AS c{at}" for at, column in enumerate(names))
        query = f"SELECT {fields} FROM read_parquet({literal(path)}, hive_partitioning = false)"
        write_parquet(engine, query, raw, row_group_rows(row_bytes, len(names)), "lz4_raw")
    except duckdb.Error as exc:
        raise corrupt(exc) from exc
    columns = tuple(RawColumn(column, None) for column in column_names(names))
    return RawTable(name, raw, columns, rows, row_bytes, notes=notes)


def _check_end(path: Path) -> None:
    with path.open("rb") as file:
        head = file.read(len(_MARK))
        file.seek(-min(len(_MARK), path.stat().st_size), 2)
        tail = file.read()
    if _ENCRYPTED_MARK in {head, tail}:
        raise EncryptedFile("The Parquet file is encrypted. Write it without encryption and upload it again.")
    if tail != _MARK:
        raise TruncatedFile("The Parquet file ends before its footer. Upload the complete file again.")


def _check_types(engine: DuckDBPyConnection, path: Path) -> tuple[str, ...]:
    """What is told of types that no engine here holds whole; raises UnsupportedCodec for what would be rounded."""
    found = engine.execute(f"SELECT name, type, precision FROM parquet_schema({literal(path)})").fetchall()
    wide = [f'"{name}" ({precision} digits)' for name, _, precision in found if (precision or 0) > _MAX_DIGITS]
    if wide:
        raise UnsupportedCodec(
            f"The Parquet file has decimals of more than {_MAX_DIGITS} digits: {', '.join(wide[:3])}. They would be "
            "rounded. Write such columns as text, or with fewer digits, and upload the file again."
        )
    cut = [name for name, kind, _ in found if kind == "INT96"]
    return tuple(f'"{name}" is INT96: of its nanoseconds, microseconds are kept' for name in cut)


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
