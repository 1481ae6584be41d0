"""Executions that failed and that nobody has recorded: whatever is asked, the answer is that they failed."""

import pytest

from tests.unit.images import sample
from workflow.operator.operations.redrive import failed_executions, redrive
from workflow.operator.stack import NotThereError
from workflow.operator.uploads import Upload

STATES = range(6)
INGEST_STATES = ("Validate", "Transform", "Thumbnail", "StoreMetadata", "Notify", "Archive")


@pytest.fixture
def hurried(monkeypatch):
    """Nobody is waited for who would record it."""
    for name in ("RECORD_GRACE_SECONDS", "LOOK_SECONDS"):
        monkeypatch.setattr(f"workflow.operator.unrecorded.{name}", 0)
    monkeypatch.setattr("workflow.operator.client.RECORD_GRACE_SECONDS", 0)


@pytest.fixture
def uploaded(sluice, tmp_path):
    path = tmp_path / "cat.jpg"
    path.write_bytes(sample("JPEG"))
    (put,) = sluice.put([Upload(path, "cat.jpg")], lambda _: None)
    return put


@pytest.fixture
def execution(machine, uploaded):
    """One that works on the upload."""
    return machine.start({"bucket": "sluice-ingest", "key": "cat.jpg", "version_id": uploaded.version_id})


def fail(execution, after):
    for _ in range(after):
        execution.step()
    return execution.end("FAILED", "TransientError", '{"errorMessage": "The table is throttled."}')


@pytest.mark.parametrize("after", STATES)
def test_whoever_waits_is_told_why_it_failed(sluice, execution, uploaded, hurried, after):
    fail(execution, after)
    (outcome,) = sluice.outcomes([uploaded], timeout=60, on_progress=lambda _: None)
    assert (outcome.outcome, outcome.reason) == ("failed", "TransientError")
    assert outcome.message == "The table is throttled."


@pytest.mark.parametrize("after", STATES[1:])
def test_lists_and_the_asset_itself_say_that_it_failed(sluice, execution, uploaded, after):
    fail(execution, after)
    (listed,) = sluice.assets(status="failed")
    assert listed.asset_id == uploaded.asset_id
    assert [each.status for each in sluice.assets()] == ["failed"]
    assert sluice.assets(status="processing") == sluice.assets(status="succeeded") == []
    assert sluice.assets(code="TransientError") == [listed]
    reason = sluice.record(uploaded.asset_id).reason
    assert listed.reason == reason
    assert (reason.message, reason.state) == ("The table is throttled.", INGEST_STATES[after])
    assert [each.error for each in sluice.executions(error="TransientError")] == ["TransientError"]
    assert sluice.executions(error="TooLarge") == []


@pytest.mark.parametrize("after", STATES[1:])
def test_it_can_be_redriven_and_then_nothing_has_failed(sluice, execution, after):
    fail(execution, after)
    (found,) = failed_executions(sluice)
    assert redrive(sluice, found.execution, by="ada").how == "redriven"
    assert execution.run().status == "SUCCEEDED"
    assert failed_executions(sluice) == sluice.assets(status="failed") == []


def test_rejected_file_has_not_failed(sluice, machine, cloud):
    at = cloud.upload("empty.jpg", b"")
    assert machine.run({"bucket": at.bucket, "key": at.key}).status == "FAILED"
    assert failed_executions(sluice) == sluice.assets(status="failed") == []
    assert [each.status for each in sluice.assets()] == ["rejected"]


def test_execution_without_an_asset_is_told_of_in_a_sentence(sluice, machine, hurried):
    execution = machine.run({"bucket": "sluice-ingest", "key": "nope.jpg"})
    with pytest.raises(NotThereError, match=r"ended without an asset: ObjectNotFound: [^{}]*$"):
        sluice.follow_execution(execution.name, timeout=1)


def test_logs_of_nothing_are_refused(sluice, machine):
    with pytest.raises(NotThereError, match="no execution nope"):
        sluice.logs("nope")
