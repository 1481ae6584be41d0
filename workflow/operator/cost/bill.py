"""A month's bill, line by line: quantity times price, nothing else."""

from collections.abc import Iterator
from dataclasses import dataclass

from tasks.shared.indexes import INDEXES
from workflow import prices
from workflow.operator.cost import storage
from workflow.operator.cost.measured import measured
from workflow.operator.cost.mix import Mix
from workflow.operator.cost.storage import GIGABYTE, Held, Month, Plan
from workflow.operator.cost.usage import Usage, of_formats, of_mix, of_trail
from workflow.prices import Price

SECONDS_PER_MONTH = 730 * 3600
TRACED_SHARE = 0.05
"""X-Ray's default rule: one request of each second, and a twentieth of the others."""
LOGS_KEPT_MONTHS = 3
AUDIT_ENTRY_BYTES = 1500
"""Assumed: the attributes that changed, as they were and are."""
INDEX_ENTRY_BYTES = 280
"""Of a record's keys in an index, with the 100 bytes that DynamoDB adds to each entry."""
LOGS_COMPRESSED = 0.15
"""CloudWatch charges for logs as it keeps them: its own examples take this share of what came in."""


@dataclass(frozen=True)
class Line:
    component: str
    what: str
    quantity: float
    price: Price

    @property
    def dollars(self) -> float:
        return self.quantity * self.price


@dataclass(frozen=True)
class Bill:
    """The last of `months` alike: what is processed in it, and what all of them left behind."""

    files: int
    usage: Usage
    lines: tuple[Line, ...]
    months: tuple[Month, ...]

    @property
    def dollars(self) -> float:
        return sum(line.dollars for line in self.lines)

    @property
    def components(self) -> dict[str, float]:
        totals: dict[str, float] = {}
        for line in self.lines:
            totals[line.component] = totals.get(line.component, 0) + line.dollars
        return totals


def bill(files: int, mix: Mix, plan: Plan, months: int) -> Bill:
    each = of_mix(mix) + of_formats(mix, plan.further_formats)
    usage = (each + of_trail(each) if plan.audit_trail else each) * files
    held = storage.held(files, mix, plan)
    if plan.audit_trail:
        held.append(Held(each.record_changes * files, AUDIT_ENTRY_BYTES))
    over_time = storage.months(held, months)
    month = over_time[-1]
    lines = [
        *_processing(usage),
        *_writes(usage, month),
        Line("EventBridge", "events", usage.events + month.told, prices.EVENT),
        *_table(files, mix, months),
        *_logs(usage, months),
        *_stored(month),
    ]
    return Bill(files, usage, tuple(lines), tuple(over_time))


def _processing(usage: Usage) -> Iterator[Line]:
    yield Line("Step Functions", "state transitions", usage.transitions, prices.STATE_TRANSITION)
    yield Line("Lambda", "invocations", usage.invocations, prices.LAMBDA_REQUEST)
    yield Line("Lambda", "GB-seconds", usage.gb_seconds, prices.LAMBDA_GB_SECOND)
    yield Line("Lambda", "GB-seconds of /tmp", usage.scratch_gb_seconds, prices.LAMBDA_SCRATCH_GB_SECOND)
    yield Line("S3 requests", "GET, HEAD", usage.s3_reads, prices.S3_READ)
    yield Line("DynamoDB", "write units", usage.table_writes, prices.DYNAMODB_WRITE)
    yield Line("DynamoDB", "read units", usage.table_reads, prices.DYNAMODB_READ)
    yield Line("SNS", "publishes", usage.publishes, prices.SNS_PUBLISH)
    yield Line("X-Ray", "traces", traces(usage.executions), prices.XRAY_TRACE)


def _writes(usage: Usage, month: Month) -> Iterator[Line]:
    """An original that arrives in a cold class costs more than any other write."""
    yield Line("S3 requests", "PUT, COPY", usage.s3_writes - sum(month.arrived.values()), prices.S3_WRITE)
    for name, count in month.arrived.items():
        yield Line("S3 requests", f"COPY into {name}", count, storage.MOVED[name])


def traces(executions: float) -> float:
    """Spread evenly over the month; in bursts, fewer are recorded."""
    first_of_each_second = min(executions, SECONDS_PER_MONTH)
    return first_of_each_second + TRACED_SHARE * (executions - first_of_each_second)


def _table(files: int, mix: Mix, months: int) -> Iterator[Line]:
    """Records stay for ever, and their keys in each index."""
    record = sum(share.share * measured().kinds[kind].record_bytes for kind, share in mix.kinds.items())
    gigabytes = files * (months - 0.5) * record / GIGABYTE
    indexed = files * (months - 0.5) * len(INDEXES) * INDEX_ENTRY_BYTES / GIGABYTE
    yield Line("DynamoDB", "GB of records and indexes", gigabytes + indexed, prices.DYNAMODB_STORAGE)
    yield Line("DynamoDB", "GB of recovery", gigabytes, prices.DYNAMODB_RECOVERY)


def _logs(usage: Usage, months: int) -> Iterator[Line]:
    ours, workflow = usage.function_log_bytes / GIGABYTE, usage.workflow_log_bytes / GIGABYTE
    kept = (ours + workflow) * LOGS_COMPRESSED * min(months, LOGS_KEPT_MONTHS)
    yield Line("Logs", "GB of the functions", ours, prices.LOG_GB)
    yield Line("Logs", "GB of the workflow", workflow, prices.LOG_GB)
    yield Line("Logs", "GB kept", kept, prices.LOG_STORAGE)


def _stored(month: Month) -> Iterator[Line]:
    for name, gigabytes in month.gigabytes.items():
        yield Line("S3 storage", f"GB in {name}", gigabytes, storage.STORED[name])
    for name, count in month.moved.items():
        yield Line("S3 storage", f"moves to {name}", count, storage.MOVED[name])
