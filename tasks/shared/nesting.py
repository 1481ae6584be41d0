"""How deeply the JSON of strangers may be nested: the same wherever it is read.

Each parser has a limit of its own, which moves with its version and with Python's: it is never reached.
"""

import re
from itertools import accumulate
from typing import TypeVar

import msgspec

T = TypeVar("T")

MAX_LEVELS = 64
"""Lists and objects in one another. What people exchange as JSON has fewer than twenty."""

_TEXTS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_BRACKETS = re.compile(r"[\[{\]}]")
_STEPS = {"[": 1, "{": 1, "]": -1, "}": -1}


def levels(json_text: str) -> int:
    """How many lists and objects are open at most at any place of the text, be it complete or not."""
    brackets = _BRACKETS.findall(_TEXTS.sub("", json_text))
    return max(accumulate(map(_STEPS.__getitem__, brackets), initial=0))


def decode_json(text: str | bytes, shape: type[T]) -> T:
    """As msgspec decodes it; raises DecodeError also for what is nested deeper than MAX_LEVELS."""
    deep = levels(text if isinstance(text, str) else text.decode(errors="replace"))
    if deep > MAX_LEVELS:
        raise msgspec.DecodeError(f"JSON is nested {deep} levels deep; at most {MAX_LEVELS} are read")
    return msgspec.json.decode(text, type=shape)
