"""An execution that ended badly leaves its status, reason and state in the record, and frees the asset."""

import pytest

from tasks.shared.naming import asset_id
from tasks.shared.records.adapter import Records
from tasks.shared.records.model import Reason
from tests.unit.cloud import TABLE
from tests.unit.images import sample


@pytest.fixture
def records(cloud):
    return Records(cloud.dynamodb, TABLE)


@pytest.fixture
def at_work(cloud, machine):
    """An execution that has begun and not ended."""
    at = cloud.upload("cat.jpg", sample("JPEG"))
    execution = machine.start({"bucket": at.bucket, "key": at.key, "version_id": at.version_id, "trigger": "upload"})
    execution.step()
    return execution


@pytest.fixture
def asset(at_work):
    wanted = at_work.state["asset"]
    return asset_id(wanted["bucket"], wanted["key"], wanted["version_id"])


def again(execution, trigger):
    """An execution input for the same version."""
    return {name: execution.state["asset"][name] for name in ("bucket", "key", "version_id")} | {"trigger": trigger}


@pytest.mark.parametrize(
    ("status", "error", "cause", "code", "message"),
    [
        ("FAILED", "TransientError", '{"errorMessage": "Slow."}', "TransientError", "Slow."),
        ("FAILED", "States.Runtime", "No such path.", "States.Runtime", "No such path."),
        ("TIMED_OUT", None, None, "TIMED_OUT", ""),
        ("TIMED_OUT", "States.Timeout", None, "States.Timeout", ""),
        ("ABORTED", "Stopped", "By Ada.", "Stopped", "By Ada."),
        ("ABORTED", None, None, "ABORTED", ""),
    ],
)
def test_bad_end_is_recorded_with_its_reason(
    cloud, machine, records, at_work, asset, status, error, cause, code, message
):
    machine.report_end(at_work.end(status, error, cause))
    record = records.assets.get(asset)
    assert record.status == "failed"
    assert record.reason == Reason(code=code, message=message, state="Transform")
    assert record.attempts[0].outcome == "failed"
    assert [event["data"]["reason"]["code"] for event in cloud.announced()] == [code]


def test_failed_asset_is_free_for_the_next_execution(machine, records, at_work, asset):
    machine.report_end(at_work.end("ABORTED"))
    assert records.claims.holder(asset) is None
    assert machine.run(again(at_work, "upload")).status == "SUCCEEDED"


def test_repeated_event_is_told_once(cloud, machine, at_work):
    at_work.end("FAILED", "X", "Y")
    machine.report_end(at_work)
    machine.report_end(at_work)
    assert len(cloud.announced()) == 1


def test_late_event_after_a_redrive_that_succeeded_changes_nothing(cloud, machine, records, at_work, asset):
    machine.report_end(at_work.end("ABORTED"))
    at_work.redrive()
    before = records.assets.get(asset)
    machine.report_end(at_work)
    assert records.assets.get(asset) == before
    assert before.status == "succeeded"


def test_late_event_during_a_redrive_changes_nothing(machine, records, at_work, asset):
    before = records.assets.get(asset)
    machine.report_end(at_work)
    assert records.assets.get(asset) == before
    assert records.claims.holder(asset) == at_work.name


def test_event_of_an_overtaken_execution_leaves_the_record_alone(machine, records, at_work, asset):
    machine.report_end(at_work.end("ABORTED"))
    machine.run(again(at_work, "manual"))
    before = records.assets.get(asset)
    machine.report_end(at_work)
    assert records.assets.get(asset) == before


def test_execution_that_ended_between_claim_and_record_frees_its_asset(machine, records, functions, monkeypatch, cloud):
    at = cloud.upload("cat.jpg", sample("JPEG"))
    with monkeypatch.context() as broken:
        broken.setattr("tasks.shared.records.assets.Assets.begin", None)
        failed = machine.run({"bucket": at.bucket, "key": at.key, "trigger": "upload"})
    asset = asset_id(at.bucket, at.key, at.version_id)
    assert records.claims.holder(asset) == failed.name
    machine.report_end(failed)
    assert records.claims.holder(asset) is None


def test_execution_without_an_asset_is_counted_and_logged(cloud, machine, capsys, log):
    failed = machine.run({"bucket": "elsewhere", "key": "cat.jpg"})
    machine.report_end(failed)
    assert '"ExecutionsFailed":[1.0]' in capsys.readouterr().out
    assert '"code":"InputError"' in log.getvalue()
    assert cloud.announced() == []
