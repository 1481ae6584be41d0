"""Counts what each function asks of AWS, in the units that AWS charges for."""

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from tasks.audit.changes import RECORD
from tasks.shared.indexes import INDEXES
from tests.cpu import cpu_ms
from tests.fakes.partitions import taken
from tests.unit.cloud import Cloud

S3_WRITES = {"PutObject", "CopyObject", "CreateMultipartUpload", "UploadPart", "UploadPartCopy"}
S3_WRITES |= {"CompleteMultipartUpload", "ListObjectsV2", "ListObjectVersions"}
S3_READS = {"GetObject", "HeadObject", "GetObjectAttributes"}
ONCE_A_MINUTE = "GetParameter"
"""Of the live settings: whatever the files, and for nothing."""
FREE = {"DeleteObject", "AbortMultipartUpload"}
Item = Mapping[str, Mapping[str, Any]]
_requests = itertools.count()


@dataclass
class Metered:
    """All that one function used in one execution, over all of its invocations."""

    invocations: int = 0
    cpu_ms: int = 0
    calls: int = 0
    s3_writes: int = 0
    s3_reads: int = 0
    table_writes: int = 0
    record_changes: int = 0
    table_reads: int = 0
    publishes: int = 0
    events: int = 0


@dataclass(frozen=True)
class Write:
    """The units that one request takes of a partition: of the table where `index` is ""."""

    request: int
    index: str
    partition: str
    units: int


@dataclass
class Meter:
    """Hears all clients while a function works; `around` is for a `Machine`."""

    cloud: Cloud
    used: dict[str, Metered] = field(default_factory=dict)
    _at: list[str] = field(default_factory=list)
    writes: list["Write"] = field(default_factory=list)
    _updates: list[tuple[dict[str, Any], Item]] = field(default_factory=list)

    @contextmanager
    def installed(self) -> Iterator[None]:
        """On every client but the meter's own: functions may have been loaded with other ones than the next has."""
        direct = BaseClient._make_api_call

        def call(client: BaseClient, operation: str, parameters: Any) -> Any:
            if client is self.cloud.dynamodb or not self._at:
                return direct(client, operation, parameters)
            self._asked(operation, parameters)
            try:
                answer = direct(client, operation, parameters)
            except ClientError as exc:
                self._answered(operation, exc.response)
                raise
            self._answered(operation, answer)
            return answer

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(BaseClient, "_make_api_call", call)
            yield

    @property
    def around(self) -> Callable[[str], AbstractContextManager[None]]:
        return self._invoked

    @contextmanager
    def _invoked(self, function: str) -> Iterator[None]:
        metered = self.used.setdefault(function, Metered())
        self._at.append(function)
        started = cpu_ms()
        yield
        self._at.pop()
        metered.invocations += 1
        metered.cpu_ms += round(cpu_ms() - started)

    def _asked(self, operation: str, parameters: Any) -> None:
        if operation == "UpdateItem":
            key = {name: parameters[name] for name in ("TableName", "Key")}
            self._updates.append((key, self._item(key)))

    def _answered(self, operation: str, parsed: Any) -> None:
        if operation == ONCE_A_MINUTE:
            return
        metered = self.used[self._at[-1]]
        metered.calls += 1
        metered.s3_writes += operation in S3_WRITES
        metered.s3_reads += operation in S3_READS
        metered.publishes += operation == "Publish"
        metered.events += operation == "PutEvents"
        if operation in {"GetItem", "Query", "BatchGetItem"}:
            metered.table_reads += read_units(parsed)
        elif operation == "UpdateItem":
            key, before = self._updates.pop()
            after = self._item(key)
            written = list(writes(key["Key"], before, after))
            self.writes += written
            metered.table_writes += sum(each.units for each in written)
            metered.record_changes += key["Key"]["sk"]["S"] == RECORD and before != after
        else:
            assert operation in S3_WRITES | S3_READS | FREE | {"Publish", "PutEvents"}, operation

    def _item(self, key: Mapping[str, Any]) -> Item:
        return self.cloud.dynamodb.get_item(**key).get("Item", {})


def writes(key: Item, before: Item, after: Item) -> Iterator[Write]:
    """What one request takes of the table and of its indexes."""
    request, places = next(_requests), {index.name: (index.partition, index.sort) for index in INDEXES.values()}
    for index, partition, units in taken({"": ("pk", "sk"), **places}, {**before, **key}, after, kilobytes):
        yield Write(request, index, partition, units)


def read_units(answer: Mapping[str, Any]) -> int:
    """A query is charged for the sum of what it read, a batch for each of its items."""
    if "Responses" in answer:
        return sum(math.ceil(size_of(item) / 4096) for items in answer["Responses"].values() for item in items)
    items = answer.get("Items", [answer.get("Item", {})])
    return max(1, math.ceil(sum(size_of(item) for item in items) / 4096))


def kilobytes(item: Item) -> int:
    return math.ceil(size_of(item) / 1024)


def size_of(item: Item) -> int:
    """Names and values in UTF-8, as DynamoDB counts."""
    return sum(len(name) + _size(value) for name, value in item.items())


def _size(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    if kind == "M":
        return 3 + sum(len(name) + 1 + _size(each) for name, each in content.items())
    if kind == "L":
        return 3 + sum(1 + _size(each) for each in content)
    if kind == "N":
        return len(content) // 2 + 1
    return 1 if kind in {"BOOL", "NULL"} else len(str(content).encode())
