"""The receiver that docs/notifications.md shows knows what is ours."""

import base64
import re
import time
from pathlib import Path
from typing import Any

import pytest

from tasks.webhook.signature import signed_headers

PAGE = (Path(__file__).parents[2] / "docs" / "notifications.md").read_text()
KEY, OTHER_KEY = ("Aa0" * 15)[:44], ("Zz9" * 15)[:44]
BODY = b'{"id": "1"}'


@pytest.fixture
def is_genuine() -> Any:
    shown = re.search(r"<!-- receiver -->\n```python\n(.*?)```", PAGE, re.DOTALL)
    assert shown
    names: dict[str, Any] = {}
    exec(shown[1], names)  # noqa: S102 - our own page
    return names["is_genuine"]


def sent(*keys: str, age: int = 0) -> dict[str, str]:
    return signed_headers([base64.b64decode(key) for key in keys], "1", int(time.time()) - age, BODY)


def test_receiver_takes_what_either_of_two_keys_has_signed(is_genuine):
    assert is_genuine(KEY, sent(KEY), BODY)
    assert is_genuine(KEY, sent(OTHER_KEY, KEY), BODY)


def test_receiver_takes_nothing_forged_and_nothing_old(is_genuine):
    assert not is_genuine(KEY, sent(OTHER_KEY), BODY)
    assert not is_genuine(KEY, sent(KEY), BODY + b" ")
    assert not is_genuine(KEY, sent(KEY) | {"webhook-id": "2"}, BODY)
    assert not is_genuine(KEY, sent(KEY, age=301), BODY)
