"""Checks a ZIP by unpacking all of it once, keeping nothing, and makes the list of what is in it.

Whoever makes assets of its files takes them from `members`, and finds no surprise in them any more.
"""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tasks.shared.work import Encoded, Original, Recipe, Rendered
from tasks.sniffing.sniff import sniff
from tasks.transform.archive.limits import LIMITS, Limits
from tasks.transform.archive.members import Contents, Member, members, opened
from workflow.errors import EmptyFile

__all__ = ["LIMITS", "Limits", "Member", "members", "recipe_name", "transform"]

_END_BYTES = 64 * 1024
_MAX_TYPES = 12
_MAX_COMMENT_CHARS = 500


@dataclass(frozen=True)
class Listed:
    """A file that was unpacked and is what the archive says; sizes in bytes."""

    name: str
    bytes: int
    packed_bytes: int
    type: str
    modified: str | None


def recipe_name(_original_name: str, recipe: Recipe) -> str:
    """Names everything that decides the output."""
    return "zip-private" if recipe.publish_private else "zip"


def transform(original: Original, recipe: Recipe) -> Rendered:
    """The list of the files as JSON; a RejectedError if the archive is at fault."""
    with opened(original.path) as contents:
        if not contents.members:
            raise EmptyFile("There are no files in the archive. Pack the files again, and upload that.")
        listed = [_listed(member) for member in contents.members]
    facts = _facts(listed, contents) | _comment(contents, publish_private=recipe.publish_private)
    document = {"archive": original.name} | facts | {"entries": [vars(file) for file in listed]}
    data = json.dumps(document, ensure_ascii=False, indent=1).encode()
    return Rendered((Encoded("contents", "application/json", data),), facts)


def _listed(member: Member) -> Listed:
    head = tail = b""
    for chunk in member.chunks():
        head += chunk[: _END_BYTES - len(head)]
        tail = (tail + chunk)[-_END_BYTES:]
    media_type = sniff(head, tail, member.size).media_type if member.size else "application/x-empty"
    return Listed(member.name, member.size, member.packed_size, media_type, member.modified)


def _facts(listed: list[Listed], contents: Contents) -> dict[str, Any]:
    size, packed = sum(file.bytes for file in listed), sum(file.packed_bytes for file in listed)
    largest = max(listed, key=lambda file: file.bytes)
    notes = list(_notes(listed, contents))
    facts: dict[str, Any] = {
        "files": len(listed),
        "folders": len({folder for file in listed for folder in _folders(file.name)}),
        "bytes": size,
        "packed_bytes": packed,
        "ratio": round(size / max(1, packed), 2),
        "largest": {"name": largest.name, "bytes": largest.bytes},
        "types": dict(Counter(file.type for file in listed).most_common(_MAX_TYPES)),
    }
    return facts | ({"notes": notes} if notes else {})


def _folders(name: str) -> Iterator[str]:
    *parts, _ = name.split("/")
    return ("/".join(parts[:length]) for length in range(1, len(parts) + 1))


def _notes(listed: list[Listed], contents: Contents) -> Iterator[str]:
    inner = sum(file.type == "application/zip" for file in listed)
    empty = sum(not file.bytes for file in listed)
    counts = {
        f"{contents.clutter:,} files were passed over that systems add for themselves": contents.clutter,
        f"{inner:,} of the files are archives": inner,
        f"{empty:,} of the files are empty": empty,
        f"the archive begins behind {contents.leading_bytes:,} bytes of something else": contents.leading_bytes,
    }
    if contents.names_told:
        yield f"names of files are {contents.names_told.note}"
    yield from (note for note, count in counts.items() if count)


def _comment(contents: Contents, *, publish_private: bool) -> dict[str, str]:
    comment = contents.comment.decode("utf-8", "replace").strip()[:_MAX_COMMENT_CHARS]
    return {"comment": comment} if comment and publish_private else {}
