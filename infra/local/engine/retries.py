"""Which retrier or catcher takes an error, and how long a retry waits."""

import random
from collections.abc import Callable, Sequence
from typing import Any

RUNTIME_ERROR = "States.Runtime"
DATA_LIMIT_ERROR = "States.DataLimitExceeded"
NOT_A_FAILED_TASK = ("States.Timeout", DATA_LIMIT_ERROR)


def error_matches(names: Sequence[str], error: str) -> bool:
    """States.Runtime always ends the execution. A data limit is taken by States.ALL, against the developer guide.

    Recorded: error_handling/test_states_errors, 21-03-2024.
    """
    if error == RUNTIME_ERROR:
        return False
    if error in names:
        return True
    return "States.ALL" in names or ("States.TaskFailed" in names and error not in NOT_A_FAILED_TASK)


def retry_delay(
    retrier: dict[str, Any], earlier_retries: int, uniform: Callable[[float, float], float] = random.uniform
) -> float:
    """Seconds to wait before the next retry, after `earlier_retries` by the same retrier."""
    seconds = retrier.get("IntervalSeconds", 1) * retrier.get("BackoffRate", 2.0) ** earlier_retries
    seconds = min(seconds, retrier.get("MaxDelaySeconds", seconds))
    return uniform(0, seconds) if retrier.get("JitterStrategy") == "FULL" else seconds


class RetryCounter:
    """Counts the retries of one state, for each of its retriers."""

    def __init__(self, retriers: Sequence[dict[str, Any]]) -> None:
        self._retriers = retriers
        self._counts = [0] * len(retriers)

    @property
    def total(self) -> int:
        return sum(self._counts)

    def next_delay(self, error: str) -> float | None:
        """Seconds until the retry, or None when the first retrier that names the error is used up, or there is none."""
        for index, retrier in enumerate(self._retriers):
            if error_matches(retrier["ErrorEquals"], error):
                count = self._counts[index]
                self._counts[index] += 1
                return retry_delay(retrier, count) if count < retrier.get("MaxAttempts", 3) else None
        return None
