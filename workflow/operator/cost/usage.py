"""What one file uses of AWS while it is processed: its path's states, and what each function did when measured."""

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass

from workflow.limits import BY_KIND
from workflow.operator.cost import paths
from workflow.operator.cost.measured import CALL_MS, Invocation, invocation, measured, slower
from workflow.operator.cost.mix import Mix, Share

FUNCTION_LOG_BYTES = 800
"""Of each invocation: our own line of 300 bytes, and Lambda's START, END and REPORT."""
WORKFLOW_EVENT_BYTES = 450
FAILURE_EVENTS = 2
"""The workflow logs failures alone: that of Transform, and that of the execution."""
INGEST_EVENTS = 2
"""The ingest bucket tells EventBridge of the upload, and of its removal once the original is archived."""
ARCHIVE_EVENTS = 1
"""The archive bucket tells of the copy; of each move to another class, too, which the storage counts."""
AUDIT_CPU_MS = 5
"""Assumed, of the audit function for one change: it writes an object."""
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
    record_changes: float = 0
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
        record_changes=sum(each.record_changes for each in work),
        table_reads=sum(each.table_reads for each in work),
        publishes=sum(each.publishes for each in work),
        events=new * INGEST_EVENTS + ("Archive" in path) * ARCHIVE_EVENTS + sum(each.events for each in work),
        function_log_bytes=len(done) * FUNCTION_LOG_BYTES,
        workflow_log_bytes=(path == paths.REJECTED) * FAILURE_EVENTS * WORKFLOW_EVENT_BYTES,
    )


def invocations(path: tuple[str, ...], kind: str, share: Share) -> list[Invocation]:
    parts = max(1, share.parts)
    return [invocation(_function(task, kind), kind, share.megabytes, parts) for task in paths.tasks(path)]


def _function(task: str, kind: str) -> str:
    return f"{task}_{kind}" if task in BY_KIND else task


def of_mix(mix: Mix) -> Usage:
    """An average file; those that are rejected, or told of twice, are as the kinds are."""
    total = Usage()
    for kind, share in mix.kinds.items():
        total += succeeded(kind, share) * (share.share * (1 - mix.rejected))
        total += of_path(paths.REJECTED, kind, share) * (share.share * mix.rejected)
        total += of_path(paths.DUPLICATE, kind, share) * (share.share * mix.duplicates)
    return total


def of_formats(mix: Mix, further: Sequence[str]) -> Usage:
    """What an average file takes of each format of images beyond the first."""
    images = mix.kinds.get("image", Share(0, 1)).share * (1 - mix.rejected)
    total = Usage()
    for name in further:
        milliseconds = measured().formats[name].cpu_ms * slower("transform_image") + CALL_MS
        total += _computing("transform_image", milliseconds) + Usage(s3_writes=1)
    return total * images


def of_trail(usage: Usage) -> Usage:
    """The audit trail: an object for each change of a record, at worst by an invocation of its own."""
    milliseconds = AUDIT_CPU_MS * slower("audit") + CALL_MS
    each = Usage(invocations=1, s3_writes=1, function_log_bytes=FUNCTION_LOG_BYTES) + _computing("audit", milliseconds)
    return each * usage.record_changes


def _computing(function: str, milliseconds: float) -> Usage:
    return Usage(gb_seconds=Invocation(function, milliseconds, CALL_MS).gb_seconds, seconds=milliseconds / 1000)
