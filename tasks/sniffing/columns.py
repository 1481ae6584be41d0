"""Columns that only blanks keep apart, as kubectl and sqlcmd print them: told only where all lines prove them.

Each column is a run of places between places that are blank in every line. What words alone would do by chance is not
enough: two blanks, or a rule of dashes under the names, and a name over every column.
"""

import re
from collections.abc import Sequence
from itertools import pairwise

RULE = re.compile(r"[-=+|: ]*[-=]{2}[-=+|: ]*")
ROW_COUNT = re.compile(r"\(?\d+ rows?(?: affected| selected\.?| in set.*)?\)?", re.IGNORECASE)

_MIN_LINES, _MIN_COLUMNS, _MIN_GAP, _MIN_FILLED_SHARE = 3, 2, 2, 0.5

Span = tuple[int, int]
"""Where a column begins, and where the next one may begin."""


def column_spans(lines: Sequence[str]) -> tuple[Span, ...]:
    """Of lines without blank ones, the first with the names; () where there are no columns for sure."""
    lines = [line.rstrip() for line in lines if not ROW_COUNT.fullmatch(line.strip())]
    if len(lines) < _MIN_LINES or len(lines[0].split()) < _MIN_COLUMNS or any("\t" in line for line in lines):
        return ()
    is_ruled = RULE.fullmatch(lines[1]) is not None and " " in lines[1].strip()
    columns = _runs(lines[1:2]) if is_ruled else _merged(_runs(lines), lines[0])
    if len(columns) < _MIN_COLUMNS:
        return ()
    starts = [start for start, _ in columns]
    spans = tuple(zip(starts, [*starts[1:], 10**9], strict=True))
    is_named = all(lines[0][start:end].strip() for start, end in spans)
    if not is_named or not _all_fit(lines, columns):
        return ()
    data = lines[1 + is_ruled :]
    is_filled = all(
        sum(bool(line[start:end].strip()) for line in data) >= _MIN_FILLED_SHARE * len(data) for start, end in spans
    )
    return spans if is_filled else ()


def cells(line: str, spans: Sequence[Span]) -> list[str]:
    """The cells of a line; a line that does not keep to the columns is one cell."""
    text = line.rstrip()
    if "\t" in text or any(text[start - 1 : start].strip() for start, _ in spans[1:]):
        return [text.strip()]
    return [text[start:end].strip() for start, end in ((0, spans[0][1]), *spans[1:])]


def _merged(runs: Sequence[Span], names: str) -> list[Span]:
    """A single blank may be one between words of a cell, if it is none between names: then there are no columns."""
    merged: list[Span] = []
    for start, end in runs:
        if not merged or start - merged[-1][1] >= _MIN_GAP:
            merged.append((start, end))
        elif names[merged[-1][0] : merged[-1][1]].strip() and names[start:end].strip():
            return []
        else:
            merged[-1] = merged[-1][0], end
    return merged


def _all_fit(lines: Sequence[str], columns: Sequence[Span]) -> bool:
    gaps = [(end, start) for (_, end), (start, _) in pairwise(columns)]
    return not any(line[end:start].strip() for end, start in gaps for line in lines)


def _runs(lines: Sequence[str]) -> list[Span]:
    """Runs of places that are not blank in all lines."""
    width = max(map(len, lines))
    is_used = [False] * width
    for line in lines:
        for found in re.finditer(r"\S+", line):
            is_used[found.start() : found.end()] = [True] * (found.end() - found.start())
    marks = "".join("x" if used else " " for used in is_used)
    return [(found.start(), found.end()) for found in re.finditer("x+", marks)]
