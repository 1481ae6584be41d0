"""A row of totals below a table is no data: it is left out where it is the sum of a column above it, and told."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from duckdb import DuckDBPyConnection

from tasks.transform.table.engine import literal, row_group_rows, write_parquet
from tasks.transform.table.raw import RawTable
from tasks.transform.table.rejects import Rejects
from workflow.units import MIB

_LABEL = re.compile(
    r"(?:grand[ -]?)?(?:total|totals|sum|summe|gesamt(?:summe)?|insgesamt|totale?|totaal|suma|razem|итого|всего"
    r"|合計|总计):?",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"-?[0-9][0-9.,]*")
_NOTE = "the last row, a total, is left out"
_TOLERANCE = 1e-9
_PIECE_BYTES, _TAIL_BYTES = MIB, 65536


def without_total(
    engine: DuckDBPyConnection, table: RawTable, last_line: Callable[[], int], rejects: Rejects
) -> RawTable:
    """The table without a last row that is a total; `last_line` is asked for its number in the file."""
    cells = _last_row(engine, table)
    if not is_labelled(cells) or not _is_sum(engine, table, cells):
        return table
    rejects.leave_out(last_line(), "a total", ", ".join(cell or "" for cell in cells))
    shorter = table.path.with_name(f"{table.path.stem}-rows.parquet")
    query = f"FROM read_parquet({literal(table.path)}) LIMIT {table.rows - 1}"
    rows = write_parquet(engine, query, shorter, row_group_rows(table.row_bytes, len(table.columns)), "lz4_raw")
    shorter.replace(table.path)
    return replace(table, rows=rows, notes=(*table.notes, _NOTE))


def _last_row(engine: DuckDBPyConnection, table: RawTable) -> Sequence[str | None]:
    if table.rows < 3:  # noqa: PLR2004 - of less, nothing can be said
        return ()
    columns = ", ".join(f"c{at}" for at in range(len(table.columns)))
    source = f"SELECT {columns} FROM read_parquet({literal(table.path)})"
    return engine.execute(f"{source} LIMIT 1 OFFSET {table.rows - 1}").fetchone() or ()


def is_labelled(cells: Sequence[str | None]) -> bool:
    """Whether the first of several cells says that it is a total."""
    filled = [cell.strip() for cell in cells if cell and cell.strip()]
    return len(filled) > 1 and _LABEL.fullmatch(filled[0]) is not None


def _is_sum(engine: DuckDBPyConnection, table: RawTable, cells: Sequence[str | None]) -> bool:
    """Whether one of its numbers is the sum of those above it, as numbers may be written."""
    numbered = [at for at, cell in enumerate(cells) if cell and _NUMBER.fullmatch(cell.strip())]
    return any(_adds_up(engine, table, cells, numbered, point) for point in ".,") if numbered else False


def _adds_up(
    engine: DuckDBPyConnection, table: RawTable, cells: Sequence[str | None], numbered: Sequence[int], point: str
) -> bool:
    group = "," if point == "." else "."
    plain = "replace(replace(trim({}), '" + group + "', ''), '" + point + "', '.')"
    sums = ", ".join(f"sum(try_cast({plain.format(f'c{at}')} AS DOUBLE))" for at in numbered)
    above = f"(FROM read_parquet({literal(table.path)}) LIMIT {table.rows - 1})"
    found = engine.execute(f"SELECT {sums} FROM {above}").fetchone() or ()
    values = [_value(cells[at] or "", group, point) for at in numbered]
    pairs = zip(found, values, strict=False)
    return any(
        total is not None and value is not None and abs(total - value) <= _TOLERANCE * max(1, abs(value))
        for total, value in pairs
    )


def _value(cell: str, group: str, point: str) -> float | None:
    try:
        return float(cell.strip().replace(group, "").replace(point, "."))
    except ValueError:
        return None


def last_line(path: Path) -> int:
    """The number of the last line that is not blank."""
    with path.open("rb") as file:
        ends = sum(piece.count(b"\n") for piece in iter(lambda: file.read(_PIECE_BYTES), b""))
    end = tail(path)
    return ends + 1 - end[len(end.rstrip()) :].count(b"\n")


def tail(path: Path) -> bytes:
    """The last 64 KiB of a file."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
        return file.read()
