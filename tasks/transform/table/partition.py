"""Splits a table by a date column, in Hive's form of folders: by day, month or year, whichever gives few enough."""

from collections.abc import Sequence
from dataclasses import dataclass

from duckdb import DuckDBPyConnection

from tasks.transform.table.limits import LIMITS
from tasks.transform.table.names import slug
from tasks.transform.table.types import Column

HIVE_NULL = "__HIVE_DEFAULT_PARTITION__"

_PERIODS = (("day", "%Y-%m-%d"), ("month", "%Y-%m"), ("year", "%Y"))


@dataclass(frozen=True)
class Part:
    """A folder's name, "" for the whole table, and SQL that tells which raw rows are in it."""

    folder: str
    condition: str


WHOLE = (Part("", "true"),)


def parts(
    engine: DuckDBPyConnection, columns: Sequence[Column], partition_by: str
) -> tuple[tuple[Part, ...], tuple[str, ...]]:
    """The parts of the table, and what a person should know of them.

    A folder is named "<column>_day=…": by the column's own name it would hide the column that is in the files.
    """
    column = next((each for each in columns if each.name.casefold() == partition_by.casefold()), None)
    if not partition_by:
        return WHOLE, ()
    if column is None:
        return WHOLE, (f'not partitioned: there is no column "{partition_by}"',)
    if not column.type.startswith(("DATE", "TIMESTAMP")):
        return WHOLE, (f'not partitioned: "{column.name}" is {column.type}, and not a date',)
    for period, form in _PERIODS:
        key = f"coalesce(strftime({column.expression}, '{form}'), '{HIVE_NULL}')"
        found = engine.execute(f"SELECT DISTINCT {key} FROM raw LIMIT {LIMITS.max_partitions + 1}").fetchall()
        if len(found) <= LIMITS.max_partitions:
            folder = f"{slug(column.name)}_{period}="
            return tuple(Part(folder + value, f"{key} = '{value}'") for (value,) in sorted(found)) or WHOLE, ()
    return WHOLE, (f'not partitioned: "{column.name}" spans more than {LIMITS.max_partitions} years',)
