"""A table whose first rows say its types is read at once; where they are wrong, as if they had never been asked."""

import csv
import io
import json
from itertools import count

import duckdb
import pytest

from tasks.shared.work import Original, Recipe
from tasks.transform import table
from tasks.transform.table import types
from tests.unit.tables import CSV

ROWS, SAMPLED = 90, 50
USUAL = {
    "whole": lambda at: str(at * 7919),
    "fraction": lambda at: f"{at / 8:.3f}",
    "day": lambda at: f"2024-{at % 12 + 1:02}-{at % 28 + 1:02}",
    "moment": lambda at: f"2024-01-01T{at % 24:02}:00:00",
    "zoned": lambda at: f"2024-01-01T{at % 24:02}:00:00Z",
    "truth": lambda at: ("true", "false")[at % 2],
    "named_day": lambda at: f"{at % 28 + 1:02}-Mar-2024",
    "sparse": lambda at: "" if at % 3 else str(at),
    "words": lambda at: f"item {at}",
}
LATE = (
    *("00123", " 7", "7 ", "NA", "-", "+7", "1e5", "1,234", "1.234,5", "0.1234567890123456789", "12345678901234567890"),
    *("nan", "inf", "2024-13-01", "2024-02-30", "01/02/2024", "yes", "TRUE", 'a "quoted" word', "two\nlines", "ä"),
)


@pytest.fixture(autouse=True)
def small_sample(monkeypatch):
    monkeypatch.setattr(types, "SAMPLE_ROWS", SAMPLED)


def tables(tmp_path, monkeypatch, content):
    """What is made at once, and what step by step; None for what was not made at once."""
    made = []
    for way in ("at once", "step by step"):
        path, scratch = tmp_path / f"{way}.csv", tmp_path / f"{way} scratch"
        path.write_text(content, newline="")
        scratch.mkdir()
        with monkeypatch.context() as patch:
            if way == "step by step":
                patch.setattr(table, "keep_text", lambda *_: None)
            original = Original(path, "table.csv", CSV, scratch)
            rendered = table.transform(original, Recipe())
        table.prove(original, rendered, Recipe())
        was_read = not (scratch / "table.raw").exists()
        rows = duckdb.read_parquet(str(rendered.files[0].path))
        profile = json.loads((scratch / "profile.json").read_text())
        made.append((was_read, rows.types, rows.fetchall(), rendered.technical, profile, len(rendered.files)))
    (is_at_once, *first), (_, *second) = made
    assert first == second
    return is_at_once


def written(*columns):
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([*zip(*columns, strict=True)])
    return out.getvalue()


def column(name, changes=()):
    cells = [name, *(USUAL[name](at) for at in range(ROWS))]
    for at, cell in changes:
        cells[at] = cell
    return cells


def test_table_without_surprises_is_read_at_once(tmp_path, monkeypatch):
    assert tables(tmp_path, monkeypatch, written(*map(column, USUAL)))


@pytest.mark.parametrize("late", LATE)
def test_late_surprise_in_any_column_changes_nothing(tmp_path, monkeypatch, late):
    """In all columns at once, and so that each column meets it in a row of its own."""
    rows = count(ROWS - 20)
    tables(tmp_path, monkeypatch, written(*(column(name, [(next(rows), late)]) for name in USUAL)))


@pytest.mark.parametrize("name", USUAL)
@pytest.mark.parametrize("late", ["00123", "NA"])
def test_late_surprise_in_one_column_changes_nothing(tmp_path, monkeypatch, name, late):
    tables(tmp_path, monkeypatch, written(column(name, [(ROWS - 3, late)]), column("words")))


BODY = written(column("whole"), column("fraction"), column("words"))


@pytest.mark.parametrize(
    "content",
    [
        BODY + "whole,fraction,words\n",
        BODY + "Total,,\n",
        BODY + f"Total,{sum(at / 8 for at in range(ROWS)):.3f},\n",
        BODY + "1,2\n",
        BODY + "1,2,3,\n",
        BODY + "1,2,3,4\n",
        BODY + "\n\n",
        BODY + ",,\n",
        BODY + "   \n1,2,x\n",
        BODY + "\n1,2,x\n",
        BODY + '1,2,"open\n',
        BODY + '1,2,"two\n\nlines"\n',
        BODY.replace("\n", "\r\n"),
        BODY.replace(",", ";"),
        BODY.replace(",", ",\n", 1),
        "a title\n\n" + BODY,
        "\n" + BODY,
        BODY.rstrip("\n"),
        BODY.partition("\n")[2],
        written(column("words"), column("words")) + "words,words\n",
        written(column("words")),
        written(column("words", [(at, "") for at in range(1, SAMPLED + 5)]), column("whole")),
    ],
)
def test_whatever_is_around_the_rows_changes_nothing(tmp_path, monkeypatch, content):
    tables(tmp_path, monkeypatch, content)
