"""One message per outcome, in the form of CloudEvents 1.0, that subscribers can filter by."""

import dataclasses
import json
import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tasks.shared.announce import Announcer, cloud_event
from tasks.shared.outcome_events import OutcomeBus
from tasks.shared.records.adapter import Records
from tasks.shared.records.model import Reason
from tests.unit.cloud import TABLE, TOPIC, Cloud, a_record
from workflow.errors import TransientError
from workflow.shapes import MadeFile, dump

ASSET = "a" * 32
MADE = MadeFile(
    name="web",
    bucket="output",
    key="renditions/x/web.webp",
    content_type="image/webp",
    bytes=120,
    sha256="1" * 64,
)
RECORD = a_record(
    ASSET,
    status="processing",
    bucket="ingest",
    key="photos/2024/cat.jpg",
    kind="image",
    renditions=[dump(MADE)],
    thumbnails=[dump(MADE) | {"name": "128", "sha256": "2" * 64}],
)

Announce = Callable[..., str]


@pytest.fixture
def announce(cloud: Cloud) -> Announce:
    records = Records(cloud.dynamodb, TABLE)
    announcer = Announcer(cloud.sns, records, TOPIC)
    cloud.put_record(RECORD)

    def call(outcome: str = "succeeded", **changes: object) -> str:
        announced = cloud.record(ASSET).get("announced", {})
        return announcer.announce(replace(RECORD, announced=announced, **changes), outcome)

    return call


@pytest.mark.parametrize("outcome", ["succeeded", "rejected", "failed"])
def test_message_is_a_cloud_event(cloud, announce, outcome):
    announce(outcome, reason=Reason(code="EmptyFile", message="It has no bytes."))
    (event,) = cloud.announced()
    assert {name: event[name] for name in ("specversion", "source", "type", "subject", "datacontenttype")} == {
        "specversion": "1.0",
        "source": "/sluice/ingest",
        "type": f"sluice.asset.{outcome}",
        "subject": "photos/2024/cat.jpg",
        "datacontenttype": "application/json",
    }
    assert event["id"].startswith(f"{ASSET}-{outcome}-")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00", event["time"])
    assert event["data"]["status"] == outcome
    assert event["data"]["renditions"] == [dump(MADE)]
    assert event["data"].keys().isdisjoint({"pk", "attempts"})


def test_outcome_is_told_once(cloud, announce):
    assert announce() == announce()
    assert len(cloud.announced()) == 1


def test_each_outcome_is_told(cloud, announce):
    for outcome in ("failed", "succeeded", "rejected"):
        announce(outcome)
    assert [event["data"]["status"] for event in cloud.announced()] == ["failed", "succeeded", "rejected"]


def test_changed_files_are_a_new_event(cloud, announce):
    first = announce()
    second = announce(renditions=(dataclasses.replace(MADE, sha256="3" * 64),))
    assert [event["id"] for event in cloud.announced()] == [first, second]
    assert first != second


def test_the_same_outcome_of_another_execution_is_the_same_event():
    assert cloud_event(RECORD, "succeeded")["id"] == cloud_event(replace(RECORD, execution="second"), "succeeded")["id"]


def test_each_failed_execution_is_told(cloud, announce):
    announce("failed")
    announce("failed", execution="second")
    announce("failed", execution="second")
    assert len(cloud.announced()) == 2


def test_success_does_not_repeat_the_reason_of_an_earlier_failure():
    event = cloud_event(replace(RECORD, status="failed", reason=Reason(code="Old", message="It was old.")), "succeeded")
    assert "reason" not in event["data"]


@pytest.mark.wire
@pytest.mark.parametrize(
    ("policy", "is_delivered"),
    [
        ({"status": ["succeeded"]}, True),
        ({"status": ["rejected", "failed"]}, False),
        ({"kind": ["image"]}, True),
        ({"kind": ["audio"]}, False),
        ({"prefix": [{"prefix": "photos/"}]}, True),
        ({"prefix": [{"prefix": "invoices/"}]}, False),
        ({"status": ["succeeded"], "prefix": [{"prefix": "photos/2024/"}]}, True),
    ],
)
def test_subscribers_filter_by_attributes(cloud, announce, policy, is_delivered):
    queue = cloud.subscribe("filtered", policy)
    announce()
    assert len(cloud.envelopes(queue)) == int(is_delivered)


@pytest.mark.parametrize(("key", "prefix"), [("cat.jpg", "/"), ("a/b/cat.jpg", "a/b/"), ("ü/cat.jpg", "ü/")])
def test_prefix_is_the_folder(cloud, announce, key, prefix):
    announce(key=key)
    (envelope,) = cloud.envelopes()
    assert envelope["MessageAttributes"]["prefix"]["Value"] == prefix


@given(key=st.text(min_size=1, max_size=1024), outcome=st.sampled_from(["succeeded", "rejected", "failed"]))
def test_any_key_makes_a_subject_that_sns_takes(key, outcome):
    sent = []

    class Topic:
        def publish(self, **message):
            sent.append(message)

    class Forgetful:
        assets = SimpleNamespace(note_announced=lambda *_: None)

    Announcer(Topic(), Forgetful(), TOPIC).announce(replace(RECORD, key=key), outcome)
    assert re.fullmatch(r"[a-z][\x20-\x7e]{0,99}", sent[0]["Subject"])


def test_file_name_in_the_subject_survives_a_long_folder(cloud, announce):
    announce(key=f"{'folder/' * 30}Zürich.jpg")
    (envelope,) = cloud.envelopes()
    assert envelope["Subject"].startswith("succeeded: ")
    assert envelope["Subject"].endswith("/Z?rich.jpg")


# the bus


class Bus:
    """EventBridge, as far as an event gets there: `refusals` are how many of the next puts it refuses."""

    def __init__(self, refusals: int = 0) -> None:
        self.refusals = refusals
        self.entries: list[dict[str, Any]] = []

    def put_events(self, *, Entries: list[dict[str, Any]]) -> dict[str, Any]:  # noqa: N803 - AWS's spelling
        if self.refusals:
            self.refusals -= 1
            return {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "ThrottlingException", "ErrorMessage": "slow"}]}
        self.entries += Entries
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}


@pytest.fixture
def announce_with(cloud: Cloud) -> Callable[[Bus], str]:
    records = Records(cloud.dynamodb, TABLE)
    cloud.put_record(RECORD)

    def call(bus: Bus) -> str:
        announcer = Announcer(cloud.sns, records, TOPIC, OutcomeBus(bus, "own"))
        announced = cloud.record(ASSET).get("announced", {})
        return announcer.announce(replace(RECORD, announced=announced), "succeeded")

    return call


def test_bus_and_topic_carry_the_same_event_once(cloud, announce_with):
    bus = Bus()
    assert announce_with(bus) == announce_with(bus)
    (entry,), (message,) = bus.entries, cloud.announced()
    assert (entry["EventBusName"], entry["Source"], entry["DetailType"]) == ("own", "sluice", "sluice.asset.succeeded")
    assert json.loads(entry["Detail"]) == message


def test_bus_that_refuses_is_tried_again_and_the_topic_is_told_when_all_others_are(cloud, announce_with):
    bus = Bus(refusals=1)
    with pytest.raises(TransientError, match="slow"):
        announce_with(bus)
    assert cloud.announced() == [], "that the topic was told is taken for proof that all were"
    announce_with(bus)
    assert (len(bus.entries), len(cloud.announced())) == (1, 1)
