"""Makes of tables, logs and workbooks one typed Parquet dataset a table, with a profile and the rows that are bad.

A reader brings each format to the same raw form, text where the file has no types; from there on all are alike.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from typing import Any

import duckdb
from duckdb import DuckDBPyConnection

from tasks.shared.work import Original, Recipe, Rendered, Written
from tasks.sniffing.text import LOG
from tasks.transform.table.delimited import keep_text, read_delimited
from tasks.transform.table.dialect import read_layout
from tasks.transform.table.documents import read_documents
from tasks.transform.table.engine import (
    MAX_ROW_GROUP_ROWS,
    identifier,
    literal,
    numbered,
    open_engine,
    row_group_rows,
    write_parquet,
)
from tasks.transform.table.envelope import UNWRAPPED
from tasks.transform.table.logs import read_logs
from tasks.transform.table.names import slugs, stem
from tasks.transform.table.parquet import read_parquet
from tasks.transform.table.partition import parts
from tasks.transform.table.plain import PLAIN, PlainText, plain_text
from tasks.transform.table.profile import MAX_FULL_COLUMNS, Described, cut, describe, profile_table
from tasks.transform.table.proof import Made, RawCells, Text, prove_rows, prove_values
from tasks.transform.table.raw import RawTable
from tasks.transform.table.types import Column, notes_of, settled_columns, typed_columns
from tasks.transform.table.unpack import UNPACKED, unpack
from tasks.transform.table.workbook import read_workbook

PARQUET, NDJSON = "application/vnd.apache.parquet", "application/x-ndjson"
_DELIMITED = frozenset({"text/csv", "text/tab-separated-values"})
_DOCUMENTS = frozenset({"application/json", NDJSON})
_TEXTS = frozenset({*_DELIMITED, *_DOCUMENTS, LOG})
_READ_FROM = (UNWRAPPED, PLAIN, UNPACKED)
"""What a text was read from, if it was not the original itself: the last that was made of it first."""

ROWS = ".rows"
"""Which rows of the raw table are in a part: Parquet beside it, for the proof."""

_MAX_LIST_BYTES, _MAX_NOTE_CHARS = 1200, 160


_MADE = "made"
"""Files that are called as tables are have a folder of their own: a table may have any name, that of a raw one, too."""


@dataclass(frozen=True)
class Finished:
    """A table as it is published."""

    slug: str
    raw: RawTable
    columns: list[Described]
    files: tuple[Written, ...]
    profile: dict[str, Any]
    notes: tuple[str, ...]


def recipe_name(original_name: str, recipe: Recipe) -> str:
    """Names what decides the output; the file's name does, too, because tables and the profile are called by it."""
    called = hashlib.sha256(json.dumps([original_name, recipe.partition_by]).encode()).hexdigest()[:8]
    return f"parquet-{called}"


def transform(original: Original, recipe: Recipe) -> Rendered:
    """Every table of the file; raises a RejectedError if it is at fault."""
    media_type, _, packing = original.media_type.partition("+")
    path = unpack(original.path, packing, original.scratch)
    with open_engine(path, original.scratch) as engine:
        if media_type in _DELIMITED:
            tables = [_delimited(engine, plain_text(path, original.scratch), original, recipe)]
        else:
            read = _read(path, media_type, stem(original.name), engine, original.scratch)
            tables = _finished(engine, read, original, recipe)
    return _rendered(original, tables)


def _delimited(engine: DuckDBPyConnection, text: PlainText, original: Original, recipe: Recipe) -> Finished:
    """In one pass over the text, if the types that its first rows have are those of all; or else step by step."""
    name, scratch = stem(original.name), original.scratch
    (slug,), layout = slugs([name]), read_layout(text.path)
    kept = None if recipe.partition_by else keep_text(text, layout, name, scratch)
    try:
        if kept and (columns := settled_columns(engine, kept)):
            return _finish(engine, kept, columns, slug, recipe, scratch, MAX_FULL_COLUMNS)
    except (duckdb.InvalidInputException, duckdb.ConversionException):
        pass
    return _finished(engine, [read_delimited(text, layout, name, engine, scratch)], original, recipe)[0]


def _finished(
    engine: DuckDBPyConnection, read: Sequence[RawTable], original: Original, recipe: Recipe
) -> list[Finished]:
    tables: list[Finished] = []
    for slug, raw in zip(slugs(raw.name for raw in read), read, strict=True):
        full_columns = MAX_FULL_COLUMNS - sum(min(len(each.columns), MAX_FULL_COLUMNS) for each in tables)
        columns = typed_columns(engine, raw)
        tables.append(_finish(engine, raw, columns, slug, recipe, original.scratch, max(0, full_columns)))
    return tables


def prove(original: Original, rendered: Rendered, _recipe: Recipe) -> None:
    """That no row vanished and no number is another; raises ResultNotProven."""
    media_type = original.media_type.partition("+")[0]
    tables: list[dict[str, Any]] = rendered.technical["tables"]
    read_from = (path for name in _READ_FROM if (path := original.scratch / name).exists())
    text = Text(next(read_from, original.path))
    if media_type in _TEXTS:
        prove_rows(tables, text, media_type)
    with open_engine(original.path, original.scratch) as engine:
        for table in tables:
            folder = f"tables/{table['slug']}/"
            made = [file.path for file in rendered.files if isinstance(file, Written) and file.name.startswith(folder)]
            raw = original.scratch / f"{table['slug']}.raw"
            parts_made = [Made(path, path.with_suffix(ROWS)) for path in made]
            prove_values(engine, table, RawCells(engine, raw) if raw.exists() else text, parts_made)


def _read(path: Path, media_type: str, name: str, engine: DuckDBPyConnection, scratch: Path) -> list[RawTable]:
    if media_type == PARQUET:
        return [read_parquet(path, name, engine, scratch)]
    if media_type == LOG:
        return read_logs(plain_text(path, scratch), name, engine, scratch)
    if media_type in _DOCUMENTS:
        return [read_documents(plain_text(path, scratch), name, engine, scratch)]
    return read_workbook(path, name, engine, scratch)


def _finish(
    engine: DuckDBPyConnection,
    raw: RawTable,
    columns: Sequence[Column],
    slug: str,
    recipe: Recipe,
    scratch: Path,
    full_columns: int,
) -> Finished:
    files, rows, notes = _written(engine, raw, columns, slug, recipe, scratch)
    relation = f"read_parquet([{', '.join(literal(file.path) for file in files)}], hive_partitioning = false)"
    described = describe(engine, relation)
    profile = profile_table(engine, relation, described, full_columns)
    if raw.text:
        raw = replace(raw, rows=rows)
    else:
        raw.path.rename(scratch / f"{slug}.raw")
    return Finished(slug, raw, described, files, profile, (*raw.notes, *notes_of(columns), *notes))


def _written(
    engine: DuckDBPyConnection, raw: RawTable, columns: Sequence[Column], slug: str, recipe: Recipe, scratch: Path
) -> tuple[tuple[Written, ...], int, tuple[str, ...]]:
    """The Parquet files, one for each part, their rows, and what a person should know of the parts."""
    wanted, notes = parts(engine, columns, recipe.partition_by)
    values = ", ".join(f"{column.expression} AS {identifier(column.name)}" for column in columns)
    group_rows = row_group_rows(raw.row_bytes, len(columns))
    files, rows = list[Written](), 0
    for at, part in enumerate(wanted):
        path = scratch / _MADE / f"{slug}-{at}.parquet"
        path.parent.mkdir(exist_ok=True)
        rows += write_parquet(engine, f"SELECT {values} FROM raw WHERE {part.condition}", path, group_rows)
        if part.folder:
            names = [row[0] for row in engine.execute("DESCRIBE raw").fetchall()]
            numbers = f"SELECT row AS c0 FROM {numbered(raw.path, names)} WHERE {part.condition}"
            write_parquet(engine, numbers, path.with_suffix(ROWS), MAX_ROW_GROUP_ROWS)
        files.append(Written("/".join(filter(None, ("tables", slug, part.folder, "data"))), PARQUET, path))
    return tuple(files), rows, notes


def _rendered(original: Original, tables: list[Finished]) -> Rendered:
    profile = original.scratch / "profile.json"
    profile.write_text(json.dumps(_profile(original, tables), ensure_ascii=False), encoding="utf-8")
    rejects = (
        Written(f"rejects/{table.slug}", NDJSON, table.raw.rejects) for table in tables if table.raw.rejects is not None
    )
    files = (
        *(file for table in tables for file in table.files),
        *rejects,
        Written("profile", "application/json", profile),
    )
    return Rendered(files, _facts(tables), {"tables": [_technical(table) for table in tables]})


def _profile(original: Original, tables: list[Finished]) -> dict[str, Any]:
    return {
        "title": cut(original.name, 200),
        "tables": [
            {"name": cut(table.raw.name), "slug": table.slug, "rows": table.raw.rows, "bad_rows": table.raw.bad_rows}
            | table.profile
            for table in tables
        ],
    }


def _technical(table: Finished) -> dict[str, Any]:
    return {
        "name": table.raw.name,
        "slug": table.slug,
        "rows": table.raw.rows,
        "bad_rows": table.raw.bad_rows,
        "left_out": table.raw.left_out,
        "joined": table.raw.joined,
        "header_rows": table.raw.header_rows,
        "columns": {column.name: column.type for column in table.columns},
        "notes": list(table.notes),
        **table.raw.facts,
    }


def _facts(tables: list[Finished]) -> dict[str, Any]:
    """At most 4 KiB: of many notes, tables and columns the first are told, the technical dump has all."""
    first = tables[0]
    facts: dict[str, Any] = {
        "rows": sum(table.raw.rows for table in tables),
        "columns": len(first.columns),
        "tables": len(tables),
        "bad_rows": sum(table.raw.bad_rows for table in tables),
        **first.raw.facts,
    }
    lists: dict[str, list[Any]] = {
        "notes": [cut(note, _MAX_NOTE_CHARS) for table in tables for note in table.notes],
        "table_names": [table.slug for table in tables],
        "schema": [f"{cut(column.name, 40)}: {cut(column.type, 40)}" for column in first.columns],
    }
    for name, values in lists.items():
        facts[name] = _fitting(values, _MAX_LIST_BYTES)
    return facts


def _fitting(values: list[str], max_bytes: int) -> list[str]:
    """The first of them, as many as fit."""
    sizes = accumulate(len(json.dumps(value)) + 2 for value in values)
    return [value for value, size in zip(values, sizes, strict=True) if size <= max_bytes]
