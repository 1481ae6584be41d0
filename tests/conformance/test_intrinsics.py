"""Intrinsic functions give what AWS gave: recordings intrinsic_functions, 09-02-2023 unless a row says otherwise."""

import json
from typing import Any

import pytest

from infra.local.engine.errors import StateError
from infra.local.engine.intrinsics import InvalidCallError, parsed
from infra.local.engine.paths import compute, fill_template

NESTED = {"Arg1": 1, "Arg2": []}
# call, `$.a` and `$.b`, result
RESULTS: list[tuple[str, Any, Any, Any]] = [
    # test_generic::test_format_1, test_format_2
    ("States.Format('<{}>', $.a)", None, None, "<null>"),
    ("States.Format('<{}>', $.a)", 1.1, None, "<1.1>"),
    ("States.Format('<{}>', $.a)", " ", None, "< >"),
    (
        "States.Format('{} and {}.', $.a, $.b)",
        NESTED,
        json.dumps(NESTED),
        '{Arg1=1, Arg2=[]} and {"Arg1": 1, "Arg2": []}.',
    ),
    # test_math_operations::test_math_add, 13-09-2023: halves are rounded up, on both sides of 0
    ("States.MathAdd($.a, $.b)", -9, 3, -6),
    ("States.MathAdd($.a, $.b)", 1.49, 1.5, 3),
    ("States.MathAdd($.a, $.b)", -1.49, -1.5, -2),
    ("States.MathAdd($.a, $.b)", -1.51, 0, -2),
    ("States.MathAdd($.a, $.b)", -2.5, 0, -2),
    ("States.MathAdd($.a, $.b)", 2.5, 0, 3),
    # test_string_operations::test_string_split, 05-12-2024
    ("States.StringSplit($.a, $.b)", ", , ,", ",", [" ", " "]),
    ("States.StringSplit($.a, $.b)", ",,,,", ",", []),
    ("States.StringSplit($.a, $.b)", "This.is+a,test=string", ".+,=", ["This", "is", "a", "test", "string"]),
    # test_generic::test_escape_sequence, test_nested_calls_2, 30-11-2023
    ("States.StringSplit('Hello\nWorld', '\n')", None, None, ["Hello", "World"]),
    (
        "States.ArrayGetItem($.a, States.MathAdd(States.ArrayLength(States.Array(1, States.Array(), 'b')), -1))",
        ["a", "b", "c"],
        None,
        "c",
    ),
    # test_json_manipulation
    ("States.StringToJson($.a)", "", None, None),
    ("States.StringToJson($.a)", " ", None, None),
    ("States.StringToJson($.a)", "-0", None, 0),
    ("States.JsonToString($.a)", "HelloWorld", None, '"HelloWorld"'),
    ("States.JsonToString($.a)", NESTED, None, '{"Arg1":1,"Arg2":[]}'),
    ("States.JsonMerge($.a, $.b, false)", {"x": {"y": 1}, "z": 1}, {"x": {}}, {"x": {}, "z": 1}),
    # test_json_merge_escaped_argument, 05-07-2024
    ('States.JsonMerge(States.StringToJson(\'{"no": "false"}\'), $.a, false)', {"b": 1}, None, {"no": "false", "b": 1}),
    # test_array
    ("States.ArrayPartition($.a, $.b)", [0, 1, 2], 2, [[0, 1], [2]]),
    ("States.ArrayPartition($.a, $.b)", [], 3, []),
    ("States.ArrayRange(0, $.a, $.b)", 10, 3, [0, 3, 6, 9]),
    ("States.ArrayRange(1, $.a, $.b)", 9, 9, [1]),
    ("States.ArrayContains($.a, $.b)", [[1, 2, 3], 2], [1, 2, 3], True),
    ("States.ArrayContains($.a, $.b)", [[1, 2, 3], 2], None, False),
    ("States.ArrayContains($.a, $.b)", [1], True, False),
    ("States.Array()", None, None, []),
    ("States.Array($.a, $.b)", None, 1.1, [None, 1.1]),
    ("States.ArrayGetItem($.a, $.b)", [1, 2, 3], 2, 3),
    # test_encode_decode, test_hash, 14-02-2023 and 17-02-2023
    ("States.Base64Encode($.a)", "Data to encode", None, "RGF0YSB0byBlbmNvZGU="),
    ("States.Base64Decode($.a)", "RGF0YSB0byBlbmNvZGU=", None, "Data to encode"),
    ("States.Hash($.a, $.b)", "input data", "MD5", "812f45842bc6d66ee14572ce20db8e86"),
    ("States.Hash($.a, 'SHA-1')", "input data", None, "aaff4a450a104cd177d28d18d74485e8cae074b7"),
    # Developer guide, "Intrinsic functions": the escapes ' { } and the backslash
    (r"States.Format('it\'s \{{}\} \\', $.a)", "x", None, "it's {x} \\"),
    ("States.ArrayUnique($.a)", [1, 2, 3, 3, 4, True], None, [1, 2, 3, 4, True]),
    ("States.Format('{}', $.a[?(@.n == 1)].name)", [{"n": 1, "name": "x"}], None, "[x]"),
]


@pytest.mark.parametrize(("call", "a", "b", "result"), RESULTS)
def test_a_call_gives_what_aws_gave(call: str, a: Any, b: Any, result: Any) -> None:
    found = compute(call, {"a": a, "b": b}, None)
    assert (found, type(found)) == (result, type(result))


def test_a_random_number_is_between_its_limits_and_follows_its_seed() -> None:
    """test_math_operations::test_math_random, test_math_random_seeded, 13-02-2023."""
    assert {compute("States.MathRandom(12.5, 14.51)", {}, None) for _ in range(99)} == {13, 14}
    seeded = [compute("States.MathRandom(0, 99999, 3)", {}, None) for _ in range(3)]
    assert len(set(seeded)) == 1


@pytest.mark.parametrize(
    "call",
    [
        "States.Nothing()",
        "States.UUID",
        "States.UUID(1)",
        "States.Array(1 2)",
        "States.Array(1,",
        "States.Array('open)",
        "States.Array() and more",
        "$.a",
    ],
)
def test_what_is_no_call_is_not_parsed(call: str) -> None:
    with pytest.raises(InvalidCallError):
        parsed(call)


@pytest.mark.parametrize(
    "call",
    [
        "States.Format('{} {}', 1)",
        "States.ArrayGetItem($.a, 7)",
        "States.ArrayPartition($.a, 0)",
        "States.ArrayRange(0, 9, 0)",
        "States.ArrayRange(0, 9999, 1)",
        "States.JsonMerge($.o, $.o, true)",
        "States.Hash('x', 'SHA-0')",
        "States.MathAdd('1', 1)",
        "States.StringToJson('{')",
    ],
)
def test_wrong_arguments_fail_the_state(call: str) -> None:
    """Developer guide, "Intrinsic functions"."""
    with pytest.raises(StateError) as failure:
        fill_template({"r.$": call}, {"a": [1], "o": {}})
    assert failure.value.error == "States.IntrinsicFailure"
