"""What JSON values have in common: one description of all, merged from DuckDB's of each, value by value.

DuckDB's own aggregate for this holds every value in memory.
"""

from functools import reduce

from tasks.transform.table.delimited import check_columns

Structure = str | list["Structure"] | dict[str, "Structure"]
"""A type's name, a list's items, or a struct's members: "BIGINT", ["VARCHAR"], {"key": "BOOLEAN"}."""

MIXED, NOTHING = "JSON", "NULL"

_NUMBERS = ("UBIGINT", "BIGINT", "HUGEINT", "DOUBLE")
_MAX_MEMBERS, _MAX_DEPTH = 200, 8


def merge(one: Structure, other: Structure) -> Structure:
    """What holds both; MIXED if they are of different kinds. Raises TooManyColumns."""
    if other in (one, NOTHING):
        return one
    if one == NOTHING:
        return other
    if isinstance(one, str) and isinstance(other, str):
        are_numbers = one in _NUMBERS and other in _NUMBERS
        return max(one, other, key=_NUMBERS.index) if are_numbers else MIXED
    if isinstance(one, list) and isinstance(other, list):
        merged = reduce(merge, (*one, *other), NOTHING)
        return [merged]
    return _merge_members(one, other) if isinstance(one, dict) and isinstance(other, dict) else MIXED


def _merge_members(one: dict[str, Structure], other: dict[str, Structure]) -> Structure:
    if len(one.keys() | other.keys()) > len(one):
        check_columns(len(one.keys() | other.keys()))
    return one | {key: merge(one.get(key, NOTHING), found) for key, found in other.items()}


def is_regular(found: Structure, depth: int = 0) -> bool:
    """Whether lists and structs can hold it: one type a place, few places, names that differ in more than case."""
    if isinstance(found, str):
        return found != MIXED
    if isinstance(found, list):
        return depth < _MAX_DEPTH and all(is_regular(item, depth + 1) for item in found)
    names = {key.casefold() for key in found if key.strip()}
    fits = 0 < len(names) == len(found) <= _MAX_MEMBERS and depth < _MAX_DEPTH
    return fits and all(is_regular(item, depth + 1) for item in found.values())
