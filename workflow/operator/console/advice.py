"""What to do about a reject code, an error or an alarm: docs/operating.md and docs/runbook.md, read from there."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from workflow.operator.docs.pages import page, read

PAGE = page("operating")

_ROW = re.compile(
    r"^\| (?P<codes>[A-Z][\w.]+(?:, [A-Z][\w.]+)*) \| (?P<means>[^|]+) \| (?P<do>[^|]+) \|$", re.MULTILINE
)
_LINK = re.compile(r"\[(?P<label>[^]]+)\]\([^)]+\)")


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


def read_runbook(alarm: str) -> list[str]:
    """What the runbook says of an alarm: a sentence or two for each paragraph and point, without their marks."""
    _, _, body = read(f"docs/runbook.md#{alarm}").partition("\n")
    parts = re.split(r"\n\s*\n(?:\* )?|\n\* ", f"\n{body.strip()}")
    plain = (_LINK.sub(r"\g<label>", " ".join(each.split())) for each in parts)
    return [each.replace("`", "").replace("*", "") for each in plain if each]
