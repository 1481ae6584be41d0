"""JSON of strangers is read down to one depth, whatever the parser behind it would do."""

import msgspec
import pytest

from tasks.shared.nesting import MAX_LEVELS, decode_json, levels


def nested(deep: int) -> str:
    return "[" * deep + "]" * deep


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", 0),
        ('"[[["', 0),
        ('[[1], {"a": ["]"]}]', 3),
        ('{"a\\"[[[": [1]}', 2),
        ('{"a\\\\": [[]]}', 3),
        ('["\n\\\n[[", "[[', 1),
        ("[[[1, 2]", 3),
        ("[" * 1_000_000, 1_000_000),
    ],
)
def test_levels_are_counted_outside_of_texts(text, expected):
    assert levels(text) == expected


def test_what_is_nested_as_deeply_as_is_allowed_is_read():
    assert decode_json(nested(MAX_LEVELS), list) == msgspec.json.decode(nested(MAX_LEVELS))
    assert decode_json(nested(MAX_LEVELS).encode(), list)


@pytest.mark.parametrize("deep", [MAX_LEVELS + 1, 500, 100_000])
def test_what_is_nested_deeper_is_refused(deep):
    with pytest.raises(msgspec.DecodeError, match=f"nested {deep} levels deep; at most {MAX_LEVELS}"):
        decode_json(nested(deep), list)
