"""What may be in a published JBIG2 of a PDF: segments of a picture, one behind the other (ITU-T T.88, 7.2)."""

from collections.abc import Iterator

_KINDS = frozenset({0, 4, 6, 7, *range(16, 52), 53})
"""Dictionaries, regions, pages, their ends, and tables of codes; neither profiles nor comments."""

_UNKNOWN_BYTES = b"\xff" * 4
_LARGE_NUMBERS = (0x100, 0x10000)
"""Above which a number that is referred to takes two bytes, and four."""


def faults_of_jbig2(data: bytes) -> Iterator[str]:
    """One sentence's end for each thing that is not on the list."""
    at = 0
    while at < len(data):
        number, flags, referred = int.from_bytes(data[at : at + 4], "big"), data[at + 4], data[at + 5]
        if flags & 63 not in _KINDS:
            yield f"a segment of the type {flags & 63}"
        count, at = (referred >> 5, at + 6) if referred < 0xE0 else _long_count(data, at + 5)  # noqa: PLR2004
        at += count * 2 ** sum(number > limit for limit in _LARGE_NUMBERS) + (4 if flags & 64 else 1)
        length, at = data[at : at + 4], at + 4
        if length == _UNKNOWN_BYTES:
            return
        at += int.from_bytes(length, "big")
    if at != len(data):
        yield "a segment that does not fit"


def _long_count(data: bytes, at: int) -> tuple[int, int]:
    """How many segments are referred to, and where their numbers begin: behind a bit for each, and one."""
    count = int.from_bytes(data[at : at + 4], "big") & 0x1FFFFFFF
    return count, at + 4 + (count + 8) // 8
