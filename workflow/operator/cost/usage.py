"""What one file uses of AWS while it is processed: its path's states, and what each function did when measured."""

from collections.abc import Iterable
from dataclasses import astuple, dataclass

from workflow.limits import BY_KIND
from workflow.operator.cost import paths
from workflow.operator.cost.measured import Invocation, invocation, measured
from workflow.operator.cost.mix import Mix, Share

FUNCTION_LOG_BYTES = 800
"""Of each invocation: our own line of 300 bytes, and Lambda's START, END and REPORT."""
WORKFLOW_EVENT_BYTES = 450
EVENTS_PER_TASK = 5
STATE_COPIES = 4
"""Entered, scheduled, succeeded and exited: each event of a task carries the state, as the workflow logs all data."""
S3_EVENTS = 2
"""The ingest bucket tells EventBridge of the upload, and of its removal once the original is archived."""
OVERHEAD_SECONDS = 0.05
"""Of the workflow, between a function's own time and its state's."""


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Sums of what is charged for; `seconds` is the time that functions took, one after the other."""

    executions: float = 0
    transitions: float = 0
    invocations: float = 0
    gb_seconds: float = 0
    scratch_gb_seconds: float = 0
    seconds: float = 0
    s3_writes: float = 0
    s3_reads: float = 0
    table_writes: float = 0
    table_reads: float = 0
    publishes: float = 0
    events: float = 0
    function_log_bytes: float = 0
    workflow_log_bytes: float = 0

    def __add__(self, other: "Usage") -> "Usage":
        return _made(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True))

    def __mul__(self, times: float) -> "Usage":
        return _made(mine * times for mine in astuple(self))


def _made(values: Iterable[float]) -> Usage:
    return Usage(**dict(zip(Usage.__dataclass_fields__, values, strict=True)))


def succeeded(kind: str, share: Share) -> Usage:
    path = paths.long_video(share.parts) if share.parts else paths.SUCCEEDED
    return of_path(path, kind, share)


def of_path(path: tuple[str, ...], kind: str, share: Share) -> Usage:
    """One execution; a repeated event uploads nothing, and tells nothing new."""
    new = path != paths.DUPLICATE
    done = invocations(path, kind, share)
    work = [measured().functions[each.function] for each in done]
    return Usage(
        executions=1,
        transitions=len(path),
        invocations=len(done),
        gb_seconds=sum(each.gb_seconds for each in done),
        scratch_gb_seconds=sum(each.scratch_gb_seconds for each in done),
        seconds=sum(each.milliseconds for each in done) / 1000,
        s3_writes=new + sum(each.s3_writes for each in work),
        s3_reads=sum(each.s3_reads for each in work),
        table_writes=sum(each.table_writes for each in work),
        table_reads=sum(each.table_reads for each in work),
        publishes=sum(each.publishes for each in work),
        events=new * S3_EVENTS + sum(each.events for each in work),
        function_log_bytes=len(done) * FUNCTION_LOG_BYTES,
        workflow_log_bytes=_workflow_log_bytes(kind, len(done)),
    )


def invocations(path: tuple[str, ...], kind: str, share: Share) -> list[Invocation]:
    parts = max(1, share.parts)
    return [invocation(_function(task, kind), kind, share.megabytes, parts) for task in paths.tasks(path)]


def _function(task: str, kind: str) -> str:
    return f"{task}_{kind}" if task in BY_KIND else task


def _workflow_log_bytes(kind: str, tasks: int) -> float:
    """The measured state is that of a whole execution."""
    state = measured().kinds[kind].state_bytes / len(paths.SUCCEEDED)
    return tasks * (EVENTS_PER_TASK * WORKFLOW_EVENT_BYTES + STATE_COPIES * state)


def of_mix(mix: Mix) -> Usage:
    """An average file; those that are rejected, or told of twice, are as the kinds are."""
    total = Usage()
    for kind, share in mix.kinds.items():
        total += succeeded(kind, share) * (share.share * (1 - mix.rejected))
        total += of_path(paths.REJECTED, kind, share) * (share.share * mix.rejected)
        total += of_path(paths.DUPLICATE, kind, share) * (share.share * mix.duplicates)
    return total
