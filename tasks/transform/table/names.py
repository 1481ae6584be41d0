"""Names that are safe where they go: of tables in keys and folders, of columns in every engine."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from pathlib import PurePosixPath

MAX_SLUG_CHARS = 40
MAX_COLUMN_CHARS = 200

_COMPRESSED, _TABLE = frozenset({".gz", ".gzip", ".zst", ".zstd"}), re.compile(r"\.[A-Za-z0-9]{1,8}$")
_UNSAFE = re.compile(r"[^a-z0-9_]+")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]+")


def stem(file_name: str) -> str:
    """The file name without what says its format: "a.csv.gz" → "a"."""
    name = PurePosixPath(file_name).name
    if PurePosixPath(name).suffix.lower() in _COMPRESSED:
        name = name[: name.rfind(".")]
    return _TABLE.sub("", name) or name


def slugs(names: Iterable[str]) -> list[str]:
    """Unique, of [a-z0-9_-], at most 40 characters, in the order of the names."""
    return _unique((slug(name) for name in names), "-")


def slug(name: str) -> str:
    """Letters lose their accents; "table" if nothing is left."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return _UNSAFE.sub("-", plain).strip("-_")[: MAX_SLUG_CHARS - 3].strip("-_") or "table"


def column_names(header: Iterable[str]) -> tuple[str, ...]:
    """Every name once, whatever its case: engines that ignore case would not find the second."""
    named = (_column_name(name) or f"column_{at}" for at, name in enumerate(header, 1))
    return tuple(_unique(named, "_"))


def _column_name(name: str) -> str:
    return _CONTROLS.sub(" ", name).strip(" \ufeff\u00a0")[:MAX_COLUMN_CHARS]


def _unique(names: Iterable[str], separator: str) -> list[str]:
    made: dict[str, str] = {}
    counts: Counter[str] = Counter()
    for name in names:
        candidate = name
        while candidate.casefold() in made:
            counts[name.casefold()] += 1
            candidate = f"{name}{separator}{counts[name.casefold()] + 1}"
        made[candidate.casefold()] = candidate
    return list(made.values())
