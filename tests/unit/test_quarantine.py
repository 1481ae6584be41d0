"""Who looks at a rejected file learns until when it is there."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

from tasks.shared.naming import asset_id
from tests.unit.cloud import QUARANTINE, Cloud, load_function
from tests.unit.state_machine import Machine


def reject(cloud: Cloud, machine: Machine) -> tuple[dict[str, Any], dict[str, Any]]:
    """The reason in the record, and the one beside the original."""
    at = cloud.upload("notes.exe", b"MZ" + bytes(100))
    machine.run({"bucket": at.bucket, "key": at.key, "version_id": at.version_id, "trigger": "upload"})
    record = cloud.record(asset_id(at.bucket, at.key, str(at.version_id)))
    (beside,) = (key for key in cloud.keys(QUARANTINE) if key.endswith(".reason.json"))
    return record["reason"], json.loads(cloud.read(QUARANTINE, beside))


def test_reason_says_until_when_the_original_is_kept(cloud: Cloud, machine: Machine) -> None:
    day_before = datetime.now(UTC).date()
    reason, beside = reject(cloud, machine)
    assert reason["until"] == beside["until"]
    assert day_before <= date.fromisoformat(reason["until"]) - timedelta(days=180) <= datetime.now(UTC).date()


def test_reason_of_what_is_kept_for_ever_names_no_day(cloud: Cloud, machine: Machine) -> None:
    quarantine = load_function("quarantine", QUARANTINE_DAYS="0")
    machine.functions = {**machine.functions, "quarantine": quarantine}
    assert "until" not in reject(cloud, machine)[0]
