"""JSON and logs: a key is a column, wherever it first comes; bad lines are named."""

import json

import pytest

from tasks.shared.nesting import MAX_LEVELS
from tests.unit.tables import JSON, NDJSON, converted
from workflow.errors import CorruptTable, TooLarge, TooManyBadRows, TooManyColumns, TruncatedFile


@pytest.mark.parametrize(
    "content",
    [
        '{"id": 1, "name": "a"}\n{"id": 2, "name": "b"}\n',
        '{"id": 1, "name": "a"}\r\n\r\n{"id": 2, "name": "b"}',
        '[{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]',
        '{"id": 1, "name": "a"} {"id": 2, "name": "b"}',
        '{\n "id": 1,\n "name": "a"\n}\n{\n "id": 2,\n "name": "b"\n}',
        '\ufeff[{"id": 1, "name": "a"},\n{"id": 2, "name": "b"}]',
    ],
)
@pytest.mark.parametrize("media_type", [JSON, NDJSON])
def test_objects_in_any_arrangement(tmp_path, content, media_type):
    table = converted(tmp_path, content, media_type)
    assert table.types() == {"id": "BIGINT", "name": "VARCHAR"}
    assert table.rows() == [("1", "a"), ("2", "b")]


def test_other_encodings(tmp_path):
    table = converted(tmp_path, '{"ort": "Köln"}\n{"ort": "Łódź"}\n'.encode("utf-16"), NDJSON)
    assert table.rows() == [("Köln",), ("Łódź",)]


def test_keys_that_appear_late_are_columns(tmp_path):
    lines = [json.dumps({"id": at}) for at in range(30_000)]
    table = converted(tmp_path, "\n".join([*lines, '{"id": 30000, "late": true}']), NDJSON)
    assert table.types() == {"id": "BIGINT", "late": "BOOLEAN"}
    assert table.column("late")[-2:] == [None, "true"]


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        ("9223372036854775808", "DECIMAL(38,0)", "9223372036854775808"),
        ("123456789012345678901234567890", "DECIMAL(38,0)", "123456789012345678901234567890"),
        ("1.5", "DOUBLE", "1.5"),
        ("false", "BOOLEAN", "false"),
        ('"007"', "VARCHAR", "007"),
        ('"12"', "VARCHAR", "12"),
        ('"2024-01-01"', "DATE", "2024-01-01"),
        ('"2024-01-01T10:00:00+01:00"', "TIMESTAMP WITH TIME ZONE", "2024-01-01 09:00:00+00"),
        ('"a\\u00e9\\n"', "VARCHAR", "aé\n"),
        ("[1, 2]", "BIGINT[]", "[1, 2]"),
        ('{"b": {"c": [true]}}', "STRUCT(b STRUCT(c BOOLEAN[]))", "{'b': {'c': [true]}}"),
        ("[1, \"x\"]", "VARCHAR", '[1,"x"]'),
        ('{"big": 12345678901234567890}', "VARCHAR", '{"big":12345678901234567890}'),
        ('{"a": 1, "A": 2}', "VARCHAR", '{"a":1,"A":2}'),
        ("{}", "VARCHAR", "{}"),
        ("null", "VARCHAR", None),
    ],
)  # fmt: skip
def test_values_keep_their_meaning(tmp_path, value, kind, text):
    table = converted(tmp_path, f'{{"id": 1, "value": {value}}}\n', NDJSON)
    assert (table.types()["value"], table.column("value")) == (kind, [text])


def test_values_of_different_kinds_stay_text(tmp_path):
    table = converted(tmp_path, '{"v": 1}\n{"v": "one"}\n{"v": [1]}\n', NDJSON)
    assert (table.types(), table.column("v")) == ({"v": "VARCHAR"}, ["1", "one", "[1]"])


def test_members_that_some_values_lack(tmp_path):
    table = converted(tmp_path, '{"v": {"a": 1}}\n{"v": {"b": "x"}}\n{"v": null}\n', NDJSON)
    assert table.types() == {"v": "STRUCT(a BIGINT, b VARCHAR)"}
    assert table.column("v") == ["{'a': 1, 'b': NULL}", "{'a': NULL, 'b': x}", None]


@pytest.mark.parametrize("key", ["", "$.x", "/", "a/b~c", "a.b", "it's", 'say "hi"', "E", "select", "名前"])
def test_keys_of_any_name(tmp_path, key):
    table = converted(tmp_path, json.dumps({"id": 1, key: "x"}), JSON)
    assert table.rows() == [("1", "x")]


def test_names_that_differ_in_case_only(tmp_path):
    table = converted(tmp_path, '{"a": 1, "A": 2}', JSON)
    assert (list(table.types()), table.rows()) == (["a", "A_2"], [("1", "2")])


@pytest.mark.parametrize(("content", "rows"), [("[1, 2]", ["1", "2"]), ("[[1, 2], [3]]", ["[1, 2]", "[3]"])])
def test_values_without_keys(tmp_path, content, rows):
    assert converted(tmp_path, content, JSON).column("value") == rows


def test_objects_without_a_member_are_rows_without_values(tmp_path):
    table = converted(tmp_path, '{"a": 1}\n{}\n{"a": 2, "b": "x"}\n', NDJSON)
    assert table.types() == {"a": "BIGINT", "b": "VARCHAR"}
    assert table.rows() == [("1", None), (None, None), ("2", "x")]


def test_no_digit_of_a_decimal_is_lost(tmp_path):
    lines = '{"a": 12345678901234.123456, "b": 1.5, "c": [0.12345678901234567891]}\n{"a": 1, "b": 2.5, "c": [1]}\n'
    table = converted(tmp_path, lines, NDJSON)
    assert table.types() == {"a": "DECIMAL(38,18)", "b": "DOUBLE", "c": "VARCHAR"}
    assert table.rows()[0] == ("12345678901234.123456000000000000", "1.5", "[0.12345678901234567891]")


def test_decimals_that_a_double_holds_stay_doubles(tmp_path):
    table = converted(tmp_path, '{"a": 0.30000000000000004}\n{"a": 1.5}\n', NDJSON)
    assert (table.types(), table.column("a")) == ({"a": "DOUBLE"}, ["0.30000000000000004", "1.5"])


def test_a_text_beside_a_long_decimal_keeps_all_as_text(tmp_path):
    table = converted(tmp_path, '{"a": 12345678901234.123456}\n{"a": "1.5"}\n', NDJSON)
    assert (table.types(), table.column("a")) == ({"a": "VARCHAR"}, ["12345678901234.123456", "1.5"])


def test_of_keys_that_come_twice_the_last_counts_and_people_are_told(tmp_path):
    table = converted(tmp_path, '{"id": 1, "a": "first", "a": "second"}\n{"id": 2, "a": "x"}\n', NDJSON)
    assert table.column("a") == ["second", "x"]
    assert table.facts["notes"] == ["keys come twice in an object: the last value counts"]


@pytest.mark.parametrize(
    ("document", "value"),
    [
        ('{"x": {"a": 1, "a": 2}}', "{'a': 2}"),
        ('{"x": [{"y": {"a": 1.50, "a": 1.10}}]}', "[{'y': {'a': 1.1}}]"),
        ('{"x": {"a": [1], "b/c": {"d": "first", "d": "second"}}}', "{'a': [1], 'b/c': {'d': second}}"),
    ],
)
def test_of_keys_that_come_twice_within_a_value_the_last_counts_too(tmp_path, document, value):
    table = converted(tmp_path, f'{{"x": null}}\n{document}\n', NDJSON)
    assert table.column("x")[1] == value
    assert table.facts["notes"] == ["keys come twice in an object: the last value counts"]


def test_a_long_number_in_a_text_is_no_long_number(tmp_path):
    table = converted(tmp_path, '{"x": {"n": "12345678901234567890"}}\n', NDJSON)
    assert table.types() == {"x": "STRUCT(n VARCHAR)"}


@pytest.mark.parametrize(
    "document", ['{"a": 1.5}\n{"a": Infinity}\n{"a": NaN}\n', '[{"a":1.5},{"a":Infinity},{"a":NaN}]']
)
def test_infinity_keeps_numbers_numbers(tmp_path, document):
    table = converted(tmp_path, document, NDJSON if document.startswith("{") else JSON)
    assert (table.types(), table.column("a")) == ({"a": "DOUBLE"}, ["1.5", "inf", None])


ROWS = '[{"id": 1, "n": 12345678901234.123456}, {"id": 2,\n "n": 1}]'


@pytest.mark.parametrize(
    "document",
    [
        '{"Records": %s}',
        '{"page": 1, "total": 2, "items": %s}',
        '{"status": "ok", "data": {"next": null, "rows": %s}}',
        '{"count": 2, "people": %s}',
        '{\n  "meta": {"a": [1]},\n  "results": %s\n}\n',
        '{"people": %s}',
        '{"data": {"people": %s}}',
        '{"data": {"people": {"edges": %s, "pageInfo": {"next": null}}}}',
        '{"_embedded": {"people": %s}, "_links": {"self": {"href": "x"}}}',
        '{"log": {"version": "1.2", "creator": {"name": "x"}, "entries": %s}}',
    ],
)
def test_what_is_wrapped_around_rows_is_taken_off_and_people_are_told(tmp_path, document):
    table = converted(tmp_path, document % ROWS, JSON)
    assert table.types() == {"id": "BIGINT", "n": "DECIMAL(38,18)"}
    assert table.column("n")[0] == "12345678901234.123456000000000000"
    assert table.facts["notes"][0].startswith("the rows are the items of ")


@pytest.mark.parametrize(
    "document", ['{"name": "x", "tags": {"a": 1}}', '{"a": [{"b": 1}], "c": [{"d": 1}]}', '{"a": [1, 2]}']
)
def test_an_object_that_wraps_nothing_is_a_row(tmp_path, document):
    assert converted(tmp_path, document, JSON).facts["rows"] == 1


def test_features_are_rows(tmp_path):
    point = '{"type": "Point", "coordinates": [1.5, 2.5]}'
    properties = '{"name": "a", "geometry": "own"}'
    feature = f'{{"type": "Feature", "id": 7, "properties": {properties}, "geometry": {point}}}'
    empty = '{"type": "Feature", "properties": null, "geometry": null}'
    table = converted(tmp_path, f'{{"type": "FeatureCollection", "features": [{feature}, {empty}]}}', JSON)
    assert list(table.types()) == ["id", "name", "geometry", "feature_geometry"]
    assert table.rows()[0][:3] == ("7", "a", "own")
    assert len(table.rows()) == 2


def test_a_large_document_of_rows_is_read_and_one_without_is_refused_with_the_way_out(tmp_path):
    rows = ",\n".join(json.dumps({"id": at, "text": "x" * 1000}) for at in range(20_000))
    assert converted(tmp_path, f'{{"data": [{rows}]}}', JSON).facts["rows"] == 20_000
    (tmp_path / "other").mkdir()
    with pytest.raises(TooLarge, match="one a line"):
        converted(tmp_path / "other", json.dumps({"a": "x" * 17_000_000, "b": 1}), JSON)


def lines_with(bad: dict[int, str]) -> str:
    return "".join(bad.get(at, json.dumps({"id": at})) + "\n" for at in range(1, 101))


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ('{"id": ', "not JSON"),
        ("2024-01-01 ERROR out of memory", "not JSON"),
        ("[1, 2]", "not an object"),
        ('{"id": "\\ud800"}', "not UTF-8"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
@pytest.mark.parametrize("line", [1, 40, 100])
def test_bad_lines_are_named_and_no_empty_rows_come_of_them(tmp_path, bad, reason, line):
    table = converted(tmp_path, lines_with({line: bad}), NDJSON)
    assert (table.facts["rows"], table.facts["bad_rows"]) == (99, 1)
    assert [(row["line"], row["reason"].partition(" (")[0]) for row in table.rejects] == [(line, reason)]
    assert None not in table.column("id")


def test_too_many_bad_lines(tmp_path):
    with pytest.raises(TooManyBadRows, match="50 of 100"):
        converted(tmp_path, lines_with(dict.fromkeys(range(2, 101, 2), "bad")), NDJSON)


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ('[{"a": 1}, {"a": 2}', TruncatedFile),
        ('{"a": {"b": 1', TruncatedFile),
        ('[{"a": 1}, {"a": }]', CorruptTable),
        ("[]", CorruptTable),
        ('{"a":' * 200_000, TruncatedFile),
    ],
)
def test_documents_that_are_no_tables(tmp_path, content, error):
    with pytest.raises(error):
        converted(tmp_path, content, JSON)


def nested(levels: int) -> dict[str, str]:
    """A value of so many levels in every place where JSON can have one, among them one that is kept as text."""
    deep = "[" * levels + "]" * levels
    return {
        "in an array": f"[{deep}]",
        "beside others": f'[{{"id": 1}}, {deep}]',
        "in objects": '{"a":' * levels + "1" + "}" * levels,
        "after a number": f'{{"v": [1, {deep[2:-2]}]}}',
    }


@pytest.mark.parametrize("arrangement", nested(1))
def test_json_is_read_down_to_one_depth(tmp_path, arrangement):
    assert converted(tmp_path, nested(MAX_LEVELS)[arrangement], JSON).facts["rows"]


@pytest.mark.parametrize("levels", [MAX_LEVELS + 1, 500, 100_000])
@pytest.mark.parametrize("arrangement", nested(1))
def test_json_of_more_depth_is_refused(tmp_path, arrangement, levels):
    with pytest.raises(CorruptTable, match=f"nested {levels} levels deep; at most {MAX_LEVELS}"):
        converted(tmp_path, nested(levels)[arrangement], JSON)


def test_too_many_keys(tmp_path):
    with pytest.raises(TooManyColumns):
        converted(tmp_path, "\n".join(json.dumps({f"k{at}": 1}) for at in range(2000)), NDJSON)
