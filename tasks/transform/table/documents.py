"""Reads JSON: an object a line, an array of objects, or objects one after the other. One key is one column.

Each top-level value is taken as its own text, so that no digit is lost; nested values become lists and structs.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import reduce
from itertools import islice
from pathlib import Path
from typing import IO

import duckdb
from duckdb import DuckDBPyConnection

from tasks.shared.nesting import MAX_LEVELS, levels
from tasks.transform.table.delimited import check_columns
from tasks.transform.table.engine import corrupt, literal, row_group_rows, write_parquet
from tasks.transform.table.limits import LIMITS
from tasks.transform.table.names import column_names
from tasks.transform.table.plain import PlainText
from tasks.transform.table.raw import NO_FAMILY, Family, RawColumn, RawTable
from tasks.transform.table.rejects import Rejects
from tasks.transform.table.structure import NOTHING, Structure, is_regular, merge
from workflow.errors import CorruptTable, TruncatedFile

_FAMILIES: Mapping[str, frozenset[Family]] = {
    "VARCHAR": frozenset({"time"}),
    "BOOLEAN": frozenset({"boolean"}),
    "UBIGINT": frozenset({"number"}),
    "BIGINT": frozenset({"number"}),
    "HUGEINT": frozenset({"number"}),
    "DOUBLE": frozenset({"number"}),
}
"""A text in JSON stays one: "12" in quotes is no number. It has no other way to write a time, though."""

_NESTED_TYPES = {NOTHING: "VARCHAR", "UBIGINT": "BIGINT"}
_FETCHED_KINDS = 1000
_LONG_NUMBER = "(^|[^.0-9])[0-9]{16,}"
_MAX_LINE_CHARS = LIMITS.max_json_value_bytes
_TAIL_BYTES = 4096
_CLOSING = {b"{": b"}", b"[": b"]"}
_TRIED_LINES = 20
_SCALAR_KEY = "value"
_OPENING = "2 * strlen(json) - strlen(replace(json, '[', '')) - strlen(replace(json, '{', ''))"


def read_documents(text: PlainText, name: str, engine: DuckDBPyConnection, scratch: Path) -> RawTable:
    """One table; raises a RejectedError. Bad lines are set aside only where each line is an object of its own."""
    with Rejects(scratch / "rejects.ndjson") as rejects:
        path, structure = text.path, _try_structure(engine, text.path)
        if not isinstance(structure, dict) and _begins_with_lines(text.path):
            path = scratch / "clean.ndjson"
            _put_right(text.path, path, rejects)
            structure = _structure(engine, path)
    if structure is None:
        structure = _structure(engine, path)
    table = _described(text, name, structure, rejects, scratch)
    return _extracted(engine, path, structure, table)


def _source(path: Path) -> str:
    return f"read_json_objects({literal(path)}, format = 'auto', maximum_object_size = {LIMITS.max_json_value_bytes})"


def _try_structure(engine: DuckDBPyConnection, path: Path) -> Structure | None:
    try:
        return _structure(engine, path)
    except (CorruptTable, TruncatedFile):
        return None


def _structure(engine: DuckDBPyConnection, path: Path) -> Structure:
    """Of all values, keys in the order in which they first come."""
    each = f"SELECT json_structure(json)::VARCHAR AS structure, row_number() OVER () AS place FROM {_source(path)}"
    try:
        _check_levels(engine, path)
        kinds = engine.execute(f"SELECT structure FROM ({each}) GROUP BY 1 ORDER BY min(place)")
    except (duckdb.InvalidInputException, duckdb.InvalidTypeException) as exc:
        raise _damaged(path, exc) from exc
    merged: Structure = NOTHING
    while found := kinds.fetchmany(_FETCHED_KINDS):
        merged = reduce(merge, (json.loads(structure) for (structure,) in found), merged)
    if merged in (NOTHING, [NOTHING], {}):
        raise CorruptTable("There is no value in this JSON. Upload a file with at least one object.")
    return merged


def _check_levels(engine: DuckDBPyConnection, path: Path) -> None:
    """Only what has many brackets can be nested deeply: just that is looked at."""
    suspects = engine.execute(f"SELECT json::VARCHAR FROM {_source(path)} WHERE {_OPENING} > {MAX_LEVELS}")
    while found := suspects.fetchone():
        if (deep := levels(found[0])) > MAX_LEVELS:
            raise CorruptTable(
                f"The JSON is nested {deep} levels deep; at most {MAX_LEVELS} are read. Flatten it and upload it again."
            )


def _damaged(path: Path, exc: Exception) -> CorruptTable | TruncatedFile:
    with path.open("rb") as file:
        begin = file.read(_TAIL_BYTES).lstrip()[:1]
        file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
        end = file.read().rstrip()[-1:]
    if end != _CLOSING.get(begin, end):
        return TruncatedFile("The JSON ends in the middle of a value. Upload the complete file again.")
    return corrupt(exc)


def _begins_with_lines(path: Path) -> bool:
    """Whether one of the first lines is an object by itself, so that a bad line among others can be told."""
    with path.open(encoding="utf-8", errors="surrogateescape") as file:
        return any(line.strip() and not _line_fault(line) for line in islice(_lines(file), _TRIED_LINES))


def _lines(file: IO[str]) -> Iterator[str]:
    return iter(lambda: file.readline(_MAX_LINE_CHARS), "")


def _put_right(source: Path, target: Path, rejects: Rejects) -> None:
    with (
        source.open(encoding="utf-8", errors="surrogateescape", newline="\n") as lines,
        target.open("w", encoding="utf-8", newline="\n") as file,
    ):
        for number, line in enumerate(_lines(lines), 1):
            if fault := line.strip() and _line_fault(line):
                rejects.add(number, fault, line)
            elif line.strip():
                rejects.good += 1
                file.write(line)
    rejects.check()


def _line_fault(line: str) -> str:
    if levels(line) > MAX_LEVELS:
        return "nested too deeply"
    try:
        value = json.loads(line, parse_int=str)
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return "not UTF-8"
    except ValueError as exc:
        return f"not JSON ({exc})"
    return "" if isinstance(value, dict) else "not an object"


def _described(text: PlainText, name: str, structure: Structure, rejects: Rejects, scratch: Path) -> RawTable:
    keys = structure if isinstance(structure, dict) else {_SCALAR_KEY: structure}
    check_columns(len(keys))
    columns = tuple(
        RawColumn(column, _families(found)) for column, found in zip(column_names(keys), keys.values(), strict=True)
    )
    return RawTable(
        name,
        scratch / "raw.parquet",
        columns,
        rows=0,
        row_bytes=0,
        bad_rows=rejects.bad,
        rejects=rejects.path if rejects.bad else None,
        facts={"encoding": text.encoding},
    )


def _families(found: Structure) -> frozenset[Family] | None:
    """None for what becomes a list or a struct."""
    if isinstance(found, str):
        return _FAMILIES.get(found, NO_FAMILY)
    return None if is_regular(found) else NO_FAMILY


def _extracted(engine: DuckDBPyConnection, path: Path, structure: Structure, table: RawTable) -> RawTable:
    rows, row_bytes = _size(engine, path)
    columns = _checked_nested(engine, path, structure, table.columns)
    types = list(structure.values()) if isinstance(structure, dict) else [structure]
    values = (
        f"v[{at + 1}] AS c{at}" if column.families is not None else f"{_nested(f'v[{at + 1}]', types[at])} AS c{at}"
        for at, column in enumerate(columns)
    )
    query = f"SELECT {', '.join(values)} FROM (SELECT {_texts(structure)} AS v FROM {_source(path)})"
    write_parquet(engine, query, table.path, row_group_rows(row_bytes, len(columns)), "lz4_raw")
    kept = [new.name for new, old in zip(columns, table.columns, strict=True) if new != old]
    notes = tuple(f'"{name}" stays JSON text: its numbers are too long for nested columns' for name in kept)
    return replace(table, columns=columns, rows=rows, row_bytes=row_bytes, notes=notes)


def _size(engine: DuckDBPyConnection, path: Path) -> tuple[int, float]:
    found = engine.execute(f"SELECT count(*), avg(strlen(json::VARCHAR)) FROM {_source(path)}").fetchone()
    return (found[0], found[1] or 0) if found else (0, 0)


def _texts(structure: Structure) -> str:
    """SQL for the list of all top-level values of `json`, as text."""
    if not isinstance(structure, dict):
        return "[json_extract_string(json, '$')]"
    pointers = (literal("/" + key.replace("~", "~0").replace("/", "~1")) for key in structure)
    return f"json_extract_string(json, [{', '.join(pointers)}])"


def _nested(text: str, found: Structure) -> str:
    return f"json_transform({text}::JSON, {literal(json.dumps(_signed(found)))})"


def _signed(found: Structure) -> Structure:
    """DuckDB says UBIGINT of every whole number that is not negative."""
    if isinstance(found, str):
        return _NESTED_TYPES.get(found, found)
    if isinstance(found, list):
        return [_signed(item) for item in found]
    return {key: _signed(item) for key, item in found.items()}


def _checked_nested(
    engine: DuckDBPyConnection, path: Path, structure: Structure, columns: tuple[RawColumn, ...]
) -> tuple[RawColumn, ...]:
    """Nested numbers of 16 digits and more might not fit: such a column keeps its text."""
    nested = [at for at, column in enumerate(columns) if column.families is None]
    if not nested:
        return columns
    tests = ", ".join(f"bool_or(regexp_matches(v[{at + 1}], '{_LONG_NUMBER}'))" for at in nested)
    found = engine.execute(f"SELECT {tests} FROM (SELECT {_texts(structure)} AS v FROM {_source(path)})").fetchone()
    too_long = {at for at, is_long in zip(nested, found or (), strict=True) if is_long}
    return tuple(replace(column, families=NO_FAMILY) if at in too_long else column for at, column in enumerate(columns))
