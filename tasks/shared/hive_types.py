"""DuckDB's types in the words of Hive, as Glue's tables have them and Athena reads them.

A type has no name here if Athena would refuse its Parquet form or read other values from it: Athena's tables have no
type for times of day, intervals and UUIDs, and take unsigned integers of 32 and 64 bits for signed ones.
"""

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType

MAX_TYPE_BYTES = 131_072
"""Glue's limit for the type of a column."""

_MAX_DEPTH = 30

_SCALARS: Mapping[str, str] = MappingProxyType(
    {
        "BOOLEAN": "boolean",
        "TINYINT": "tinyint",
        "SMALLINT": "smallint",
        "UTINYINT": "smallint",
        "INTEGER": "int",
        "USMALLINT": "int",
        "BIGINT": "bigint",
        "FLOAT": "float",
        "DOUBLE": "double",
        "DATE": "date",
        "TIMESTAMP": "timestamp",
        "TIMESTAMP_NS": "timestamp",
        "TIMESTAMP WITH TIME ZONE": "timestamp",
        "VARCHAR": "string",
        "JSON": "string",
        "BLOB": "binary",
    }
)
_DECIMAL = re.compile(r"DECIMAL\(\d+,\d+\)")
_NESTED = re.compile(r"(STRUCT|MAP)\((.*)\)", re.DOTALL)
_MARKS = re.compile(r'"(?:[^"]|"")*"|[(),]')
_MEMBER = re.compile(r'("?)([A-Za-z0-9_]+)\1 (.+)', re.DOTALL)
"""Athena allows no other characters in the names within a column."""


def hive_type(duckdb_type: str) -> str | None:
    """The type's name in Hive, None if Athena does not read such a column."""
    name = _named(duckdb_type, 0)
    return name if name and len(name) <= MAX_TYPE_BYTES else None


def _named(duckdb_type: str, depth: int) -> str | None:
    if depth > _MAX_DEPTH:
        return None
    if duckdb_type.endswith("[]"):
        return _composed("array", [_named(duckdb_type[:-2], depth + 1)])
    if found := _NESTED.fullmatch(duckdb_type):
        members = list(_members(found[2]))
        if found[1] == "MAP":
            return _composed("map", [_named(member, depth + 1) for member in members])
        return _composed("struct", [_field(member, depth + 1) for member in members])
    return duckdb_type.lower() if _DECIMAL.fullmatch(duckdb_type) else _SCALARS.get(duckdb_type)


def _composed(name: str, inner: list[str | None]) -> str | None:
    known = [each for each in inner if each]
    return f"{name}<{','.join(known)}>" if len(known) == len(inner) else None


def _field(member: str, depth: int) -> str | None:
    found = _MEMBER.fullmatch(member)
    inner = _named(found[3], depth) if found else None
    return f"{found[2].lower()}:{inner}" if found and inner else None


def _members(text: str) -> Iterator[str]:
    """What is between the commas that are neither quoted nor in parentheses."""
    depth = start = 0
    for mark in _MARKS.finditer(text):
        depth += (mark[0] == "(") - (mark[0] == ")")
        if mark[0] == "," and depth == 0:
            yield text[start : mark.start()].strip()
            start = mark.end()
    yield text[start:].strip()
