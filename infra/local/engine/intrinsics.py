"""Intrinsic functions (`States.Format` and the like): parsed once, and evaluated with AWS's rounding and limits.

https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html
"""

import base64
import functools
import hashlib
import json
import math
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from infra.local.engine.history import to_text
from infra.local.engine.values import number
from infra.local.ministack import stepfunctions as sf

TEXT_LIMIT_CHARACTERS = 10_000
RANGE_LIMIT = 1000
DIGESTS = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}
LITERALS = {"true": True, "false": False, "null": None}
TOKENS = re.compile(
    r"\s*(?:(?P<call>States\.\w+)\s*\(|'(?P<text>(?:\\.|[^'\\])*)'|(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)"
    r"|(?P<literal>true|false|null)\b|(?P<path>\$(?:\[(?:'(?:\\.|[^'\\])*'|[^\]'])*\]|[^,()\[\]'\s])*))\s*",
    re.DOTALL,
)


class InvalidCallError(ValueError):
    """A text that is no call of an intrinsic function, or a call with the wrong arguments."""


@dataclass(frozen=True)
class Text:
    """A literal with its escapes: States.Format tells an escaped brace from a place for an argument."""

    raw: str

    @property
    def value(self) -> str:
        return _unescaped(self.raw)


@dataclass(frozen=True)
class Literal:
    value: Any


@dataclass(frozen=True)
class Path:
    path: str


@dataclass(frozen=True)
class Call:
    name: str
    arguments: tuple["Argument", ...]


Argument = Text | Literal | Path | Call


@functools.lru_cache(maxsize=1024)
def parsed(call: str) -> Call:
    node, end = _argument(call, 0)
    if not isinstance(node, Call) or end != len(call):
        raise InvalidCallError(f"'{call}' is not a call of an intrinsic function")
    return node


def evaluate(call: str, select: Callable[[str], Any]) -> Any:
    """The call's result; `select` gives what a path in it selects."""
    return _value(parsed(call), select)


def _argument(call: str, start: int) -> tuple[Argument, int]:
    token = TOKENS.match(call, start)
    if token is None:
        raise InvalidCallError(f"Unexpected '{call[start : start + 20]}' in '{call}'")
    kind, end = token.lastgroup, token.end()
    found = cast("str", token[cast("str", kind)])
    if kind == "call":
        return _call(call, found, end)
    if kind == "text":
        return Text(found), end
    if kind == "path":
        return Path(found), end
    return Literal(LITERALS[found] if kind == "literal" else json.loads(found)), end


def _call(call: str, name: str, start: int) -> tuple[Call, int]:
    """`start` is behind the opening parenthesis."""
    function = FUNCTIONS.get(name)
    if function is None:
        raise InvalidCallError(f"There is no intrinsic function {name}")
    arguments: list[Argument] = []
    while call[start : start + 1] != ")":
        argument, start = _argument(call, start)
        arguments.append(argument)
        if call[start : start + 1] == ",":
            start += 1
        elif call[start : start + 1] != ")":
            raise InvalidCallError(f"'{call}' lacks a comma or a parenthesis at character {start + 1}")
    if len(arguments) not in function.counts:
        raise InvalidCallError(f"{name} does not take {len(arguments)} arguments")
    following = re.compile(r"\s*").match(call, start + 1)
    return Call(name, tuple(arguments)), following.end() if following else start + 1


def _value(node: Argument, select: Callable[[str], Any]) -> Any:
    if isinstance(node, Text | Literal):
        return node.value
    if isinstance(node, Path):
        return select(node.path)
    first, *others = node.arguments or (None,)
    if node.name == "States.Format" and isinstance(first, Text):
        return format_text(first.raw, *(_value(one, select) for one in others))
    return FUNCTIONS[node.name].evaluate(*(_value(one, select) for one in node.arguments))


def _unescaped(raw: str) -> str:
    return re.sub(r"\\(.)", r"\1", raw, flags=re.DOTALL)


def format_text(template: str, *values: Any) -> str:
    parts: list[str] = re.findall(r"\\.|\{\}|[^\\{]+|\{", template, re.DOTALL)
    if parts.count("{}") != len(values):
        raise InvalidCallError(f"'{template}' has {parts.count('{}')} places for {len(values)} arguments")
    remaining = iter(values)
    return "".join(_shown(next(remaining)) if part == "{}" else _unescaped(part) for part in parts)


def _shown(value: Any) -> str:
    """As AWS prints a value into a text: objects and arrays as Java does, without quotes."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        return f"{{{', '.join(f'{name}={_shown(member)}' for name, member in members.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_shown, cast('list[Any]', value)))}]"
    return to_text(value)


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > TEXT_LIMIT_CHARACTERS:
        raise InvalidCallError(f"a text of at most {TEXT_LIMIT_CHARACTERS} characters is needed")
    return value


def _array(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise InvalidCallError("an array is needed")
    return cast("list[Any]", value)


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InvalidCallError("an object is needed")
    return cast("dict[str, Any]", value)


def _whole(value: Any) -> int:
    """The nearest whole number, and of two the greater."""
    if number(value) is None:
        raise InvalidCallError("a number is needed")
    return math.floor(value + 0.5)


def partition(values: Any, size: Any) -> list[Any]:
    items, chunk = _array(values), _whole(size)
    if chunk < 1:
        raise InvalidCallError("a chunk has at least one item")
    return [items[start : start + chunk] for start in range(0, len(items), chunk)]


def array_range(first: Any, last: Any, step: Any) -> list[int]:
    start, end, stride = _whole(first), _whole(last), _whole(step)
    if stride == 0:
        raise InvalidCallError("the step is 0")
    found = range(start, end + (1 if stride > 0 else -1), stride)
    if len(found) > RANGE_LIMIT:
        raise InvalidCallError(f"a range has at most {RANGE_LIMIT} items")
    return list(found)


def item(values: Any, index: Any) -> Any:
    items, position = _array(values), _whole(index)
    if not 0 <= position < len(items):
        raise InvalidCallError(f"there is no item {position} among {len(items)}")
    return items[position]


def unique(values: Any) -> list[Any]:
    return list({to_text(value): value for value in reversed(_array(values))}.values())[::-1]


def contains(values: Any, wanted: Any) -> bool:
    return to_text(wanted) in map(to_text, _array(values))


def length(values: Any) -> int:
    return len(_array(values))


def add(first: Any, second: Any) -> int:
    return _whole(first) + _whole(second)


def encode(value: Any) -> str:
    return base64.b64encode(_text(value).encode()).decode()


def decode(value: Any) -> str:
    encoded = _text(value)
    return base64.b64decode(encoded + "=" * (-len(encoded) % 4)).decode(errors="replace")


def digest(value: Any, algorithm: Any) -> str:
    return hashlib.new(
        DIGESTS[algorithm], _text(value if isinstance(value, str) else to_text(value)).encode()
    ).hexdigest()


def merge(first: Any, second: Any, deep: Any) -> dict[str, Any]:
    if deep is not False:
        raise InvalidCallError("only a shallow merge is supported: the third argument is false")
    return _object(first) | _object(second)


def parse_json(value: Any) -> Any:
    if not isinstance(value, str):
        raise InvalidCallError("a text is needed")
    return json.loads(value) if value.strip() else None


def draw(start: Any, end: Any, *seed: Any) -> int:
    source = random.Random(*map(_whole, seed))  # noqa: S311 - a number for a definition, not a secret
    return source.randrange(_whole(start), _whole(end))


def split(value: Any, separators: Any) -> list[str]:
    """Each character of `separators` separates, and nothing between two of them is left out."""
    if not isinstance(value, str) or not isinstance(separators, str):
        raise InvalidCallError("two texts are needed")
    return [part for part in re.split(f"[{re.escape(separators)}]", value) if part] if separators else [value]


def array(*values: Any) -> list[Any]:
    return list(values)


@dataclass(frozen=True)
class Function:
    evaluate: Callable[..., Any]
    counts: Sequence[int]
    """How many arguments it may have."""


FUNCTIONS = {
    "States.Array": Function(array, range(RANGE_LIMIT)),
    "States.ArrayContains": Function(contains, (2,)),
    "States.ArrayGetItem": Function(item, (2,)),
    "States.ArrayLength": Function(length, (1,)),
    "States.ArrayPartition": Function(partition, (2,)),
    "States.ArrayRange": Function(array_range, (3,)),
    "States.ArrayUnique": Function(unique, (1,)),
    "States.Base64Decode": Function(decode, (1,)),
    "States.Base64Encode": Function(encode, (1,)),
    "States.Format": Function(format_text, range(1, RANGE_LIMIT)),
    "States.Hash": Function(digest, (2,)),
    "States.JsonMerge": Function(merge, (3,)),
    "States.JsonToString": Function(to_text, (1,)),
    "States.MathAdd": Function(add, (2,)),
    "States.MathRandom": Function(draw, (2, 3)),
    "States.StringSplit": Function(split, (2,)),
    "States.StringToJson": Function(parse_json, (1,)),
    "States.UUID": Function(sf.new_uuid, (0,)),
}
