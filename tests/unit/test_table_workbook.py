"""Workbooks: each sheet is a table of its cells' own types."""

import pytest

from tests.unit.tables import XLSX, cell, converted, sheet, workbook
from workflow.errors import CorruptTable, TooManyTables, TruncatedFile

ROWS = [
    ["id", "name", "when", "size", "ok"],
    [1, "Ada", ("date", 45292), 2.5, True],
    [2, "007", ("date", 45293), 3, False],
]


def test_cells_keep_their_types(tmp_path):
    table = converted(tmp_path, workbook(People=ROWS), XLSX, "people.xlsx")
    kinds = {"id": "BIGINT", "name": "VARCHAR", "when": "DATE", "size": "DOUBLE", "ok": "BOOLEAN"}
    assert table.types() == kinds
    assert table.rows() == [("1", "Ada", "2024-01-01", "2.5", "true"), ("2", "007", "2024-01-02", "3.0", "false")]


def test_text_that_looks_like_a_number_stays_text(tmp_path):
    table = converted(tmp_path, workbook(A=[["phone", "n"], ["4930123456", 1], ["4930123457", 2]]), XLSX)
    assert table.types() == {"phone": "VARCHAR", "n": "BIGINT"}


def test_formulas_give_their_stored_results(tmp_path):
    rows = [["n", "twice"], [1, ("formula", "A2*2", 2)], [2, ("formula", "A3*2", 4)]]
    assert converted(tmp_path, workbook(A=rows), XLSX).column("twice") == ["2", "4"]


def test_every_sheet_is_a_table_of_its_name(tmp_path):
    table = converted(tmp_path, workbook(**{"First Sheet": ROWS, "Empty": [], "Zürich": ROWS[:2]}), XLSX)
    assert [file.name for file in table.rendered.files] == ["tables/first-sheet/data", "tables/zurich/data", "profile"]
    assert (table.facts["tables"], table.facts["rows"]) == (2, 3)


def test_titles_above_the_header(tmp_path):
    rows = [["Report of May"], [], *ROWS]
    table = converted(tmp_path, workbook(A=rows), XLSX)
    assert list(table.types()) == ROWS[0]
    assert table.facts["notes"] == ["1 line above the table left out"]


def test_columns_that_hold_numbers_and_words(tmp_path):
    table = converted(tmp_path, workbook(A=[["n", "m"], [1, 1], ["unknown", "n/a"], [3, 3]]), XLSX)
    assert table.types() == {"n": "VARCHAR", "m": "BIGINT"}
    assert (table.column("n"), table.column("m")) == (["1", "unknown", "3"], ["1", None, "3"])


def test_too_many_sheets(tmp_path):
    with pytest.raises(TooManyTables, match="30"):
        converted(tmp_path, workbook(**{f"s{at}": [["a"], [at]] for at in range(31)}), XLSX)


def test_sheet_that_claims_billions_of_cells(tmp_path):
    """Two cells in opposite corners: the table between them would take hundreds of gigabytes."""
    corners = f'<row r="1">{cell("A1", 1)}</row><row r="1048576">{cell("XFD1048576", 1)}</row>'
    content = workbook(A=sheet([]).replace("<sheetData>", f"<sheetData>{corners}"))
    with pytest.raises(CorruptTable, match="cannot be read"):
        converted(tmp_path, content, XLSX)


@pytest.mark.parametrize("content", [b"PK\x03\x04 no workbook", workbook(A=ROWS)[:-400], workbook(A=[]), workbook()])
def test_damaged_or_empty_workbooks(tmp_path, content):
    with pytest.raises((CorruptTable, TruncatedFile)):
        converted(tmp_path, content, XLSX)


def test_other_files_are_not_reached_from_a_sheet(tmp_path):
    bomb = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + sheet([["a", "b"], ["&a;", "x"]]).replace(
        "&amp;", "&"
    )
    try:
        rows = converted(tmp_path, workbook(A=bomb), XLSX).rows()
    except CorruptTable:
        rows = []
    assert "root:" not in str(rows)
