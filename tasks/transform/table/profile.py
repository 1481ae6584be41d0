"""Describes each column of a finished table: counts, range, quantiles, usual values, distribution. Bounded, whatever
the table holds: long texts are cut, and beyond a number of columns only their names are listed.
"""

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, repeat
from pathlib import Path
from typing import Any

from duckdb import DuckDBPyConnection

from tasks.transform.table.engine import ROW_NUMBER, identifier, parquet_files

MAX_FULL_COLUMNS = 200
MAX_NAMED_COLUMNS = 1000
MAX_TEXT_CHARS = 80
FIRST_ROWS, FIRST_COLUMNS = 12, 40
BINS, TOP_VALUES = 20, 8

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
QUANTILES_OF_ROWS = 100_000
"""About as many are looked at for quantiles, drawn by the hash of their number: the profile tells how many."""
_MAX_COUNTED_DISTINCT = 20_000
_BATCH_COLUMNS = 10
_EPOCH, _MAX_SECONDS = dt.datetime(1970, 1, 1), 60e9  # noqa: DTZ001 - a place on the axis has no zone
_NUMBERS = ("BIGINT", "INTEGER", "SMALLINT", "TINYINT", "UBIGINT", "UINTEGER", "USMALLINT", "UTINYINT", "HUGEINT")
_FRACTIONS = ("DOUBLE", "FLOAT", "DECIMAL")
_TIMES = ("DATE", "TIMESTAMP")


@dataclass(frozen=True)
class Described:
    """A column's name and its type in DuckDB's words."""

    name: str
    type: str

    @property
    def is_nested(self) -> bool:
        return self.type.endswith("]") or self.type.startswith(("STRUCT", "MAP", "UNION", "VARIANT"))

    @property
    def is_number(self) -> bool:
        return not self.is_nested and self.type.startswith((*_NUMBERS, *_FRACTIONS))

    @property
    def has_axis(self) -> bool:
        """Whether its values have places between the least and the greatest."""
        return self.is_number or self.is_time

    @property
    def is_time(self) -> bool:
        return not self.is_nested and self.type.startswith(_TIMES)


def describe(engine: DuckDBPyConnection, relation: str) -> list[Described]:
    """The columns of what `relation`, SQL after FROM, names."""
    return [Described(row[0], row[1]) for row in engine.execute(f"DESCRIBE FROM {relation}").fetchall()]


def profile_table(
    engine: DuckDBPyConnection, files: Sequence[Path], rows: int, columns: Sequence[Described], full_columns: int
) -> dict[str, Any]:
    """The profile of one table, of which `full_columns` are described in full."""
    full, relation = columns[:full_columns], parquet_files(files)
    batches = [full[at : at + _BATCH_COLUMNS] for at in range(0, len(full), _BATCH_COLUMNS)]
    drawn = _Drawn.of(rows, columns)
    return {
        "columns_total": len(columns),
        "quantiles_of_rows": drawn.count(engine, files, rows),
        "columns": [
            *(profile for batch in batches for profile in _profile_columns(engine, files, batch, drawn)),
            *({"name": cut(each.name), "type": cut(each.type)} for each in columns[len(full) : MAX_NAMED_COLUMNS]),
        ],
        "first_rows": _first_rows(engine, relation, columns[:FIRST_COLUMNS]),
    }


def cut(text: str, length: int = MAX_TEXT_CHARS) -> str:
    """The text, or its beginning with an ellipsis."""
    return text if len(text) <= length else text[: length - 1] + "…"


@dataclass(frozen=True)
class _Drawn:
    """Rows of which one in `step` is looked at; `condition` is SQL for that, over `row`, the number of a row."""

    step: int

    @classmethod
    def of(cls, rows: int, columns: Sequence[Described]) -> "_Drawn":
        """All, where a column has the name by which rows are numbered."""
        is_taken = any(column.name.casefold() == ROW_NUMBER for column in columns)
        return cls(1 if is_taken else max(1, rows // QUANTILES_OF_ROWS))

    @property
    def condition(self) -> str:
        return "true" if self.step == 1 else f"hash(row) % {self.step} = 0"

    def source(self, files: Sequence[Path], named: str) -> str:
        if self.step == 1:
            return f"(SELECT {named} FROM {parquet_files(files)})"
        return f"(SELECT {named}, {ROW_NUMBER} AS row FROM {parquet_files(files, ROW_NUMBER)})"

    def count(self, engine: DuckDBPyConnection, files: Sequence[Path], rows: int) -> int:
        if self.step == 1:
            return rows
        found = engine.execute(f"SELECT count(*) FROM {self.source(files, '1')} WHERE {self.condition}").fetchone()
        return int(found[0]) if found else 0


def _profile_columns(
    engine: DuckDBPyConnection, files: Sequence[Path], columns: Sequence[Described], drawn: _Drawn
) -> list[dict[str, Any]]:
    """First the ends of each column, which DuckDB knows; then what it spans, and how its values spread over that."""
    named = ", ".join(f"{identifier(column.name)} AS k{at}" for at, column in enumerate(columns))
    source = f"(SELECT {named} FROM {parquet_files(files)})"
    ends = [Ends(*each) for each in _values(engine, source, map(_ends, count(), columns))]
    found = _values(engine, drawn.source(files, named), map(_span, count(), columns, ends, repeat(drawn)))
    spans = [_spanned(end, *each) for end, each in zip(ends, found, strict=True)]
    spreads = _values(engine, source, map(_spread, count(), columns, spans))
    return [_profile(column, span, *spread) for column, span, spread in zip(columns, spans, spreads, strict=True)]


def _values(engine: DuckDBPyConnection, relation: str, expressions: Iterable[str]) -> Sequence[Any]:
    found: Any = engine.execute(f"SELECT count(*), {', '.join(expressions)} FROM {relation}").fetchone()
    return found[1:]


@dataclass(frozen=True)
class Ends:
    """The least and the greatest value as text, and their places on the axis; None for a column that has none."""

    least: str | None
    greatest: str | None
    low: float | None
    high: float | None

    @property
    def are_finite(self) -> bool:
        """If both are, then so is what is between them; of no value, too."""
        return all(place is None or math.isfinite(place) for place in (self.low, self.high))


@dataclass(frozen=True)
class Span:
    """Counts and ends of a column; `low`, `high`, `mean` and `quantiles` are places on the axis of finite values."""

    count: int
    nulls: int
    distinct: int
    least: str | None
    greatest: str | None
    low: float | None
    high: float | None
    mean: float | None
    quantiles: list[float] | None


def _spanned(
    ends: Ends,
    counts: tuple[int, int, int],
    finite: tuple[float | None, float | None] | None,
    mean: float | None,
    quantiles: list[float] | None,
) -> Span:
    low, high = finite or (ends.low, ends.high)
    return Span(*counts, ends.least, ends.greatest, low, high, mean, quantiles)


def _ends(at: int, column: Described) -> str:
    ends = [] if column.is_nested else [f"min(k{at})", f"max(k{at})"]
    said = [f"{end}::VARCHAR" for end in ends] or ["NULL", "NULL"]
    places = [_place_of(end, column) for end in ends] if column.has_axis else ["NULL", "NULL"]
    return f"row({', '.join((*said, *places))})"


def _span(at: int, column: Described, ends: Ends, drawn: _Drawn) -> str:
    name, place = f"k{at}", _place(at, column)
    counts = f"[count({name}), count(*) - count({name}), approx_count_distinct({name})]"
    if not column.has_axis:
        return f"row({counts}, NULL, NULL, NULL)"
    is_finite = "true" if ends.are_finite else f"isfinite({place})"
    lowest = "NULL" if ends.are_finite else f"[min({place}) FILTER ({is_finite}), max({place}) FILTER ({is_finite})]"
    quantiles = f"approx_quantile({place}, {list(QUANTILES)}) FILTER ({is_finite} AND {drawn.condition})"
    return f"row({counts}, {lowest}, avg({place}) FILTER ({is_finite}), {quantiles})"


def _place(at: int, column: Described) -> str:
    return _place_of(f"k{at}", column)


def _place_of(value: str, column: Described) -> str:
    """SQL for where a value is on its axis: the number, or seconds since 1970."""
    return f"epoch({value})" if column.is_time else f"{value}::DOUBLE"


def _spread(at: int, column: Described, span: Span) -> str:
    """Counts in bins of the same width, and the most frequent values, where there are not too many to count."""
    name, place, bins, top = f"k{at}", _place(at, column), "NULL", "NULL"
    if span.low is not None and span.high is not None and 0 < span.high - span.low < math.inf:
        share = f"({place} - ({span.low!r})) / {span.high - span.low!r}"
        bin_of = f"greatest(0, least({BINS - 1}, floor({share} * {BINS})))::INTEGER"
        bins = f"histogram({bin_of}) FILTER (isfinite({place}))"
    if not column.is_nested and 0 < span.distinct <= _MAX_COUNTED_DISTINCT:
        entries = f"map_entries(histogram({name}))"
        pairs = f"list_transform({entries}, lambda each: {{'count': -each.value::BIGINT, 'value': each.key}})"
        said = "lambda each: [(-each.count)::VARCHAR, each.value::VARCHAR]"
        top = f"list_transform(list_sort({pairs})[:{TOP_VALUES}], {said})"
    return f"row({bins}, {top})"


def _profile(
    column: Described, span: Span, bins: Mapping[int, int] | None, top: Sequence[tuple[str, str]] | None
) -> dict[str, Any]:
    found: dict[str, Any] = {"name": cut(column.name), "type": cut(column.type), "count": span.count}
    found["nulls"] = span.nulls
    if column.is_nested:
        return found
    found |= {"distinct": min(span.distinct, span.count), "min": _shown(span.least), "max": _shown(span.greatest)}
    if column.has_axis:
        found["quantiles"] = dict(
            zip(map(str, QUANTILES), (_said(column, at) for at in span.quantiles or ()), strict=False)
        )
        found["histogram"] = [bins.get(at, 0) for at in range(BINS)] if bins else []
    if column.is_number:
        found["mean"] = span.mean
    repeated = any(int(count) > 1 for count, _ in top or ())
    found["top"] = [{"value": cut(value), "count": int(count)} for count, value in top or () if repeated]
    return found


def _said(column: Described, place: float) -> float | str:
    if column.is_number:
        return place
    moment = _EPOCH + dt.timedelta(seconds=place) if abs(place) < _MAX_SECONDS else None
    if moment is None:
        return place
    return moment.date().isoformat() if column.type == "DATE" else moment.isoformat(" ", "seconds")


def _first_rows(engine: DuckDBPyConnection, relation: str, columns: Iterable[Described]) -> list[list[str | None]]:
    texts = ", ".join(f"left({identifier(each.name)}::VARCHAR, {MAX_TEXT_CHARS + 1})" for each in columns)
    rows = engine.execute(f"SELECT {texts} FROM {relation} LIMIT {FIRST_ROWS}").fetchall()
    return [[None if cell is None else cut(cell) for cell in row] for row in rows]


def _shown(value: str | None) -> str | None:
    return None if value is None else cut(value)
