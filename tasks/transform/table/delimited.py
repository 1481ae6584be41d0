"""Reads CSV and its relatives. DuckDB alone reads a file that keeps its own rules, strictly.

Where it finds a fault, the file is put right first, row by row in Python: good rows go on, bad ones to the rejects.
"""

import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection

from tasks.transform.table.dialect import SPACES, Dialect, Layout, Lines, is_blank, read_layout
from tasks.transform.table.engine import literal, row_group_rows, write_parquet
from tasks.transform.table.header import Start
from tasks.transform.table.limits import LIMITS
from tasks.transform.table.names import column_names
from tasks.transform.table.plain import PlainText
from tasks.transform.table.raw import RawColumn, RawTable
from tasks.transform.table.rejects import Rejects
from workflow.errors import TooManyColumns

_BUFFERED_LINES = 4


def read_delimited(text: PlainText, name: str, engine: DuckDBPyConnection, scratch: Path) -> RawTable:
    """One table, all of whose values are still text; raises a RejectedError."""
    layout = read_layout(text.path)
    check_columns(layout.start.width)
    columns = tuple(map(RawColumn, column_names(layout.start.header or [""] * layout.start.width)))
    facts = _facts(text, layout)
    table = RawTable(
        name,
        scratch / "raw.parquet",
        columns,
        0,
        layout.row_bytes,
        notes=(*text.notes, *header_notes(layout.start)),
        facts=facts,
    )
    if text.is_clean and layout.can_skip and layout.dialect != SPACES:
        try:
            return replace(table, rows=_load(engine, text.path, table, layout.dialect, f"skip = {layout.data_line}"))
        except (duckdb.InvalidInputException, duckdb.ConversionException):
            pass  # a fault that is looked into row by row
    return _read_put_right(text, table, layout, engine, scratch)


def check_columns(count: int) -> None:
    """Raises TooManyColumns."""
    if count > LIMITS.max_columns:
        raise TooManyColumns(
            f"The table has {count:,} columns; up to {LIMITS.max_columns:,} are allowed. "
            "Turn repeated columns into rows, or upload it in parts."
        )


def load_clean(engine: DuckDBPyConnection, path: Path, table: RawTable) -> int:
    """CSV without a header that Python's csv wrote, into the table's Parquet file; the number of rows."""
    return _load(engine, path, table, Dialect(",", '"', '"'), "new_line = '\\n'")


def _load(engine: DuckDBPyConnection, path: Path, table: RawTable, dialect: Dialect, option: str) -> int:
    fields = ", ".join(f"'c{at}': 'VARCHAR'" for at in range(len(table.columns)))
    query = f"""
        FROM read_csv({literal(path)}, auto_detect = false, columns = {{{fields}}}, header = false, {option},
            delim = {literal(dialect.delimiter)}, quote = {literal(dialect.quote)}, escape = {literal(dialect.escape)},
            strict_mode = true, null_padding = false, max_line_size = {LIMITS.max_line_bytes},
            buffer_size = {LIMITS.max_line_bytes * _BUFFERED_LINES})"""
    group_rows = row_group_rows(table.row_bytes, len(table.columns))
    return write_parquet(engine, query, table.path, group_rows, "lz4_raw")


def _read_put_right(
    text: PlainText, table: RawTable, layout: Layout, engine: DuckDBPyConnection, scratch: Path
) -> RawTable:
    clean = scratch / "clean.csv"
    with Rejects(scratch / "rejects.ndjson") as rejects:
        with clean.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerows(_good_rows(text.path, layout, rejects))
        rejects.check()
    rows = load_clean(engine, clean, table)
    return replace(table, rows=rows, bad_rows=rejects.bad, rejects=rejects.path if rejects.bad else None)


def _good_rows(path: Path, layout: Layout, rejects: Rejects) -> Iterator[list[str]]:
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        lines = Lines(file)
        while lines.number < layout.data_line:
            next(lines)
        lines.taken.clear()
        width, reader = layout.start.width, layout.dialect.reader(lines)
        while (read := _next_row(reader, width)) is not None:
            row, fault = read
            if fault:
                lines.give_back(keep=1)
                rejects.add(lines.number, fault, lines.taken[0])
                reader = layout.dialect.reader(lines)
            elif len(row) >= width or width == 1:
                rejects.good += 1
                yield row[:width] or [""]
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
        "there is no header: columns are numbered": start.header is None,
        "some columns had no name, or the same: they were numbered": start.header
        and named != tuple(name.strip() for name in start.header),
    }
    return tuple(note for note, applies in said.items() if applies)


def _facts(text: PlainText, layout: Layout) -> dict[str, str]:
    return {"encoding": text.encoding, "delimiter": layout.dialect.delimiter}
