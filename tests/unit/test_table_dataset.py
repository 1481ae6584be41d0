"""What is published is a dataset that engines read, the same for the same file, and closed to the outside."""

import hashlib
import json
import shutil
from pathlib import Path

import duckdb
import polars as pl
import pytest

from tasks.shared.work import Recipe
from tasks.transform.table import profile as profiles
from tasks.transform.table import recipe_name
from tasks.transform.table.engine import open_engine
from tests.unit.tables import NDJSON, converted
from workflow.errors import CorruptTable

ORDERS = "id,day,amount,country\n" + "".join(
    f"{at},2024-{1 + at % 3:02}-{1 + at % 9:02},{at * 1.25},{('DE', 'FR', 'GB')[at % 3]}\n" for at in range(900)
)


def published(table, folder: Path) -> Path:
    """The outputs under their keys, as they lie in the bucket."""
    for file in table.rendered.files:
        target = folder / f"{file.name}.parquet"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file.path, target)
    return folder / "tables"


def test_engines_read_the_prefix(tmp_path):
    folder = published(converted(tmp_path, ORDERS, name="orders.csv"), tmp_path / "out") / "orders"
    found = duckdb.sql(f"SELECT count(*), sum(amount), max(day)::VARCHAR FROM '{folder}/**/*.parquet'").fetchall()  # noqa: S608
    assert found == [(900, sum(at * 1.25 for at in range(900)), "2024-03-09")]
    frame = pl.read_parquet(folder / "**/*.parquet")
    assert (frame.height, str(frame.schema["day"]), frame["id"].dtype) == (900, "Date", pl.Int64)


@pytest.mark.parametrize(
    ("days", "period", "folders"),
    [
        (["2024-01-01", "2024-01-02"], "day", ["2024-01-01", "2024-01-02"]),
        ([f"2024-{1 + at // 20:02}-{1 + at % 20:02}" for at in range(60)], "month", ["2024-01", "2024-02", "2024-03"]),
        ([f"{2000 + at // 12}-{1 + at % 12:02}-01" for at in range(60)], "year", [str(2000 + at) for at in range(5)]),
    ],
)
def test_parts_by_date(tmp_path, days, period, folders):
    content = "n,Order Day\n" + "".join(f"{at},{day}\n" for at, day in enumerate(days))
    table = converted(tmp_path, content, name="orders.csv", partition_by="order day")
    names = [f"tables/orders/order-day_{period}={folder}/data" for folder in folders]
    assert [file.name for file in table.rendered.files] == [*names, "profile"]
    folder = published(table, tmp_path / "out") / "orders"
    found = duckdb.sql(f"""SELECT n, "Order Day"::VARCHAR FROM '{folder}/**/*.parquet' ORDER BY n""").fetchall()  # noqa: S608
    assert found == list(enumerate(days))
    assert pl.read_parquet(folder / "**/*.parquet", hive_partitioning=True).height == len(days)


def test_rows_without_a_date_are_a_part(tmp_path):
    table = converted(tmp_path, "day,n\n2024-01-01,1\n,2\n", partition_by="day")
    names = [file.name for file in table.rendered.files][:2]
    assert names == ["tables/table/day_day=2024-01-01/data", "tables/table/day_day=__HIVE_DEFAULT_PARTITION__/data"]


@pytest.mark.parametrize(
    ("column", "note"), [("missing", "there is no column"), ("id", "not a date"), ("day", "more than 30 years")]
)
def test_tables_that_cannot_be_split_are_whole_and_people_are_told(tmp_path, column, note):
    content = "id,day\n" + "".join(f"{at},{1900 + at}-01-01\n" for at in range(40))
    table = converted(tmp_path, content, partition_by=column)
    assert [file.name for file in table.rendered.files] == ["tables/table/data", "profile"]
    assert note in table.facts["notes"][0]


def test_same_file_gives_the_same_bytes(tmp_path):
    digests = []
    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        table = converted(folder, ORDERS * 40 + "1,2\n", name="orders.csv", partition_by="day")
        digests.append(
            [(file.name, hashlib.sha256(file.path.read_bytes()).hexdigest()) for file in table.rendered.files]
        )
    assert digests[0] == digests[1]


def test_order_of_rows_is_kept(tmp_path):
    content = "n\n" + "".join(f"{at * 7919 % 200_003}\n" for at in range(200_000))
    assert converted(tmp_path, content).column("n") == content.split()[1:]


def test_recipe_names_what_decides_the_output():
    names = {recipe_name(name, Recipe(partition_by=by)) for name in ("a.csv", "b.csv") for by in ("", "day")}
    assert len(names) == 4


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Sales 2024.csv", "sales-2024"),
        ("Größe & Maße.csv.gz", "groe-mae"),
        ("../../etc/passwd", "passwd"),
        ("売上.csv", "table"),
        ("x" * 200 + ".csv", "x" * 37),
        ("..", "table"),
        ("a=b/c=d.csv", "c-d"),
    ],
)
def test_names_of_files_become_safe_keys(tmp_path, name, slug):
    table = converted(tmp_path, "a,b\n1,2\n", name=name)
    assert table.rendered.files[0].name == f"tables/{slug}/data"


def test_facts_are_small_whatever_the_file_holds(tmp_path):
    header = ",".join(f"{'ü' * 180}{at}" for at in range(500))
    rows = "".join(",".join(f"0{at % 10}/0{at % 9 + 1}/2024" for at in range(500)) + "\n" for _ in range(3))
    table = converted(tmp_path, f"{header}\n{rows}", name="n" * 200)
    assert len(json.dumps(table.facts)) <= 4096
    assert len(table.rendered.technical["tables"][0]["columns"]) == 500
    assert len(json.dumps(table.profile)) < 500_000


def test_profile(tmp_path):
    table = converted(tmp_path, ORDERS + ",,,\n,,,ES\n", name="orders.csv")
    profile = table.profile["tables"][0]
    assert (table.profile["title"], profile["rows"], profile["columns_total"]) == ("orders.csv", 902, 4)
    amount, country = profile["columns"][2], profile["columns"][3]
    assert (amount["count"], amount["nulls"], amount["min"], amount["max"]) == (900, 2, "0.0", "1123.75")
    assert (sum(amount["histogram"]), len(amount["histogram"])) == (900, 20)
    assert amount["quantiles"]["0.5"] == pytest.approx(561.9, abs=5)
    assert country["distinct"] == 4
    assert country["top"][:2] == [{"value": "DE", "count": 300}, {"value": "FR", "count": 300}]
    assert profile["first_rows"][1] == ["1", "2024-02-02", "1.25", "FR"]


def test_quantiles_of_a_long_table_are_those_of_some_of_its_rows_and_say_so(tmp_path, monkeypatch):
    content = "a,b\n" + "".join(f"{at},{at % 24}\n" for at in range(9_000))
    exact = converted(tmp_path, content, name="exact.csv").profile["tables"][0]
    (tmp_path / "drawn").mkdir()
    monkeypatch.setattr(profiles, "QUANTILES_OF_ROWS", 1000)
    drawn = converted(tmp_path / "drawn", content, name="drawn.csv").profile["tables"][0]
    assert exact["quantiles_of_rows"] == 9_000
    assert drawn["quantiles_of_rows"] == pytest.approx(1_000, rel=0.2)
    assert drawn["columns"][0].pop("quantiles")["0.5"] == pytest.approx(4_500, rel=0.1)
    assert drawn["columns"][1].pop("quantiles")["0.5"] == pytest.approx(12, abs=2)
    assert all(column.pop("quantiles") for column in exact["columns"])
    assert drawn["columns"] == exact["columns"]


def test_profile_of_a_column_with_the_name_of_the_row_number(tmp_path, monkeypatch):
    monkeypatch.setattr(profiles, "QUANTILES_OF_ROWS", 10)
    content = "File_Row_Number,b\n" + "".join(f"{at},{at}\n" for at in range(100))
    assert converted(tmp_path, content).profile["tables"][0]["quantiles_of_rows"] == 100


def test_profile_tells_finite_ends_and_a_mean_of_numbers_that_are_not_all_finite(tmp_path):
    column = converted(tmp_path, "a\n1.5\ninf\n-inf\n2.5\n").profile["tables"][0]["columns"][0]
    assert (column["min"], column["max"], column["mean"]) == ("-inf", "inf", 2.0)
    assert (column["histogram"][0], column["histogram"][-1]) == (1, 1)


def test_profile_of_values_at_the_ends_of_their_types(tmp_path):
    content = (
        "a,b,c\n1e+308,9999-12-31,99999999999999999999999999999999999999\n-1e+308,0001-01-01,-1\n0.5,2024-01-01,0\n"
    )
    columns = converted(tmp_path, content).profile["tables"][0]["columns"]
    assert [column["type"] for column in columns] == ["DOUBLE", "DATE", "DECIMAL(38,0)"]
    assert columns[1]["min"] == "0001-01-01"


def test_markup_and_formulas_are_just_text(tmp_path):
    cells = ['=HYPERLINK("http://x")', "<img src=x onerror=alert(1)>", "'; DROP TABLE raw; --", "{{7*7}}"]
    lines = "\n".join(f"{cell}\t{at}" for at, cell in enumerate(cells))
    assert converted(tmp_path, f"a\tb\n{lines}\n").column("a") == cells


@pytest.mark.parametrize(
    "query",
    [
        "FROM read_text('/etc/hostname')",
        "FROM read_csv('/etc/passwd')",
        "FROM 'http://127.0.0.1:9/x.parquet'",
        "COPY (SELECT 1) TO '/tmp/out.csv'",
        "INSTALL httpfs",
        "LOAD httpfs",
        "ATTACH '/tmp/other.db'",
        "SET enable_external_access = true",
        "SET allowed_directories = ['/']",
    ],
)
def test_engine_is_closed_off(tmp_path, query):
    (tmp_path / "scratch").mkdir()
    with pytest.raises(CorruptTable), open_engine(tmp_path / "original", tmp_path / "scratch") as engine:
        engine.execute(query)


def test_paths_in_a_file_are_not_followed(tmp_path):
    table = converted(tmp_path, json.dumps({"path": "/etc/passwd", "sql": "FROM read_text('/etc/passwd')"}), NDJSON)
    assert table.rows() == [("/etc/passwd", "FROM read_text('/etc/passwd')")]
