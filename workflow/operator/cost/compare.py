"""What running the same functions would cost otherwise; all else on the bill stays as it is."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from workflow import prices
from workflow.limits import FUNCTIONS
from workflow.operator.cost import paths
from workflow.operator.cost.measured import ONE_CPU_MB, Invocation
from workflow.operator.cost.mix import Mix, Share
from workflow.operator.cost.usage import OVERHEAD_SECONDS, Usage, invocations, of_mix

EXPRESS_MB = 64
"""Express workflows are billed in chunks of 64 MB; six states of some kilobytes stay in the first."""
EXPRESS_LONGEST_SECONDS = 300
TASK_VCPU, TASK_GB = 2, 4
TASK_START_SECONDS = 30
"""Assumed: from the pull of the image on, a task is billed."""
TASK_SHORTEST_SECONDS = 60
SERVICE_BUSY = 0.6
"""Assumed: the share of its time that a service which scales with a queue has work."""


@dataclass(frozen=True)
class Way:
    """One architecture: dollars for orchestration and computing, and what one gives up for it."""

    name: str
    dollars: float
    gives_up: str


def ways(files: int, mix: Mix) -> list[Way]:
    """Ours first."""
    usage = of_mix(mix) * files
    done = list(_weighted(mix))
    functions = _functions(usage)
    return [
        Way("Standard workflow", usage.transitions * prices.STATE_TRANSITION + functions, ""),
        Way("Express workflow", express(usage) + functions, "redrive, exactly-once starts, files that take over 300 s"),
        Way("one function per file", files * _one_function(done), "retries of single steps, small roles, long files"),
        Way("Fargate service", files * _service(done), "scaling to zero, separate roles per step"),
        Way("Fargate task per file", files * _task_each(done), "a start within seconds"),
    ]


def express(usage: Usage) -> float:
    seconds = usage.seconds + usage.invocations * OVERHEAD_SECONDS
    gb_seconds = seconds * EXPRESS_MB / 1024
    return usage.executions * prices.EXPRESS_REQUEST + gb_seconds * prices.EXPRESS_GB_SECOND


def _functions(usage: Usage) -> float:
    requests = usage.invocations * prices.LAMBDA_REQUEST
    scratch = usage.scratch_gb_seconds * prices.LAMBDA_SCRATCH_GB_SECOND
    return requests + usage.gb_seconds * prices.LAMBDA_GB_SECOND + scratch


def _weighted(mix: Mix) -> Iterator[tuple[float, list[Invocation]]]:
    """The share of each path of each kind, and what it invokes."""
    for kind, share in mix.kinds.items():
        yield share.share * (1 - mix.rejected), invocations(_path(share), kind, share)
        yield share.share * mix.rejected, invocations(paths.REJECTED, kind, share)
        yield share.share * mix.duplicates, invocations(paths.DUPLICATE, kind, share)


def _path(share: Share) -> tuple[str, ...]:
    return paths.long_video(share.parts) if share.parts else paths.SUCCEEDED


Weighted = list[tuple[float, list[Invocation]]]


def _one_function(done: Weighted) -> float:
    """All steps in the largest one's memory, which small steps pay for while they wait."""
    return sum(share * (prices.LAMBDA_REQUEST + _in_one(steps) * prices.LAMBDA_GB_SECOND) for share, steps in done)


def _in_one(steps: list[Invocation]) -> float:
    memory_mb = max(FUNCTIONS[each.function].memory_mb for each in steps)
    return sum(_seconds_at(memory_mb, each) for each in steps) * memory_mb / 1024


def _seconds_at(memory_mb: int, each: Invocation) -> float:
    """What a small function computes slowly for want of CPU, a large one does as fast as one CPU can."""
    slower = max(1.0, ONE_CPU_MB / FUNCTIONS[each.function].memory_mb) / max(1.0, ONE_CPU_MB / memory_mb)
    return (each.waiting_ms + (each.milliseconds - each.waiting_ms) / slower) / 1000


def _whole_seconds(steps: list[Invocation]) -> float:
    return sum(_seconds_at(ONE_CPU_MB, each) for each in steps)


def _service(done: Weighted) -> float:
    """As many files at a time as it has CPUs."""
    seconds = sum(share * _whole_seconds(steps) for share, steps in done)
    return seconds / TASK_VCPU / SERVICE_BUSY * _task_second()


def _task_each(done: Weighted) -> float:
    return sum(share * _billed_seconds(_whole_seconds(steps)) * _task_second() for share, steps in done)


def _billed_seconds(working: float) -> int:
    return max(TASK_SHORTEST_SECONDS, math.ceil(TASK_START_SECONDS + working))


def _task_second() -> float:
    return (TASK_VCPU * prices.FARGATE_VCPU_HOUR + TASK_GB * prices.FARGATE_GB_HOUR) / 3600
