"""DuckDB, closed off: no network, no extensions, no files but the original and the scratch folder, bounded memory."""

import re
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import duckdb
from duckdb import DuckDBPyConnection

from tasks.transform.table.limits import LIMITS
from workflow.errors import CorruptTable, TooLarge, TransientError
from workflow.units import MIB

MAX_ROW_GROUP_ROWS, MIN_ROW_GROUP_ROWS = 122_880, 2048
_OWN_PATH = re.compile(r""" (?:in|at|for) file ["'][^"']*["'],?|["']?/[^\s"':]+["']?""")
_KIND_OF_ERROR = re.compile(r"^(?:INTERNAL Error: .* Error: |[A-Za-z ]{1,30} Error: )+")
ROW_NUMBER = "file_row_number"
_ROW_GROUP_BYTES = 32 * MIB
_COLUMN_BYTES = 4


@contextmanager
def open_engine(original: Path, scratch: Path) -> Generator[DuckDBPyConnection]:
    """A connection in which text of a file can reach nothing else; DuckDB's errors become a RejectedError."""
    with duckdb.connect(config={"threads": LIMITS.engine_threads}) as engine, _errors_named():
        engine.execute(f"""
            SET memory_limit = '{LIMITS.engine_memory_bytes}B';
            SET temp_directory = {literal(scratch / "spill")};
            SET TimeZone = 'UTC';
            SET Calendar = 'gregorian';
            SET enable_progress_bar = false;
            SET autoinstall_known_extensions = false;
            SET autoload_known_extensions = false;
            SET allowed_directories = [{literal(f"{scratch}/")}];
            SET allowed_paths = [{literal(original)}];
            SET enable_external_access = false;
            SET lock_configuration = true;
        """)
        yield engine


def literal(value: object) -> str:
    """A text or a path, quoted for SQL."""
    return "'" + str(value).replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A column's name, quoted for SQL."""
    return '"' + name.replace('"', '""') + '"'


def parquet_files(paths: Iterable[Path], *options: str) -> str:
    """SQL after FROM for Parquet files, read as one; `options` are switched on."""
    said = "".join(f", {option} = true" for option in options)
    return f"read_parquet([{', '.join(map(literal, paths))}], hive_partitioning = false{said})"


def numbered(path: Path, names: Sequence[str]) -> str:
    """SQL for the rows of a Parquet file with these columns, here called c0, c1, ..., and their number, `row`."""
    aliases = [f"c{at}" for at in range(len(names))]
    source = f"read_parquet({literal(path)}, hive_partitioning = false"
    if ROW_NUMBER not in map(str.casefold, names):
        return f"{source}, {ROW_NUMBER} = true) AS t({', '.join([*aliases, 'row'])})"
    return f"(SELECT *, row_number() OVER () - 1 AS row FROM {source}) AS t({', '.join(aliases)}))"


def write_parquet(
    engine: DuckDBPyConnection,
    query: str,
    path: Path,
    group_rows: int,
    compression: Literal["zstd", "lz4_raw"] = "zstd",
) -> int:
    """Write what `query` yields; the number of rows. "lz4_raw" is for what is only read again here."""
    copied = engine.execute(
        f"COPY ({query}) TO {literal(path)} (FORMAT parquet, COMPRESSION {compression}, ROW_GROUP_SIZE {group_rows})"
    ).fetchone()
    return int(copied[0]) if copied else 0


def row_group_rows(row_bytes: float, columns: int) -> int:
    """A row group is held in memory while it is written: long rows and many columns take smaller ones."""
    fitting = _ROW_GROUP_BYTES / max(1, row_bytes, columns * _COLUMN_BYTES)
    return int(min(MAX_ROW_GROUP_ROWS, max(MIN_ROW_GROUP_ROWS, fitting)))


@contextmanager
def _errors_named() -> Generator[None]:
    try:
        yield
    except duckdb.OutOfMemoryException as exc:
        raise TooLarge(
            f"The table cannot be converted within {LIMITS.engine_memory_bytes // MIB} MiB of memory: it has too many "
            "columns, or too long values. Split it and upload the parts."
        ) from exc
    except duckdb.IOException as exc:
        if "No space left" in str(exc):
            raise TransientError(f"The function's disk is full ({exc}).") from exc
        raise corrupt(exc) from exc
    except (duckdb.Error, UnicodeError, RuntimeError) as exc:
        raise corrupt(exc) from exc


def corrupt(exc: Exception) -> CorruptTable:
    """What DuckDB found, without its advice on its own options and without paths of this machine."""
    first_line = str(exc).partition("\n")[0]
    finding = _KIND_OF_ERROR.sub("", _OWN_PATH.sub("", first_line)).strip(" .")[:300]
    return CorruptTable(f"The table cannot be read: {finding}. Export it again and upload the new file.")
