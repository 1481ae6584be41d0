"""Choice rules take the branch that AWS took: recordings choice_operators, 22-06-2023 (numbers: 01-03-2023)."""

from typing import Any

import pytest

from infra.local.engine.choices import OPERATOR_NAMES, PATH_OPERATORS, VALUE_OPERATORS, rule_holds
from infra.local.engine.errors import StateError

EARLY, LATE = "2012-10-09T19:00:55Z", "2012-10-09T19:00:56Z"
NOT_TEXTS = (None, 0, 1.1, [], [""], {}, {"A": 0}, False, True)
# test_string_*, test_numeric_*, test_timestamp_*: the operator, and each pair of values with its answer.
COMPARED: dict[str, list[tuple[Any, Any, bool]]] = {
    "StringEquals": [("Hello", "Hello", True), (" ", "     ", False), ("\t\n", "\t\r\n", False)]
    + [(value, "HelloWorld", False) for value in ("", " ", *NOT_TEXTS)],
    "StringGreaterThan": [("", "", False), ("A", "A ", False), ("AB", "ABC", False), ("AB", "A", True)],
    "StringGreaterThanEquals": [("", "", True), ("A", "AB", False), ("AB", "A", True)],
    "StringLessThan": [("", "", False), ("A", "AB", True), ("AB", "A", False)],
    "StringLessThanEquals": [("", "", True), ("A", "AB", True), ("AB", "A", False)],
    "NumericEquals": [
        (0, 0.0, True),
        (1, 1.0, True),
        (1.1, 1, False),
        (None, 0, False),
        ("1", 1, False),
        (True, 1, False),
    ],
    "NumericGreaterThan": [(0, 0, False), (1, 0, True), (0, 1, False)],
    "NumericGreaterThanEquals": [(0.0, 0, True), (1, 0, True), (0, 1, False)],
    "NumericLessThan": [(0, 0, False), (0, 1, True), (1, 0, False)],
    "NumericLessThanEquals": [(1, 1, True), (0, 1, True), (1, 0, False)],
    "TimestampEquals": [(EARLY, EARLY, True), (EARLY, LATE, False), ("2023-02-24 12:15:56.832957", LATE, False)]
    + [(value, LATE, False) for value in NOT_TEXTS],
    "TimestampGreaterThan": [(EARLY, EARLY, False), (EARLY, LATE, False), (LATE, EARLY, True)],
    "TimestampGreaterThanEquals": [(EARLY, EARLY, True), (EARLY, LATE, False), (LATE, EARLY, True)],
    "TimestampLessThan": [(EARLY, EARLY, False), (EARLY, LATE, True), (LATE, EARLY, False)],
    "TimestampLessThanEquals": [(EARLY, EARLY, True), (EARLY, LATE, True), (LATE, EARLY, False)],
    # test_boolean_equals: neither 0 and 1 nor texts are booleans.
    "BooleanEquals": [(True, True, True), (False, False, True), (True, False, False)]
    + [(value, expected, False) for value in (None, 0, 0.0, 1, "", "true", []) for expected in (True, False)],
}
# test_is_operators: the values of which it holds. IsTimestamp: States Language specification.
OF_TYPE = {
    "IsNull": [None],
    "IsNumeric": [0, 0.0, 1, 1.1],
    "IsString": ["", " ", "HelloWorld", EARLY],
    "IsBoolean": [True, False],
    "IsTimestamp": [EARLY],
}
VALUES = [None, 0, 0.0, 1, 1.1, "", " ", "HelloWorld", EARLY, [], [""], {}, {"A": 0}, True, False]


@pytest.mark.parametrize("name", COMPARED)
def test_values_are_compared(name: str) -> None:
    for value, expected, answer in COMPARED[name]:
        data = {"v": value, "x": expected}
        assert rule_holds({"Variable": "$.v", name: expected}, data) is answer, (name, value, expected)
        assert rule_holds({"Variable": "$.v", f"{name}Path": "$.x"}, data) is answer, (name, value, expected)


def test_every_operator_is_compared() -> None:
    assert {*COMPARED, "StringMatches"} == VALUE_OPERATORS.keys()
    assert {*COMPARED, *OF_TYPE, "IsPresent", "StringMatches", *PATH_OPERATORS} == OPERATOR_NAMES


@pytest.mark.parametrize("name", OF_TYPE)
def test_types_are_told(name: str) -> None:
    for value in VALUES:
        of_type = any(value is one or (type(value) is type(one) and value == one) for one in OF_TYPE[name])
        for asked in (True, False):
            assert rule_holds({"Variable": "$.v", name: asked}, {"v": value}) is (of_type is asked), (name, value)


def test_a_null_is_present_and_nothing_is_not() -> None:
    """test_is_operators::test_is_present."""
    present = {"Variable": "$.v", "IsPresent": True}
    assert rule_holds(present, {"v": None})
    assert not rule_holds(present, {})


@pytest.mark.parametrize(
    ("pattern", "value", "answer"),
    [
        ("foo*.log", "foo.log", True),
        ("*.log", "a\nb.log", True),
        ("a\\*b", "a*b", True),
        ("a\\*b", "axb", False),
        ("a\\\\*", "a\\b", True),
        ("a.b", "axb", False),
        ("*", 1, False),
    ],
)
def test_an_escaped_star_is_a_star(pattern: str, value: Any, answer: bool) -> None:
    """No recording: States Language specification, StringMatches."""
    assert rule_holds({"Variable": "$.v", "StringMatches": pattern}, {"v": value}) is answer


def test_a_variable_that_is_not_there_fails_the_state() -> None:
    with pytest.raises(StateError) as failure:
        rule_holds({"Variable": "$.v", "IsNull": True}, {})
    assert failure.value.error == "States.Runtime"
