"""One upload in one cloud, and what must always hold of it."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, NamedTuple

import pytest

from tasks.shared.naming import asset_id, original_key
from tasks.shared.records.adapter import Records
from tests.fakes.aws import Account
from tests.faults.wire import Wire
from tests.unit.cloud import ARCHIVE, INGEST, OUTPUT, PLACES, QUARANTINE, TABLE, Cloud, fake_cloud
from tests.unit.images import sample
from tests.unit.state_machine import Execution, FunctionError, Machine
from workflow.shapes import Pointer

KEY = "photos/cat.jpg"
ACCEPTED = sample("JPEG")
REFUSED = b"MZ" + bytes(200)
CHANGING = {"timings", "execution_arn", "last_modified", "version_id", "source", "attempt"}
"""What of a sidecar tells of the execution and not of the file."""


class Undisturbed(NamedTuple):
    """The AWS calls and the objects of a run in which nothing breaks."""

    calls: list[str]
    made: dict[str, Any]


@dataclass
class World:
    """An uploaded file, the state machine, and the wire between the functions and AWS."""

    account: Account
    cloud: Cloud
    machine: Machine
    upload: Pointer
    data: bytes
    wire: Wire = field(default_factory=Wire)

    @property
    def asset(self) -> str:
        return asset_id(self.upload.bucket, self.upload.key, str(self.upload.version_id))

    @property
    def records(self) -> Records:
        return Records(self.cloud.dynamodb, TABLE)

    @property
    def record(self) -> dict[str, Any]:
        record = self.cloud.record(self.asset)
        assert record, "The asset has no record."
        return record

    def event(self, **changes: Any) -> dict[str, Any]:
        """The execution input that the EventBridge rule makes."""
        return {
            "bucket": self.upload.bucket,
            "key": self.upload.key,
            "version_id": self.upload.version_id,
            "size": len(self.data),
            "etag": "e",
            "sequencer": "0055AED6DCD90281E5",
            "event_id": "17793124-05d4-b198-2fde-7ededc63b103",
            "trigger": "upload",
            **changes,
        }

    def by_hand(self) -> dict[str, Any]:
        return {"bucket": self.upload.bucket, "key": self.upload.key}

    def deliver(self) -> Execution:
        return self.machine.run(self.event())

    def report_until_heard(self, execution: Execution) -> None:
        """Lambda tries an asynchronous invocation again, twice."""
        with suppress(FunctionError):
            return self.machine.report_end(execution)
        return self.machine.report_end(execution)

    def places(self) -> list[str]:
        """The buckets that hold the original's bytes."""
        kept_as = original_key(self.upload.key, self.asset)
        address = {INGEST: {"Key": self.upload.key, "VersionId": self.upload.version_id}}
        return [place for place in PLACES if self._holds(place, address.get(place, {"Key": kept_as}))]

    def _holds(self, bucket: str, address: Mapping[str, Any]) -> bool:
        try:
            etag = self.cloud.s3.head_object(Bucket=bucket, **address)["ETag"]
        except self.cloud.s3.exceptions.ClientError:
            return False
        return etag.strip('"') == hashlib.md5(self.data, usedforsecurity=False).hexdigest()

    def check_not_lost(self) -> None:
        assert self.places(), f"The original is lost after {self.wire.calls[-1]}."

    def check_succeeded(self) -> None:
        record = self.record
        assert record["status"] == "succeeded"
        assert "reason" not in record
        assert record["attempts"][-1]["outcome"] == "succeeded"
        assert self.places() == [ARCHIVE]
        listed = [*record["renditions"], *record["thumbnails"], record["sidecar"], record["technical"]]
        original = record["original"]
        assert self.cloud.exists(original["bucket"], original["key"], original["version_id"])
        assert {file["key"] for file in listed} == set(self.cloud.keys(OUTPUT))
        assert self.records.current.of_key(INGEST, self.upload.key) == self.asset
        self._check_ended("succeeded")

    def check_rejected(self) -> None:
        record = self.record
        assert record["status"] == "rejected"
        assert record["reason"]["code"] == "ForbiddenType"
        assert record["original"]["bucket"] == QUARANTINE
        assert self.places() == [QUARANTINE]
        reason = json.loads(self.cloud.read(QUARANTINE, f"{original_key(self.upload.key, self.asset)}.reason.json"))
        assert reason["code"] == "ForbiddenType"
        assert self.cloud.keys(OUTPUT) == []
        self._check_ended("rejected")

    def _check_ended(self, outcome: str) -> None:
        events = [event for event in self.cloud.announced() if event["type"] == f"sluice.asset.{outcome}"]
        assert {event["id"] for event in events} == {self.record["announced"][outcome]}
        assert self.records.claims.holder(self.asset) is None
        repeated = self.deliver()
        assert repeated.path == ["Validate", "Duplicate"], "A late repeat of the event was not recognised."

    def made(self) -> dict[str, Any]:
        """Every object that was made, by a key in which the asset is replaced by a name that worlds share."""
        return {
            key.replace(self.asset, "ASSET"): self._comparable(key, data)
            for key, data in self.cloud.contents(OUTPUT).items()
        }

    def _comparable(self, key: str, data: bytes) -> Any:
        if not key.endswith("sidecar.json"):
            return data
        facts: Mapping[str, Any] = json.loads(data.replace(self.asset.encode(), b"ASSET"))
        return {name: value for name, value in facts.items() if name not in CHANGING}


@contextmanager
def new_world(
    functions: Mapping[str, ModuleType], monkeypatch: pytest.MonkeyPatch, data: bytes, wire: Wire | None = None
) -> Iterator[World]:
    """A fresh cloud in which `data` was uploaded; calls of the functions go over `wire`."""
    account, wire = Account(), wire or Wire()
    with fake_cloud(account) as cloud, wire.connected(monkeypatch):
        upload = cloud.upload(KEY, data, ContentType="image/jpeg")
        world = World(account, cloud, Machine(functions, wire.invocation), upload, data, wire)
        wire.after_write = world.check_not_lost
        yield world
