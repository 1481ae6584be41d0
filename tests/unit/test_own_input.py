"""An execution's input as a person has written it: understood, or refused with the field that is wrong."""

import pytest

from workflow.errors import InputError
from workflow.operator.operations import own_input
from workflow.shapes import ExecutionInput


def test_input_may_have_every_field():
    wanted = own_input('{"bucket": "b", "key": "a b.jpg", "version_id": "v", "force": true, "why": "again"}')
    assert wanted == ExecutionInput(bucket="b", key="a b.jpg", version_id="v", force=True, why="again")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "not a JSON object"),
        ("[]", "not a JSON object"),
        ("[" * 10_000, "nested"),
        ('{"bucket": "b"}', "key"),
        ('{"bucket": "b", "key": 1}', "key"),
        ('{"bucket": "b", "key": "k", "color": "red"}', "color"),
    ],
)
def test_what_is_wrong_is_named(text, words):
    with pytest.raises(InputError, match=words):
        own_input(text)
