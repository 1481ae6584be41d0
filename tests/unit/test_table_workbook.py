"""Workbooks: each sheet is a table of its cells' own types."""

import pytest

from tests.unit import tables
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


def test_columns_without_a_name_and_a_value_are_left_out(tmp_path):
    rows = [["Report"], [], [None, None, "id", None, "name"], [None, None, 1, None, "a"], [None, None, 2, None, "b"]]
    table = converted(tmp_path, workbook(A=rows), XLSX)
    assert (list(table.types()), table.rows()) == (["id", "name"], [("1", "a"), ("2", "b")])
    assert table.facts["notes"] == [
        "1 line above the table left out",
        "3 columns without a name and a value are left out",
    ]
    assert [(entry["line"], entry["text"]) for entry in table.rejects] == [(1, "Report")]


def test_a_value_that_comes_late_in_a_column_without_a_name_is_kept(tmp_path):
    rows = [["id", "name"], *([at, "x"] for at in range(1500)), [1500, "y", "late"]]
    table = converted(tmp_path, workbook(A=rows), XLSX)
    assert table.rows()[-1] == ("1500", "y", "late")


def test_a_blank_far_away_makes_no_columns(tmp_path):
    row = f'<row r="1">{cell("A1", "a")}{cell("B1", "b")}{cell("XFD1", " ")}</row>'
    more = f'<row r="2">{cell("A2", 1)}{cell("B2", 2)}</row>'
    content = workbook(A=sheet([]).replace("<sheetData>", f"<sheetData>{row}{more}"))
    table = converted(tmp_path, content, XLSX)
    assert (list(table.types()), table.rows()) == (["a", "b"], [("1", "2")])


def test_formulas_without_a_stored_result_are_told(tmp_path):
    formula = '<c r="B2"><f>A2*2</f></c><c r="C2"><f>A2*3</f><v/></c><c r="D2" t="str"><f>""</f><v></v></c>'
    head = "".join(cell(f"{letter}1", letter) for letter in "ABCD")
    content = workbook(
        A=sheet([]).replace(
            "<sheetData>", f'<sheetData><row r="1">{head}</row><row r="2">{cell("A2", 1)}{formula}</row>'
        )
    )
    table = converted(tmp_path, content, XLSX)
    assert table.rows() == [("1", None, None, None)]
    assert "2 formulas have no stored result, or an empty one: their cells are empty" in table.facts["notes"]


def test_formulas_that_nobody_calculated_are_told(tmp_path):
    rows = [["n", "twice"], [1, ("formula", "A2*2", 0)], [2, ("formula", "A3*2", 0)]]
    table = converted(tmp_path, workbook(properties='<calcPr fullCalcOnLoad="1"/>', Sheet=rows), XLSX)
    assert "all 2 formulas have 0 for a result" in str(table.facts["notes"])


def test_cells_that_hold_an_error_are_told(tmp_path):
    rows = [["n", "v"], [1, ("error", "#N/A")], [2, ("error", "#DIV/0!")], [3, 5]]
    table = converted(tmp_path, workbook(Sheet=rows), XLSX)
    assert table.column("v") == [None, None, "5"]
    assert table.facts["notes"] == ["2 cells hold an error, such as #N/A: they are empty"]


@pytest.mark.parametrize("name", ["sheet", "Sheet", "raw", "made", "plain", "rejects"])
def test_a_sheet_may_have_any_name(tmp_path, name):
    table = converted(tmp_path, workbook(**{name: [["n"], [1]], "other": [["n"], [2]]}), XLSX, name=f"{name}.xlsx")
    assert (table.rows(f"{name.lower()}/"), table.rows("other/")) == ([("1",)], [("2",)])


def test_a_carriage_return_in_a_cell_is_kept(tmp_path):
    table = converted(tmp_path, workbook(Sheet=[["t", "n"], ["a_x000D_b", 1], ["c\nd", 2]]), XLSX)
    assert table.column("t") == ["a\rb", "c\nd"]


def test_whole_numbers_of_sixteen_digits_keep_them(tmp_path):
    table = converted(tmp_path, workbook(A=[["id", "n"], [1234567890123456, 1], [9007199254740991, 2]]), XLSX)
    assert table.column("id") == ["1234567890123456", "9007199254740991"]


def test_numbers_that_a_workbook_rounds_are_told(tmp_path):
    table = converted(tmp_path, workbook(A=[["id", "n"], [12345678901234567890, 1]]), XLSX)
    assert "1 numbers have more digits than a workbook keeps" in table.facts["notes"]


def test_a_whole_number_that_others_share_is_written_with_all_its_digits(tmp_path):
    table = converted(tmp_path, workbook(Sheet=[["id"], [9999999999999998], [9100000000000002]]), XLSX)
    assert (table.types(), table.column("id")[0]) == ({"id": "BIGINT"}, "9999999999999998")


def test_durations_of_more_than_a_day_are_hours(tmp_path):
    styles = tables.STYLES.replace('<xf numFmtId="14"', '<xf numFmtId="46"')
    content = workbook(A=[["took", "n"], [("date", 1.5), 1], [("date", 0.003472222222222222), 2]], styles=styles)
    assert converted(tmp_path, content, XLSX).column("took") == ["36:00:00", "00:05:00"]


def test_a_total_below_the_table_is_left_out_with_its_row(tmp_path):
    table = converted(tmp_path, workbook(A=[["name", "n"], ["a", 1], ["b", 2], [], ["Total", 3]]), XLSX)
    assert table.rows() == [("a", "1"), ("b", "2")]
    assert [entry["line"] for entry in table.rejects] == [5]


def test_units_and_names_that_come_again_are_no_rows(tmp_path):
    rows = [["t", "v"], ["s", "m"], [1, 2.5], [2, 3.5], ["t", "v"], [3, 4.5]]
    table = converted(tmp_path, workbook(A=rows), XLSX)
    assert (table.types(), len(table.rows())) == ({"t": "BIGINT", "v": "DOUBLE"}, 3)
    assert [entry["line"] for entry in table.rejects] == [2, 5]


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
