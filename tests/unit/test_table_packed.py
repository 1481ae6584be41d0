"""Packed files and Parquet: the same tables, and clear words for what is cut off, damaged or a bomb."""

import gzip

import duckdb
import pytest
import zstandard

from tests.unit.int96 import int96_file
from tests.unit.tables import CSV, NDJSON, PARQUET, XLSX, converted, parquet, workbook
from workflow.errors import (
    CorruptTable,
    DecompressionBomb,
    EncryptedFile,
    TooManyColumns,
    TruncatedFile,
    UnsupportedCodec,
)

TEXT = b"id,name\n1,a\n2,b\n"
ROWS = [("1", "a"), ("2", "b")]


@pytest.mark.parametrize(
    ("content", "packing"),
    [
        (gzip.compress(TEXT), "gzip"),
        (gzip.compress(TEXT[:12]) + gzip.compress(TEXT[12:]), "gzip"),
        (zstandard.compress(TEXT), "zstd"),
        (zstandard.compress(TEXT[:12]) + zstandard.compress(TEXT[12:]), "zstd"),
        (b"\x50\x2a\x4d\x18\x04\0\0\0skip" + zstandard.compress(TEXT), "zstd"),
    ],
)
def test_packed_text(tmp_path, content, packing):
    table = converted(tmp_path, content, f"{CSV}+{packing}", f"people.csv.{packing}")
    assert table.rows() == ROWS
    assert table.rendered.files[0].name == "tables/people/data"


def test_packed_parquet_logs_and_workbooks(tmp_path):
    contents = {
        PARQUET: parquet(tmp_path, "SELECT 1 AS id, 'a' AS name UNION ALL SELECT 2, 'b' ORDER BY id"),
        NDJSON: b'{"id": 1, "name": "a"}\n{"id": 2, "name": "b"}\n',
        XLSX: workbook(A=[["id", "name"], [1, "a"], [2, "b"]]),
    }
    for at, (media_type, content) in enumerate(contents.items()):
        folder = tmp_path / str(at)
        folder.mkdir()
        assert converted(folder, zstandard.compress(content), f"{media_type}+zstd").rows() == ROWS


@pytest.mark.parametrize(("pack", "packing"), [(gzip.compress, "gzip"), (zstandard.compress, "zstd")])
@pytest.mark.parametrize("missing", [1, 5, 12])
def test_cut_off(tmp_path, pack, packing, missing):
    content = pack(b"".join(b"%d,name\n" % at for at in range(1000)))
    with pytest.raises(TruncatedFile):
        converted(tmp_path, content[:-missing], f"{CSV}+{packing}")


@pytest.mark.parametrize(
    ("pack", "packing"), [(gzip.compress, "gzip"), (zstandard.ZstdCompressor(write_checksum=True).compress, "zstd")]
)
def test_damaged(tmp_path, pack, packing):
    content = bytearray(pack(b"".join(b"%d,%d\n" % (at, at * 7919) for at in range(20_000))))
    content[len(content) // 2 : len(content) // 2 + 50] = b"\xff" * 50
    with pytest.raises((CorruptTable, TruncatedFile)):
        converted(tmp_path, bytes(content), f"{CSV}+{packing}")


@pytest.mark.parametrize(("pack", "packing"), [(gzip.compress, "gzip"), (zstandard.compress, "zstd")])
def test_bomb(tmp_path, pack, packing):
    with pytest.raises(DecompressionBomb, match="256 MiB"):
        converted(tmp_path, pack(bytes(270 * 2**20)), f"{CSV}+{packing}")


def test_parquet_keeps_its_types(tmp_path):
    query = (
        "SELECT 1::TINYINT AS tiny, 12345678901234567890::UBIGINT AS large, 1.10::DECIMAL(9,2) AS money,"
        " TIMESTAMPTZ '2024-01-01 10:00:00+02' AS moment, [1, 2] AS list, {'a': 'x'} AS struct, '007' AS code,"
        " 'x'::BLOB AS raw, NULL::INTEGER AS nothing"
    )
    content = parquet(tmp_path, query)
    kinds = {row[0]: row[1] for row in duckdb.sql(f"DESCRIBE FROM '{tmp_path}/made.parquet'").fetchall()}
    table = converted(tmp_path, content, PARQUET)
    assert table.types() == kinds
    assert table.rows()[0][:3] == ("1", "12345678901234567890", "1.10")


def test_parquet_is_written_with_zstd(tmp_path):
    content = parquet(tmp_path, "SELECT range AS n FROM range(1000)", ", COMPRESSION uncompressed")
    path = converted(tmp_path, content, PARQUET).paths()[0]
    assert duckdb.sql(f"SELECT DISTINCT compression FROM parquet_metadata('{path}')").fetchall() == [("ZSTD",)]  # noqa: S608


def test_columns_of_a_parquet_file_named_like_our_own(tmp_path):
    table = converted(tmp_path, parquet(tmp_path, 'SELECT 1 AS c1, 2 AS c0, 3 AS "a""b", 4 AS "E"'), PARQUET)
    assert (list(table.types()), table.rows()) == (["c1", "c0", 'a"b', "E"], [("1", "2", "3", "4")])


@pytest.mark.parametrize(
    ("damage", "error"),
    [
        (lambda content: content[:-20], TruncatedFile),
        (lambda content: b"PARE" + content[4:-4] + b"PARE", EncryptedFile),
        (lambda content: content[:-8] + b"\xff\xff\xff\x7fPAR1", CorruptTable),
        (lambda content: content[:60] + b"\0" * 200 + content[260:], CorruptTable),
        (lambda content: content[:4] + content[-4:], CorruptTable),
    ],
)
def test_damaged_parquet(tmp_path, damage, error):
    content = parquet(tmp_path, "SELECT range AS n, range::VARCHAR AS s FROM range(500)")
    with pytest.raises(error) as caught:
        converted(tmp_path, damage(content), PARQUET)
    assert str(tmp_path) not in str(caught.value)


def test_parquet_with_too_many_columns(tmp_path):
    content = parquet(tmp_path, "SELECT " + ", ".join(f"{at} AS c{at}" for at in range(1501)))
    with pytest.raises(TooManyColumns):
        converted(tmp_path, content, PARQUET)


TEN_AM_NS = 36_000 * 10**9


def test_nanoseconds_of_old_timestamps_are_kept(tmp_path):
    fine = [("2024-01-01", TEN_AM_NS + 123_456_789), ("1969-12-31", TEN_AM_NS + 1)]
    coarse = [("2024-01-01", TEN_AM_NS + 123_456_000), ("1969-12-31", 0)]
    far = [("0001-01-01", TEN_AM_NS), ("9999-12-31", TEN_AM_NS + 5000)]
    table = converted(tmp_path, int96_file(fine=fine, coarse=coarse, far=far), PARQUET)
    assert table.types() == {"fine": "TIMESTAMP_NS", "coarse": "TIMESTAMP", "far": "TIMESTAMP"}
    assert table.rows() == [
        ("2024-01-01 10:00:00.123456789", "2024-01-01 10:00:00.123456", "0001-01-01 10:00:00"),
        ("1969-12-31 10:00:00.000000001", "1969-12-31 00:00:00", "9999-12-31 10:00:00.000005"),
    ]
    assert not table.facts["notes"]


@pytest.mark.parametrize("day", ["0001-01-01", "1677-09-21", "2262-04-11", "9999-12-31"])
def test_nanoseconds_for_which_no_type_has_room_are_told(tmp_path, day):
    table = converted(tmp_path, int96_file(t=[(day, 0), ("2024-01-01", TEN_AM_NS + 123_456_789)]), PARQUET)
    assert table.column("t") == [f"{day} 00:00:00", "2024-01-01 10:00:00.123456"]
    assert table.facts["notes"] == ['"t" has nanoseconds, and dates before 1678 or after 2261: microseconds are kept']


def test_decimals_that_would_be_rounded_are_refused(tmp_path):
    """DuckDB writes no more than 38 digits: the footer of such a file is made to announce 60."""
    content = parquet(tmp_path, "SELECT 1::DECIMAL(38,0) AS amount")
    announced, wide = (b"\x15" + bytes([2 * digits]) for digits in (38, 60))
    assert announced in content
    with pytest.raises(UnsupportedCodec, match="60 digits"):
        converted(tmp_path, content.replace(announced, wide), PARQUET)
