"""Keeps the rows that cannot be read, each with its line and reason, and says when they are too many."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from tasks.transform.table.limits import LIMITS
from workflow.errors import TooManyBadRows

_MAX_TEXT_CHARS = 1000
_EARLY_ROWS = 2000


@dataclass
class Rejects:
    """Writes NDJSON: line (from 1), column, reason and text of each bad row; nothing is written without one."""

    path: Path
    bad: int = 0
    good: int = 0
    first: str = ""
    _file: IO[str] | None = field(default=None, repr=False)

    def add(self, line: int, reason: str, text: str, column: str | None = None) -> None:
        """One bad row; raises TooManyBadRows as soon as that is certain, or all but certain."""
        self.bad += 1
        self.first = self.first or f"line {line:,}: {reason}"
        self._file = self._file or self.path.open("w", encoding="utf-8", errors="backslashreplace")
        entry = {"line": line, "column": column, "reason": reason, "text": text.rstrip("\r\n")[:_MAX_TEXT_CHARS]}
        self._file.write(json.dumps(entry, ensure_ascii=False) + "\n")
        if self.bad > LIMITS.max_bad_rows or self.bad > max(_EARLY_ROWS, self.good):
            raise self._too_many()

    def check(self) -> None:
        """Raises TooManyBadRows for more than the allowed share, once all rows were counted."""
        allowed = max(LIMITS.few_bad_rows, (self.good + self.bad) * LIMITS.max_bad_share)
        if self.bad > allowed or self.bad > self.good:
            raise self._too_many()

    def _too_many(self) -> TooManyBadRows:
        return TooManyBadRows(
            f"{self.bad:,} of {self.good + self.bad:,} rows cannot be read; {LIMITS.max_bad_share:.0%} and at most "
            f"{LIMITS.max_bad_rows:,} are allowed. The first is {self.first}. Mend the file and upload it again."
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, at: TracebackType | None) -> None:
        if self._file:
            self._file.close()
