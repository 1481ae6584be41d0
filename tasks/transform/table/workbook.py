"""Reads the sheets of a workbook with calamine, in a confined child: a small file may claim billions of cells.

The child leaves each sheet as CSV and says which kinds of cells it saw; formulas give their stored results.
"""

import datetime as dt
import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any

import python_calamine as calamine
from duckdb import DuckDBPyConnection

from tasks.shared.confined import ConfinedError, Confines, confined
from tasks.transform.table.delimited import CleanWriter, check_columns, header_notes, load_clean
from tasks.transform.table.header import Start, find_start
from tasks.transform.table.limits import LIMITS
from tasks.transform.table.names import column_names
from tasks.transform.table.raw import Family, RawColumn, RawTable
from tasks.transform.table.rejects import Rejects
from tasks.transform.table.totals import without_total
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
_MAX_EXACT_WHOLE, _MAX_WRITTEN_WHOLE = 2.0**53, 1e16
"""Below the one, no number is another's double; below the other, all digits of a double are written."""
_MAX_SAID_CHARS = 1000
_ISO_DURATION = re.compile(r"PT(?P<hours>\d{1,6})H(?P<minutes>\d{1,2})M(?P<seconds>\d{1,2}(?:\.\d{1,6})?)S")
"""How OpenDocument writes what is a day or more."""
_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml")
_XLSX_FORMULA_WITHOUT_RESULT = re.compile(
    rb"<c\b([^>]{0,200})><f\b(?:[^>]{0,2000}/>|[^>]{0,2000}>[^<]{0,9000}</f>)(?:<v\s?/>|<v></v>)?</c>"
)
_XLSX_ERROR, _XLSX_FORMULA = re.compile(rb'<c\b[^>]{0,200}\bt="e"'), re.compile(rb"<f\b")
_BOOK = "xl/workbook.xml"
_XLS_FORMULA_WITHOUT_RESULT = re.compile(rb"\x06\x00.{8}\x03\0\0\0\0\0\xff\xff", re.DOTALL)

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
    if sheets:
        sheets[0]["notes"] += _notes_of_cells(path)
    if not sheets:
        raise CorruptTable("No sheet of the workbook holds a table. Upload a workbook with at least one row of cells.")
    return [_loaded(sheet, name if len(sheets) == 1 else sheet["name"], engine, scratch) for sheet in sheets]


def _unreadable(reason: str) -> CorruptTable:
    return CorruptTable(f"The workbook cannot be read, because {reason}. Save its sheets as CSV and upload these.")


def _loaded(sheet: Mapping[str, Any], name: str, engine: DuckDBPyConnection, scratch: Path) -> RawTable:
    source, kept = Path(sheet["path"]), sheet["kept"]
    columns = tuple(
        RawColumn(column, frozenset(families))
        for column, families in zip(sheet["columns"], sheet["families"], strict=True)
    )
    row_bytes = source.stat().st_size / max(1, sheet["rows"])
    path = scratch / f"{source.stem}.parquet"
    table = RawTable(
        name, path, columns, sheet["rows"], row_bytes, notes=tuple(sheet["notes"]), facts={"sheet": sheet["name"]}
    )
    load_clean(engine, source, table, kept, sheet["width"])
    source.unlink()
    with Rejects(scratch / f"rejects-{source.stem}.ndjson") as rejects:
        for left in sheet["left_out"]:
            rejects.leave_out(*left)
        table = without_total(engine, table, lambda: sheet["last_row"], rejects)
    return rejects.told(table)


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
    rows = _rows(book.get_sheet_by_name(sheet.name))
    head = list(islice(rows, _HEAD_ROWS))
    if not head:
        return None
    width = max(len(row) for _, row in head)
    start = _as_wide(find_start([[_text(cell) for cell in row] for _, row in head], width), width)
    named = start.titles + (start.header is not None)
    first_row = named + start.beneath
    body = _Body(start)
    body.write(chain(head[first_row:], rows), path)
    left_out = [
        *((*_said(row), "above the table") for row in head[: start.titles]),
        *((*_said(row), start.reason) for row in head[named:first_row]),
        *((*_said(row), "the names again") for row in body.again),
    ]
    names = start.header or [""] * start.width
    kept = [at for at in range(start.width) if names[at].strip() or body.is_filled[at]]
    check_columns(len(kept))
    kept_names = [names[at] for at in kept]
    shown = replace(start, header=tuple(kept_names) if start.header else None)
    notes = {
        f"{start.width - len(kept):,} columns without a name and a value are left out": len(kept) < start.width,
        f"{body.rounded:,} numbers have more digits than a workbook keeps": body.rounded,
        f"the names come again, and are left out ({len(body.again):,} times)": body.again,
        "the sheet is hidden": sheet.visible != calamine.SheetVisibleEnum.Visible,
    }
    return {
        "name": sheet.name,
        "path": str(path),
        "width": start.width,
        "kept": kept,
        "columns": column_names(kept_names),
        "families": [sorted(body.seen[at]) for at in kept],
        "rows": body.rows,
        "last_row": body.last_row,
        "left_out": [(number, reason, text) for number, text, reason in left_out],
        "notes": [*header_notes(shown), *(note for note, applies in notes.items() if applies)],
    }


def _as_wide(start: Start, width: int) -> Start:
    """As wide as the sheet: whether a column is empty is seen when all rows are read."""
    header = None if start.header is None else (*start.header, *[""] * (width - start.width))
    return replace(start, header=header, width=width, row_width=width)


NumberedRow = tuple[int, list[Cell]]


def _rows(sheet: calamine.CalamineSheet) -> Iterator[NumberedRow]:
    """Those that are not empty, with their numbers; of a sheet with a stray blank far away, only the columns in use."""
    width = sheet.width
    if width > LIMITS.max_columns:
        width = max((_filled_width(row) for row in sheet.iter_rows()), default=0)
        check_columns(width)
    return ((number, row[:width]) for number, row in enumerate(sheet.iter_rows(), 1) if not _is_empty(row))


def _filled_width(row: Sequence[Cell]) -> int:
    return next((at + 1 for at in range(len(row) - 1, -1, -1) if not _is_blank(row[at])), 0)


def _said(row: NumberedRow) -> tuple[int, str]:
    number, cells = row
    return number, ", ".join(filter(None, map(_text, cells)))[:_MAX_SAID_CHARS]


@dataclass
class _Body:
    """The rows below the header, as they are written, and what was seen of them."""

    start: Start
    rows: int = 0
    last_row: int = 0
    rounded: int = 0
    again: list[NumberedRow] = field(default_factory=list[NumberedRow])
    seen: list[set[Family]] = field(default_factory=list[set[Family]])
    is_filled: list[bool] = field(default_factory=list[bool])

    def write(self, rows: Iterable[NumberedRow], path: Path) -> None:
        self.seen = [set() for _ in range(self.start.width)]
        self.is_filled = [False] * self.start.width
        with path.open("w", encoding="utf-8", errors="replace", newline="") as file:
            writer = CleanWriter(file)
            for row in self._texts(rows):
                writer.write(row)

    def _texts(self, rows: Iterable[NumberedRow]) -> Iterator[list[str]]:
        for number, row in rows:
            texts = [_text(cell) for cell in row[: self.start.width]]
            if self.start.header and tuple(texts) == self.start.header:
                self.again.append((number, row))
                continue
            self.rows, self.last_row = self.rows + 1, number
            for at, cell in enumerate(row[: self.start.width]):
                if type(cell) in _FAMILIES:
                    self.seen[at].add(_FAMILIES[type(cell)])
                    self.rounded += type(cell) is float and abs(cell) >= _MAX_EXACT_WHOLE
                self.is_filled[at] = self.is_filled[at] or not _is_blank(cell)
            yield texts + [""] * (self.start.width - len(texts))


def _is_blank(cell: Cell) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())


def _is_empty(row: Iterable[Cell]) -> bool:
    return all(map(_is_blank, row))


def _text(cell: Cell) -> str:
    """As it is read again: whole numbers without a fraction, times in ISO's form, durations in hours."""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < _MAX_WRITTEN_WHOLE:
        return str(int(cell))
    if isinstance(cell, dt.datetime):
        return cell.isoformat(" ")
    if isinstance(cell, dt.timedelta):
        return _hours(cell)
    if isinstance(cell, str) and (found := _ISO_DURATION.fullmatch(cell)):
        return _hours(dt.timedelta(**{unit: float(number) for unit, number in found.groupdict("0").items()}))
    return "" if cell is None else str(cell)


def _hours(duration: dt.timedelta) -> str:
    minutes, seconds = divmod(abs(duration), dt.timedelta(minutes=1))
    hours, minutes = divmod(minutes, 60)
    fraction = f".{seconds.microseconds:06}" if seconds.microseconds else ""
    return f"{'-' if duration < dt.timedelta() else ''}{hours:02}:{minutes:02}:{seconds.seconds:02}{fraction}"


@dataclass
class _Cells:
    """How many have no value, or none that was calculated: programs that only write workbooks calculate nothing."""

    without_result: int = 0
    errors: int = 0
    formulas: int = 0
    zeros: int = 0


def _notes_of_cells(path: Path) -> list[str]:
    cells, is_to_be_calculated = _counted(path)
    notes = {
        f"{cells.without_result:,} formulas have no stored result, or an empty one: their cells are empty": (
            cells.without_result
        ),
        f"{cells.errors:,} cells hold an error, such as #N/A: they are empty": cells.errors,
        f"all {cells.formulas:,} formulas have 0 for a result, and the workbook is to be calculated when it is opened: "
        "open and save it, and upload it again": is_to_be_calculated and 0 < cells.formulas == cells.zeros,
    }
    return [note for note, applies in notes.items() if applies]


def _counted(path: Path) -> tuple[_Cells, bool]:
    cells = _Cells()
    with path.open("rb") as file:
        is_zip = file.read(2) == b"PK"
        file.seek(0)
        if not is_zip:
            found = (match for piece in _pieces(file) for match in _XLS_FORMULA_WITHOUT_RESULT.finditer(piece))
            cells.without_result = sum(1 for _ in found)
            return cells, False
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        for name in filter(_SHEET.fullmatch, names):
            _count_cells(archive, name, cells)
        return cells, _BOOK in names and b"fullCalcOnLoad=" in archive.read(_BOOK)


def _count_cells(archive: zipfile.ZipFile, name: str, cells: _Cells) -> None:
    with archive.open(name) as file:
        for piece in _pieces(file):
            if b't="e"' in piece:
                cells.errors += len(_XLSX_ERROR.findall(piece))
            if b"<f" in piece:
                without = _XLSX_FORMULA_WITHOUT_RESULT.finditer(piece)
                cells.without_result += sum(b't="str"' not in cell[1] for cell in without)
                cells.formulas += len(_XLSX_FORMULA.findall(piece))
                cells.zeros += piece.count(b"</f><v>0</v>")


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    """Of a megabyte; a formula that is cut by the end of one is not counted."""
    return iter(lambda: file.read(MIB), b"")
