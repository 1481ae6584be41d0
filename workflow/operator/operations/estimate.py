"""What reprocessing would cost and take, from what the functions measured when they last worked on each asset."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from tasks.shared.records.model import Record
from workflow import prices
from workflow.limits import BY_KIND, FUNCTIONS
from workflow.operator.cost import paths, usage
from workflow.operator.cost.measured import measured
from workflow.operator.cost.mix import Share

FIRST_FEW = 5
STEPS = len(paths.SUCCEEDED)
"""Of an asset of which nothing was measured. The last step, Archive, is never among those that are."""
STEP_OVERHEAD_SECONDS = 0.1
"""Between a function's own time and its state's."""
UNMEASURED_MS = 1000
"""Of each step, where no asset of the selection was ever measured."""
UNMEASURED_MB = 1024
LIKE_ANY_OTHER = "image"
"""A kind of which no requests were counted, or that is not known."""
REQUESTS = {
    "s3_writes": prices.S3_WRITE,
    "s3_reads": prices.S3_READ,
    "table_writes": prices.DYNAMODB_WRITE,
    "table_reads": prices.DYNAMODB_READ,
    "publishes": prices.SNS_PUBLISH,
    "events": prices.EVENT,
}
"""As `sluice cost` counts them."""


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """`dollars` are for AWS's calls and functions, `seconds` at the given concurrency.

    `measured` of the `count` assets had been timed before; the others are taken for average ones. `first` are keys.
    """

    count: int
    bytes: int
    by_kind: dict[str, int]
    first: tuple[str, ...]
    measured: int
    transitions: int
    dollars: float
    seconds: float


@dataclass
class _Total:
    """What is known so far, of assets as they pass."""

    bytes: int = 0
    kinds: Counter[str] = field(default_factory=Counter[str])
    first: list[str] = field(default_factory=list[str])
    measured: int = 0
    steps: int = 0
    work_seconds: float = 0
    gb_seconds: float = 0

    def add(self, record: Record) -> None:
        self.bytes += record.size
        self.kinds[record.kind or "unknown"] += 1
        self.first += [record.key] if len(self.first) < FIRST_FEW else []
        timings = record.timings
        if timings:
            self.measured += 1
            self.steps += len(timings) + 1
            self.work_seconds += sum(timings.values()) / 1000
            self.gb_seconds += sum(ms / 1000 * _gb(task, record) for task, ms in timings.items())

    def add_unmeasured(self) -> None:
        self.measured += 1
        self.steps += STEPS
        self.work_seconds += STEPS * UNMEASURED_MS / 1000
        self.gb_seconds += STEPS * UNMEASURED_MS / 1000 * UNMEASURED_MB / 1024


def estimate(records: Iterable[Record], concurrency: int) -> Estimate:
    """Reads the records once. Prices are AWS's also for a local stage, where it costs nothing."""
    total = _Total()
    for record in records:
        total.add(record)
    timed, count = total.measured, total.kinds.total()
    if count and not timed:
        total.add_unmeasured()
    share = count / total.measured if count else 0
    transitions = round(total.steps * share) + count
    work_seconds = total.work_seconds * share + transitions * STEP_OVERHEAD_SECONDS
    return Estimate(
        count=count,
        bytes=total.bytes,
        by_kind=dict(total.kinds.most_common()),
        first=tuple(total.first),
        measured=timed,
        transitions=transitions,
        dollars=_dollars(total.kinds, transitions, total.gb_seconds * share),
        seconds=work_seconds / max(1, min(concurrency, count)),
    )


def _gb(task: str, record: Record) -> float:
    function = f"{task}_{record.kind}" if task in BY_KIND else task
    return FUNCTIONS[function].memory_mb / 1024 if function in FUNCTIONS else 0


def _dollars(kinds: Counter[str], transitions: int, gb_seconds: float) -> float:
    requests = sum(count * _requests(kind) for kind, count in kinds.items())
    functions = gb_seconds * prices.LAMBDA_GB_SECOND + transitions * prices.LAMBDA_REQUEST
    return requests + functions + transitions * prices.STATE_TRANSITION


def _requests(kind: str) -> float:
    """Dollars for what the functions ask of other services, for one asset."""
    used = usage.succeeded(kind if kind in measured().kinds else LIKE_ANY_OTHER, Share(share=1, megabytes=0))
    return sum(getattr(used, what) * price for what, price in REQUESTS.items())
