"""Tells how delimited text is written from its beginning: delimiter, quotes, titles above the header, header."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from tasks.sniffing.columns import ROW_COUNT, RULE, Span, cells, column_spans
from tasks.sniffing.logs import are_entries
from tasks.transform.table.header import Start, cell_kind, find_start, usual_width
from workflow.errors import CorruptTable

HEAD_BYTES = 256 * 1024
_MAX_ROWS, _MAX_ERRORS = 1000, 100
_DELIMITERS = (",", ";", "\t", "|", "~", "^", "\x1f", "\x01", ":", " ")
_RARE = frozenset({":", " "})
_CERTAIN_SHARE, _MIN_SHARE = 0.95, 0.5
_PLAIN_CELL = re.compile(r"[^,;\t|]*|[-+]?(?:\d{1,3}(?:[.,]\d{2,3})*[.,]\d{3}|\d*)(?:[.,]\d+)?")
_SAMPLED_CELLS = 2000
_NAMED_DELIMITER = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
_DECIMAL_COMMA = re.compile(r"[-+]?\d{1,3}(?:\.?\d{3})*,\d+")
_WORDS_WITH_COMMA = re.compile(r"[^,]*[^\W\d][^,]*, \D[^,]*")


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

    With `is_spaced`, blanks may stand between a delimiter and a quote; with `is_drawn`, they fill cells up as in a
    table that psql, MySQL or Markdown draws with lines. With `spans`, the places of the columns tell cells apart.
    """

    delimiter: str
    quote: str
    escape: str
    is_spaced: bool = False
    is_drawn: bool = False
    spans: tuple[Span, ...] = ()

    @property
    def is_escaped(self) -> bool:
        """Whether a backslash, and no quotes, keep a delimiter in a cell."""
        return not self.quote and self.escape == "\\"

    @property
    def is_plain(self) -> bool:
        """Whether DuckDB knows it."""
        return not (self.is_escaped or self.is_drawn or self.spans)

    def reader(self, lines: Iterator[str]) -> Iterator[list[str]]:
        """Rows, in Python; raises csv.Error for a row that breaks the rules of quoting."""
        if self.spans:
            return (cells(line, self.spans) for line in lines)
        if self.is_drawn:
            return (_drawn_cells(line, self.delimiter) for line in lines)
        if self.is_escaped:
            return _escaped_rows(lines, self.delimiter)
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


def _drawn_cells(line: str, delimiter: str) -> list[str]:
    text = line.strip()
    if RULE.fullmatch(text):
        return [text]
    text = text.removeprefix(delimiter)
    return [cell.strip() for cell in text.removesuffix(delimiter).split(delimiter)]


def _escaped_rows(lines: Iterator[str], delimiter: str) -> Iterator[list[str]]:
    """A backslash alone stays: `\\N` says that there is no value."""
    cell = re.compile(rf"(?:[^\\{re.escape(delimiter)}]|\\.|\\$)*", re.DOTALL)
    escaped = re.compile(rf"\\([\\{re.escape(delimiter)}])")
    for line in lines:
        text, at, row = line.rstrip("\r\n"), -1, list[str]()
        while at < len(text):
            found = cell.match(text, at + 1)
            row.append(escaped.sub(r"\1", found[0]) if found else "")
            at = found.end() if found else len(text)
        yield row


@dataclass(frozen=True)
class LeftOut:
    """A physical line (from 1) that is no row, and why."""

    line: int
    reason: str
    text: str


@dataclass(frozen=True)
class Layout:
    """The dialect and where the table begins: `data_line` is the first physical line (from 0) that is data.

    `left_out` are the lines before it that are neither data nor the header. With `can_skip`, no quotes reach over them,
    all can be read, and all end alike: DuckDB counts rows where it skips lines.
    """

    dialect: Dialect
    start: Start
    data_line: int
    left_out: tuple[LeftOut, ...]
    can_skip: bool
    row_bytes: float


@dataclass(frozen=True)
class _Trial:
    dialect: Dialect
    rows: list[list[str]]
    row_lines: list[int]
    """Lines that were read when the row was complete."""
    errors: int
    beside: tuple[tuple[int, str], ...] = ()
    """Lines that are no rows, and why: drawn around the rows, or without a cell that can be read."""

    @property
    def body(self) -> list[list[str]]:
        """Below lines that begin with "#"."""
        return self.rows[next((at for at, row in enumerate(self.rows) if not row[0].startswith("#")), 0) :]

    @property
    def width(self) -> int:
        return usual_width(self.body)

    @property
    def share(self) -> float:
        """Of rows that have the usual width, from the first such row on: titles do not count against it.

        Under titles, no blank or colon is taken for a delimiter.
        """
        width, is_rare = self.width, self.dialect.delimiter in _RARE
        first = next((at for at, row in enumerate(self.body) if len(row) == width and not is_rare), 0)
        counted = self.body[first:]
        return sum(len(row) == width for row in counted) / ((len(counted) + self.errors) or 1)

    @property
    def begins_at_once(self) -> bool:
        """Whether the first row has columns already, about as many as the others: it is no title."""
        first = self.body[0]
        return len(first) > 1 and abs(len(first) - self.width) <= 1

    @property
    def plain_share(self) -> float:
        """Of cells that hold no delimiter of another kind, other than in a number."""
        cells = [cell for row in self.rows[:50] for cell in row][:_SAMPLED_CELLS]
        return sum(_PLAIN_CELL.fullmatch(cell) is not None for cell in cells) / (len(cells) or 1)


ONE_COLUMN = Dialect("\x1e", '"', '"')
"""Nothing divides its lines."""

DRAWING, EMPTY_ROW = "a rule, or a number of rows", "a row of empty cells"
_FAULTY = "quotes cannot be read"

_QUOTINGS = (("", ('"', '"')), ('\\"', ('"', "\\")), ("'", ("'", "'")), ("", ("", "")))
"""By the mark that a text must have for them: double quotes may come later."""


def read_layout(path: Path) -> Layout:
    """The layout of a file in UTF-8, by its first 256 KiB."""
    lines = head_lines(path)
    trial = _best(_trials(lines)) or _try(lines, ONE_COLUMN)
    if not trial.rows:
        raise CorruptTable("There is nothing but blank lines in this table. Upload a file with at least a header.")
    named = bool(_named_delimiter(lines))
    start = find_start(trial.rows[named:], trial.width)
    start = replace(start, titles=start.titles + named)
    first_data = start.titles + (start.header is not None) + start.beneath
    data_line = trial.row_lines[first_data - 1] if first_data else _blank_lines(lines)
    left_out = _left_out(trial, start, lines)
    can_skip = _can_skip(lines, data_line, trial.dialect.quote) and all(left.reason != _FAULTY for left in left_out)
    return Layout(trial.dialect, start, data_line, left_out, can_skip, _mean_bytes(lines))


def _can_skip(lines: Sequence[str], data_line: int, quote: str) -> bool:
    ends = {line[len(line.rstrip("\r\n")) :] for line in lines[: data_line + 1]} - {""}
    return len(ends) <= 1 and (not quote or all(line.count(quote) % 2 == 0 for line in lines[:data_line]))


def _blank_lines(lines: Sequence[str]) -> int:
    """Before anything else."""
    return next((at for at, line in enumerate(lines) if line.strip()), 0)


def _left_out(trial: _Trial, start: Start, lines: Sequence[str]) -> tuple[LeftOut, ...]:
    named = start.titles + (start.header is not None)
    rows = (
        *((at, "above the table") for at in range(start.titles)),
        *((at, start.reason) for at in range(named, named + start.beneath)),
    )
    ends = [(trial.row_lines[at], trial.row_lines[at - 1] if at else 0, reason) for at, reason in rows]
    data_line = trial.row_lines[named + start.beneath - 1] if named + start.beneath else 0
    ends += [(line, line - 1, reason) for line, reason in trial.beside if line < data_line]
    return tuple(LeftOut(end, reason, "".join(lines[begin:end]).strip("\r\n")) for end, begin, reason in ends)


def _named_delimiter(lines: Sequence[str]) -> str:
    """Excel's own way to say it, in the first line."""
    found = _NAMED_DELIMITER.fullmatch(lines[0]) if lines else None
    return found[1] if found else ""


def head_lines(path: Path) -> list[str]:
    """Whole lines, with their ends; a last one that was cut off is left out."""
    with path.open("rb") as file:
        head, is_whole = file.read(HEAD_BYTES), not file.read(1)
    lines = list(io.StringIO(head.decode("utf-8", "replace"), newline=""))
    return lines if is_whole or len(lines) == 1 else lines[:-1]


def _trials(lines: Sequence[str]) -> list[_Trial]:
    """Of quotes without a fault in them, no reading that takes them for letters is looked at."""
    trials: list[_Trial] = []
    if are_entries(lines):
        return trials
    for delimiter, quotings in _candidates(lines):
        is_drawn = delimiter == "|" and _are_drawn(lines)
        tried = [_try(lines, Dialect(delimiter, *quoting, is_drawn)) for quoting in quotings]
        is_quoted = not tried[0].errors and '"' in "".join(lines) and tried[0].dialect.quote == '"'
        trials += [tried[0], *(each for each in tried[1:] if each.dialect.quote == '"')] if is_quoted else tried
    spans = column_spans([line for line in lines if line.strip()])
    if spans:
        trials.append(_try(lines, Dialect(" ", "", "", spans=spans)))
    return [trial for trial in trials if not _is_one_column(trial)]


def _candidates(lines: Sequence[str]) -> Iterator[tuple[str, list[tuple[str, str, bool]]]]:
    text = "".join(lines)
    for delimiter in [*filter(None, [_named_delimiter(lines)])] or _DELIMITERS:
        if delimiter == "|" and _are_drawn(lines):
            yield delimiter, [("", "", False)]
        elif delimiter in text:
            is_spaced = f'{delimiter} "' in text and delimiter != " "
            quotings = [quoting for mark, quoting in _QUOTINGS if mark in text]
            if _has_single_quotes(text, delimiter):
                quotings = [("'", "'")]
            escaped = [("", "\\")] if f"\\{delimiter}" in text and '"' not in text else []
            yield delimiter, [(quote, escape, is_spaced) for quote, escape in (*escaped, *quotings)]


def _has_single_quotes(text: str, delimiter: str) -> bool:
    """Whether all of them are at both ends of cells, or doubled: none is an apostrophe."""
    cell = rf"(?:(?<={re.escape(delimiter)})|^)'(?:[^'\n]|'')*'(?={re.escape(delimiter)}|\r?$)"
    return '"' not in text and "'" in text and "'" not in re.sub(cell, "", text, flags=re.MULTILINE)


def _are_drawn(lines: Sequence[str]) -> bool:
    """With a rule, or with a line at both ends of each row."""
    if any(map(_is_drawn_rule, lines)):
        return True
    texts = [line.strip() for line in lines if line.strip()]
    return len(texts) > 1 and '"' not in "".join(texts) and all(text[0] == text[-1] == "|" for text in texts)


def _is_drawn_rule(line: str) -> bool:
    text = line.strip()
    return RULE.fullmatch(text) is not None and ("+" in text or "|" in text)


def _is_one_column(trial: _Trial) -> bool:
    """A name of one word over what a comma alone divides: decimal fractions, or words with a comma and a blank."""
    names, *below = trial.rows or [[]]
    cells = [",".join(row) for row in below if len(row) > 1]
    if trial.dialect.delimiter != "," or len(names) != 1 or not cells or cell_kind(names[0]) != "text":
        return False
    return all(map(_DECIMAL_COMMA.fullmatch, cells)) or (
        trial.width == 2 and all(map(_WORDS_WITH_COMMA.fullmatch, cells))  # noqa: PLR2004 - "last, first"
    )


def _try(lines: Sequence[str], dialect: Dialect) -> _Trial:
    source = Lines(iter(lines))
    reader, rows, row_lines, errors = dialect.reader(source), list[list[str]](), list[int](), 0
    beside: list[tuple[int, str]] = []
    while len(rows) < _MAX_ROWS and errors < _MAX_ERRORS:
        try:
            row = next(reader)
        except StopIteration:
            break
        except csv.Error:
            errors += 1
            source.give_back(keep=1)
            beside.append((source.number, _FAULTY))
            source.taken.clear()
            reader = dialect.reader(source)
            continue
        if not dialect.is_plain and is_drawing(source.taken[0]):
            beside.append((source.number, DRAWING))
        elif not is_blank(row):
            rows.append(row)
            row_lines.append(source.number)
        elif "".join(source.taken).strip():
            beside.append((source.number, EMPTY_ROW))
        source.taken.clear()
    return _Trial(dialect, rows, row_lines, errors, tuple(beside))


def is_drawing(line: str) -> bool:
    """What database clients draw around a table, or write below it."""
    return RULE.fullmatch(line.strip()) is not None or ROW_COUNT.fullmatch(line.strip()) is not None


def _best(trials: Sequence[_Trial]) -> _Trial | None:
    """The most regular that gives columns, if any does; the first named where several are alike."""
    dividing = [trial for trial in trials if trial.width > 1 and trial.share >= _needed_share(trial)]
    return max(dividing, key=_merit, default=None)


def _needed_share(trial: _Trial) -> float:
    return _CERTAIN_SHARE if trial.dialect.delimiter in _RARE else _MIN_SHARE


def _merit(trial: _Trial) -> tuple[float, ...]:
    is_common, is_quoted = trial.dialect.delimiter not in _RARE, trial.dialect.quote != ""
    is_proven = bool(trial.dialect.spans) and trial.share == 1
    return (
        is_proven,
        is_common,
        trial.share >= _CERTAIN_SHARE,
        is_quoted,
        trial.begins_at_once,
        round(trial.plain_share, 1),
        round(trial.share, 2),
    )


def _mean_bytes(lines: Sequence[str]) -> float:
    return sum(map(len, lines)) / (len(lines) or 1)
