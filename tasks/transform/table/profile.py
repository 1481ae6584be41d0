"""Describes each column of a finished table: counts, range, quantiles, usual values, distribution. Bounded, whatever
the table holds: long texts are cut, and beyond a number of columns only their names are listed.
"""

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from duckdb import DuckDBPyConnection

from tasks.transform.table.engine import identifier

MAX_FULL_COLUMNS = 200
MAX_NAMED_COLUMNS = 1000
MAX_TEXT_CHARS = 80
FIRST_ROWS, FIRST_COLUMNS = 12, 40
BINS, TOP_VALUES = 20, 8

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
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
    engine: DuckDBPyConnection, relation: str, columns: Sequence[Described], full_columns: int
) -> dict[str, Any]:
    """The profile of one table, of which `full_columns` are described in full."""
    full = columns[:full_columns]
    batches = [full[at : at + _BATCH_COLUMNS] for at in range(0, len(full), _BATCH_COLUMNS)]
    return {
        "columns_total": len(columns),
        "columns": [
            *(profile for batch in batches for profile in _profile_columns(engine, relation, batch)),
            *({"name": cut(each.name), "type": cut(each.type)} for each in columns[len(full) : MAX_NAMED_COLUMNS]),
        ],
        "first_rows": _first_rows(engine, relation, columns[:FIRST_COLUMNS]),
    }


def cut(text: str, length: int = MAX_TEXT_CHARS) -> str:
    """The text, or its beginning with an ellipsis."""
    return text if len(text) <= length else text[: length - 1] + "…"


def _profile_columns(engine: DuckDBPyConnection, relation: str, columns: Sequence[Described]) -> list[dict[str, Any]]:
    """Two passes: what each column spans, then how its values are spread over that."""
    named = ", ".join(f"{identifier(column.name)} AS k{at}" for at, column in enumerate(columns))
    source = f"(SELECT {named} FROM {relation})"
    spans = [Span(*span) for span in _values(engine, source, map(_span, count(), columns))]
    spreads = _values(engine, source, map(_spread, count(), columns, spans))
    return [_profile(column, span, *spread) for column, span, spread in zip(columns, spans, spreads, strict=True)]


def _values(engine: DuckDBPyConnection, relation: str, expressions: Iterable[str]) -> Sequence[Any]:
    found: Any = engine.execute(f"SELECT count(*), {', '.join(expressions)} FROM {relation}").fetchone()
    return found[1:]


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


def _span(at: int, column: Described) -> str:
    name, place = f"k{at}", _place(at, column)
    ends = "NULL, NULL" if column.is_nested else f"min({name})::VARCHAR, max({name})::VARCHAR"
    finite = f"FILTER (isfinite({place}))"
    places = (
        f"min({place}) {finite}, max({place}) {finite}, avg({place}) {finite},"
        f" approx_quantile({place}, {list(QUANTILES)}) {finite}"
        if column.has_axis
        else "NULL, NULL, NULL, NULL"
    )
    return f"row(count({name}), count(*) - count({name}), approx_count_distinct({name}), {ends}, {places})"


def _place(at: int, column: Described) -> str:
    """SQL for where a value is on its axis: the number, or seconds since 1970."""
    return f"epoch(k{at})" if column.is_time else f"k{at}::DOUBLE"


def _spread(at: int, column: Described, span: Span) -> str:
    """Counts in bins of the same width, and the most frequent values, where there are not too many to count."""
    name, place, bins, top = f"k{at}", _place(at, column), "NULL", "NULL"
    if span.low is not None and span.high is not None and 0 < span.high - span.low < math.inf:
        bin_of = f"least({BINS - 1}, floor(({place} - ({span.low!r})) / {span.high - span.low!r} * {BINS}))::INTEGER"
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
