"""A table as it was read, before its types are decided: what every reader hands to the rest."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tasks.transform.table.engine import literal

Family = Literal["number", "boolean", "time"]

ANY: frozenset[Family] = frozenset({"number", "boolean", "time"})
NO_FAMILY: frozenset[Family] = frozenset()


@dataclass(frozen=True)
class RawColumn:
    """`families` are what its text may be read as, None where the file itself says the type."""

    name: str
    families: frozenset[Family] | None = ANY


@dataclass(frozen=True)
class RawTable:
    """A Parquet file whose columns are called c0, c1, ...; `row_bytes` is what one row takes, about, as text.

    With `text`, SQL after FROM, it is not in that file: the rows are those of the text, which were not counted yet.

    `rejects` is NDJSON of the rows that could not be read and of the lines that are no rows, `left_out` in number;
    `joined` lines went on with the row above them, `header_rows` hold the names;
    `facts` say how the file was read.
    """

    name: str
    path: Path
    columns: tuple[RawColumn, ...]
    rows: int
    row_bytes: float
    bad_rows: int = 0
    left_out: int = 0
    joined: int = 0
    header_rows: int = 0
    rejects: Path | None = None
    notes: tuple[str, ...] = ()
    facts: dict[str, Any] = field(default_factory=dict[str, Any])
    text: str = ""

    @property
    def relation(self) -> str:
        """SQL after FROM."""
        return self.text or f"read_parquet({literal(self.path)})"
