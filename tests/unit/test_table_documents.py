"""JSON and logs: a key is a column, wherever it first comes; bad lines are named."""

import json

import pytest

from tasks.shared.nesting import MAX_LEVELS
from tests.unit.tables import JSON, NDJSON, converted
from workflow.errors import CorruptTable, TooManyBadRows, TooManyColumns, TruncatedFile


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
