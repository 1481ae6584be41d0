"""Awaits a condition, and leaves the cores to those who bring it about.

Nothing here gives up: how long something takes depends on the machine. A test's own timeout ends the wait.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from tasks.shared.records.model import Record, facts_of

T = TypeVar("T")

POLL_SECONDS = 0.05
PATIENCE_SECONDS = 3600
"""For waits that have to be given a limit: longer than any test may take."""


def until(condition: Callable[[], T]) -> T:
    """What the condition gives once it holds."""
    while not (found := condition()):
        time.sleep(POLL_SECONDS)
    return found


def next_message(sqs: Any, queue_url: str) -> dict[str, Any]:
    """The next message in a queue, taken out of it."""
    options = {"QueueUrl": queue_url, "WaitTimeSeconds": 5, "MessageAttributeNames": ["All"]}
    (message,) = until(lambda: sqs.receive_message(**options).get("Messages"))
    sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])
    return message


def told(records: Mapping[str, Record]) -> dict[str, dict[str, Any]]:
    """Records by asset id, as people are told them."""
    return {asset: facts_of(record) for asset, record in records.items()}
