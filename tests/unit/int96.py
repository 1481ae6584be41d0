"""Writes Parquet as Spark and Impala did for years, with INT96 for times, which no installed engine writes."""

import struct
from datetime import date

from tests.unit import compact
from tests.unit.compact import I32, I64

_INT96, _PLAIN, _RLE = I32(3), I32(0), I32(3)
_MARK = b"PAR1"
_DAY_0 = 1_721_425
"""The Julian day number of the last day of 1 BC."""


def int96_file(**columns: list[tuple[str, int]]) -> bytes:
    """A file whose columns have a day, as ISO writes it, and nanoseconds of the day in every row."""
    content, chunks = _MARK, []
    for name, values in columns.items():
        data = b"".join(struct.pack("<qi", ns, _DAY_0 + date.fromisoformat(day).toordinal()) for day, ns in values)
        page = _page_header(len(values), len(data)) + data
        chunks.append(_chunk(name, len(values), len(content), len(page)))
        content += page
    rows = I64(max(map(len, columns.values())))
    schema = [{4: "schema", 5: I32(len(columns))}, *({1: _INT96, 3: I32(0), 4: name} for name in columns)]
    footer = compact.struct({1: I32(1), 2: schema, 3: rows, 4: [{1: chunks, 2: I64(len(content)), 3: rows}]})
    return content + footer + struct.pack("<I", len(footer)) + _MARK


def _page_header(values: int, size: int) -> bytes:
    return compact.struct({1: I32(0), 2: I32(size), 3: I32(size), 5: {1: I32(values), 2: _PLAIN, 3: _RLE, 4: _RLE}})


def _chunk(name: str, values: int, at: int, size: int) -> dict:
    facts = {1: _INT96, 2: [_PLAIN], 3: [name], 4: I32(0), 5: I64(values), 6: I64(size), 7: I64(size), 9: I64(at)}
    return {2: I64(at), 3: facts}
