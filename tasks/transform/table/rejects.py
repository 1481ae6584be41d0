"""Keeps what is no row of the table, each with its line and reason, and says when bad rows are too many."""

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from tasks.transform.table.limits import LIMITS
from tasks.transform.table.raw import RawTable
from workflow.errors import TooManyBadRows

_MAX_TEXT_CHARS = 1000
_EARLY_ROWS = 2000


@dataclass
class Rejects:
    """Writes NDJSON: line (from 1), column, reason and text of each bad row; nothing is written without one.

    Lines that are left out are there, too, but are no faults: titles, names that come again, totals; `reasons` counts
    them.
    """

    path: Path
    bad: int = 0
    good: int = 0
    reasons: Counter[str] = field(default_factory=Counter[str])
    first: str = ""
    _file: IO[str] | None = field(default=None, repr=False)

    def add(self, line: int, reason: str, text: str, column: str | None = None) -> None:
        """One bad row; raises TooManyBadRows as soon as that is certain, or all but certain."""
        self.bad += 1
        self.first = self.first or f"line {line:,}: {reason}"
        self._write(line, reason, text, column)
        if self.bad > LIMITS.max_bad_rows or self.bad > max(_EARLY_ROWS, self.good):
            raise self._too_many()

    def leave_out(self, line: int, reason: str, text: str) -> None:
        """A line that is no row, and no fault either."""
        self.reasons[reason] += 1
        self._write(line, f"left out: {reason}", text, None)

    def _write(self, line: int, reason: str, text: str, column: str | None) -> None:
        self._file = self._file or self.path.open("w", encoding="utf-8", errors="backslashreplace")
        entry = {"line": line, "column": column, "reason": reason, "text": text.rstrip("\r\n")[:_MAX_TEXT_CHARS]}
        self._file.write(json.dumps(entry, ensure_ascii=False) + "\n")

    @property
    def left_out(self) -> int:
        """Lines that are no rows, and no faults."""
        return self.reasons.total()

    def told(self, table: RawTable) -> RawTable:
        """The table, with the counts and the file of what is not in it."""
        return replace(
            table, bad_rows=self.bad, left_out=self.left_out, rejects=self.path if self.bad + self.left_out else None
        )

    def check(self) -> None:
        """Raises TooManyBadRows for more than the allowed share, once all rows were counted."""
        allowed = max(LIMITS.few_bad_rows, (self.good + self.bad) * LIMITS.max_bad_share)
        if self.bad > allowed or self.bad > self.good:
            raise self._too_many()

    def _too_many(self) -> TooManyBadRows:
        return TooManyBadRows(
            f"{self.bad:,} of {self.good + self.bad:,} rows cannot be read; {LIMITS.max_bad_share:.0%} and at most "
            f"{LIMITS.max_bad_rows:,} are allowed. The first is {self.first}. Correct the file and upload it again."
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, at: TracebackType | None) -> None:
        if self._file:
            self._file.close()
