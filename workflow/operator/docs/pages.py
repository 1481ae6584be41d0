"""The pages of docs/, which an installed Sluice has in its package: see hatch_build.py."""

import re
from collections.abc import Mapping
from pathlib import Path

INSTALLED = Path(__file__).with_name("markdown")
CHECKOUT = Path(__file__).parents[3] / "docs"

_HEADING = re.compile(r"^(?P<level>#+) (?P<title>.+)$", re.MULTILINE)


class NoPageError(Exception):
    """No such page or heading; the message names those that there are."""


def folder() -> Path:
    return INSTALLED if INSTALLED.is_dir() else CHECKOUT


def page(name: str) -> Path:
    """The file of a page such as `runbook`."""
    return folder() / f"{name}.md"


def titles() -> Mapping[str, str]:
    """The title of each page."""
    files = sorted(folder().glob("*.md"))
    return {file.stem: file.read_text().partition("\n")[0].removeprefix("# ") for file in files}


def read(reference: str) -> str:
    """A page, or its section below a heading: `runbook` or `docs/runbook.md#throttled`, as messages name them."""
    name, _, anchor = reference.removeprefix("docs/").partition("#")
    name = name.removesuffix(".md")
    if name not in titles():
        raise NoPageError(f"There is no page {name!r}; there are {', '.join(titles())}.")
    text = page(name).read_text()
    return _section(name, text, anchor) if anchor else text


def _section(name: str, text: str, anchor: str) -> str:
    """From the heading to the next one of its level or above."""
    headings = [*_HEADING.finditer(text)]
    for index, heading in enumerate(headings):
        if anchor_of(heading["title"]) == anchor:
            after = (each for each in headings[index + 1 :] if len(each["level"]) <= len(heading["level"]))
            end = next(after, None)
            return text[heading.start() : end.start() if end else None]
    known = ", ".join(anchors(text))
    raise NoPageError(f"The page {name} has no heading {anchor!r}; it has {known}.")


def anchors(text: str) -> list[str]:
    """Those of a page's headings, in their order."""
    return [anchor_of(each["title"]) for each in _HEADING.finditer(text)]


def anchor_of(title: str) -> str:
    """As GitHub makes it of a heading."""
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
