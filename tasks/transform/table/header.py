"""Finds where a table begins in its first rows: titles above it, its names, and lines below these that are no data.

Which cells a row has is told by most rows; that all do is seen when all are read, and those that do not are rejects.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

MAX_TITLES = 20
_NUMBER = re.compile(r"[-+]?[\d., ]*\d[\d., ]*(?:[eE][-+]?\d+)?%?")
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[T ].*)?|\d{1,2}:\d{2}(?::\d{2}.*)?")
_MONTH = re.compile(r"(?:19|20)\d\d-\d\d(?:-\d\d)?")
_TRUTHS = frozenset({"true", "false"})
_TYPED = frozenset({"number", "time", "boolean"})
_RULE = re.compile(r"[-=+:_ ]{2,}")
_UNITS_LABEL = re.compile(r"[\[(]?(?:units?|einheit(?:en)?|unités?|unidad(?:es)?|unità)[\])]?:?", re.IGNORECASE)
_BRACKETED = re.compile(r"\[.*\]|\(.*\)")
_MISSING = frozenset({"na", "n/a", "nan", "null", "none", "-", "--", "?", "\\n"})
_LIKE_SHARE, _MIN_SERIES = 0.9, 2

Row = Sequence[str]


@dataclass(frozen=True)
class Start:
    """Where the table is: `titles` rows come before it; `header` is None if its first row is data.

    A row has `width` cells, and is written with `row_width`, more where all end with delimiters. `beneath` rows
    under the header are no data, for a `reason`. `doubt` says what else the header could be, "" for nothing.
    """

    titles: int
    header: tuple[str, ...] | None
    width: int
    row_width: int
    beneath: int = 0
    reason: str = ""
    doubt: str = ""


def find_start(rows: Sequence[Row], width: int) -> Start:
    """`rows` without blank ones; `width` is what most of them have."""
    comments = _comments(rows, width)
    start = _found(rows[comments:], width)
    return replace(start, titles=start.titles + comments)


def _found(rows: Sequence[Row], width: int) -> Start:
    if not rows:
        return Start(0, None, width, width)
    for start in (_ending_with_delimiters(rows, width), _wider_header(rows, width), _usual(rows, width)):
        if start:
            return _with_lines_beneath(start, rows)
    return Start(0, None, len(rows[0]), len(rows[0]))


def _comments(rows: Sequence[Row], width: int) -> int:
    """How many lines before the table begin with "#": without the last, if nothing below it is known for names."""
    at = next((at for at, row in enumerate(rows) if not row[0].lstrip().startswith("#")), 0)
    below = [row for row in rows[at + 1 :] if len(row) == width]
    has_names = at > 0 and len(rows[at]) == width and is_header(rows[at], below) and not _doubt(rows[at], below)
    return at if has_names else max(0, at - 1)


def usual_width(rows: Sequence[Row]) -> int:
    """The number of cells that most rows have; of equals, that of the first row, or the larger."""
    counts = Counter(len(row) for row in rows)
    return max(counts, key=lambda width: (counts[width], width == len(rows[0]), width), default=1)


def _ending_with_delimiters(rows: Sequence[Row], width: int) -> Start | None:
    """All rows do, so that there are cells after the last one that has a name: the header may end so, or not."""
    full = [row for row in rows if len(row) == width]
    least = min((_named_width(row) for row in full), default=0)
    at = next((at for at, row in enumerate(rows[: MAX_TITLES + 1]) if len(row) >= least and _fill(row) > 1), None)
    if at is None or len(rows) == at + 1:
        return None
    header, below = rows[at][: _named_width(rows[at])], [row for row in rows[at + 1 :] if len(row) == width]
    if not 1 < len(header) < width or not below or max(map(_named_width, below)) > len(header):
        return None
    below = [row[: len(header)] for row in below]
    if not (all(cell.strip() for cell in header) and is_header(header, below)):
        return None
    return Start(at, tuple(header), len(header), width, doubt=_doubt(header, below))


def _named_width(row: Row) -> int:
    """Up to its last cell that is not empty."""
    return max((at for at, cell in enumerate(row, 1) if cell.strip()), default=0)


def _wider_header(rows: Sequence[Row], width: int) -> Start | None:
    """Names for all cells, and a delimiter too many."""
    at = next((at for at, row in enumerate(rows[: MAX_TITLES + 1]) if len(row) > width), None)
    if at is None or any(cell.strip() for cell in rows[at][width:]) or any(len(row) >= width for row in rows[:at]):
        return None
    header, below = tuple(rows[at][:width]), [row for row in rows[at + 1 :] if len(row) == width]
    return Start(at, header, width, width, doubt=_doubt(header, below)) if is_header(header, below) else None


def _usual(rows: Sequence[Row], width: int) -> Start | None:
    full = next((at for at, row in enumerate(rows) if len(row) >= width), 0)
    if full > MAX_TITLES:
        return None
    first = _below_padded_titles(rows, full, width)
    width = len(rows[first])
    below = [row for row in rows[first + 1 :] if len(row) == width]
    if first and _names_all_but_the_rows(rows[first - 1], [rows[first], *below]):
        return Start(first - 1, ("", *rows[first - 1]), width, width)
    if is_header(rows[first], below):
        return Start(first, tuple(rows[first]), width, width, doubt=_doubt(rows[first], below))
    return Start(first, None, width, width)


def _below_padded_titles(rows: Sequence[Row], full: int, width: int) -> int:
    """Spreadsheets fill titles up with delimiters. Without a header under them, such rows are data that has gaps."""
    needed = median(_fill(row) for row in rows if len(row) == width) / 2 if full < len(rows) else 0
    first = next((at for at, row in enumerate(rows) if at >= full and len(row) >= width and _fill(row) > needed), full)
    below = [row for row in rows[first + 1 :] if len(row) == len(rows[first])]
    return first if first <= MAX_TITLES and is_header(rows[first], below) else full


def _fill(row: Row) -> int:
    return sum(bool(cell.strip()) for cell in row)


def is_header(first: Row, below: Sequence[Row]) -> bool:
    """A header is text over something else; text over text counts if hardly a name comes again below it."""
    below = [row for row in below if list(row) != list(first)]
    kinds = [cell_kind(cell) for cell in first]
    kinds_below = [_kind_of([row[at] for row in below]) for at in range(len(first))]
    alike = sum(kind == other or not other for kind, other in zip(kinds, kinds_below, strict=True) if kind in _TYPED)
    against = 0 if _are_a_series(first, kinds) else alike
    speaking = sum(kind == "text" and other in _TYPED for kind, other in zip(kinds, kinds_below, strict=True))
    if against or speaking:
        return speaking > against
    again = sum(bool(cell) and any(row[at] == cell for row in below) for at, cell in enumerate(first))
    return "text" in kinds and (not again or (again < len(first) and _written_otherwise(first, below) >= again))


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


def _doubt(header: Row, below: Sequence[Row]) -> str:
    kinds, below = [cell_kind(cell) for cell in header], [row for row in below if list(row) != list(header)]
    is_told = any(
        kind == "text" and _kind_of([row[at] for row in below]) in _TYPED for at, kind in enumerate(kinds)
    ) or _written_otherwise(header, below)
    if not below or is_told:
        return ""
    return "the first row is read as names: nothing tells for sure that it is not data"


def _written_otherwise(first: Row, below: Sequence[Row]) -> int:
    """Columns whose first cell is written unlike nearly all others: as in "name" over "Ada" and "Bob"."""
    forms = (Counter(_form(row[at]) for row in below if row[at].strip()) for at in range(len(first)))
    return sum(
        counts.total() > 0 and counts[_form(cell)] <= (1 - _LIKE_SHARE) * counts.total()
        for cell, counts in zip(first, forms, strict=True)
        if cell.strip()
    )


def _form(cell: str) -> str:
    letters = "".join(letter for letter in cell if letter.isalpha())
    has_digits = "9" if any(letter.isdigit() for letter in cell) else ""
    if letters.islower():
        return f"a{has_digits}"
    return f"{'A' if letters.isupper() and len(letters) > 1 else 'Aa'}{has_digits}"


def _names_all_but_the_rows(names: Row, rows: Sequence[Row]) -> bool:
    """R writes a column of row names, no two of them alike, without a name for it."""
    labels = [row[0] for row in rows]
    is_text = all(cell_kind(cell) == "text" for cell in names)
    is_text = is_text and any(cell_kind(cell) in _TYPED for cell in rows[0][1:])
    return len(names) == len(rows[0]) - 1 > 1 and is_text and all(labels) and len({*labels}) == len(labels)


def _are_a_series(first: Row, kinds: Sequence[str]) -> bool:
    """Years, months, or numbers that go up by one: the names of wide tables."""
    typed = [cell.strip() for cell, kind in zip(first, kinds, strict=True) if kind in _TYPED]
    if "text" not in kinds or len(typed) < _MIN_SERIES:
        return False
    if all(map(str.isdecimal, typed)):
        numbers = [int(cell) for cell in typed]
        is_named = numbers[0] in {0, 1} or all(1900 <= number < 2100 for number in numbers)  # noqa: PLR2004 - years
        return is_named and (len({*numbers}) == len(numbers) if numbers[0] > 1 else _goes_up_by_one(numbers))
    return all(map(_MONTH.fullmatch, typed)) and sorted({*typed}) in (typed, typed[::-1])


def _goes_up_by_one(numbers: Sequence[int]) -> bool:
    return all(after == before + 1 for before, after in pairwise(numbers))


def _kind_of(cells: Sequence[str]) -> str:
    """What most of the cells are that are not empty."""
    kinds = Counter(kind for kind in map(cell_kind, cells) if kind)
    return kinds.most_common(1)[0][0] if kinds else ""


def _with_lines_beneath(start: Start, rows: Sequence[Row]) -> Start:
    """With what stands between the names and the data: a rule of dashes, units, or a second line of names."""
    if start.header is None:
        return start
    at, reason = start.titles + 1, ""
    if at < len(rows) and _is_rule(rows[at]):
        at, reason = at + 1, "a rule"
    width = start.row_width
    full = [row for row in rows[at:] if len(row) == width and tuple(row[: start.width]) != start.header]
    if full and full[0] is rows[at] and _are_units(full[0], full[1:]):
        at, reason = at + 1, "units, or a second line of names"
    return Start(start.titles, start.header, start.width, width, at - start.titles - 1, reason, start.doubt)


def _is_rule(row: Row) -> bool:
    cells = [cell.strip() for cell in row if cell.strip()]
    return bool(cells) and all(map(_RULE.fullmatch, cells)) and any("-" in cell or "=" in cell for cell in cells)


def _are_units(row: Row, rest: Sequence[Row]) -> bool:
    """Words above values: nothing but words where the column has numbers, dates or truths, and no words elsewhere."""
    if len(rest) < _MIN_SERIES:
        return False
    is_typed = [_is_column_of_values([other[at] for other in rest]) for at in range(len(row))]
    words = [cell.strip() for cell, typed in zip(row, is_typed, strict=True) if typed and cell.strip()]
    others = [cell.strip() for cell, typed in zip(row, is_typed, strict=True) if not typed and cell.strip()]
    if not words or any(cell_kind(word) != "text" or word.lower() in _MISSING for word in words):
        return False
    is_marked = any(map(_UNITS_LABEL.fullmatch, others)) or all(map(_BRACKETED.fullmatch, words))
    is_full = len(words) >= _MIN_SERIES and len(words) == sum(is_typed)
    return is_marked or (len(words) >= _MIN_SERIES and not others) or (is_full and len({*words}) == len(words))


def _is_column_of_values(cells: Sequence[str]) -> bool:
    kinds = [kind for kind in map(cell_kind, cells) if kind]
    return bool(kinds) and sum(kind in _TYPED for kind in kinds) >= _LIKE_SHARE * len(kinds)
