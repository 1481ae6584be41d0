"""The rules of a JSONPath Choice state, by the States Language specification.

A comparison of values that are not both of the operator's type is false; a Variable that is not there fails the state,
unless IsPresent asks for it.
"""

import operator
import re
from collections.abc import Callable
from typing import Any

from infra.local.engine.errors import StateError
from infra.local.engine.paths import NothingFoundError, select_from_either
from infra.local.engine.values import boolean, moment, number, text

Context = dict[str, Any] | None

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "Equals": operator.eq,
    "LessThan": operator.lt,
    "GreaterThan": operator.gt,
    "LessThanEquals": operator.le,
    "GreaterThanEquals": operator.ge,
}


READERS: dict[str, Callable[[Any], Any]] = {"String": text, "Numeric": number, "Timestamp": moment}
"""What makes a value comparable by the operators of that type, or None of a value that is of another."""

TYPE_TESTS: dict[str, Callable[[Any], bool]] = {
    "IsNull": lambda value: value is None,
    "IsNumeric": lambda value: number(value) is not None,
    "IsString": lambda value: text(value) is not None,
    "IsBoolean": lambda value: boolean(value) is not None,
    "IsTimestamp": lambda value: moment(value) is not None,
}


def matches(value: str, pattern: str) -> bool:
    """Whether the pattern, in which * is anything and a backslash escapes, takes the whole text."""
    signs = re.findall(r"\\.|.", pattern, re.DOTALL)
    return bool(re.fullmatch("".join(".*" if sign == "*" else re.escape(sign[-1]) for sign in signs), value, re.DOTALL))


def _comparison(read: Callable[[Any], Any], compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def holds(left: Any, right: Any) -> bool:
        left, right = read(left), read(right)
        return left is not None and right is not None and compare(left, right)

    return holds


OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    f"{kind}{name}": _comparison(read, compare)
    for kind, read in READERS.items()
    for name, compare in COMPARISONS.items()
} | {"BooleanEquals": _comparison(boolean, operator.eq)}
VALUE_OPERATORS = OPERATORS | {"StringMatches": _comparison(text, matches)}
PATH_OPERATORS = {f"{name}Path": holds for name, holds in OPERATORS.items()}
OPERATOR_NAMES = frozenset({"IsPresent", *TYPE_TESTS, *VALUE_OPERATORS, *PATH_OPERATORS})


def rule_holds(rule: dict[str, Any], data: Any, context: Context = None) -> bool:
    if "And" in rule:
        return all(rule_holds(one, data, context) for one in rule["And"])
    if "Or" in rule:
        return any(rule_holds(one, data, context) for one in rule["Or"])
    if "Not" in rule:
        return not rule_holds(rule["Not"], data, context)
    (name,) = rule.keys() & OPERATOR_NAMES
    if name == "IsPresent":
        return _is_present(rule["Variable"], data, context) == rule[name]
    return _holds(name, _selected(rule["Variable"], data, context), rule[name], data, context)


def _holds(name: str, value: Any, given: Any, data: Any, context: Context) -> bool:
    if name in TYPE_TESTS:
        return TYPE_TESTS[name](value) == given
    if name in PATH_OPERATORS:
        return PATH_OPERATORS[name](value, _selected(given, data, context))
    return VALUE_OPERATORS[name](value, given)


def _selected(path: str, data: Any, context: Context) -> Any:
    try:
        return select_from_either(path, data, context)
    except NothingFoundError as exc:
        cause = f"Invalid path '{path}': The choice state's condition path references an invalid value."
        raise StateError("States.Runtime", cause) from exc


def _is_present(path: str, data: Any, context: Context) -> bool:
    try:
        select_from_either(path, data, context)
    except NothingFoundError:
        return False
    return True
