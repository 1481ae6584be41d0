"""What is made of a table is proven before it is published: tables of known values come back equal, or are refused."""

import csv
import io
import json
from dataclasses import replace
from decimal import Decimal

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.shared.work import Original, Recipe
from tasks.transform.table import proof, prove, transform, types
from tests.unit.generated import generated
from tests.unit.tables import CSV, NDJSON, PARQUET, converted, parquet
from workflow.errors import RejectedError, ResultNotProven

CONTENT = "id,amount,text\n1,2.5,a\n2,100.5,b\n3,-7.25,c\n"


def unproven(folder, content, **recipe):
    path, scratch = folder / "original", folder / "scratch"
    path.write_text(content)
    scratch.mkdir()
    original = Original(path, "table", CSV, scratch)
    return original, transform(original, Recipe(**recipe))


@pytest.fixture(params=["step by step", "at once"])
def made(tmp_path, monkeypatch, request):
    """A table that is converted, but not yet proven."""
    if request.param == "at once":
        monkeypatch.setattr(types, "SAMPLE_ROWS", 1)
    original, rendered = unproven(tmp_path, CONTENT)
    assert (original.scratch / "table.raw").exists() == (request.param == "step by step")
    return original, rendered


@pytest.fixture
def parted(tmp_path):
    """One in parts by date."""
    days = "".join(f"{at},{at * 1.25},2024-01-0{1 + at % 3}\n" for at in range(9))
    return unproven(tmp_path, f"id,amount,day\n{days}", partition_by="day")


def tampered(path, query):
    changed = path.with_suffix(".changed")
    source = query.format(table=f"read_parquet('{path}')")
    duckdb.sql(f"COPY ({source}) TO '{changed}' (FORMAT parquet)")
    changed.replace(path)


def test_what_agrees_with_its_file_is_proven(made):
    prove(*made, Recipe())


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM {table} LIMIT 2",
        "SELECT * REPLACE (amount + 0.001 AS amount) FROM {table}",
        "SELECT * REPLACE (-id AS id) FROM {table}",
    ],
)
def test_rows_and_numbers_that_are_others_are_not_published(made, query):
    tampered(made[1].files[0].path, query)
    with pytest.raises(ResultNotProven, match="Nothing was published"):
        prove(*made, Recipe())


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n", "\n  \n"])
def test_rows_are_found_in_the_text_by_their_numbers(tmp_path, monkeypatch, end):
    """Whatever piece of the file they are in, and though quotes reach over ends of lines and of pieces."""
    monkeypatch.setattr(proof, "_PIECE_BYTES", 64)
    cells = [("id", "text"), *((str(at), ("plain", "a, b", 'a "b"', f"two{end}lines")[at % 4]) for at in range(200))]
    out = io.StringIO()
    csv.writer(out, lineterminator=end).writerows(cells)
    path = tmp_path / "table.csv"
    path.write_text(out.getvalue(), newline="")
    text = proof.Text(path)
    assert sum(piece.records for piece in text.pieces) == len(cells)
    for places in ([0], [199], [3, 4, 5], [7, 50, 51, 120, 198], [*range(200)]):
        assert [tuple(row) for row in text.at([1, 0], places)] == [cells[at + 1][::-1] for at in places]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM {table} LIMIT 2",
        "SELECT * REPLACE (amount + 0.001 AS amount) FROM {table}",
        "SELECT * FROM {table} ORDER BY id DESC",
    ],
)
def test_parts_with_other_rows_and_numbers_are_not_published(parted, query):
    prove(*parted, Recipe(partition_by="day"))
    part = parted[1].files[1].path
    assert part.name.endswith("-1.parquet")
    tampered(part, query)
    with pytest.raises(ResultNotProven, match="Nothing was published"):
        prove(*parted, Recipe(partition_by="day"))


def test_row_that_is_in_two_parts_is_not_published(parted):
    for path in (parted[1].files[0].path, parted[1].files[0].path.with_suffix(".rows")):
        path.with_name(path.name.replace("-0.", "-1.")).write_bytes(path.read_bytes())
    with pytest.raises(ResultNotProven, match="lost or gained rows"):
        prove(*parted, Recipe(partition_by="day"))


def test_column_may_be_named_like_what_engines_add(tmp_path):
    table = converted(tmp_path, "file_row_number,row,filename\n7,1,a\n5,2,b\n")
    assert table.rows() == [("7", "1", "a"), ("5", "2", "b")]


def test_a_row_that_nobody_mentions_is_not_published(made):
    original, rendered = made
    original.path.write_text(f"{CONTENT}4,1,d\n")
    with pytest.raises(ResultNotProven, match="another number of rows"):
        prove(original, rendered, Recipe())


@pytest.mark.parametrize("field", ["rows", "bad_rows", "left_out"])
def test_counts_that_are_told_wrongly_are_not_published(made, field):
    original, rendered = made
    (table,) = rendered.technical["tables"]
    wrong = replace(rendered, technical={"tables": [table | {field: table[field] + 1}]})
    with pytest.raises(ResultNotProven):
        prove(original, wrong, Recipe())


WORDS = (
    st.text(st.sampled_from("abcXYZäöłß ,;|\t'\"\n-_/€"), min_size=1, max_size=12)
    .map(str.strip)
    .filter(lambda word: word and word not in {"-", "--"})
)
NUMBERS = st.decimals(-(10**9), 10**9, allow_nan=False, allow_infinity=False, places=2)
TABLES = st.lists(st.tuples(st.integers(-(10**17), 10**17), NUMBERS, WORDS), min_size=3, max_size=12)
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-32"]
"""Letters at random are of no language: which older encoding they are in cannot be told."""


def equal(table, rows):
    """Whether all values are the ones that were written: numbers as decimals, texts to the letter."""
    found = table.rows()
    return len(found) == len(rows) and all(
        (int(got[0]), Decimal(got[1]), got[2]) == (wanted[0], wanted[1], wanted[2])
        for got, wanted in zip(found, rows, strict=True)
    )


@generated(20)
@given(
    TABLES,
    st.sampled_from(",;\t|"),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from(ENCODINGS),
    st.booleans(),
    st.sampled_from(["", "delimiter"]),
)
def test_known_values_in_any_dialect_come_back_equal_or_are_refused(
    tmp_path_factory, rows, delimiter, quoting, end, encoding, has_titles, tail
):
    text = io.StringIO(newline="")
    for row in (("id", "amount", "text"), *rows):
        line = io.StringIO(newline="")
        csv.writer(line, delimiter=delimiter, quoting=quoting, lineterminator=end).writerow(row)
        text.write(f"{line.getvalue().removesuffix(end)}{tail and delimiter}{end}")
    written = f"{'Report of May' + end if has_titles else ''}{text.getvalue()}"
    try:
        table = converted(tmp_path_factory.mktemp("any"), written.encode(encoding))
    except RejectedError:
        return
    assert list(table.types()) == ["id", "amount", "text"]
    assert equal(table, rows)


@generated(20)
@given(TABLES, st.sampled_from(["lines", "array", "records", "pretty"]))
def test_known_values_in_any_json_come_back_equal(tmp_path_factory, rows, form):
    objects = [{"id": number, "amount": 0, "text": text} for number, _, text in rows]
    texts = [
        json.dumps(each, ensure_ascii=False).replace('"amount": 0', f'"amount": {amount}')
        for each, (_, amount, _) in zip(objects, rows, strict=True)
    ]
    content = {
        "lines": "\n".join(texts),
        "array": f"[{', '.join(texts)}]",
        "records": f'{{"Records": [{", ".join(texts)}]}}',
        "pretty": "[\n  " + ",\n  ".join(texts) + "\n]\n",
    }[form]
    table = converted(tmp_path_factory.mktemp("any"), content, NDJSON if form == "lines" else "application/json")
    assert equal(table, rows)


@pytest.mark.parametrize("value", ["'nan'::DOUBLE", "'inf'::FLOAT", "INTERVAL 1 DAY", f"{2**127 - 1}::HUGEINT"])
def test_values_that_only_parquet_has_are_proven(tmp_path, value):
    content = parquet(tmp_path, f"SELECT {value} AS v UNION ALL SELECT NULL")
    assert len(converted(tmp_path, content, PARQUET).rows()) == 2


def test_a_carriage_return_in_a_cell_of_a_file_with_bad_rows_is_kept(tmp_path):
    rows = "".join(f"{number},x\n" for number in range(100))
    table = converted(tmp_path, f'id,t\n1,"a\rb"\n{rows}2,y,z\n')
    assert (table.column("t")[0], table.facts["bad_rows"]) == ("a\rb", 1)
