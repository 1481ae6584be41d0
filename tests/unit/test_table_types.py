"""Columns get the type of all their values, and no value changes on the way."""

import pytest

from tests.unit.tables import CSV, converted


@pytest.fixture
def column(tmp_path):
    """The type and the values of one column; `|` keeps commas out of the way."""

    def _column(*values: str, delimiter: str = "|"):
        lines = "\n".join(f"{value}{delimiter}x" for value in values)
        table = converted(tmp_path, f"value{delimiter}other\n{lines}\n")
        return table.types()["value"], table.column("value")

    return _column


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "-20", "0"], "BIGINT"),
        (["9223372036854775807", "-9223372036854775808"], "BIGINT"),
        (["9223372036854775808", "1"], "DECIMAL(38,0)"),
        (["9" * 38, "-" + "9" * 38], "DECIMAL(38,0)"),
        (["9" * 39, "1"], "VARCHAR"),
        (["007", "010"], "VARCHAR"),
        (["+493012345", "+14155550100"], "VARCHAR"),
        (["030 1234", "040 5678"], "VARCHAR"),
        (["1e5", "2e7"], "VARCHAR"),
        (["1.5", "-0.25"], "DOUBLE"),
        (["0.30000000000000004", "1.5"], "DOUBLE"),
        (["12345678901234.123456", "0.5"], "DECIMAL(38,18)"),
        (["1.5", "abc"], "VARCHAR"),
        (["true", "false"], "BOOLEAN"),
        (["yes", "no"], "VARCHAR"),
        (["2024-02-29", "1999-12-31"], "DATE"),
        (["2024-02-30", "1999-12-31"], "VARCHAR"),
        (["2024-01-01 10:00:00", "2024-01-01 10:00:00.123456"], "TIMESTAMP"),
        (["2024-01-01 10:00:00.123456789", "2024-01-01 10:00:00.000000001"], "TIMESTAMP_NS"),
        (["SW1A 1AA", "E1 6AN"], "VARCHAR"),
        (["=cmd|' /C calc'!A0", "<script>alert(1)</script>"], "VARCHAR"),
    ],
)
def test_type_holds_every_value(column, values, kind):
    found, texts = column(*values, delimiter="\t")
    assert found == kind
    assert [text.rstrip("0") if kind.endswith("18)") else text for text in texts] == [
        value.rstrip("0") if kind.endswith("18)") else value for value in values
    ]


@pytest.mark.parametrize(
    ("values", "kind", "texts"),
    [(["1.50", "2.0"], "DOUBLE", ["1.5", "2.0"]), ([" 7", "8 "], "BIGINT", ["7", "8"])],
)
def test_same_number_written_otherwise_is_the_same_number(column, values, kind, texts):
    assert column(*values) == (kind, texts)


@pytest.mark.parametrize(
    ("values", "kind", "texts"),
    [
        (["1.234,50", "3,5"], "DOUBLE", ["1234.5", "3.5"]),
        (["1.234.567", "5"], "BIGINT", ["1234567", "5"]),
        (["1,234.50", "7"], "DOUBLE", ["1234.5", "7.0"]),
        (["1,234,567", "-1,000"], "BIGINT", ["1234567", "-1000"]),
        (["1,234", "5,678"], "VARCHAR", ["1,234", "5,678"]),
    ],
)
def test_decimal_commas_and_thousands(column, values, kind, texts):
    assert column(*values) == (kind, texts)


def test_what_one_column_proves_of_separators_is_not_carried_over_to_others(tmp_path):
    """Coordinates have points where prices have commas: 52.520 never becomes 52520."""
    table = converted(tmp_path, "price;lat;rate\n1.234,50;52.520;2,345\n99,90;13.405;1,111\n")
    assert table.column("price") == ["1234.5", "99.9"]
    assert table.column("lat") == ["52.52", "13.405"]
    assert table.column("rate") == ["2,345", "1,111"]
    assert any(note.startswith('in "lat", "." is read as the decimal point, though') for note in table.facts["notes"])


@pytest.mark.parametrize("delimiter", ["\t", "|"])
@pytest.mark.parametrize("values", [["10,50", "7,12", "0,33"], ["2019,2020", "2020,2021"], ["1,5", "2,5"]])
def test_pairs_with_a_comma_are_no_fractions(column, values, delimiter):
    assert column(*values, delimiter=delimiter) == ("VARCHAR", values)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["-800,00", "-12,50"], "DOUBLE"),
        (["0,5", "2,25"], "DOUBLE"),
        (["1,5", "2,50"], "VARCHAR"),
        (["2019,2020", "2020,2021"], "VARCHAR"),
        (["1,234", "5,678"], "VARCHAR"),
    ],
)
def test_commas_where_semicolons_divide_are_fractions_if_they_can_be_written_back(column, values, kind):
    assert column(*values, delimiter=";")[0] == kind


def test_infinity_is_a_number(column):
    assert column("1.5", "Infinity", "-inf") == ("DOUBLE", ["1.5", "inf", "-inf"])


def test_comma_in_a_cell_of_a_comma_separated_file_may_be_that_of_a_list(tmp_path):
    table = converted(tmp_path, 'pair,id\n"2,5",1\n"5,7",2\n')
    assert table.column("pair") == ["2,5", "5,7"]
    assert "comma" in table.facts["notes"][0]


@pytest.mark.parametrize(
    ("values", "kind", "first"),
    [
        (["31/12/2024", "01/02/2024"], "DATE", "2024-12-31"),
        (["12/31/2024", "01/02/2024"], "DATE", "2024-12-31"),
        (["01/02/2024", "03/04/2024"], "VARCHAR", "01/02/2024"),
        (["31.12.2024", "1.2.2024"], "DATE", "2024-12-31"),
        (["31.12.2024 23:59", "1.2.2024 00:00"], "TIMESTAMP", "2024-12-31 23:59:00"),
        (["2024/12/31", "2024/1/2"], "DATE", "2024-12-31"),
        (["05-Jan-2024", "06-Feb-2024"], "DATE", "2024-01-05"),
        (["January 5, 2024", "March 6, 2024"], "DATE", "2024-01-05"),
        (["12/31/2024 11:30 PM", "01/02/2024 1:00 AM"], "TIMESTAMP", "2024-12-31 23:30:00"),
        (["2024-01-01T10:00:00+02:00", "2024-01-01T10:00:00Z"], "TIMESTAMP WITH TIME ZONE", "2024-01-01 08:00:00+00"),
        (["10/Oct/2000:13:55:36 -0700"] * 2, "TIMESTAMP WITH TIME ZONE", "2000-10-10 20:55:36+00"),
        (["2024-01-01T10:00:00Z", "2024-01-01T10:00:00"], "VARCHAR", "2024-01-01T10:00:00Z"),
    ],
)
def test_dates_and_times(column, values, kind, first):
    found, texts = column(*values)
    assert (found, texts[0]) == (kind, first)


def test_undecided_dates_stay_text_and_people_are_told(tmp_path):
    table = converted(tmp_path, "day,n\n01/02/2024,1\n03/04/2024,2\n")
    assert table.facts["notes"] == ['"day" stays text: it could be day/month or month/day']


def test_words_for_nothing_are_empty_in_numbers_and_text_in_text(tmp_path):
    table = converted(tmp_path, "n,country\n1,NA\nN/A,DE\n,null\n-,\n")
    assert table.column("n") == ["1", None, None, None]
    assert table.column("country") == ["NA", "DE", "null", None]
    assert 'in "n", "-" is read as no value (1 times)' in table.facts["notes"]


def test_column_without_values_is_text(column):
    assert column("", "") == ("VARCHAR", [None, None])


def late(rows: int, last: str) -> str:
    return "id,value\n" + "".join(f"{at},{at}\n" for at in range(rows)) + f"{rows},{last}\n"


@pytest.mark.parametrize(
    ("last", "kind"),
    [("abc", "VARCHAR"), ("007", "VARCHAR"), ("1.5", "DOUBLE"), ("9223372036854775808", "DECIMAL(38,0)")],
)
def test_a_value_that_comes_late_decides_too(tmp_path, last, kind):
    table = converted(tmp_path, late(30_000, last))
    assert table.types()["value"] == kind
    assert table.column("value")[-1] == last
    assert table.facts["rows"] == 30_001


def test_evidence_that_comes_late_decides_too(tmp_path):
    lines = "".join(f"{at},03/04/2024\n" for at in range(5000))
    table = converted(tmp_path, f"id,day\n{lines}5000,31/12/2024\n", CSV)
    assert (table.types()["day"], table.column("day")[0]) == ("DATE", "2024-04-03")


def test_words_for_nothing_that_come_late(tmp_path):
    table = converted(tmp_path, late(5000, "NULL"))
    assert table.types()["value"] == "BIGINT"
    assert table.facts["notes"] == ['in "value", "NULL" is read as no value (1 times)']
