"""JSONPath as AWS evaluates it, in the templates of Parameters and its kin too.

A path that finds nothing fails the state with States.Runtime, which cannot be caught, a ResultPath that does not fit
with States.ResultPathMatchFailure, a bad intrinsic call with States.IntrinsicFailure.
"""

import functools
import re
from typing import Any, cast

from jsonpath_ng.ext.parser import parse  # pyright: ignore[reportUnknownVariableType]

from infra.local.engine.errors import StateError
from infra.local.engine.history import to_text
from infra.local.engine.intrinsics import evaluate

Token = tuple[str, str | int | None]

STEP = re.compile(
    r"""(?P<wildcard>\.\*|\.?\[\*\])|\.(?P<name>[^.\[*]+)|\.?\[(?P<index>\d+)\]"""
    r"""|\.?\[(?P<quote>['"])(?P<quoted>(?:\\.|(?!(?P=quote)).)*)(?P=quote)\]"""
)

# What the emulator keeps in the context object and AWS does not.
EMULATOR_MEMBERS = ("QueryLanguage", "variables")
INTRINSIC_ERRORS = (ValueError, TypeError, LookupError, AttributeError, ZeroDivisionError)


class NothingFoundError(StateError):
    """A path that selects nothing."""

    def __init__(self, path: str) -> None:
        super().__init__("States.Runtime", f"Invalid path '{path}': Missing property in path")
        self.path = path


def select(path: str, data: Any) -> Any:
    """What `path` selects: a value, or a list where the path may select many."""
    if path == "$":
        return data
    if (keys := _definite_keys(path)) is not None:
        return _walk(path, keys, data)
    if (tokens := _tokens(path)) is not None:
        return _walk_all(tokens, data)
    found = [match.value for match in _expression(path).find(data)]
    if _selects_many(path):
        return found
    if not found:
        raise NothingFoundError(path)
    return found[0]


def select_from_context(path: str, context: dict[str, Any]) -> Any:
    shown = {name: value for name, value in context.items() if name not in EMULATOR_MEMBERS}
    return select(path[1:], shown)


def select_from_either(path: str, data: Any, context: dict[str, Any] | None) -> Any:
    return select_from_context(path, context or {}) if path.startswith("$$") else select(path, data)


def fill_template(template: Any, data: Any, context: dict[str, Any] | None = None) -> Any:
    """The payload that Parameters, ItemSelector or ResultSelector describe."""
    if isinstance(template, dict):
        fields = cast("dict[str, Any]", template)
        return dict(_filled_field(key, value, data, context) for key, value in fields.items())
    if isinstance(template, list):
        return [fill_template(item, data, context) for item in cast("list[Any]", template)]
    return template


def apply_parameters(state: dict[str, Any], data: Any, context: dict[str, Any] | None = None) -> Any:
    return fill_template(state["Parameters"], data, context) if "Parameters" in state else data


def apply_result_selector(state: dict[str, Any], result: Any) -> Any:
    return fill_template(state["ResultSelector"], result) if "ResultSelector" in state else result


def put_result(result_path: str | None, original: Any, result: Any) -> Any:
    if result_path is None:
        return original
    if result_path == "$":
        return result
    keys = _definite_keys(result_path)
    if not keys:
        raise StateError("States.Runtime", f"The ResultPath '{result_path}' is not a reference path.")
    return _with_value(original, keys, result, result_path)


def _filled_field(key: str, value: Any, data: Any, context: dict[str, Any] | None) -> tuple[str, Any]:
    if not key.endswith(".$"):
        return key, fill_template(value, data, context)
    if value.startswith("$"):
        return key[:-2], _selected(key, value, data, context)
    return key[:-2], compute(value, data, context)


def _selected(key: str, path: str, data: Any, context: dict[str, Any] | None) -> Any:
    try:
        return select_from_either(path, data, context)
    except NothingFoundError as exc:
        cause = f"The JSONPath '{path}' specified for the field '{key}' could not be found in the input"
        raise StateError("States.Runtime", f"{cause} '{to_text(data)}'") from exc


def compute(call: str, data: Any, context: dict[str, Any] | None) -> Any:
    failed = f"The function '{call}' had the following error:"
    try:
        return evaluate(call, lambda path: select_from_either(path, data, context))
    except NothingFoundError as exc:
        cause = f"The JsonPath argument for the field '{exc.path}' could not be found in the input"
        raise StateError("States.Runtime", f"{failed} {cause} '{to_text(data)}'") from exc
    except INTRINSIC_ERRORS as exc:
        raise StateError("States.IntrinsicFailure", f"{failed} {exc}") from exc


def _with_value(original: Any, keys: list[str | int], result: Any, path: str) -> Any:
    """A copy of `original` that shares all but the containers on the way to the new value."""
    if not keys:
        return result
    key, *rest = keys
    if isinstance(key, str) and isinstance(original, dict | None):
        members = dict(cast("dict[str, Any]", original or {}))
        members[key] = _with_value(members.get(key), rest, result, path)
        return members
    if isinstance(key, int) and isinstance(original, list):
        items = list(cast("list[Any]", original))
        if key < len(items):
            items[key] = _with_value(items[key], rest, result, path)
            return items
    cause = f"Unable to apply ReferencePath {path} to input {to_text(original)}"
    raise StateError("States.ResultPathMatchFailure", cause)


def _walk(path: str, keys: list[str | int], data: Any) -> Any:
    for key in keys:
        if not isinstance(data, dict if isinstance(key, str) else list):
            raise NothingFoundError(path)
        try:
            data = cast("Any", data)[key]
        except LookupError as exc:
            raise NothingFoundError(path) from exc
    return data


def _walk_all(tokens: list[Token], data: Any) -> list[Any]:
    found = [data]
    for kind, key in tokens:
        found = [member for item in found for member in _members(kind, key, item)]
    return found


def _members(kind: str, key: str | int | None, item: Any) -> list[Any]:
    if kind == "wildcard":
        return _all_members(item)
    try:
        return [_walk("", [cast("str | int", key)], item)]
    except NothingFoundError:
        return []


def _all_members(item: Any) -> list[Any]:
    if isinstance(item, dict):
        return list(cast("dict[str, Any]", item).values())
    return cast("list[Any]", item) if isinstance(item, list) else []


def _selects_many(path: str) -> bool:
    return any(sign in path for sign in ("..", "*", "?", ":", ","))


@functools.lru_cache(maxsize=1024)
def _tokens(path: str) -> list[Token] | None:
    """The steps of a path made of names, indexes and wildcards; None for any other path."""
    tokens: list[Token] = []
    position = 1
    while position < len(path):
        step = STEP.match(path, position)
        if step is None:
            return None
        position = step.end()
        tokens.append(_token(step))
    return tokens


def _token(step: re.Match[str]) -> Token:
    if step["wildcard"]:
        return "wildcard", None
    if step["index"]:
        return "index", int(step["index"])
    return "field", step["name"] or re.sub(rf"\\({step['quote']}|\\)", r"\1", step["quoted"])


@functools.lru_cache(maxsize=1024)
def _definite_keys(path: str) -> list[str | int] | None:
    """The names and indexes of a reference path; None for any other path."""
    tokens = _tokens(path)
    if tokens is None or any(kind == "wildcard" for kind, _ in tokens):
        return None
    return [cast("str | int", key) for _, key in tokens]


@functools.lru_cache(maxsize=1024)
def _expression(path: str) -> Any:
    try:
        return parse(path)
    except Exception as exc:
        raise StateError("States.Runtime", f"Invalid path '{path}': {exc}") from exc
