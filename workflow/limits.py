"""Every time limit and memory size of the workflow, in one table: function < state < execution."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

STATE_MARGIN_SECONDS = 15
"""What a state may take beyond its function's own limit: queueing, a cold start, the service's overhead."""

EXECUTION_TIMEOUT_SECONDS = 6 * 3600
"""Leaves room for every retry of every state, also when a burst is throttled for half an hour."""

DEDUPE_WINDOW_SECONDS = 25 * 3600
"""EventBridge may deliver an event again for 24 hours: that long an ended asset recognises its repeats."""

STATE_OUTPUT_MAX_BYTES = 32 * 1024
"""Our own bound on what a state passes on; the service's (262,144 bytes) cannot be caught when exceeded."""


@dataclass(frozen=True)
class TaskLimits:
    """What one function may use. Memory also decides the share of a CPU: 1,769 MB are one."""

    memory_mb: int
    timeout_seconds: int

    @property
    def state_timeout_seconds(self) -> int:
        """The state waits longer than its function runs, so that the function's own error is the one seen."""
        return self.timeout_seconds + STATE_MARGIN_SECONDS


TASKS: Mapping[str, TaskLimits] = MappingProxyType(
    {
        "validate": TaskLimits(memory_mb=256, timeout_seconds=20),
        "transform": TaskLimits(memory_mb=3008, timeout_seconds=180),
        "thumbnail": TaskLimits(memory_mb=1024, timeout_seconds=60),
        "store_metadata": TaskLimits(memory_mb=256, timeout_seconds=20),
        "notify": TaskLimits(memory_mb=256, timeout_seconds=20),
        "archive": TaskLimits(memory_mb=512, timeout_seconds=900),
        "quarantine": TaskLimits(memory_mb=512, timeout_seconds=900),
        "record_failure": TaskLimits(memory_mb=256, timeout_seconds=30),
    }
)
