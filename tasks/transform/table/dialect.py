"""Tells how delimited text is written from its beginning: delimiter, quotes, titles above the header, header."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from tasks.transform.table.header import Start, find_start, usual_width
from workflow.errors import CorruptTable

HEAD_BYTES = 256 * 1024
_MAX_ROWS, _MAX_ERRORS = 1000, 100
_DELIMITERS = (",", ";", "\t", "|", "~", "^", "\x1f", "\x01", ":", " ")
_RARE = frozenset({":", " "})
_CERTAIN_SHARE, _MIN_SHARE = 0.95, 0.5
_PLAIN_CELL = re.compile(r"[^,;\t|]*|[-+]?[\d.,]+")
_SAMPLED_CELLS = 2000


class Lines:
    """Physical lines, counted: `number` of them were read, and `taken` since it was last emptied."""

    def __init__(self, source: Iterator[str]) -> None:
        self.number = 0
        self.taken: list[str] = []
        self._source = source
        self._returned: list[str] = []

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        line = self._returned.pop() if self._returned else next(self._source)
        self.number += 1
        self.taken.append(line)
        return line

    def give_back(self, keep: int) -> None:
        """Lines after the first `keep` of `taken` are read again."""
        self._returned.extend(reversed(self.taken[keep:]))
        self.number -= len(self.taken) - keep
        del self.taken[keep:]


def is_blank(row: Sequence[str]) -> bool:
    """Whether there is nothing in it: an empty line, or one of delimiters alone."""
    return not any(cell.strip() for cell in row)


@dataclass(frozen=True)
class Dialect:
    """`escape` is the quote itself where quotes are doubled; `quote` is "" where they mean nothing.

    With `is_spaced`, blanks may stand between a delimiter and a quote.
    """

    delimiter: str
    quote: str
    escape: str
    is_spaced: bool = False

    def reader(self, lines: Iterator[str]) -> Iterator[list[str]]:
        """Rows, in Python; raises csv.Error for a row that breaks the rules of quoting."""
        if self.delimiter == SPACES.delimiter:
            return (line.split() for line in lines)
        is_doubled = self.escape == self.quote
        return csv.reader(
            lines,
            delimiter=self.delimiter,
            quotechar=self.quote or None,
            quoting=csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
            doublequote=is_doubled,
            escapechar=None if is_doubled else self.escape,
            skipinitialspace=self.is_spaced,
            strict=True,
        )


@dataclass(frozen=True)
class Layout:
    """The dialect and where the table begins: `data_line` is the first physical line (from 0) that is data.

    With `can_skip`, no quotes reach over the lines before it: DuckDB counts rows where it skips lines.
    """

    dialect: Dialect
    start: Start
    data_line: int
    can_skip: bool
    row_bytes: float


@dataclass(frozen=True)
class _Trial:
    dialect: Dialect
    rows: list[list[str]]
    row_lines: list[int]
    """Lines that were read when the row was complete."""
    errors: int

    @property
    def width(self) -> int:
        return usual_width(self.rows)

    @property
    def share(self) -> float:
        """Of rows that have the usual width, from the first such row on: titles do not count against it."""
        width = self.width
        first = next((at for at, row in enumerate(self.rows) if len(row) == width), 0)
        counted = self.rows[first:]
        return sum(len(row) == width for row in counted) / ((len(counted) + self.errors) or 1)

    @property
    def plain_share(self) -> float:
        """Of cells that hold no delimiter of another kind, other than in a number."""
        cells = [cell for row in self.rows[:50] for cell in row][:_SAMPLED_CELLS]
        return sum(_PLAIN_CELL.fullmatch(cell) is not None for cell in cells) / (len(cells) or 1)


SPACES = Dialect("  ", "", "")
"""Columns apart by runs of blanks: read in Python alone."""

_QUOTINGS = (('"', ('"', '"')), ('\\"', ('"', "\\")), ("'", ("'", "'")), ("", ("", "")))
"""By the mark that a text must have for them."""


def read_layout(path: Path) -> Layout:
    """The layout of a file in UTF-8, by its first 256 KiB."""
    lines = head_lines(path)
    trial = _best([_try(lines, dialect) for dialect in _candidates(lines)]) or _try(lines, Dialect(",", '"', '"'))
    if not trial.rows:
        raise CorruptTable("There is nothing but blank lines in this table. Upload a file with at least a header.")
    start = find_start(trial.rows, trial.width)
    first_data = start.titles + (start.header is not None)
    data_line = trial.row_lines[first_data - 1] if first_data else 0
    quote = trial.dialect.quote
    can_skip = not quote or all(line.count(quote) % 2 == 0 for line in lines[:data_line])
    return Layout(trial.dialect, start, data_line, can_skip, _mean_bytes(lines))


def head_lines(path: Path) -> list[str]:
    """Whole lines, with their ends; a last one that was cut off is left out."""
    with path.open("rb") as file:
        head, is_whole = file.read(HEAD_BYTES), not file.read(1)
    lines = list(io.StringIO(head.decode("utf-8", "replace"), newline=""))
    return lines if is_whole or len(lines) == 1 else lines[:-1]


def _candidates(lines: Sequence[str]) -> Iterator[Dialect]:
    text = "".join(lines)
    for delimiter in _DELIMITERS:
        if delimiter in text:
            is_spaced = f'{delimiter} "' in text and delimiter != " "
            yield from (Dialect(delimiter, *quoting, is_spaced) for mark, quoting in _QUOTINGS if mark in text)
    if "  " in text:
        yield SPACES


def _try(lines: Sequence[str], dialect: Dialect) -> _Trial:
    source = Lines(iter(lines))
    reader, rows, row_lines, errors = dialect.reader(source), list[list[str]](), list[int](), 0
    while len(rows) < _MAX_ROWS and errors < _MAX_ERRORS:
        try:
            row = next(reader)
        except StopIteration:
            break
        except csv.Error:
            errors += 1
            source.give_back(keep=1)
            source.taken.clear()
            reader = dialect.reader(source)
            continue
        source.taken.clear()
        if not is_blank(row):
            rows.append(row)
            row_lines.append(source.number)
    return _Trial(dialect, rows, row_lines, errors)


def _best(trials: Sequence[_Trial]) -> _Trial | None:
    """The most regular that gives columns, if any does; the first named where several are alike."""
    dividing = [trial for trial in trials if trial.width > 1 and trial.share >= _needed_share(trial)]
    return max(dividing, key=_merit, default=None)


def _needed_share(trial: _Trial) -> float:
    return _CERTAIN_SHARE if trial.dialect.delimiter in _RARE or trial.dialect == SPACES else _MIN_SHARE


def _merit(trial: _Trial) -> tuple[float, ...]:
    is_common, is_quoted = trial.dialect.delimiter not in _RARE, trial.dialect.quote != ""
    return (is_common, trial.share >= _CERTAIN_SHARE, is_quoted, round(trial.plain_share, 1), round(trial.share, 2))


def _mean_bytes(lines: Sequence[str]) -> float:
    return sum(map(len, lines)) / (len(lines) or 1)
