"""Reads CSV and its relatives. DuckDB alone reads a file that keeps its own rules, strictly.

Where it finds a fault, the file is put right first, row by row in Python: good rows go on, bad ones to the rejects.
"""

import csv
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import IO

import duckdb
from duckdb import DuckDBPyConnection

from tasks.transform.table.dialect import (
    DRAWING,
    EMPTY_ROW,
    ONE_COLUMN,
    Dialect,
    Layout,
    Lines,
    is_blank,
    is_drawing,
)
from tasks.transform.table.engine import literal, row_group_rows, write_parquet
from tasks.transform.table.header import Start
from tasks.transform.table.limits import LIMITS
from tasks.transform.table.names import column_names
from tasks.transform.table.plain import PlainText
from tasks.transform.table.raw import RawColumn, RawTable
from tasks.transform.table.rejects import Rejects
from tasks.transform.table.totals import is_labelled, last_line, tail, without_total
from tasks.transform.table.types import UNLIKE
from workflow.errors import TooManyColumns

_BUFFERED_LINES = 4
_AGAIN = "the names again"
_CLEAN = Dialect(",", '"', '"')


class CleanWriter:
    """Python's csv, which puts no cell in quotes for a carriage return that is in it."""

    def __init__(self, file: IO[str]) -> None:
        self._plain = csv.writer(file, lineterminator="\n")
        self._quoted = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)

    def write(self, row: Sequence[str]) -> None:
        (self._quoted if "\r" in "".join(row) else self._plain).writerow(row)


class _FaultyError(Exception):
    """A file that does not keep its own rules everywhere: it is looked into row by row."""


def read_delimited(text: PlainText, layout: Layout, name: str, engine: DuckDBPyConnection, scratch: Path) -> RawTable:
    """One table, all of whose values are still text; raises a RejectedError."""
    table = _table(text, name, scratch, layout)
    with Rejects(scratch / "rejects.ndjson") as rejects:
        table = _read(engine, text, table, layout, rejects)
        table = without_total(engine, table, lambda: last_line(text.path), rejects)
    return rejects.told(table)


def keep_text(text: PlainText, layout: Layout, name: str, scratch: Path) -> RawTable | None:
    """The table as it is in its text, if nothing there has to be put right or left out as far as one can see.

    It is an error, when it is read, if that turns out not to be so: then `read_delimited` does it.
    """
    start, dialect = layout.start, layout.dialect
    is_plain = text.is_clean and layout.can_skip and dialect.is_plain and dialect.quote == dialect.escape == '"'
    is_bare = start.width > 1 and start.row_width == start.width and not layout.left_out
    if not is_plain or not is_bare or _may_end_in_total(text.path, dialect):
        return None
    rows = _reader(text.path, dialect, f"skip = {layout.data_line}", start.width)
    again = f"CASE WHEN {_is_header(start.header)} THEN {UNLIKE} ELSE c0 END" if start.header else "c0"
    return replace(_table(text, name, scratch, layout), text=f"(SELECT * REPLACE ({again} AS c0) FROM {rows})")


def _may_end_in_total(path: Path, dialect: Dialect) -> bool:
    """Also where the last line is too long to be looked at, or cannot be read by itself."""
    *before, last = tail(path).rstrip().splitlines() or [b""]
    try:
        (row,) = dialect.reader(iter([last.decode("utf-8", "replace")]))
    except (csv.Error, ValueError):
        return True
    return not before or is_labelled(row)


def _table(text: PlainText, name: str, scratch: Path, layout: Layout) -> RawTable:
    check_columns(layout.start.width)
    return RawTable(
        name,
        scratch / "raw.parquet",
        tuple(map(RawColumn, column_names(layout.start.header or [""] * layout.start.width))),
        0,
        layout.row_bytes,
        header_rows=int(layout.start.header is not None),
        notes=(*text.notes, *header_notes(layout.start)),
        facts=_facts(text, layout),
    )


def _read(engine: DuckDBPyConnection, text: PlainText, table: RawTable, layout: Layout, rejects: Rejects) -> RawTable:
    for left in layout.left_out:
        rejects.leave_out(left.line, left.reason, left.text)
    if text.is_clean and layout.can_skip and layout.dialect.is_plain:
        try:
            return replace(table, rows=_load_strictly(engine, text.path, table, layout))
        except (duckdb.InvalidInputException, duckdb.ConversionException, _FaultyError):
            pass
    return _read_put_right(text, table, layout, engine, rejects)


def check_columns(count: int) -> None:
    """Raises TooManyColumns."""
    if count > LIMITS.max_columns:
        raise TooManyColumns(
            f"The table has {count:,} columns; up to {LIMITS.max_columns:,} are allowed. "
            "Turn repeated columns into rows, or upload it in parts."
        )


def load_clean(
    engine: DuckDBPyConnection, path: Path, table: RawTable, kept: Sequence[int] = (), width: int = 0
) -> int:
    """CSV without a header that a CleanWriter wrote, into the table's Parquet file; the number of rows.

    Of its `width` columns those that are `kept`, or all.
    """
    return _load(engine, path, table, _CLEAN, "new_line = '\\n'", width or len(table.columns), kept)


def _load_strictly(engine: DuckDBPyConnection, path: Path, table: RawTable, layout: Layout) -> int:
    """Raises _FaultyError where names come again, or a cell after the last delimiter of a row is not empty."""
    start = layout.start
    rows = _load(engine, path, table, layout.dialect, f"skip = {layout.data_line}", start.row_width)
    faults = [f"c{at} IS NOT NULL" for at in range(start.width, start.row_width)]
    if start.header:
        faults.append(_is_header(start.header))
    if faults:
        found = engine.execute(
            f"SELECT count(*) FROM read_parquet({literal(table.path)}) WHERE {' OR '.join(faults)}"
        ).fetchone()
        if found and found[0]:
            raise _FaultyError
    return rows


def _is_header(header: Sequence[str]) -> str:
    return " AND ".join(f"c{at} {_equals(cell)}" for at, cell in enumerate(header))


def _equals(cell: str) -> str:
    return f"= {literal(cell)}" if cell else "IS NULL"


def _load(
    engine: DuckDBPyConnection,
    path: Path,
    table: RawTable,
    dialect: Dialect,
    option: str,
    row_width: int,
    kept: Sequence[int] = (),
) -> int:
    wanted = ", ".join(f"c{at} AS c{place}" for place, at in enumerate(kept)) or "*"
    query = f"SELECT {wanted} FROM {_reader(path, dialect, option, row_width)}"
    group_rows = row_group_rows(table.row_bytes, len(table.columns))
    return write_parquet(engine, query, table.path, group_rows, "lz4_raw")


def _reader(path: Path, dialect: Dialect, option: str, row_width: int) -> str:
    """SQL after FROM: columns of text, called c0, c1, ..."""
    fields = ", ".join(f"'c{at}': 'VARCHAR'" for at in range(row_width))
    return f"""read_csv(
        {literal(path)}, auto_detect = false, columns = {{{fields}}}, header = false, {option},
        delim = {literal(dialect.delimiter)}, quote = {literal(dialect.quote)}, escape = {literal(dialect.escape)},
        strict_mode = true, null_padding = false, max_line_size = {LIMITS.max_line_bytes},
        buffer_size = {LIMITS.max_line_bytes * _BUFFERED_LINES})"""


def _read_put_right(
    text: PlainText, table: RawTable, layout: Layout, engine: DuckDBPyConnection, rejects: Rejects
) -> RawTable:
    clean = table.path.with_suffix(".csv")
    with clean.open("w", encoding="utf-8", newline="") as file, long_cells():
        writer = CleanWriter(file)
        for row in _good_rows(text.path, layout, rejects):
            writer.write(row)
    rejects.check()
    rows = load_clean(engine, clean, table)
    clean.unlink()
    again = rejects.reasons[_AGAIN]
    notes = (f"the names come again, and are left out ({again:,} times)",) if again else ()
    return replace(table, rows=rows, notes=(*table.notes, *notes))


@contextmanager
def long_cells() -> Generator[None]:
    """Python's csv takes a cell of more than 128 KiB for a fault; its limit can only be set for the process."""
    usual = csv.field_size_limit(LIMITS.max_line_bytes)
    try:
        yield
    finally:
        csv.field_size_limit(usual)


def _good_rows(path: Path, layout: Layout, rejects: Rejects) -> Iterator[list[str]]:
    start = layout.start
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        lines = Lines(file)
        while lines.number < layout.data_line:
            next(lines)
        lines.taken.clear()
        reader = layout.dialect.reader(lines)
        while (read := _next_row(reader, start.width)) is not None:
            row, fault = read
            if (fault or not layout.dialect.is_plain) and is_drawing(lines.taken[0]):
                lines.give_back(keep=1)
                rejects.leave_out(lines.number, DRAWING, lines.taken[0])
            elif fault:
                lines.give_back(keep=1)
                rejects.add(lines.number, fault, lines.taken[0])
                reader = layout.dialect.reader(lines)
            elif start.header and tuple(row[: start.width]) == start.header:
                rejects.leave_out(lines.number, _AGAIN, "".join(lines.taken))
            elif start.width == 1 or (len(row) >= start.width and lines.taken[0].strip()):
                rejects.good += 1
                yield row[: start.width] or [""]
            elif "".join(lines.taken).strip():
                rejects.leave_out(lines.number, EMPTY_ROW, "".join(lines.taken))
            lines.taken.clear()


def _next_row(reader: Iterator[list[str]], width: int) -> tuple[list[str], str] | None:
    """A row and what is wrong with it, None at the end of the file."""
    try:
        row = next(reader)
    except StopIteration:
        return None
    except csv.Error as exc:
        return [], f"quotes cannot be read ({exc})"
    return row, _fault(row, width)


def _fault(row: list[str], width: int) -> str:
    """Blank lines, and empty cells beyond the last column, are none."""
    if is_blank(row):
        return ""
    if not all(map(_is_decoded, row)):
        return "not UTF-8"
    if len(row) < width:
        return f"{len(row)} of {width} cells"
    return f"{len(row)} cells instead of {width}" if not is_blank(row[width:]) else ""


def _is_decoded(cell: str) -> bool:
    return cell.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in cell)


def header_notes(start: Start) -> tuple[str, ...]:
    """What people should know of where the table was found."""
    named = column_names(start.header or ())
    said = {
        f"{start.titles} line{'s'[: start.titles - 1]} above the table left out": start.titles,
        f"{start.beneath} line{'s'[: start.beneath - 1]} below the names left out: {start.reason}": start.beneath,
        "there is no header: columns are numbered": start.header is None,
        start.doubt: start.doubt,
        "some columns had no name, or the same: they were numbered": start.header
        and named != tuple(name.strip() for name in start.header),
    }
    return tuple(note for note, applies in said.items() if applies)


def _facts(text: PlainText, layout: Layout) -> dict[str, str]:
    delimiter = "" if layout.dialect == ONE_COLUMN else layout.dialect.delimiter
    return {"encoding": text.encoding, "delimiter": delimiter}
