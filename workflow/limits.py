"""Every time limit and memory size of the workflow, in one table: function < state < execution."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

STATE_MARGIN_SECONDS = 15
"""What a state may take beyond its function's own limit: queueing, a cold start, the service's overhead."""

EXECUTION_TIMEOUT_SECONDS = 24 * 3600
"""Leaves room for every retry of every state, also when a burst is throttled for half an hour."""

PARTS_AT_ONCE = 10
"""Parts of one long video that are converted at the same time."""

CONVERSION_TIMEOUT_SECONDS = 4 * 3600
"""For MediaConvert's job, where a stage sends long videos there; it may wait in a queue."""

CONTAINER_MARGIN_SECONDS = 15 * 60
"""Until a container runs: Fargate finds a place for it, and fetches its image."""

DEDUPE_WINDOW_SECONDS = 25 * 3600
"""EventBridge may deliver an event again for 24 hours: that long an ended asset recognises its repeats."""

LATE_EVENT_MINUTES = 5
"""S3's events are there within seconds, and seldom within minutes."""

SMALLEST_COLD_BYTES = 128 * 1024
"""Colder classes charge for as much also where an object is smaller: it stays in Standard."""

STATE_OUTPUT_MAX_BYTES = 32 * 1024
"""Our own bound on what a state passes on; the service's (262,144 bytes) cannot be caught when exceeded."""


BY_KIND = ("transform", "thumbnail")
"""The tasks that have a function for each kind of file: `transform_image`, `transform_table`, and so on."""


@dataclass(frozen=True)
class FunctionLimits:
    """What one function may use. Memory also decides the share of a CPU: 1,769 MB are one; `scratch_mb` is /tmp."""

    memory_mb: int
    timeout_seconds: int
    scratch_mb: int = 512


FUNCTIONS: Mapping[str, FunctionLimits] = MappingProxyType(
    {
        "validate": FunctionLimits(memory_mb=256, timeout_seconds=20),
        "transform_image": FunctionLimits(memory_mb=3008, timeout_seconds=180),
        "transform_table": FunctionLimits(memory_mb=2048, timeout_seconds=900, scratch_mb=10_240),
        "transform_video": FunctionLimits(memory_mb=3008, timeout_seconds=900, scratch_mb=10_240),
        "transform_audio": FunctionLimits(memory_mb=1769, timeout_seconds=900, scratch_mb=6144),
        "transform_document": FunctionLimits(memory_mb=3008, timeout_seconds=300, scratch_mb=2048),
        "transform_archive": FunctionLimits(memory_mb=1769, timeout_seconds=900, scratch_mb=10_240),
        "thumbnail_image": FunctionLimits(memory_mb=1024, timeout_seconds=60),
        "thumbnail_table": FunctionLimits(memory_mb=1024, timeout_seconds=60),
        "thumbnail_video": FunctionLimits(memory_mb=1769, timeout_seconds=300, scratch_mb=10_240),
        "thumbnail_audio": FunctionLimits(memory_mb=1024, timeout_seconds=60),
        "thumbnail_document": FunctionLimits(memory_mb=2048, timeout_seconds=90, scratch_mb=1024),
        "thumbnail_archive": FunctionLimits(memory_mb=1024, timeout_seconds=60),
        "split_video": FunctionLimits(memory_mb=1769, timeout_seconds=900),
        "convert_part": FunctionLimits(memory_mb=3008, timeout_seconds=900, scratch_mb=2048),
        "join_video": FunctionLimits(memory_mb=1769, timeout_seconds=900, scratch_mb=10_240),
        "store_metadata": FunctionLimits(memory_mb=256, timeout_seconds=60),
        "notify": FunctionLimits(memory_mb=256, timeout_seconds=20),
        "archive": FunctionLimits(memory_mb=512, timeout_seconds=900),
        "quarantine": FunctionLimits(memory_mb=512, timeout_seconds=900),
        "record_failure": FunctionLimits(memory_mb=256, timeout_seconds=30),
        "continue_restored": FunctionLimits(memory_mb=256, timeout_seconds=30),
        "sweep": FunctionLimits(memory_mb=512, timeout_seconds=600),
        "report_batch": FunctionLimits(memory_mb=512, timeout_seconds=900, scratch_mb=2048),
        "api": FunctionLimits(memory_mb=512, timeout_seconds=20),
        "intake": FunctionLimits(memory_mb=256, timeout_seconds=60),
        "audit": FunctionLimits(memory_mb=256, timeout_seconds=60),
        "telemetry": FunctionLimits(memory_mb=512, timeout_seconds=60),
        "webhook": FunctionLimits(memory_mb=256, timeout_seconds=60),
    }
)


@dataclass(frozen=True)
class ContainerLimits:
    """What the container for a big file may use: 1,024 CPU units are one CPU, `scratch_gib` is its disk."""

    cpu_units: int
    memory_mb: int
    scratch_gib: int
    timeout_seconds: int

    @property
    def state_timeout_seconds(self) -> int:
        return self.timeout_seconds + CONTAINER_MARGIN_SECONDS


BIG_FILE_TASK = "big_file"
"""No function, but what does the work of one: its name in the tables of functions."""

BIG_FILE = ContainerLimits(cpu_units=4096, memory_mb=16_384, scratch_gib=200, timeout_seconds=5 * 3600)


def task_of(function: str) -> tuple[str, str | None]:
    """The task that a function does and, of those that have a function for each kind, the kind."""
    task, _, kind = function.partition("_")
    return (task, kind) if task in BY_KIND else (function, None)


TASKS = tuple(dict.fromkeys(task_of(function)[0] for function in FUNCTIONS))


def functions_of(task: str) -> list[str]:
    """The functions that do a task: one, or one for each kind."""
    return [function for function in FUNCTIONS if task_of(function)[0] == task]


def state_timeout_seconds(task: str) -> int:
    """The state waits longer than its functions run, so that the function's own error is the one seen."""
    return max(FUNCTIONS[function].timeout_seconds for function in functions_of(task)) + STATE_MARGIN_SECONDS
