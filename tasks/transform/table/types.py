"""Decides the type of each column by all of its values, so that no value changes: what fits no type stays text.

A sample rules most readings out; the one that is taken was tested on every row.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from duckdb import DuckDBPyConnection

from tasks.transform.table.engine import literal
from tasks.transform.table.raw import RawColumn, RawTable
from tasks.transform.table.readings import LIKE_THOUSANDS, POINT_NOTE, SHAPES, Reading, readings

SAMPLE_ROWS, SAMPLE_CELLS = 2000, 400_000
_MAX_SAMPLED_CHARS = 100
"""No value of any type is longer."""

NO_VALUES = (
    *("", "NA", "N/A", "n/a", "#N/A", "<NA>", "NULL", "Null", "null", "None", "NaN", "nan", "\\N", "-", "--", "?"),
    *("#DIV/0!", "#REF!", "#VALUE!", "#NAME?", "#NUM!", "#NULL!"),
)
"""Words that say in a column of numbers, dates or truths that there is no value; in text they are text."""

UNLIKE = "error('unlike the first rows')"
"""SQL that ends the reading of a table, with duckdb.InvalidInputException."""

_MAX_WORDS = 3
_BATCH_COLUMNS = 40
"""As many as are planned fast."""

_NO_VALUE_PATTERN = "|".join(map(re.escape, NO_VALUES))
"""A pattern, because a long list after IN becomes a join for each column."""


@dataclass(frozen=True)
class Sample:
    """Texts from the beginning of a column, trimmed, none empty; `is_all` says that there are no others."""

    texts: tuple[str, ...]
    is_all: bool

    @property
    def values(self) -> list[str]:
        """Without the words for nothing."""
        return [text for text in self.texts if text not in NO_VALUES]

    @property
    def has_words(self) -> bool:
        """Whether there are words for nothing."""
        return any(text in NO_VALUES for text in self.texts)


@dataclass(frozen=True)
class Taken:
    """How a column is read, and whether it has words for nothing."""

    reading: Reading
    has_words: bool


@dataclass(frozen=True)
class Column:
    """A column with its type; `expression` is SQL over the raw table, to which `trial` adds what it is made of."""

    name: str
    type: str
    expression: str
    notes: tuple[str, ...] = ()
    trial: str = ""


def typed_columns(engine: DuckDBPyConnection, table: RawTable) -> tuple[Column, ...]:
    """Every column of the table, in its order."""
    _look_at(engine, table)
    own_types = {row[0]: row[1] for row in engine.execute("DESCRIBE raw").fetchall()}
    taken = _taken(engine, table)
    return tuple(
        Column(column.name, own_types[f"c{at}"], f"c{at}")
        if column.families is None
        else _typed(engine, at, column, taken.get(at))
        for at, column in enumerate(table.columns)
    )


def settled_columns(engine: DuckDBPyConnection, table: RawTable) -> tuple[Column, ...] | None:
    """The columns of a table of text that was not read yet, as its first rows say; None where these do not suffice.

    It is an error for a value further down to be no such value: `typed_columns` decides then.
    """
    _look_at(engine, table)
    samples = _first_samples(engine, table)
    if not samples or any(sample.is_all or not sample.values for sample in samples.values()):
        return None
    offered = readings(table.facts.get("delimiter", ""))
    columns: list[Column] = []
    for at, sample in samples.items():
        reading = next(_fitting(engine, table.columns[at], sample, offered), None)
        if reading and not _is_settled(engine, reading, sample):
            return None
        columns.append(_settled(at, table.columns[at].name, reading))
    _look_at(engine, table, ", ".join(filter(None, (column.trial for column in columns))))
    return tuple(columns)


def _look_at(engine: DuckDBPyConnection, table: RawTable, trials: str = "") -> None:
    wanted = f"*, {trials}" if trials else "*"
    engine.execute(f"CREATE OR REPLACE VIEW raw AS SELECT {wanted} FROM {table.relation}")


def _is_settled(engine: DuckDBPyConnection, reading: Reading, sample: Sample) -> bool:
    """Whether nothing but the value itself decides if a value further down may be read like this."""
    by_itself = reading.together == "true" and reading.type != "VARCHAR" and reading.point != ","
    return by_itself and not sample.has_words and _holds(engine, reading, sample.values, is_all=True)


def _settled(at: int, name: str, reading: Reading | None) -> Column:
    if reading is None:
        return Column(name, "VARCHAR", f"c{at}")
    text, trial = f"c{at}", f"t{at}" if reading.trial else ""
    is_one, value = reading.tested(text, trial), reading.valued(text, trial)
    checked = f"CASE WHEN {text} IS NULL THEN NULL WHEN {is_one} THEN {value} ELSE {UNLIKE} END"
    tried = f"{reading.trial.replace('$v', text)} AS {trial}" if trial else ""
    return Column(name, reading.type, checked, _reading_notes(name, reading), tried)


def _taken(engine: DuckDBPyConnection, table: RawTable) -> dict[int, Taken]:
    """By the column's number, how those are read that are not just text."""
    samples = _samples(engine, table)
    offered = readings(table.facts.get("delimiter", ""))
    fitting = {at: _fitting(engine, table.columns[at], sample, offered) for at, sample in samples.items()}
    if not all(sample.is_all for sample in samples.values()):
        return _with_doubts(engine, _tested(engine, fitting))
    first = {at: next(found, None) for at, found in fitting.items()}
    taken = {at: Taken(reading, samples[at].has_words) for at, reading in first.items() if reading}
    return _with_doubts(engine, taken)


def _with_doubts(engine: DuckDBPyConnection, taken: dict[int, Taken]) -> dict[int, Taken]:
    """Told where "1.234" is a fraction, though the table has a column with decimal commas."""
    if all(each.reading.point != "," for each in taken.values()):
        return taken
    plain = {
        at: LIKE_THOUSANDS for at, each in taken.items() if each.reading.type == "DOUBLE" and not each.reading.point
    }
    doubtful = [at for at, (holds, _) in _test(engine, plain) if holds]
    return taken | {at: replace(taken[at], reading=replace(taken[at].reading, note=POINT_NOTE)) for at in doubtful}


def _sample_rows(columns: int) -> int:
    return min(SAMPLE_ROWS, SAMPLE_CELLS // max(1, columns))


def _samples(engine: DuckDBPyConnection, table: RawTable) -> dict[int, Sample]:
    samples = _first_samples(engine, table)
    return {at: found if found.is_all or found.values else _later_sample(engine, at) for at, found in samples.items()}


def _first_samples(engine: DuckDBPyConnection, table: RawTable) -> dict[int, Sample]:
    wanted = [at for at, column in enumerate(table.columns) if column.families]
    if not wanted:
        return {}
    texts = ", ".join(f"left(trim(c{at}), {_MAX_SAMPLED_CHARS})" for at in wanted)
    limit = _sample_rows(len(wanted))
    rows = engine.execute(f"SELECT {texts} FROM raw LIMIT {limit + 1}").fetchall()
    if not rows:
        return {}
    is_all = len(rows) <= limit
    return {
        at: Sample(tuple(filter(None, texts)), is_all)
        for at, texts in zip(wanted, zip(*rows[:limit], strict=True), strict=True)
    }


def _later_sample(engine: DuckDBPyConnection, at: int) -> Sample:
    """Of a column whose first values come further down."""
    text = f"trim(c{at})"
    rows = engine.execute(
        f"SELECT left({text}, {_MAX_SAMPLED_CHARS}) FROM raw WHERE {_value(text)} <> '' LIMIT {SAMPLE_ROWS}"
    ).fetchall()
    return Sample(tuple(text for (text,) in rows), is_all=False)


def _fitting(
    engine: DuckDBPyConnection, column: RawColumn, sample: Sample, offered: Sequence[Reading]
) -> Iterator[Reading]:
    """The readings that hold in the sample."""
    values = sample.values
    shapes = {
        shape
        for shape in SHAPES
        if shape.family in (column.families or ()) and values and all(map(re.compile(shape.pattern).fullmatch, values))
    }
    looked_at = (reading for reading in offered if reading.shape in shapes)
    return (reading for reading in looked_at if _holds(engine, reading, values, is_all=sample.is_all))


def _holds(engine: DuckDBPyConnection, reading: Reading, values: Sequence[str], *, is_all: bool) -> bool:
    """Evidence may come after the sample, a value that fails the test must not."""
    holds = _everywhere(reading if is_all else replace(reading, evidence="true", together="true"), "v")
    found = engine.execute(f"SELECT {holds} FROM (SELECT unnest($1) AS v)", [values]).fetchone()
    return bool(found and found[0])


def _tested(engine: DuckDBPyConnection, fitting: Mapping[int, Iterator[Reading]]) -> dict[int, Taken]:
    """The first of each column's readings that holds for all of its values: one after the other, columns together."""
    taken: dict[int, Taken] = {}
    while tried := {at: each for at, found in fitting.items() if at not in taken and (each := next(found, None))}:
        for at, (holds, has_words) in _test(engine, tried):
            if holds:
                taken[at] = Taken(tried[at], has_words)
    return taken


def _test(engine: DuckDBPyConnection, tried: Mapping[int, Reading]) -> Iterator[tuple[int, tuple[bool, bool]]]:
    """Whether a reading holds for a column, and whether that has words for nothing."""
    columns = list(tried)
    for start in range(0, len(columns), _BATCH_COLUMNS):
        batch = columns[start : start + _BATCH_COLUMNS]
        answers = ", ".join(
            f"[{_everywhere(tried[at], f'v{at}')}, bool_or(v{at} IS NULL AND t{at} <> '')]" for at in batch
        )
        values = ", ".join(f"{_value(f'trim(c{at})')} AS v{at}, trim(c{at}) AS t{at}" for at in batch)
        found: Any = engine.execute(f"SELECT {answers} FROM (SELECT {values} FROM raw)").fetchone()
        yield from zip(batch, found, strict=True)


def _everywhere(reading: Reading, value: str) -> str:
    """SQL over all values of a column."""
    holds = [f"bool_and(coalesce({reading.tested('$v')}, false)) FILTER ({value} IS NOT NULL)"]
    if reading.evidence != "true":
        holds.append(f"bool_or({reading.evidence})")
    if reading.together != "true":
        holds.append(reading.together)
    return f"({' AND '.join(holds)})".replace("$v", value)


def _typed(engine: DuckDBPyConnection, at: int, column: RawColumn, taken: Taken | None) -> Column:
    if taken is None or taken.reading.type == "VARCHAR":
        notes = (f'"{column.name}" {taken.reading.note}',) if taken else ()
        return Column(column.name, "VARCHAR", f"c{at}", notes)
    text = _value(f"trim(c{at})") if taken.has_words else f"nullif(trim(c{at}), '')"
    notes = [*_reading_notes(column.name, taken.reading)]
    if taken.has_words:
        notes += [
            f'in "{column.name}", "{word}" is read as no value ({count:,} times)'
            for word, count in _words_for_nothing(engine, at)
        ]
    return Column(column.name, taken.reading.type, taken.reading.valued(f"({text})"), tuple(notes))


def _reading_notes(column: str, reading: Reading) -> tuple[str, ...]:
    return (f'in "{column}", {reading.note}',) if reading.note else ()


def _words_for_nothing(engine: DuckDBPyConnection, at: int) -> list[tuple[str, int]]:
    """The most frequent, and how often they come."""
    return engine.execute(
        f"SELECT trim(c{at}), count(*) FROM raw WHERE trim(c{at}) <> '' AND {_value(f'trim(c{at})')} IS NULL"
        f" GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {_MAX_WORDS}"
    ).fetchall()


def _value(text: str) -> str:
    """SQL for the text, NULL where it is a word that says that there is none."""
    return f"CASE WHEN NOT regexp_full_match({text}, {literal(_NO_VALUE_PATTERN)}) THEN {text} END"


def notes_of(columns: Iterable[Column]) -> tuple[str, ...]:
    """What people should know of how columns were read, in their order."""
    return tuple(note for column in columns for note in column.notes)
