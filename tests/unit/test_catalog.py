"""Tables that were uploaded can be found in Glue, and what Glue says of them is what lies in the output bucket."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from botocore.stub import Stubber

from tasks.shared.catalog import (
    MAX_TOLD_COLUMNS,
    Catalog,
    Dataset,
    TableFacts,
    TechnicalFacts,
    datasets,
    glue_table,
    table_name,
)
from tasks.shared.hive_types import hive_type
from tasks.shared.naming import asset_id
from tests.unit.cloud import INGEST, OUTPUT, Cloud, client, load_function
from tests.unit.images import sample
from tests.unit.state_machine import Machine
from workflow.errors import TransientError
from workflow.shapes import Asset, MadeFile, Pointer, Transformed

DATABASE = "lake"
KEY = "sales/2026/Orders été.csv"
ORDERS = b"id,Day,Price\n007,2026-09-07,4.25\n008,2026-09-09,6.80\n"

ASSET = Asset(
    id="a" * 32,
    bucket=INGEST,
    key=KEY,
    version_id="v1",
    size=9,
    etag="e",
    last_modified="2026-11-23T09:59:58+00:00",
    kind="table",
    media_type="text/csv",
    source=Pointer(bucket=INGEST, key=KEY),
)


def dataset(columns: dict[str, str], *names: str) -> Dataset:
    files = tuple(
        MadeFile(name=name, bucket=OUTPUT, key=f"renditions/x/r/{name}.parquet", content_type="", bytes=9, sha256="")
        for name in names or ("tables/orders/data",)
    )
    return Dataset("orders", 2, columns, files)


# types


WRITTEN = [
    ("BOOLEAN", "boolean", "BOOLEAN"),
    ("TINYINT", "tinyint", "INT32 INT_8"),
    ("SMALLINT", "smallint", "INT32 INT_16"),
    ("UTINYINT", "smallint", "INT32 UINT_8"),
    ("INTEGER", "int", "INT32 INT_32"),
    ("USMALLINT", "int", "INT32 UINT_16"),
    ("BIGINT", "bigint", "INT64 INT_64"),
    ("HUGEINT", "double", "DOUBLE"),
    ("FLOAT", "float", "FLOAT"),
    ("DOUBLE", "double", "DOUBLE"),
    ("DECIMAL(4,1)", "decimal(4,1)", "INT32 DECIMAL"),
    ("DECIMAL(18,3)", "decimal(18,3)", "INT64 DECIMAL"),
    ("DECIMAL(38,10)", "decimal(38,10)", "FIXED_LEN_BYTE_ARRAY DECIMAL"),
    ("DATE", "date", "INT32 DATE"),
    ("TIMESTAMP", "timestamp", "INT64 TIMESTAMP_MICROS"),
    ("TIMESTAMP_MS", "timestamp", "INT64 TIMESTAMP_MILLIS"),
    ("TIMESTAMP_NS", "timestamp", "INT64"),
    ("TIMESTAMPTZ", "timestamp", "INT64 TIMESTAMP_MICROS"),
    ("VARCHAR", "string", "BYTE_ARRAY UTF8"),
    ("ENUM('a', 'b')", "string", "BYTE_ARRAY UTF8"),
    ("JSON", "string", "BYTE_ARRAY JSON"),
    ("BLOB", "binary", "BYTE_ARRAY"),
    ("UINTEGER", None, "INT32 UINT_32"),
    ("UBIGINT", None, "INT64 UINT_64"),
    ("TIME", None, "INT64 TIME_MICROS"),
    ("TIMETZ", None, "INT64 TIME_MICROS"),
    ("INTERVAL", None, "FIXED_LEN_BYTE_ARRAY INTERVAL"),
    ("UUID", None, "FIXED_LEN_BYTE_ARRAY"),
]


@pytest.mark.parametrize(("kind", "hive", "parquet"), WRITTEN)
def test_type_is_the_one_by_which_athena_reads_what_the_file_holds(tmp_path, kind, hive, parquet):
    path = tmp_path / "table.parquet"
    with duckdb.connect() as engine:
        engine.execute(f"COPY (SELECT NULL::{kind} AS v) TO '{path}' (FORMAT parquet)")
        read_as = engine.execute(f"DESCRIBE FROM '{path}'").fetchall()[0][1]
        ((physical, logical),) = engine.execute(
            "SELECT type, converted_type FROM parquet_schema($1) WHERE name = 'v'", [str(path)]
        ).fetchall()
    assert hive_type(read_as) == hive
    assert " ".join(filter(None, (physical, logical))) == parquet


@pytest.mark.parametrize(
    ("kind", "hive"),
    [
        ("INTEGER[]", "array<int>"),
        ("VARCHAR[][]", "array<array<string>>"),
        ('STRUCT(a INTEGER, "End" TIMESTAMP, c DECIMAL(18,3))', "struct<a:int,end:timestamp,c:decimal(18,3)>"),
        ("MAP(VARCHAR, STRUCT(x DOUBLE, y DATE[]))", "map<string,struct<x:double,y:array<date>>>"),
        ("STRUCT(a STRUCT(b BLOB)[])[]", "array<struct<a:array<struct<b:binary>>>>"),
        ('STRUCT("to, (or) ""from""" INTEGER, b INTEGER)', None),
        ("STRUCT(a TIME)", None),
        ("MAP(UUID, INTEGER)", None),
        ("VARIANT", None),
        ("STRUCT(a " * 500 + "INTEGER" + ")" * 500, None),
        (f"STRUCT({', '.join(f'column_{at} INTEGER' for at in range(10_000))})", None),
    ],
)
def test_nested_type_is_named_to_its_innermost_or_not_at_all(kind, hive):
    assert hive_type(kind) == hive


def test_nested_type_is_what_duckdb_says_of_a_file(tmp_path):
    path = tmp_path / "table.parquet"
    with duckdb.connect() as engine:
        engine.execute(f"COPY (SELECT [{{'at': DATE '2026-01-01', 'Tags': MAP {{'a': 1}}}}] AS v) TO '{path}'")
        read_as = engine.execute(f"DESCRIBE FROM '{path}'").fetchall()[0][1]
    assert hive_type(read_as) == "array<struct<at:date,tags:map<string,int>>>"


# names


@pytest.mark.parametrize(
    ("key", "slug", "words"),
    [
        ("sales/2026/Orders été.csv", "orders-ete", "sales_2026_orders_ete_csv"),
        ("budget.xlsx", "first-sheet", "budget_xlsx_first_sheet"),
        ("売上.csv", "table", "csv_table"),
        ("売上", "-", "table"),
        ("__/_/", "_", "table"),
        ("a" * 900, "a", "a" * 191),
    ],
)
def test_table_is_named_after_its_key_in_characters_that_need_no_quotes(key, slug, words):
    name = table_name(INGEST, key, slug)
    assert name.rpartition("_")[0] == words
    assert re.fullmatch(r"[a-z0-9_]{1,191}_[0-9a-f]{8}", name)


def test_keys_that_look_alike_and_tables_of_one_key_have_different_names():
    keys = ["a/b.csv", "a_b.csv", "A/b.csv", "a/b csv", "x" * 400 + "b.csv", "y" * 400 + "x" * 400 + "b.csv"]
    names = {table_name(bucket, key, slug) for bucket in ("one", "two") for key in keys for slug in ("b", "c")}
    assert len(names) == 2 * 2 * len(keys)


def test_columns_that_a_glue_table_cannot_have_are_left_out_and_told():
    unusual = {"Order Date": "DATE", "Größe": "DOUBLE"}
    refused = {"a, b": "DATE", "猫" * 100: "DATE", "t": "TIME"}
    table = dataset(unusual | refused)
    assert [(column["Name"], column.get("Type")) for column in table.readable] == [
        ("order date", "date"),
        ("größe", "double"),
    ]
    assert table.left_out == ["a, b: DATE", f"{'猫' * 60}: DATE", "t: TIME"]


def test_what_is_told_of_columns_is_short_however_many_there_are():
    table = dataset(
        {f"{at}{'t' * 190}": "STRUCT(a TIME, b TIME, c TIME, d TIME, e TIME, f TIME, g TIME)" for at in range(1500)}
    )
    assert len(table.left_out) == MAX_TOLD_COLUMNS
    assert len(json.dumps(table.left_out)) < 2000


def test_tables_of_a_workbook_are_told_apart():
    made = [*dataset({}, "tables/jan/data", "tables/feb/data").files, *dataset({}, "rejects/jan", "profile").files]
    technical = TechnicalFacts((TableFacts(1, {"a": "DATE"}), TableFacts(2, {"b": "DATE"})))
    transformed = Transformed(sha256="", recipe="", renditions=tuple(made), facts={}, technical=ASSET.source)
    jan, feb = datasets(transformed, technical)
    assert (jan.slug, jan.rows, list(jan.columns), jan.location) == (
        "jan", 1, ["a"], f"s3://{OUTPUT}/renditions/x/r/tables/jan/"
    )  # fmt: skip
    assert (feb.slug, feb.rows, list(feb.columns), feb.location) == (
        "feb", 2, ["b"], f"s3://{OUTPUT}/renditions/x/r/tables/feb/"
    )  # fmt: skip


# partitions


def test_name_of_partitions_is_none_of_a_column():
    table = glue_table(ASSET, dataset({"d_day": "DATE", "D_Day_": "DATE"}, "tables/orders/d-day=2026-01-01/data"))
    assert table["PartitionKeys"] == [{"Name": "d_day__", "Type": "string"}]
    assert table["Parameters"]["storage.location.template"].endswith("/tables/orders/d-day=${d_day__}/")


# the pipeline


@pytest.fixture
def glue(cloud: Cloud):
    glue = client("glue")
    glue.create_database(DatabaseInput={"Name": DATABASE})
    return glue


@pytest.fixture
def cataloguing(cloud: Cloud, functions, glue) -> Machine:
    """A stage with the setting."""
    return Machine({**functions, "store_metadata": load_function("store_metadata", GLUE_DATABASE=DATABASE)})


def run(machine: Machine, at: Pointer, **wanted: object) -> None:
    machine_input = {"bucket": at.bucket, "key": at.key, "version_id": at.version_id, "trigger": "upload", **wanted}
    assert machine.run(machine_input).status == "SUCCEEDED"


def record_of(cloud: Cloud, at: Pointer) -> dict:
    return cloud.record(asset_id(at.bucket, at.key, str(at.version_id)))


def tables(glue) -> dict[str, dict]:
    return {table["Name"]: table for table in glue.get_tables(DatabaseName=DATABASE)["TableList"]}


def shown(glue) -> dict:
    (table,) = tables(glue).values()
    return table


def location(record: dict) -> str:
    (data,) = (file for file in record["renditions"] if file["key"].endswith(".parquet"))
    return f"s3://{OUTPUT}/{data['key'].rpartition('/')[0]}/"


def keys_at(cloud: Cloud, place: str) -> Iterator[str]:
    return (key for key in cloud.keys(OUTPUT) if f"s3://{OUTPUT}/{key}".startswith(place))


def test_uploaded_table_is_shown_where_and_as_it_is(cloud, cataloguing, glue, tmp_path: Path):
    at = cloud.upload(KEY, ORDERS)
    run(cataloguing, at)
    table, record = shown(glue), record_of(cloud, at)
    storage = table["StorageDescriptor"]
    (key,) = keys_at(cloud, storage["Location"])
    parquet = tmp_path / "data.parquet"
    parquet.write_bytes(cloud.read(OUTPUT, key))
    described = duckdb.sql(f"DESCRIBE FROM '{parquet}'").fetchall()
    assert [(row[0], row[1]) for row in described] == [("id", "VARCHAR"), ("Day", "DATE"), ("Price", "DOUBLE")]
    assert [(column["Name"], column["Type"]) for column in storage["Columns"]] == [
        ("id", "string"),
        ("day", "date"),
        ("price", "double"),
    ]
    assert storage["SerdeInfo"]["SerializationLibrary"] == "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
    assert table["TableType"] == "EXTERNAL_TABLE"
    assert (
        table["Parameters"].items()
        >= {
            "EXTERNAL": "TRUE",
            "classification": "parquet",
            "numRows": "2",
            "totalSize": str(len(cloud.read(OUTPUT, key))),
            "sluice_asset": record["asset_id"],
            "sluice_object": f"s3://{INGEST}/{KEY}",
        }.items()
    )
    assert table["PartitionKeys"] == []


def test_record_and_sidecar_name_the_glue_table(cloud, cataloguing, glue):
    at = cloud.upload(KEY, ORDERS)
    run(cataloguing, at)
    record = record_of(cloud, at)
    sidecar = json.loads(cloud.read(OUTPUT, record["sidecar"]["key"]))
    name = f"{DATABASE}.{shown(glue)['Name']}"
    assert record["glue_tables"] == sidecar["glue_tables"] == [{"table": "orders-ete", "left_out": [], "name": name}]


def test_table_without_a_column_that_athena_reads_is_told_and_not_shown(cloud, cataloguing, glue, tmp_path: Path):
    path = tmp_path / "times.parquet"
    duckdb.sql("SELECT TIME '12:30' AS t").write_parquet(str(path))
    at = cloud.upload("times.parquet", path.read_bytes())
    run(cataloguing, at)
    assert tables(glue) == {}
    assert record_of(cloud, at)["glue_tables"] == [{"table": "times", "left_out": ["t: TIME"]}]


def test_partitions_need_no_registration(cloud, cataloguing, glue):
    machine = replace(
        cataloguing,
        functions={**cataloguing.functions, "transform_table": load_function("transform_table", PARTITION_BY="day")},
    )
    at = cloud.upload(KEY, ORDERS + b"009,,1.00\n")
    run(machine, at)
    table = shown(glue)
    parameters = table["Parameters"]
    (key,) = (column["Name"] for column in table["PartitionKeys"])
    values = parameters[f"projection.{key}.values"].split(",")
    assert key not in {column["Name"] for column in table["StorageDescriptor"]["Columns"]}
    assert (parameters["projection.enabled"], parameters[f"projection.{key}.type"]) == ("true", "enum")
    assert values == ["2026-09-07", "2026-09-09", "__HIVE_DEFAULT_PARTITION__"]
    folders = [parameters["storage.location.template"].replace(f"${{{key}}}", value) for value in values]
    assert [len(list(keys_at(cloud, folder))) for folder in folders] == [1, 1, 1]
    assert len(list(keys_at(cloud, table["StorageDescriptor"]["Location"]))) == 3


def test_table_shows_the_newest_version_of_its_key(cloud, cataloguing, glue):
    older = cloud.upload(KEY, ORDERS)
    run(cataloguing, older, sequencer="01")
    newer = cloud.upload(KEY, ORDERS + b"009,2026-09-10,1.00\n")
    run(cataloguing, newer, sequencer="02")
    assert shown(glue)["StorageDescriptor"]["Location"] == location(record_of(cloud, newer))
    assert shown(glue)["Parameters"]["numRows"] == "3"


def test_older_version_that_comes_late_is_not_shown(cloud, cataloguing, glue):
    older, newer = cloud.upload(KEY, ORDERS), cloud.upload(KEY, ORDERS + b"009,2026-09-10,1.00\n")
    run(cataloguing, newer, sequencer="02")
    run(cataloguing, older, sequencer="01")
    assert shown(glue)["StorageDescriptor"]["Location"] == location(record_of(cloud, newer))
    assert "glue_tables" not in record_of(cloud, older)


def test_table_is_shown_once_however_often_its_asset_is_processed(cloud, cataloguing, glue):
    at = cloud.upload(KEY, ORDERS)
    run(cataloguing, at)
    before = shown(glue)["StorageDescriptor"]
    run(cataloguing, at, trigger="manual")
    assert shown(glue)["StorageDescriptor"] == before


def test_duplicate_shows_the_files_that_it_reuses(cloud, cataloguing, glue):
    first, duplicate = cloud.upload("a/orders.csv", ORDERS), cloud.upload("b/orders.csv", ORDERS)
    for at in (first, duplicate):
        run(cataloguing, at)
    assert record_of(cloud, duplicate)["reused_from"] == record_of(cloud, first)["asset_id"]
    shown_of = {table["Parameters"]["sluice_object"]: table for table in tables(glue).values()}
    assert set(shown_of) == {f"s3://{INGEST}/a/orders.csv", f"s3://{INGEST}/b/orders.csv"}
    places = {table["StorageDescriptor"]["Location"] for table in shown_of.values()}
    assert places == {location(record_of(cloud, first))}


def test_picture_is_no_table(cloud, cataloguing, glue):
    run(cataloguing, cloud.upload("cat.jpg", sample("JPEG")))
    assert tables(glue) == {}


def test_stage_without_the_setting_never_asks_glue(cloud, machine, monkeypatch):
    monkeypatch.setattr("tasks.shared.clients.glue", None)
    at = cloud.upload(KEY, ORDERS)
    run(machine, at)
    assert "glue_tables" not in record_of(cloud, at)


# executions that overtake each other


def test_older_version_that_was_overtaken_on_its_way_to_glue_is_not_shown(glue):
    catalog = Catalog(glue, DATABASE)
    newer = replace(ASSET, id="b" * 32, last_modified="2026-11-23T10:00:00+00:00")
    for asset in (newer, ASSET):
        catalog.register(asset, dataset({"a": "DATE"}))
    assert shown(glue)["Parameters"]["sluice_asset"] == newer.id


def test_change_between_reading_and_writing_is_not_overwritten_but_tried_again(glue):
    catalog = Catalog(glue, DATABASE)
    name = glue_table(ASSET, dataset({"a": "DATE"}))["Name"]
    with Stubber(glue) as stub:
        stub.add_client_error("create_table", "AlreadyExistsException")
        stub.add_response("get_table", {"Table": {"Name": name, "VersionId": "7"}})
        stub.add_client_error(
            "update_table",
            "ConcurrentModificationException",
            expected_params={
                "DatabaseName": DATABASE,
                "TableInput": glue_table(ASSET, dataset({"a": "DATE"})),
                "VersionId": "7",
                "SkipArchive": True,
            },
        )
        with pytest.raises(TransientError, match=name):
            catalog.register(ASSET, dataset({"a": "DATE"}))
