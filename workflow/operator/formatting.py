"""Sizes, times and tables as a person reads them, in a terminal or on a page."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

MINUTE_SECONDS = 60


def size(count: float) -> str:
    for unit in ("B", "KB", "MB"):
        if count < 1000:  # noqa: PLR2004 - the step between units
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"


def age(text: str) -> str:
    """How long ago an ISO time was, in one unit."""
    passed = (datetime.now(UTC) - datetime.fromisoformat(text)).total_seconds()
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if passed >= length:
            return f"{passed / length:.0f} {unit}"
    return "now"


def moment(text: str) -> str:
    """An ISO time, to the second."""
    return text[:19].replace("T", " ")


def took(seconds: float | None) -> str:
    """How long something took: in seconds while it is less than a minute, else in its two largest units."""
    if seconds is None:
        return ""
    if seconds < MINUTE_SECONDS:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), MINUTE_SECONDS)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """In Markdown."""
    lines = (titles, ("---",) * len(titles), *rows)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def filled(page: str, blocks: Mapping[str, str]) -> str:
    """A page whose blocks, each between `<!-- name -->` and `<!-- /name -->`, have these contents."""
    for name, content in blocks.items():
        marked = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        page, count = marked.subn(lambda found, content=content: f"{found[1]}{content}\n{found[2]}", page)
        if count != 1:
            raise ValueError(f"The page has {count} blocks named {name!r}, not one.")
    return page
