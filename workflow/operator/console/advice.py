"""What a reject code or error means and what to do about it: the tables of docs/operating.md, read from there."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).parents[3] / "docs" / "operating.md"

_ROW = re.compile(
    r"^\| (?P<codes>[A-Z][\w.]+(?:, [A-Z][\w.]+)*) \| (?P<means>[^|]+) \| (?P<do>[^|]+) \|$", re.MULTILINE
)


@dataclass(frozen=True)
class Advice:
    """Two sentences without their capitals, as the tables have them."""

    means: str
    do: str


def read_advice(page: Path = PAGE) -> Mapping[str, Advice]:
    """Advice by code; empty where the documentation was not installed."""
    text = page.read_text() if page.exists() else ""
    return {
        code: Advice(row["means"].replace("`", ""), row["do"].replace("`", ""))
        for row in _ROW.finditer(text)
        for code in row["codes"].split(", ")
    }
