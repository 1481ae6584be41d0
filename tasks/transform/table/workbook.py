"""Reads the sheets of a workbook with calamine, in a confined child: a small file may claim billions of cells.

The child leaves each sheet as CSV and says which kinds of cells it saw; formulas give their stored results.
"""

import csv
import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any

import python_calamine as calamine
from duckdb import DuckDBPyConnection

from tasks.confined import ConfinedError, Confines, confined
from tasks.transform.table.delimited import check_columns, header_notes, load_clean
from tasks.transform.table.header import find_start
from tasks.transform.table.limits import LIMITS
from tasks.transform.table.names import column_names
from tasks.transform.table.raw import Family, RawColumn, RawTable
from workflow.errors import CorruptTable, EncryptedFile, TooManyTables
from workflow.units import MIB

_HEAD_ROWS = 1000
_FAMILIES: Mapping[type, Family] = {
    bool: "boolean",
    int: "number",
    float: "number",
    dt.date: "time",
    dt.datetime: "time",
}
_MAX_EXACT_WHOLE = 1e15

Cell = Any
"""What calamine makes of a cell: text, number, truth, date, time or duration."""


def read_workbook(path: Path, name: str, engine: DuckDBPyConnection, scratch: Path) -> list[RawTable]:
    """One table for each sheet that is not empty; raises a RejectedError."""
    confines = Confines(
        LIMITS.max_workbook_memory_bytes // MIB, LIMITS.max_workbook_seconds, LIMITS.max_workbook_seconds
    )
    try:
        sheets = confined(write_sheets, str(path), str(scratch), confines=confines)
    except ConfinedError as exc:
        raise _unreadable(f"it {exc}") from exc
    except RuntimeError as exc:
        raise _unreadable("its structure stops the program that reads it") from exc
    if not sheets:
        raise CorruptTable("No sheet of the workbook holds a table. Upload a workbook with at least one row of cells.")
    return [_loaded(sheet, name if len(sheets) == 1 else sheet["name"], engine, scratch) for sheet in sheets]


def _unreadable(reason: str) -> CorruptTable:
    return CorruptTable(f"The workbook cannot be read, because {reason}. Save its sheets as CSV and upload these.")


def _loaded(sheet: Mapping[str, Any], name: str, engine: DuckDBPyConnection, scratch: Path) -> RawTable:
    source = Path(sheet["path"])
    columns = tuple(
        RawColumn(column, frozenset(families))
        for column, families in zip(sheet["columns"], sheet["families"], strict=True)
    )
    row_bytes = source.stat().st_size / max(1, sheet["rows"])
    path = scratch / f"{source.stem}.parquet"
    table = RawTable(
        name, path, columns, sheet["rows"], row_bytes, notes=tuple(sheet["notes"]), facts={"sheet": sheet["name"]}
    )
    load_clean(engine, source, table)
    source.unlink()
    return table


def write_sheets(path: str, folder: str) -> list[dict[str, Any]]:
    """In the child: every sheet with cells as CSV in `folder`, and what is known of it."""
    try:
        with calamine.CalamineWorkbook.from_path(path) as book:
            wanted = [sheet for sheet in book.sheets_metadata if sheet.typ == calamine.SheetTypeEnum.WorkSheet]
            sheets = (_written(book, sheet, Path(folder) / f"sheet-{at}.csv") for at, sheet in enumerate(wanted))
            found = list(islice(filter(None, sheets), LIMITS.max_tables + 1))
    except calamine.PasswordError as exc:
        raise EncryptedFile("The workbook needs a password. Save it without one and upload it again.") from exc
    except (calamine.CalamineError, OSError, ValueError) as exc:
        raise CorruptTable(
            f"The workbook cannot be read: {str(exc)[:200]}. Save it again and upload the new file."
        ) from exc
    if len(found) > LIMITS.max_tables:
        raise TooManyTables(
            f"The workbook has more than {LIMITS.max_tables} sheets with cells. Split it and upload the parts."
        )
    return found


def _written(book: calamine.CalamineWorkbook, sheet: calamine.SheetMetadata, path: Path) -> dict[str, Any] | None:
    rows = iter(book.get_sheet_by_name(sheet.name).iter_rows())
    head = [row for row in islice(rows, _HEAD_ROWS) if not _is_empty(row)]
    if not head:
        return None
    width = max(len(row) for row in head)
    check_columns(width)
    start = find_start([[_text(cell) for cell in row] for row in head], width)
    body = _Body(width)
    body.write(chain(head[start.titles + (start.header is not None) :], rows), path)
    hidden = sheet.visible != calamine.SheetVisibleEnum.Visible
    return {
        "name": sheet.name,
        "path": str(path),
        "columns": column_names(start.header or [""] * width),
        "families": [sorted(seen) for seen in body.seen],
        "rows": body.rows,
        "notes": [*header_notes(start), *(["the sheet is hidden"] if hidden else [])],
    }


@dataclass
class _Body:
    """The rows below the header, as they are written: their number, and which kinds of cells each column has."""

    width: int
    rows: int = 0
    seen: list[set[Family]] = field(default_factory=list[set[Family]])

    def write(self, rows: Iterable[list[Cell]], path: Path) -> None:
        self.seen = [set() for _ in range(self.width)]
        with path.open("w", encoding="utf-8", errors="replace", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(self._texts(rows))

    def _texts(self, rows: Iterable[list[Cell]]) -> Iterator[list[str]]:
        for row in rows:
            if not _is_empty(row):
                self.rows += 1
                for at, cell in enumerate(row):
                    if type(cell) in _FAMILIES:
                        self.seen[at].add(_FAMILIES[type(cell)])
                yield [_text(cell) for cell in row] + [""] * (self.width - len(row))


def _is_empty(row: Iterable[Cell]) -> bool:
    return all(cell == "" or cell is None for cell in row)


def _text(cell: Cell) -> str:
    """As it is read again: whole numbers without a fraction, times in ISO's form."""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < _MAX_EXACT_WHOLE:
        return str(int(cell))
    if isinstance(cell, dt.datetime):
        return cell.isoformat(" ")
    return "" if cell is None else str(cell)
