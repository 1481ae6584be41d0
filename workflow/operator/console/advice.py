"""What a reject code or error means and what to do about it: the tables of docs/operating.md, read from there."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from workflow.operator.docs.pages import page

PAGE = page("operating")

_ROW = re.compile(
    r"^\| (?P<codes>[A-Z][\w.]+(?:, [A-Z][\w.]+)*) \| (?P<means>[^|]+) \| (?P<do>[^|]+) \|$", re.MULTILINE
)


@dataclass(frozen=True)
class Advice:
    """Two sentences without their capitals, as the tables have them."""

    means: str
    do: str


def read_advice(file: Path = PAGE) -> Mapping[str, Advice]:
    """Advice by code."""
    text = file.read_text()
    return {
        code: Advice(row["means"].replace("`", ""), row["do"].replace("`", ""))
        for row in _ROW.finditer(text)
        for code in row["codes"].split(", ")
    }
