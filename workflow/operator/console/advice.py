"""What to do about an error or an alarm, without the marks of Markdown: from `workflow.errors` and docs/runbook.md."""

import re

from workflow.errors import explain
from workflow.operator.docs.pages import read

_LINK = re.compile(r"\[(?P<label>[^]]+)\]\([^)]+\)")


def meaning_of(code: str) -> str | None:
    """What an error means; None of one that only its message explains."""
    found = explain(code)
    return found and _plain(found.means)


def advice_on(code: str) -> str | None:
    """What to do about an error; None of one that only its message explains."""
    found = explain(code)
    return found and _plain(found.advice)


def read_runbook(alarm: str) -> list[str]:
    """What the runbook says of an alarm: a sentence or two for each paragraph and point, without their marks."""
    _, _, body = read(f"docs/runbook.md#{alarm}").partition("\n")
    parts = re.split(r"\n\s*\n(?:\* )?|\n\* ", f"\n{body.strip()}")
    plain = (_LINK.sub(r"\g<label>", " ".join(each.split())) for each in parts)
    return [_plain(each).replace("*", "") for each in plain if each]


def _plain(text: str) -> str:
    return text.replace("`", "")
