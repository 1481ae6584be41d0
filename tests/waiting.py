"""Awaits a condition, and leaves the cores to those who bring it about."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

POLL_SECONDS = 0.05


def until(condition: Callable[[], T]) -> T:
    """What the condition gives once it holds; the test's own timeout ends the wait."""
    while not (found := condition()):
        time.sleep(POLL_SECONDS)
    return found
