"""Reads JSON: an object a line, an array of objects, or objects one after the other. One key is one column.

Each top-level value is taken as its own text, so that no digit is lost; nested values become lists and structs.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from itertools import islice
from pathlib import Path
from typing import IO

import duckdb
from duckdb import DuckDBPyConnection

from tasks.shared.nesting import MAX_LEVELS, levels
from tasks.transform.table.delimited import check_columns
from tasks.transform.table.engine import corrupt, literal, row_group_rows, write_parquet
from tasks.transform.table.envelope import exact, unwrapped
from tasks.transform.table.limits import LIMITS, MIB
from tasks.transform.table.names import column_names
from tasks.transform.table.plain import PlainText
from tasks.transform.table.raw import NO_FAMILY, Family, RawColumn, RawTable
from tasks.transform.table.rejects import Rejects
from tasks.transform.table.structure import MIXED, NOTHING, Structure, is_regular, merge
from workflow.errors import CorruptTable, TooLarge, TruncatedFile

_FAMILIES: Mapping[str, frozenset[Family]] = {
    "VARCHAR": frozenset({"time"}),
    "BOOLEAN": frozenset({"boolean"}),
    "UBIGINT": frozenset({"number"}),
    "BIGINT": frozenset({"number"}),
    "HUGEINT": frozenset({"number"}),
    "DOUBLE": frozenset({"number"}),
}
"""A text in JSON stays one: "12" in quotes is no number. It has no other way to write a time, though."""

_EMPTY = '"JSON"'
_LONG_DECIMAL = "[0-9.]{17,}"
_NESTED_TYPES = {NOTHING: "VARCHAR", "UBIGINT": "BIGINT"}
_FETCHED_KINDS = 1000
_LONG_NUMBER = "(^|[:,[])\\s*-?[0-9]{16,}"
_MAX_LINE_CHARS = LIMITS.max_json_value_bytes
_TAIL_BYTES = 4096
_CLOSING = {b"{": b"}", b"[": b"]"}
_TRIED_LINES = 20
_SCALAR_KEY = "value"
_OPENING = "2 * strlen(json) - strlen(replace(json, '[', '')) - strlen(replace(json, '{', ''))"


def read_documents(text: PlainText, name: str, engine: DuckDBPyConnection, scratch: Path) -> RawTable:
    """One table; raises a RejectedError. Bad lines are set aside only where each line is an object of its own."""
    path, notes = unwrapped(text.path, scratch)
    text = replace(text, path=path, notes=(*text.notes, *notes))
    with Rejects(scratch / "rejects.ndjson") as rejects:
        found = _try_structure(engine, path)
        if not (found and isinstance(found.structure, dict)) and _begins_with_lines(path):
            path = scratch / "clean.ndjson"
            _put_right(text.path, path, rejects)
            found = _structure(engine, path)
    found = found or _structure(engine, path)
    structure = found.structure
    has_keys_twice = found.has_keys_twice or _has_nested_keys_twice(engine, path, structure)
    if isinstance(structure, dict) and (has_keys_twice or _has_long_decimals(engine, path)):
        path, structure = _kept_exact(engine, path, scratch / "exact.ndjson")
        if has_keys_twice:
            text = replace(text, notes=(*text.notes, "keys come twice in an object: the last value counts"))
    table = rejects.told(_described(text, name, structure, scratch))
    return _extracted(engine, path, structure, table)


def _has_nested_keys_twice(engine: DuckDBPyConnection, path: Path, structure: Structure) -> bool:
    """In an object of a column that becomes a struct, or a list of these: of equal keys, DuckDB takes the first."""
    columns = structure.items() if isinstance(structure, dict) else ()
    places = [place for key, found in columns if is_regular(found) for place in _objects(found, f"$.{_quoted(key)}")]
    if not places:
        return False
    again = "lambda keys: len(keys) > len(list_distinct(keys))"
    tests = (f"len(list_filter({_keys(place)}, {again})) > 0" for place in places)
    found = engine.execute(f"SELECT coalesce(bool_or({' OR '.join(tests)}), false) FROM {_source(path)}").fetchone()
    return bool(found and found[0])


def _keys(place: str) -> str:
    """SQL for a list of the keys of each object there."""
    keys = f"json_keys(json, {literal(place)})"
    return keys if "[*]" in place else f"[{keys}]"


def _objects(found: Structure, place: str) -> Iterator[str]:
    """The JSON paths of objects in a value at this one."""
    if isinstance(found, list):
        for item in found:
            yield from _objects(item, f"{place}[*]")
    if isinstance(found, dict):
        yield place
        for key, member in found.items():
            yield from _objects(member, f"{place}.{_quoted(key)}")


def _quoted(key: str) -> str:
    return '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _has_long_decimals(engine: DuckDBPyConnection, path: Path) -> bool:
    """Whether there are decimals that no double holds."""
    is_rounded = "lambda each: contains(each, '.') AND try_cast(each AS DOUBLE)::VARCHAR IS DISTINCT FROM each"
    long = f"list_filter(regexp_extract_all(json::VARCHAR, '{_LONG_DECIMAL}'), {is_rounded})"
    source = f"{_source(path)} WHERE regexp_matches(json::VARCHAR, '{_LONG_DECIMAL}')"
    found = engine.execute(f"SELECT coalesce(bool_or(len({long}) > 0), false) FROM {source}").fetchone()
    return bool(found and found[0])


def _kept_exact(engine: DuckDBPyConnection, path: Path, target: Path) -> tuple[Path, Structure]:
    """The same objects with such decimals as texts, and the structure as if they were none."""
    objects = engine.execute(f"SELECT json::VARCHAR FROM {_source(path)}")
    batches = iter(lambda: objects.fetchmany(_FETCHED_KINDS), [])
    numbers, nested = exact((text for batch in batches for (text,) in batch), target)
    structure = _structure(engine, target).structure
    if not isinstance(structure, dict):
        return target, structure
    forced = {
        key: "DOUBLE" if key in numbers else MIXED if key in nested else found for key, found in structure.items()
    }
    return target, forced


def _source(path: Path) -> str:
    return f"read_json_objects({literal(path)}, format = 'auto', maximum_object_size = {LIMITS.max_json_value_bytes})"


@dataclass(frozen=True)
class _Found:
    structure: Structure
    has_keys_twice: bool


def _try_structure(engine: DuckDBPyConnection, path: Path) -> _Found | None:
    try:
        return _structure(engine, path)
    except (CorruptTable, TruncatedFile):
        return None


def _structure(engine: DuckDBPyConnection, path: Path) -> _Found:
    """Of all values, keys in the order in which they first come."""
    each = (
        "SELECT json_structure(json)::VARCHAR AS structure, json_keys(json)::VARCHAR[] AS keys,"
        f" row_number() OVER () AS place FROM {_source(path)}"
    )
    try:
        _check_levels(engine, path)
        kinds = engine.execute(f"SELECT structure, keys FROM ({each}) GROUP BY ALL ORDER BY min(place)")
    except (duckdb.InvalidInputException, duckdb.InvalidTypeException) as exc:
        raise _damaged(path, exc) from exc
    merged: Structure = NOTHING
    has_keys_twice = False
    while found := kinds.fetchmany(_FETCHED_KINDS):
        merged = reduce(merge, (_kind(structure) for structure, _ in found), merged)
        has_keys_twice = has_keys_twice or any(len({*keys}) < len(keys) for _, keys in found if keys)
    if merged in (NOTHING, [NOTHING], {}):
        raise CorruptTable("There is no value in this JSON. Upload a file with at least one object.")
    return _Found(merged, has_keys_twice)


def _kind(structure: str) -> Structure:
    """Of an object without a member, DuckDB says "JSON"."""
    return {} if structure == _EMPTY else json.loads(structure)


def _check_levels(engine: DuckDBPyConnection, path: Path) -> None:
    """Only what has many brackets can be nested deeply: just that is looked at."""
    suspects = engine.execute(f"SELECT json::VARCHAR FROM {_source(path)} WHERE {_OPENING} > {MAX_LEVELS}")
    while found := suspects.fetchone():
        if (deep := levels(found[0])) > MAX_LEVELS:
            raise CorruptTable(
                f"The JSON is nested {deep} levels deep; at most {MAX_LEVELS} are read. Flatten it and upload it again."
            )


def _damaged(path: Path, exc: Exception) -> CorruptTable | TruncatedFile | TooLarge:
    with path.open("rb") as file:
        begin = file.read(_TAIL_BYTES).lstrip()[:1]
        file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
        end = file.read().rstrip()[-1:]
    if "maximum_object_size" in str(exc):
        return TooLarge(
            f"A value of the JSON has more than {LIMITS.max_json_value_bytes // MIB} MiB. "
            "Write smaller objects, one a line (NDJSON), and upload that."
        )
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


def _described(text: PlainText, name: str, structure: Structure, scratch: Path) -> RawTable:
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
        notes=text.notes,
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
    return replace(table, columns=columns, rows=rows, row_bytes=row_bytes, notes=(*table.notes, *notes))


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
