"""Finds where a table begins in its first rows: titles above it, and whether the first row names the columns."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

_NUMBER = re.compile(r"[-+]?[\d., ]*\d[\d., ]*(?:[eE][-+]?\d+)?%?")
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[T ].*)?|\d{1,2}:\d{2}(?::\d{2}.*)?")
_YEAR = re.compile(r"(?:19|20)\d\d")
_TRUTHS = frozenset({"true", "false"})
_TYPED = frozenset({"number", "time", "boolean"})

Row = Sequence[str]


@dataclass(frozen=True)
class Start:
    """Where the table is: `titles` rows come before it; `header` is None if its first row is data."""

    titles: int
    header: tuple[str, ...] | None
    width: int


def find_start(rows: Sequence[Row], width: int) -> Start:
    """`rows` without blank ones; `width` is what most of them have. Titles have fewer filled cells than the table."""
    if not rows:
        return Start(0, None, width)
    needed = _usual_fill([row for row in rows if len(row) == width]) / 2
    first = next((at for at, row in enumerate(rows) if len(row) >= width and _fill(row) > needed), 0)
    width = len(rows[first])
    below = [row for row in rows[first + 1 :] if len(row) == width]
    if is_header(rows[first], below):
        return Start(first, tuple(rows[first]), width)
    if first and _names_all_but_the_rows(rows[first - 1], width):
        return Start(first - 1, ("", *rows[first - 1]), width)
    return Start(first, None, width)


def usual_width(rows: Sequence[Row]) -> int:
    """The number of cells that most rows have; of equals, that of the first row, or the larger."""
    counts = Counter(len(row) for row in rows)
    return max(counts, key=lambda width: (counts[width], width == len(rows[0]), width), default=1)


def _fill(row: Row) -> int:
    return sum(bool(cell.strip()) for cell in row)


def _usual_fill(rows: Sequence[Row]) -> float:
    return median(map(_fill, rows)) if rows else 0


def is_header(first: Row, below: Sequence[Row]) -> bool:
    """A header is text over something else; text over text counts if no name comes again below it."""
    kinds = [cell_kind(cell) for cell in first]
    kinds_below = [_kind_of([row[at] for row in below]) for at in range(len(first))]
    alike = sum(kind == other or not other for kind, other in zip(kinds, kinds_below, strict=True) if kind in _TYPED)
    against = 0 if _are_years(first, kinds) else alike
    speaking = sum(kind == "text" and other in _TYPED for kind, other in zip(kinds, kinds_below, strict=True))
    if against or speaking:
        return speaking > against
    return "text" in kinds and not _comes_again(first, below)


def cell_kind(cell: str) -> str:
    """ "number", "time", "boolean", "text" or "" for an empty cell: roughly, for telling headers only."""
    cell = cell.strip()
    if not cell:
        return ""
    if _DATE.fullmatch(cell):
        return "time"
    if _NUMBER.fullmatch(cell):
        return "number"
    return "boolean" if cell.lower() in _TRUTHS else "text"


def _names_all_but_the_rows(row: Row, width: int) -> bool:
    """R writes a column of row names without a name for it."""
    return len(row) == width - 1 > 1 and all(cell_kind(cell) == "text" for cell in row)


def _are_years(first: Row, kinds: Sequence[str]) -> bool:
    typed = [cell.strip() for cell, kind in zip(first, kinds, strict=True) if kind in _TYPED]
    return "text" in kinds and len(typed) > 1 and all(map(_YEAR.fullmatch, typed)) and len({*typed}) == len(typed)


def _kind_of(cells: Sequence[str]) -> str:
    """What most of the cells are that are not empty."""
    kinds = Counter(kind for kind in map(cell_kind, cells) if kind)
    return kinds.most_common(1)[0][0] if kinds else ""


def _comes_again(first: Row, below: Sequence[Row]) -> bool:
    return any(cell and any(row[at] == cell for row in below) for at, cell in enumerate(first))
