"""Proves what was made of a table before it is published: no row vanished, and numbers are those of the file.

Rows are counted in the bytes of the file, and numbers compared as decimals in Python: without DuckDB's readers of text.
"""

import csv
import io
import json
import mmap
import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cached_property
from itertools import groupby, islice
from pathlib import Path
from typing import Any, Protocol, cast

import msgspec
from duckdb import DuckDBPyConnection

from tasks.sniffing.text import LOG
from tasks.transform.table.delimited import long_cells
from tasks.transform.table.dialect import Dialect, Lines, is_blank, read_layout
from tasks.transform.table.engine import literal, numbered
from tasks.transform.table.limits import LIMITS, MIB
from workflow.errors import ResultNotProven

_PIECE_BYTES = MIB
_SAMPLED_ROWS, _MAX_PROVEN_COLUMNS = 100, 40
_BEGINS_BLANK = re.compile(rb"\n[\n\r \t]")
_BLANK_LINES = re.compile(rb"(?:^|(?<=\n))[ \t\r]*\n")
_NEITHER_QUOTE_NOR_END = bytes(set(range(256)) - set(b'"\n'))
_NUMBERS = ("BIGINT", "DOUBLE", "DECIMAL", "HUGEINT")

Proven = Mapping[str, Any]
"""What is said of a table: its name, rows, bad_rows, left_out, joined, header_rows and columns."""


def prove_rows(tables: Sequence[Proven], text: "Text", media_type: str) -> None:
    """Rows of the file are rows of the tables, rejects, or left out by name; raises ResultNotProven."""
    found = sum(table["rows"] + table["bad_rows"] + table["left_out"] + table["header_rows"] for table in tables)
    found += sum(table["joined"] for table in tables)
    counts = [*_until(found, _counts(text, media_type, is_narrow=len(tables[0]["columns"]) == 1))]
    if counts and found not in counts:
        raise ResultNotProven(
            f"{found:,} rows were found in the file, told and left out ones among them, but it has another number of "
            "rows. Nothing was published, and the original is where it was: report it with the file."
        )


def _until(wanted: int, counts: Iterator[int]) -> Iterator[int]:
    for count in counts:
        yield count
        if count == wanted:
            return


def _counts(text: "Text", media_type: str, *, is_narrow: bool) -> Iterator[int]:
    """Ways to count, cheap ones first: all is well if one of them agrees."""
    if media_type in {"application/json", "application/x-ndjson"}:
        yield from _counts_of_values(text.path)
        return
    if media_type == LOG:
        yield _count_of_lines(text.path)
        return
    records, blank = (sum(counts) for counts in zip(*((each.records, each.blank) for each in text.pieces), strict=True))
    yield records
    if is_narrow:
        yield records + blank
    if media_type in {"text/csv", "text/tab-separated-values"}:
        yield from _counts_by_rules(text.path)


@dataclass(frozen=True)
class _Piece:
    """Lines of a file from the byte `at` on: `records` end in it, outside of quotes, besides those that are `blank`.

    Lines that are blank before the first other one are not counted.
    """

    at: int
    records: int
    blank: int
    begins_quoted: bool


def _pieces(path: Path) -> Iterator[_Piece]:
    is_quoted, begins, at = False, True, 0
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            piece += file.readline()
            lines, begins = (piece.lstrip(), not piece.strip()) if begins else (piece, False)
            outside, ends_quoted = _outside_quotes(lines, is_quoted=is_quoted)
            if b"\n" not in lines:
                outside = outside.replace(b"\r", b"\n")
            blank = 0
            if outside[:1].isspace() or _BEGINS_BLANK.search(outside):
                blank = len(_BLANK_LINES.findall(outside))
            is_cut = not piece.endswith(b"\n") and bool(outside) and not outside.endswith(b"\n")
            yield _Piece(at, outside.count(b"\n") + is_cut - blank, blank, is_quoted)
            is_quoted, at = ends_quoted, at + len(piece)


def _outside_quotes(piece: bytes, *, is_quoted: bool) -> tuple[bytes, bool]:
    if b'"' not in piece:
        return (b"" if is_quoted else piece), is_quoted
    if not is_quoted and _all_lines_end_outside(piece):
        return piece, False
    parts = piece.split(b'"')
    return b'""' * is_quoted + b'""'.join(parts[is_quoted::2]), is_quoted != (len(parts) % 2 == 0)


def _all_lines_end_outside(piece: bytes) -> bool:
    """Quotes that pair off within their lines: what is between them matters to nobody who counts lines."""
    signs = piece.translate(None, _NEITHER_QUOTE_NOR_END)
    while b'""' in signs:
        signs = signs.replace(b'""', b"")
    return b'"' not in signs


def _counts_by_rules(path: Path) -> Iterator[int]:
    """Row by row, where quotes are not those of most files: with lines that are blank below the first, and without."""
    dialect = read_layout(path).dialect
    rows, blank = 0, 0
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file, long_cells():
        lines = Lines(file)
        reader = dialect.reader(lines)
        while True:
            lines.taken.clear()
            try:
                row = next(reader)
            except StopIteration:
                break
            except csv.Error:
                lines.give_back(keep=1)
                rows, reader = rows + 1, dialect.reader(lines)
                continue
            is_empty = is_blank(row) and not "".join(lines.taken).strip()
            rows, blank = rows + (not is_empty), blank + (is_empty and rows > 0)
    yield rows
    yield rows + blank


def _counts_of_values(path: Path) -> Iterator[int]:
    """None for arrays that are too large to be counted but by the reader that made the table."""
    is_small = path.stat().st_size <= LIMITS.max_json_document_bytes
    lines = _count_of_lines(path)
    with path.open("rb") as file:
        is_array = file.read(_PIECE_BYTES).lstrip()[:1] == b"["
    if is_small or not is_array:
        yield lines
    if not is_small:
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        try:
            yield len(msgspec.json.decode(content, type=list[msgspec.Raw]))
        except msgspec.DecodeError:
            yield from _counts_of_documents(content[:].decode("utf-8", "replace"))


def _count_of_lines(path: Path) -> int:
    """That are not blank."""
    with path.open("rb") as file:
        return sum(not line.isspace() for line in file)


def _counts_of_documents(text: str) -> Iterator[int]:
    """As Python reads JSON, infinite numbers among them: how many there are, or items if there is one, a list."""
    decoder, at, found = json.JSONDecoder(), 0, list[Any]()
    while at < len(text) and (begin := re.compile(r"\s*").match(text, at)) and begin.end() < len(text):
        document, at = decoder.raw_decode(text, begin.end())
        found.append(document)
    yield len(found)
    items: Any = found[0] if len(found) == 1 else None
    if isinstance(items, list):
        yield len(cast("list[Any]", items))


class Cells(Protocol):
    """What a table was before it had types."""

    def count(self) -> int | None:
        """The number of rows; None if they were not counted but by the reader that made the table."""
        ...

    def at(self, columns: Sequence[int], places: Sequence[int]) -> Sequence[Sequence[str | None]]:
        """The cells of these columns, in the rows of these numbers."""
        ...


@dataclass(frozen=True)
class RawCells:
    """Of a Parquet file that a reader made."""

    engine: DuckDBPyConnection
    path: Path

    def count(self) -> int:
        return _number(self.engine, "count(*)", [self.path])

    def at(self, columns: Sequence[int], places: Sequence[int]) -> Sequence[Sequence[str | None]]:
        return _cells(self.engine, numbered(self.path, list(_types(self.engine, self.path))), columns, places)


@dataclass(frozen=True)
class Text:
    """Of the file itself, if nothing in it had to be put right: read by Python's csv, not by what made the table."""

    path: Path

    @cached_property
    def pieces(self) -> tuple[_Piece, ...]:
        """In their order, one at least."""
        return (*_pieces(self.path),) or (_Piece(0, 0, 0, begins_quoted=False),)

    def count(self) -> None:
        return None

    def at(self, columns: Sequence[int], places: Sequence[int]) -> Sequence[Sequence[str | None]]:
        layout = read_layout(self.path)
        header_rows = int(layout.start.header is not None)
        rows = self._rows(layout.dialect, [place + header_rows for place in places])
        return [[row[at] for at in columns] for row in rows]

    def _rows(self, dialect: Dialect, wanted: Sequence[int]) -> Iterator[list[str]]:
        """Rows by their numbers, which rise: of each piece of the file no more is parsed than leads to them."""
        begins = 0
        starts: list[tuple[int, int]] = []
        for piece in self.pieces:
            if not piece.begins_quoted:
                starts.append((begins, piece.at))
            begins += piece.records
        firsts = [first for first, _ in starts]
        for start, numbers in groupby(wanted, lambda number: bisect_right(firsts, number) - 1):
            first, at = starts[start]
            yield from self._rows_from(dialect, at, [number - first for number in numbers])

    def _rows_from(self, dialect: Dialect, at: int, wanted: Sequence[int]) -> Iterator[list[str]]:
        with self.path.open("rb") as file, long_cells():
            file.seek(at)
            text = io.TextIOWrapper(file, encoding="utf-8", newline="")
            rows = (row for row in dialect.reader(text) if any(map(str.strip, row)) or len(row) > 1)
            numbered, left = enumerate(rows), set(wanted)
            yield from (row for number, row in islice(numbered, wanted[-1] + 1) if number in left)


@dataclass(frozen=True)
class Made:
    """A file of a table, and where there is one of the numbers of the raw rows in it, in order: else it has all."""

    path: Path
    rows: Path


def prove_values(engine: DuckDBPyConnection, table: Proven, cells: Cells, made: Sequence[Made]) -> None:
    """Every row is in one file, whose first, last and extreme numbers are the text's; raises ResultNotProven."""
    name: str = table["name"]
    rows = [part.rows for part in made if part.rows.exists()]
    counts = [_number(engine, "count(*)", [part.path for part in made]), cells.count()]
    counts += [_number(engine, "count(DISTINCT c0)", rows)] if rows else []
    if any(count not in {None, table["rows"]} for count in counts):
        raise ResultNotProven(f'The table "{name}" has lost or gained rows on its way to Parquet. {_ADVICE}')
    for part in made:
        _prove_numbers(engine, name, cells, part)


def _prove_numbers(engine: DuckDBPyConnection, name: str, cells: Cells, part: Made) -> None:
    types = _types(engine, part.path)
    numbers = [at for at, kind in enumerate(types.values()) if kind.startswith(_NUMBERS) and "[" not in kind]
    numbers, columns = numbers[:_MAX_PROVEN_COLUMNS], list(types)
    rows = _number(engine, "count(*)", [part.path])
    if not rows or not numbers:
        return
    own = numbered(part.path, columns)
    places = _places(engine, own, numbers, rows)
    found = zip(
        cells.at(numbers, _places_in_raw(engine, part, places)),
        _cells(engine, own, numbers, places),
        strict=True,
    )
    for text_row, value_row in found:
        for at, text, value in zip(numbers, text_row, value_row, strict=True):
            if value is not None and not _is_same(str(text), value):
                raise ResultNotProven(f'In "{columns[at]}" of "{name}", "{text}" became {value}. {_ADVICE}')


_ADVICE = "Nothing was published, and the original is where it was: report it with the file."


def _files(paths: Sequence[Path]) -> str:
    return f"read_parquet([{', '.join(map(literal, paths))}], hive_partitioning = false)"


def _types(engine: DuckDBPyConnection, path: Path) -> dict[str, str]:
    return {row[0]: row[1] for row in engine.execute(f"DESCRIBE FROM {_files([path])}").fetchall()}


def _number(engine: DuckDBPyConnection, what: str, paths: Sequence[Path]) -> int:
    found = engine.execute(f"SELECT {what} FROM {_files(paths)}").fetchone()
    return int(found[0]) if found else 0


def _places(engine: DuckDBPyConnection, source: str, columns: Sequence[int], rows: int) -> list[int]:
    """Rows by their number: both ends, and where each column is least and greatest."""
    extremes = ", ".join(f"arg_min(row, c{at}), arg_max(row, c{at})" for at in columns)
    found = engine.execute(f"SELECT {extremes} FROM {source}").fetchone() or ()
    ends = (*range(min(rows, _SAMPLED_ROWS)), *range(max(0, rows - _SAMPLED_ROWS), rows))
    return sorted({*ends, *(at for at in found if at is not None)})


def _places_in_raw(engine: DuckDBPyConnection, part: Made, places: Sequence[int]) -> Sequence[int]:
    if not part.rows.exists():
        return places
    return [int(row[0]) for row in _cells(engine, numbered(part.rows, ["c0"]), [0], places)]


def _cells(
    engine: DuckDBPyConnection, source: str, columns: Sequence[int], places: Sequence[int]
) -> list[tuple[Any, ...]]:
    texts = ", ".join(f"c{at}::VARCHAR" for at in columns)
    wanted = ", ".join(map(str, places))
    return engine.execute(f"SELECT {texts} FROM {source} WHERE row IN ({wanted}) ORDER BY row").fetchall()


def _is_same(text: str, value: str) -> bool:
    """Whether a number is one of those that the text may mean: with a point, a comma, or separators of thousands."""
    if text == value:
        return True  # "nan", which is no decimal
    plain = text.strip()
    meant = (plain, plain.replace(",", ""), plain.replace(".", "").replace(",", "."))
    return any(_decimal(each) == _decimal(value) for each in meant)


def _decimal(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None
