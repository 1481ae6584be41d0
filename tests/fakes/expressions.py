"""DynamoDB's expressions, read once each: conditions, updates and projections.

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.html
"""

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, partial
from typing import Any

from moto.dynamodb.parsing.reserved_keywords import ReservedKeywords

from tests.fakes.errors import AwsError

Value = dict[str, Any]
"""As on the wire: {"S": "text"}."""
Item = dict[str, Value]

_TOKENS = re.compile(r"\s*([#:]?[A-Za-z_]\w*|[#:]\w+|\d+|<>|<=|>=|[()=<>,.\[\]+-])")
_COMPARES: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True)
class Scope:
    """What an expression's names and values stand for."""

    names: Mapping[str, str]
    values: Mapping[str, Value]

    def name(self, token: str) -> str:
        if not token.startswith("#"):
            return token
        if token not in self.names:
            raise invalid(f"An expression attribute name used in the document path is not defined: {token}")
        return self.names[token]

    def value(self, token: str) -> Value:
        if token not in self.values:
            raise invalid(f"An expression attribute value used in expression is not defined: {token}")
        return self.values[token]

    def require_all_used(self, *expressions: str) -> None:
        used = {token for text in expressions for token in _split(text)}
        if unused := sorted({*self.names, *self.values} - used):
            raise invalid(f"Value provided in ExpressionAttributeNames or Values unused in expressions: {unused}")


Test = Callable[[Item, Scope], bool]
Operand = Callable[[Item, Scope], Value | None]
Step = Callable[[Item, Item, Scope], None]
"""Changes the second item, which begins as the first is."""


def invalid(message: str) -> AwsError:
    return AwsError("ValidationException", message)


@cache
def condition(text: str) -> Test:
    parser = _Parser(text)
    test = parser.either()
    parser.end()
    return test


@cache
def update(text: str) -> tuple[Step, ...]:
    parser = _Parser(text)
    steps = tuple(parser.steps())
    parser.end()
    return steps


@cache
def projection(text: str) -> tuple["Path", ...]:
    parser = _Parser(text)
    paths = tuple(parser.listed(parser.path))
    parser.end()
    return paths


@dataclass(frozen=True)
class Path:
    """Where an attribute is: its name, and names and numbers inside it."""

    parts: tuple[str | int, ...]

    def names(self, scope: Scope) -> list[str | int]:
        return [scope.name(part) if isinstance(part, str) else part for part in self.parts]

    def __call__(self, item: Item, scope: Scope) -> Value | None:
        first, *inner = self.names(scope)
        found = item.get(str(first))
        for part in inner:
            found = _inside(found, part)
        return found

    def set(self, item: Item, scope: Scope, value: Value) -> None:
        holder, last = self._holder(item, scope)
        if isinstance(holder, list):
            holder[int(last) : int(last) + 1] = [value]
        else:
            holder[last] = value

    def remove(self, item: Item, scope: Scope) -> None:
        holder, last = self._holder(item, scope)
        if isinstance(holder, list):
            del holder[int(last) : int(last) + 1]
        else:
            holder.pop(last, None)

    def _holder(self, item: Item, scope: Scope) -> tuple[Any, str | int]:
        *outer, last = self.names(scope)
        holder: Any = item
        for part in outer:
            value = holder[part] if isinstance(holder, list) else holder.get(part)
            if value is None or not value.keys() & {"M", "L"}:
                raise invalid("The document path provided in the update expression is invalid for update")
            (holder,) = value.values()
        return holder, last


def _inside(value: Value | None, part: str | int) -> Value | None:
    held: Any = (value or {}).get("L" if isinstance(part, int) else "M", {})
    if isinstance(part, int):
        return held[part] if held and part < len(held) else None
    return held.get(part)


def plain(value: Value | None) -> tuple[str, Any]:
    """Its type, and what can be compared with another of that type."""
    if value is None:
        return "absent", None
    ((kind, held),) = value.items()
    return kind, Decimal(held) if kind == "N" else held


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _split(text)
        self._at = 0

    # conditions

    def either(self) -> Test:
        tests = [self._both()]
        while self._take("OR"):
            tests.append(self._both())
        return tests[0] if len(tests) == 1 else lambda item, scope: any(test(item, scope) for test in tests)

    def _both(self) -> Test:
        tests = [self._one()]
        while self._take("AND"):
            tests.append(self._one())
        return tests[0] if len(tests) == 1 else lambda item, scope: all(test(item, scope) for test in tests)

    def _one(self) -> Test:
        if self._take("NOT"):
            test = self._one()
            return lambda item, scope: not test(item, scope)
        if self._take("("):
            test = self.either()
            self._need(")")
            return test
        if self._follows("attribute_exists", "attribute_not_exists", "begins_with", "contains"):
            return self._function()
        return self._comparison(self._operand())

    def _function(self) -> Test:
        name = self._next()
        self._need("(")
        arguments = list(self.listed(self._operand))
        self._need(")")
        return partial(_FUNCTIONS[name], *arguments)

    def _comparison(self, left: Operand) -> Test:
        if self._take("BETWEEN"):
            low = self._operand()
            self._need("AND")
            return partial(_between, left, low, self._operand())
        if self._take("IN"):
            self._need("(")
            choices = list(self.listed(self._operand))
            self._need(")")
            return partial(_among, left, choices)
        return partial(_compared, left, _COMPARES[self._next()], self._operand())

    def _operand(self) -> Operand:
        if self._take("size"):
            self._need("(")
            path = self.path()
            self._need(")")
            return partial(_size, path)
        if self._peek().startswith(":"):
            token = self._next()
            return lambda _item, scope: scope.value(token)
        return self.path()

    # updates

    def steps(self) -> Iterator[Step]:
        clauses = {"SET": self._assignment, "REMOVE": self._removal, "ADD": self._addition}
        while clause := next((name for name in clauses if self._take(name)), None):
            yield from self.listed(clauses[clause])

    def _assignment(self) -> Step:
        path = self.path()
        self._need("=")
        value = self._sum()
        return lambda before, item, scope: path.set(item, scope, _given(value(before, scope)))

    def _removal(self) -> Step:
        path = self.path()
        return lambda _before, item, scope: path.remove(item, scope)

    def _addition(self) -> Step:
        path, number = self.path(), self._operand()
        return lambda before, item, scope: path.set(
            item, scope, _added(path(before, scope) or {"N": "0"}, number(before, scope), 1)
        )

    def _sum(self) -> Operand:
        left = self._new_value()
        for sign, factor in (("+", 1), ("-", -1)):
            if self._take(sign):
                right = self._new_value()
                return lambda item, scope, factor=factor: _added(left(item, scope), right(item, scope), factor)
        return left

    def _new_value(self) -> Operand:
        if not self._follows("if_not_exists", "list_append"):
            return self._operand()
        name = self._next()
        self._need("(")
        first, second = self.listed(self._new_value)
        self._need(")")
        if name == "list_append":
            return lambda item, scope: {"L": [*_given(first(item, scope))["L"], *_given(second(item, scope))["L"]]}
        return lambda item, scope: second(item, scope) if (found := first(item, scope)) is None else found

    # all

    def path(self) -> Path:
        parts: list[str | int] = [self._name()]
        while self._peek() in {".", "["}:
            if self._next() == ".":
                parts.append(self._name())
            else:
                parts.append(int(self._next()))
                self._need("]")
        return Path(tuple(parts))

    def _name(self) -> str:
        name = self._next()
        if name.upper() in ReservedKeywords.get_reserved_keywords():
            raise invalid(f"Attribute name is a reserved keyword; reserved keyword: {name}")
        return name

    def listed(self, one: Callable[[], Any]) -> Iterator[Any]:
        yield one()
        while self._take(","):
            yield one()

    def end(self) -> None:
        if self._at < len(self._tokens):
            raise invalid(f"Syntax error; token: {self._peek()!r} in {self._text!r}")

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _follows(self, *names: str) -> bool:
        return self._peek() in names and self._tokens[self._at + 1 : self._at + 2] == ("(",)

    def _next(self) -> str:
        token = self._peek()
        if not token:
            raise invalid(f"Syntax error; the expression ends early: {self._text!r}")
        self._at += 1
        return token

    def _take(self, token: str) -> bool:
        taken = self._peek().upper() == token.upper()
        self._at += taken
        return taken

    def _need(self, token: str) -> None:
        if not self._take(token):
            raise invalid(f"Syntax error; token: {self._peek()!r} in {self._text!r}")


@cache
def _split(text: str) -> tuple[str, ...]:
    tokens: list[str] = []
    at = 0
    while text[at:].strip():
        found = _TOKENS.match(text, at)
        if found is None:
            raise invalid(f"Syntax error; near: {text[at:]!r}")
        tokens.append(found[1])
        at = found.end()
    return tuple(tokens)


def _compared(left: Operand, compare: Callable[[Any, Any], bool], right: Operand, item: Item, scope: Scope) -> bool:
    """An absent attribute equals nothing, and is unequal to everything."""
    (one_kind, one), (other_kind, other) = plain(left(item, scope)), plain(right(item, scope))
    if "absent" in {one_kind, other_kind} or one_kind != other_kind:
        return compare is operator.ne
    return compare(one, other)


def _between(operand: Operand, low: Operand, high: Operand, item: Item, scope: Scope) -> bool:
    at_least = _compared(operand, operator.ge, low, item, scope)
    return at_least and _compared(operand, operator.le, high, item, scope)


def _among(operand: Operand, choices: list[Operand], item: Item, scope: Scope) -> bool:
    return any(_compared(operand, operator.eq, choice, item, scope) for choice in choices)


def _exists(operand: Operand, item: Item, scope: Scope) -> bool:
    return operand(item, scope) is not None


def _is_absent(operand: Operand, item: Item, scope: Scope) -> bool:
    return operand(item, scope) is None


def _begins_with(operand: Operand, start: Operand, item: Item, scope: Scope) -> bool:
    kind, held = plain(operand(item, scope))
    start_kind, beginning = plain(start(item, scope))
    return kind == start_kind == "S" and held.startswith(beginning)


def _contains(operand: Operand, part: Operand, item: Item, scope: Scope) -> bool:
    kind, held = plain(operand(item, scope))
    sought = part(item, scope)
    if kind == "L":
        return sought in held
    return kind in {"S", "SS", "NS"} and plain(sought)[1] in held


_FUNCTIONS: Mapping[str, Callable[..., bool]] = {
    "attribute_exists": _exists,
    "attribute_not_exists": _is_absent,
    "begins_with": _begins_with,
    "contains": _contains,
}


def _size(path: Path, item: Item, scope: Scope) -> Value | None:
    _, held = plain(path(item, scope))
    return None if held is None else {"N": str(len(held))}


def _given(value: Value | None) -> Value:
    if value is None:
        raise invalid("The provided expression refers to an attribute that does not exist in the item")
    return value


def _added(one: Value | None, other: Value | None, factor: int) -> Value:
    return {"N": str(Decimal(_given(one)["N"]) + factor * Decimal(_given(other)["N"]))}
