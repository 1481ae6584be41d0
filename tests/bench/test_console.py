"""Pages of the console over a full table, beside those over an almost empty one. On demand: pytest -m bench -n0 -s."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from boto3.dynamodb.types import TypeSerializer

from tasks.shared.indexes import filed
from tasks.shared.records.model import facts_of
from tests.integration.conftest import LocalStack, start_stack  # noqa: F401 - a fixture
from tests.unit.cloud import a_record
from workflow.operator.client import Sluice
from workflow.operator.console import listing
from workflow.operator.console.listing import Filter

pytestmark = [pytest.mark.bench, pytest.mark.timeout(3600)]

MANY, FEW = 50_000, 500
AT_ONCE = 25
PAGE = 24
READ_AT_MOST = 5 * (PAGE + 1)
"""One page of each status; a search reads a hundred at once."""
RUNS = 5
NOW = datetime(2026, 11, 23, tzinfo=UTC)
STATUSES = ("succeeded",) * 17 + ("rejected", "rejected", "failed")
KINDS = ("image", "video", "audio", "table", "document")

serialize = TypeSerializer().serialize


def record(number: int) -> dict[str, Any]:
    """About as large as a real one; every status and kind is spread over the time."""
    at, status = (NOW - timedelta(seconds=number)).isoformat(), STATUSES[number % len(STATUSES)]
    known: dict[str, Any] = {
        "key": f"folder-{number % 100}/file-{number}.jpg", "kind": KINDS[number % len(KINDS)], "status": status,
        "execution": f"e{number}", "updated_at": at, "upload_order": at, "facts": {"text": "x" * 1500},
    }  # fmt: skip
    reason = {} if status == "succeeded" else {"reason": {"code": "KeyError"}}
    facts = facts_of(a_record(f"{number:032x}", **known, **reason))
    return {name: serialize(value) for name, value in {**facts, **filed(facts)}.items()}


def fill(sluice: Sluice, count: int) -> None:
    dynamodb, table = sluice.aws.dynamodb, sluice.stack.table
    for first in range(0, count, AT_ONCE):
        requests = [{"PutRequest": {"Item": record(number)}} for number in range(first, first + AT_ONCE)]
        dynamodb.batch_write_item(RequestItems={table: requests})


@pytest.fixture(scope="module")
def stack(start_stack: Callable[[str], LocalStack]) -> LocalStack:  # noqa: F811 - a fixture of the same name
    return start_stack("bench-console")


@pytest.fixture(scope="module")
def tables(stack: LocalStack) -> dict[str, Sluice]:
    """Two copies of the table beside the stack's own: one of a day, one of years."""
    own, dynamodb = stack.client, stack.connection.dynamodb
    described = dynamodb.describe_table(TableName=own.stack.table)["Table"]
    indexes = [
        {name: index[name] for name in ("IndexName", "KeySchema", "Projection")}
        for index in described["GlobalSecondaryIndexes"]
    ]
    found = {}
    for name, count in (("few", FEW), ("many", MANY)):
        dynamodb.create_table(
            TableName=name, KeySchema=described["KeySchema"], BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=described["AttributeDefinitions"], GlobalSecondaryIndexes=indexes,
        )  # fmt: skip
        clients = {"dynamodb": dynamodb, "stepfunctions": stack.connection.stepfunctions}
        found[name] = Sluice(SimpleNamespace(stack=replace(own.stack, table=name), **clients))
        fill(found[name], count)
    return found


@dataclass
class Cost:
    """Of one page: the records that DynamoDB read for it, and the fastest of a few times."""

    queries: int = 0
    records: int = 0
    seconds: float = float("inf")

    def heard(self, parsed: dict[str, Any], **_: Any) -> None:
        self.queries += 1
        self.records += parsed["ScannedCount"]


def cost(sluice: Sluice, wanted: Filter, token: Any = None) -> Cost:
    found, events = Cost(), sluice.aws.dynamodb.meta.events
    events.register("after-call.dynamodb.Query", found.heard, unique_id="cost")
    page = listing.assets(sluice, wanted, size=PAGE, token=token)
    events.unregister("after-call.dynamodb.Query", unique_id="cost")
    assert len(page.rows) == PAGE
    for _ in range(RUNS):
        started = time.perf_counter()
        listing.assets(sluice, wanted, size=PAGE, token=token)
        found.seconds = min(found.seconds, time.perf_counter() - started)
    return found


@pytest.mark.parametrize(
    "wanted",
    [Filter(), Filter(statuses=("rejected",)), Filter(kind="table"), Filter(statuses=("rejected",), code="KeyError")],
    ids=["all", "of a status", "of a kind", "of an error"],
)
def test_a_page_reads_no_more_of_a_full_table(tables: dict[str, Sluice], wanted: Filter):
    few, many = cost(tables["few"], wanted), cost(tables["many"], wanted)
    print(f"\n{wanted}\n  of {FEW:,}: {few}\n  of {MANY:,}: {many}")
    assert many.queries <= few.queries
    assert many.records <= READ_AT_MOST


def test_a_later_page_reads_no_more_than_the_first(tables: dict[str, Sluice]):
    first = page = listing.assets(tables["many"], Filter(), size=PAGE)
    for _ in range(20):
        page = listing.assets(tables["many"], Filter(), size=PAGE, token=page.next)
    later = cost(tables["many"], Filter(), page.next)
    print(f"\npage 22: {later}")
    assert first.rows[0].asset_id != page.rows[0].asset_id
    assert later.records <= READ_AT_MOST
