"""A record of each kind, as it stands in DynamoDB, is read whole; and told to people as it stands there."""

import json
from decimal import Decimal
from typing import Any

import pytest
from boto3.dynamodb.types import TypeSerializer
from msgspec.structs import replace

from tasks.shared.records.attempts import closed, is_over
from tasks.shared.records.model import Listed, Record, decoded, facts_of, plain
from tasks.shared.records.table import Table
from workflow.errors import UnreadableRecord

ASSET = "a" * 32
RUN = {"execution": "first", "execution_arn": "arn:aws:states:eu-central-1:123456789012:execution:sluice:first"}
OPENED = {"number": 1, "trigger": "upload", "started_at": "2026-11-23T10:00:00+00:00", "event_id": "e1", **RUN}
FAILED = {**OPENED, "outcome": "failed", "ended_at": "2026-11-23T10:00:09+00:00"}
ARCHIVED = {"bucket": "archive", "key": f"photos/{ASSET}/cat.jpg", "version_id": "v9", "storage_class": "STANDARD_IA"}
MADE = {
    "name": "web",
    "bucket": "output",
    "key": f"renditions/{ASSET}/2-webp/web.webp",
    "content_type": "image/webp",
    "bytes": 1200,
    "sha256": "1" * 64,
    "width": 640,
    "height": 480,
}
PROCESSING = {
    "pk": f"asset#{ASSET}",
    "sk": "record",
    "status": "processing",
    **RUN,
    "attempts": [OPENED],
    "original": {"bucket": "ingest", "key": "photos/cat.jpg", "version_id": "v1", "storage_class": "STANDARD"},
    "updated_at": "2026-11-23T10:00:01+00:00",
    "created_at": "2026-11-23T10:00:01+00:00",
    "upload_order": f"2026-11-23T09:59:58+00:00#{'0055AED6DCD90281E5'.ljust(64, '0')}",
    "asset_id": ASSET,
    "bucket": "ingest",
    "key": "photos/cat.jpg",
    "object_key": "ingest/photos/cat.jpg",
    "version_id": "v1",
    "size": 885,
    "etag": "etag",
    "last_modified": "2026-11-23T09:59:58+00:00",
    "declared_type": "",
    "sequencer": "0055AED6DCD90281E5",
}
LEARNT = {
    **PROCESSING,
    "kind": "image",
    "media_type": "image/jpeg",
    "notes": [],
    "sha256": "2" * 64,
    "recipe": "2-webp",
    "renditions": [MADE],
    "facts": {"width": 640, "exposure_seconds": 0.005, "has_alpha": False, "gps": {"lat": 50.5, "lon": -1}},
    "technical": {"bucket": "output", "key": f"metadata/{ASSET}/technical.json", "storage_class": "STANDARD"},
    "thumbnails": [{**MADE, "name": "256"}],
    "thumbhash": "1QcSHQRnh493V4dIh4eXh1h4kJUI",
    "dominant_color": "#102030",
    "timings": {"validate": 12, "transform": 340},
    "sidecar": {"bucket": "output", "key": f"metadata/{ASSET}/sidecar.json", "storage_class": "STANDARD"},
    "pipeline_version": "2",
}
SUCCEEDED = {
    **LEARNT,
    "status": "succeeded",
    "original": ARCHIVED,
    "attempts": [{**OPENED, "outcome": "succeeded", "ended_at": "2026-11-23T10:00:09+00:00"}],
    "announced": {"succeeded": f"{ASSET}-succeeded-12345678", "succeeded on bus": f"{ASSET}-succeeded-12345678"},
}
REJECTED = {
    **PROCESSING,
    "status": "rejected",
    "attempts": [{**OPENED, "outcome": "rejected", "ended_at": "2026-11-23T10:00:09+00:00"}],
    "reason": {"code": "EmptyFile", "message": "The file has no bytes.", "until": "2027-05-22"},
    "original": {**ARCHIVED, "bucket": "quarantine"},
    "announced": {"rejected": f"{ASSET}-rejected-12345678"},
}
REASON = {"code": "TransientError", "message": "Slow down.", "state": "Transform"}
ITEMS: dict[str, dict[str, Any]] = {
    "processing": PROCESSING,
    "succeeded, the original not yet put away": {**LEARNT, "status": "succeeded"},
    "succeeded": SUCCEEDED,
    "without previews": {
        **{name: value for name, value in SUCCEEDED.items() if name not in {"thumbhash", "dominant_color"}},
        "thumbnails": [],
        "degraded": "No thumbnails: The rendition cannot be read.",
    },
    "duplicate of known content": {**SUCCEEDED, "reused_from": "b" * 32},
    "rejected": REJECTED,
    "discarded": {
        **REJECTED,
        "status": "discarded",
        "discarded": {"by": "ada", "why": "spam", "at": "2026-11-24T10:00:00+00:00"},
    },
    "failed": {**PROCESSING, "status": "failed", "attempts": [FAILED], "reason": REASON},
    "failed before it entered a state": {
        **PROCESSING,
        "status": "failed",
        "attempts": [FAILED],
        "reason": {**REASON, "state": ""},
    },
    "redriven": {
        **PROCESSING,
        "attempts": [
            FAILED,
            {"number": 2, "trigger": "redrive", "started_at": "2026-11-23T11:00:00+00:00", "by": "ada", **RUN},
        ],
    },
    "reprocessed by a batch": {
        **SUCCEEDED,
        "attempts": [FAILED, {**FAILED, "number": 2, "trigger": "reprocess", "batch": "b1", "by": "ada", "why": "new"}],
    },
    "restore asked for": {
        **SUCCEEDED,
        "original": {**ARCHIVED, "storage_class": "DEEP_ARCHIVE"},
        "restore": {
            "tier": "Bulk",
            "days": 7,
            "asked_at": "2026-11-24T10:00:00+00:00",
            "by": "ada",
            "why": "new recipe",
            "then_reprocess": True,
        },
    },
    "restored": {**SUCCEEDED, "restored_until": "2026-12-01T00:00:00Z"},
    "member of a ZIP": {**SUCCEEDED, "parent": "c" * 32, "bucket": "expanded", "object_key": "expanded/photos/cat.jpg"},
    "table": {
        **SUCCEEDED,
        "kind": "table",
        "renditions": [{name: value for name, value in MADE.items() if name not in {"width", "height"}}],
        "glue_tables": [
            {"table": "orders", "left_out": [], "name": "sluice.orders_1f0e9c2b"},
            {"table": "times", "left_out": ["t: TIME"]},
        ],
    },
    "long video": {**SUCCEEDED, "kind": "video", "facts": {"duration_seconds": 5400.25, "parts": 12}},
    "uploaded without a sequencer": {name: value for name, value in SUCCEEDED.items() if name != "sequencer"},
}
LATER = {
    **REJECTED,
    "attempts": [{**OPENED, "region": "eu-central-1"}],
    "reason": {**REASON, "advice": {"page": "runbook"}},
    "verdict": {"by": "a later version"},
}


class Stored:
    """DynamoDB with one item, in its own form."""

    def __init__(self, item: dict[str, Any]) -> None:
        plain = json.loads(json.dumps(item), parse_float=Decimal)
        self._item = {name: TypeSerializer().serialize(value) for name, value in plain.items()}

    def get_item(self, **_: Any) -> dict[str, Any]:
        return {"Item": self._item}


def read(item: dict[str, Any]) -> Record:
    found: Any = Table(Stored(item), "table").get({"pk": item["pk"], "sk": "record"})
    return decoded(found, Record)


@pytest.mark.parametrize("name", ITEMS)
def test_record_is_told_as_it_stands_in_the_table(name):
    assert facts_of(read(ITEMS[name])) == ITEMS[name]


@pytest.mark.parametrize("name", ITEMS)
def test_all_that_is_written_today_is_known(name):
    record = read(ITEMS[name])
    parts = (record, *record.attempts, record.reason, record.restore, record.discarded, *(record.glue_tables or ()))
    assert [part.later for part in parts if part] == [{} for part in parts if part]


def test_what_a_later_version_wrote_is_kept_and_told():
    record = read(LATER)
    assert facts_of(record) == LATER
    (ended,) = closed(record.attempts, "first", "failed")
    assert plain(ended)["region"] == "eu-central-1"
    assert facts_of(replace(record, status="failed"))["verdict"] == {"by": "a later version"}


def test_list_shows_the_same_of_a_record():
    item = {name: value for name, value in SUCCEEDED.items() if name in Listed.__struct_fields__}
    listed, record = decoded(item, Listed), read(SUCCEEDED)
    assert all(getattr(listed, name) == getattr(record, name) for name in Listed.__struct_fields__)


def test_item_of_somebody_else_is_refused_with_what_is_wrong():
    with pytest.raises(UnreadableRecord, match=rf"asset {ASSET} cannot be read: Expected `int`, got `str` .*size"):
        read({**PROCESSING, "size": "large"})


@pytest.mark.parametrize(
    ("name", "over"),
    [
        ("processing", False),
        ("succeeded, the original not yet put away", False),
        ("succeeded", True),
        ("rejected", True),
        ("failed", True),
        ("redriven", False),
    ],
)
def test_record_says_whether_the_asset_has_ended(name, over):
    assert is_over(read(ITEMS[name])) is over
