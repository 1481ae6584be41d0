"""What bounds how many files a second one stage takes: what each needs, against AWS's default quotas in us-east-1."""

from collections.abc import Iterator
from dataclasses import dataclass

from infra.stages.stages import built_in
from workflow.operator.cost.bill import Bill, bill
from workflow.operator.cost.mix import Mix, Share
from workflow.operator.cost.stages import plan_of
from workflow.operator.cost.usage import of_mix

FILES_PER_SECOND = 1200
FILES_PER_DAY = 100_000_000
DAYS_PER_MONTH = 30
PHOTOGRAPHS = Mix({"image": Share(1, 3)}, rejected=0, duplicates=0)
STORING = {"S3 storage", "GB of records and indexes", "GB of recovery", "GB kept"}
"""What grows with what is kept, and not with what comes."""
HOTTEST_INDEX_UNITS = 0.5
"""A record comes to `processing`, and leaves it, in one of four shards; tests/unit/test_scaling.py counts."""


@dataclass(frozen=True)
class Bound:
    """What one file takes of something, and how much of it there is a second, by AWS's page."""

    what: str
    each: float
    quota: int
    more: str
    source: str

    @property
    def files_per_second(self) -> float:
        return self.quota / self.each


def bounds() -> Iterator[Bound]:
    each = of_mix(PHOTOGRAPHS)
    states, quotas, dynamodb = "Step Functions service quotas", "Lambda quotas", "Quotas in Amazon DynamoDB"
    yield Bound("executions started", each.executions, 300, "bursts of 1,300", states)
    yield Bound("state transitions", each.transitions, 5000, "", states)
    yield Bound("concurrent functions", each.seconds, 1000, "at once; each function may add 1,000 every 10 s", quotas)
    yield Bound(
        "write units of table and indexes",
        each.table_writes,
        40_000,
        "each index has as many; 4,000 while new",
        dynamodb,
    )
    yield Bound(
        "of these, the hottest partition of an index", HOTTEST_INDEX_UNITS, 1000, "fixed; more shards", dynamodb
    )
    yield Bound("events that start it", 1, 18_750, "", "Amazon EventBridge quotas")
    yield Bound("messages of outcomes", each.publishes, 30_000, "", "Amazon SNS endpoints and quotas")
    yield Bound("events of outcomes", 1, 10_000, "where a stage has a bus", "Amazon EventBridge quotas")


def processing() -> Bill:
    """A thousand photographs of 3 MB, with the settings of prod."""
    return bill(1000, PHOTOGRAPHS, plan_of(built_in()["prod"]), 1)


def processing_dollars(made: Bill) -> float:
    """Without what it costs to keep them."""
    return sum(line.dollars for line in made.lines if not {line.component, line.what} & STORING)
