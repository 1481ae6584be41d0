"""What the functions were measured to do, from measured.toml, and how long that takes on Lambda."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import msgspec

from workflow.limits import FUNCTIONS

FILE = Path(__file__).with_name("measured.toml")

ONE_CPU_MB = 1769
"""Lambda gives a function one CPU at this memory, and its share below (Lambda's page "Configure memory")."""
CALL_MS = 15
"""Assumed: what a function waits for one answer of S3, DynamoDB or SNS in its region."""
MEGABYTE = 1_000_000
MEASURED_FORMAT = "webp"
"""Of images: what a stage makes alone unless it says otherwise."""


class Work(msgspec.Struct, frozen=True):
    """One invocation. `cpu_ms` are of one core, `calls` all requests to AWS, the charged ones by what they cost.

    `record_changes` are what the table's stream tells of the record: an audit trail keeps each.
    """

    cpu_ms: int
    calls: int
    s3_writes: int = 0
    s3_reads: int = 0
    table_writes: int = 0
    record_changes: int = 0
    table_reads: int = 0
    publishes: int = 0
    events: int = 0


class Kind(msgspec.Struct, frozen=True):
    """One sample: its size, what each further megabyte takes, and what its files, its record and its state weigh."""

    sample: str
    bytes: int
    cpu_ms_per_mb: float
    rendition_bytes: int
    other_bytes: tuple[int, ...]
    state_bytes: int
    record_bytes: int


class Format(msgspec.Struct, frozen=True):
    """What a rendition of the image in one further format takes."""

    cpu_ms: int
    bytes: int


class Measured(msgspec.Struct, frozen=True):
    measured: str
    python: str
    functions: Mapping[str, Work]
    kinds: Mapping[str, Kind]
    formats: Mapping[str, Format]


@dataclass(frozen=True)
class Invocation:
    """What one invocation is billed for; `waiting_ms` of it are spent on answers."""

    function: str
    milliseconds: float
    waiting_ms: float

    @property
    def gb_seconds(self) -> float:
        return self.milliseconds / 1000 * FUNCTIONS[self.function].memory_mb / 1024

    @property
    def scratch_gb_seconds(self) -> float:
        """Of /tmp beyond the 512 MB that are free."""
        return self.milliseconds / 1000 * (FUNCTIONS[self.function].scratch_mb - 512) / 1024


@cache
def measured() -> Measured:
    return msgspec.convert(tomllib.loads(FILE.read_text()), Measured)


def cpu_ms(function: str, kind: str, megabytes: float, parts: int = 1) -> float:
    """Converting grows with the file, from the sample on; all else is as measured."""
    found = measured()
    work, sample = found.functions[function], found.kinds[kind]
    more = max(0.0, megabytes - sample.bytes / MEGABYTE) * sample.cpu_ms_per_mb
    if function == "convert_part":
        return more / parts + work.cpu_ms
    return work.cpu_ms + (more if function == f"transform_{kind}" and parts == 1 else 0)


def invocation(function: str, kind: str, megabytes: float, parts: int = 1) -> Invocation:
    """A function below one CPU takes as much longer; one above it gains nothing here, which errs on the dear side."""
    waiting = measured().functions[function].calls * CALL_MS
    return Invocation(function, cpu_ms(function, kind, megabytes, parts) * slower(function) + waiting, waiting)


def slower(function: str) -> float:
    """How many times as long its memory's share of a CPU takes."""
    return max(1.0, ONE_CPU_MB / FUNCTIONS[function].memory_mb)
