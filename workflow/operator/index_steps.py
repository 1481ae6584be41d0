"""A table's indexes, changed one at a time: CloudFormation makes or removes one with each update of a stack.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-dynamodb-table.html
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from tasks.shared.indexes import INDEXES, OLD_INDEXES

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

ASKED_EVERY_SECONDS = 15
NEW = [index.name for index in INDEXES.values()]
OLD = [index.name for index in OLD_INDEXES.values()]

FILED_BY = OLD_INDEXES["by_status"].name


class IndexesError(Exception):
    """The settings ask for what would take records out of lists."""


def wanted(old_indexes: str) -> list[str]:
    """What a stage's table has, by its setting `storage.old_indexes`."""
    return NEW if old_indexes == "none" else [*NEW, *OLD]


def steps(now: Iterable[str], old_indexes: str) -> Iterator[list[str]]:
    """What the table has after each update, before the one that deploys all.

    First what is new, then what is old, and last the index by which records are filed anew.
    """
    have, end = list(now), wanted(old_indexes)
    gone = [name for name in reversed(OLD) if name in have and name not in end]
    changes = [*(name for name in end if name not in have), *gone]
    for name in changes[:-1]:
        have = [*have, name] if name in end else [each for each in have if each != name]
        yield have


def refuse_to_lose(
    now: Mapping[str, str], deployed: str, old_indexes: str, first_left: Callable[[], str | None]
) -> None:
    """Raises IndexesError where lists would lose records by going from the setting that is `deployed` to another.

    `now` has the indexes' states, `first_left` finds an asset whose record is not filed anew, which may take long.
    """
    if old_indexes in ("read", deployed) or not set(OLD) & set(now):
        return
    if any(now.get(name) != "ACTIVE" for name in NEW):
        raise _refused("today's indexes are not complete", 'Set storage.old_indexes = "read" first')
    if deployed == "read" and old_indexes == "none":
        raise _refused("executions of older versions may go on", 'Set storage.old_indexes = "kept" first')
    if now.get(FILED_BY) == "ACTIVE" and (left := first_left()):
        advice = "Run `sluice migrate` first, until it says 0 and leaves none out"
        raise _refused(f"the record of asset {left} is not filed anew", advice)


def _refused(because: str, advice: str) -> IndexesError:
    return IndexesError(
        f'Lists would lose records: {because}. {advice}: docs/scaling.md, "Tables of the first layout".'
    )


def indexes_of(dynamodb: "DynamoDBClient", table: str) -> Mapping[str, str]:
    """Their states by name: CREATING, ACTIVE, DELETING."""
    described: Any = dynamodb.describe_table(TableName=table)["Table"]
    return {index["IndexName"]: index["IndexStatus"] for index in described.get("GlobalSecondaryIndexes", [])}


def await_quiet(dynamodb: "DynamoDBClient", table: str, say: Callable[[str], None]) -> None:
    """Until no index is being made or removed: a large table's takes hours."""
    while busy := [name for name, state in indexes_of(dynamodb, table).items() if state != "ACTIVE"]:
        say(f"Waiting for {', '.join(busy)}.")
        time.sleep(ASKED_EVERY_SECONDS)
