"""Step Functions' calls wait for one of the laptop's few slots; on AWS, a call above the account's limit is throttled.

The limit here is a handful of processes where AWS starts with ten and grants thousands. Throttled at once, a folder of
files would spend its time in the retriers' delays while slots stand idle. Whoever waited in vain for
LAMBDA_QUEUE_SECONDS is throttled as on AWS: https://docs.aws.amazon.com/lambda/latest/dg/lambda-concurrency.html
"""

import os
import threading
import time
from collections.abc import Callable
from typing import Any

from infra.local.ministack import lambda_svc
from infra.local.patches.stepfunctions import lambda_calls

Slot = tuple[str | None, str | None]
"""The key to release, or the limit that was reached: "function" or "account"."""

_patient = threading.local()
_released = threading.Condition()
_stock_acquire: Callable[[Any, Any], Slot] = lambda_svc._acquire_execution_slot
_stock_release: Callable[[str], None] = lambda_svc._release_execution_slot
_call_function = lambda_calls.call_function


def install() -> None:
    lambda_svc._acquire_execution_slot = acquire
    lambda_svc._release_execution_slot = release
    lambda_calls.call_function = call_function


def call_function(reference: str, event: Any) -> tuple[Any, str]:
    _patient.until = time.monotonic() + float(os.environ.get("LAMBDA_QUEUE_SECONDS", "0"))
    try:
        return _call_function(reference, event)
    finally:
        _patient.until = 0.0


def acquire(function: Any, config: Any) -> Slot:
    with _released:
        while (slot := _stock_acquire(function, config))[1] == "account":
            left = getattr(_patient, "until", 0.0) - time.monotonic()
            if left <= 0 or not _released.wait(left):
                break
    return slot


def release(key: str) -> None:
    _stock_release(key)
    with _released:
        _released.notify()
