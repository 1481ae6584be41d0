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


class IndexesError(Exception):
    """The settings ask for what would take records out of lists."""


def wanted(old_indexes: str) -> list[str]:
    """What a stage's table has, by its setting `storage.old_indexes`."""
    return NEW if old_indexes == "none" else [*NEW, *OLD]


def steps(now: Iterable[str], old_indexes: str) -> Iterator[list[str]]:
    """What the table has after each update, before the one that deploys all; first what is new, then what is old."""
    have, end = list(now), wanted(old_indexes)
    if not set(NEW) & set(have) and have and old_indexes != "read":
        raise IndexesError(
            "The table has the indexes of the first layout alone, and lists would lose what is not filed anew. Set "
            'storage.old_indexes = "read" first: docs/scaling.md, "Tables of the first layout".'
        )
    changes = [*(name for name in end if name not in have), *(name for name in have if name not in end)]
    for name in changes[:-1]:
        have = [*have, name] if name in end else [each for each in have if each != name]
        yield have


def indexes_of(dynamodb: "DynamoDBClient", table: str) -> Mapping[str, str]:
    """Their states by name: CREATING, ACTIVE, DELETING."""
    described: Any = dynamodb.describe_table(TableName=table)["Table"]
    return {index["IndexName"]: index["IndexStatus"] for index in described.get("GlobalSecondaryIndexes", [])}


def await_quiet(dynamodb: "DynamoDBClient", table: str, say: Callable[[str], None]) -> None:
    """Until no index is being made or removed: a large table's takes hours."""
    while busy := [name for name, state in indexes_of(dynamodb, table).items() if state != "ACTIVE"]:
        say(f"Waiting for {', '.join(busy)}.")
        time.sleep(ASKED_EVERY_SECONDS)
