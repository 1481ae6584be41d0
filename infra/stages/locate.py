"""Where in a TOML text something is said, of which the parser tells no position."""

import tomllib
from collections.abc import Mapping, Sequence
from typing import Any, cast

Path = tuple[str | int, ...]


def line_of(text: str, path: Path) -> int:
    """The line on which the statement begins that says the value at `path`, or else the nearest table around it.

    The first so many lines that are TOML by themselves and have the value end with that statement.
    """
    lines = text.splitlines(keepends=True)
    start, found = 1, (0, 1)
    for number in range(1, len(lines) + 1):
        try:
            said = tomllib.loads("".join(lines[:number]))
        except tomllib.TOMLDecodeError:
            continue  # a statement that goes on
        found = max(found, (_depth(said, path), start), key=lambda each: each[0])
        start = number + 1
    return found[1]


def _depth(value: Any, path: Path) -> int:
    """How many steps of the path there are."""
    for depth, step in enumerate(path):
        if isinstance(value, Mapping) and step in value:
            value = cast("Mapping[Any, Any]", value)[step]
        elif isinstance(value, Sequence) and isinstance(step, int) and step < len(cast("Sequence[Any]", value)):
            value = cast("Sequence[Any]", value)[step]
        else:
            return depth
    return len(path)
