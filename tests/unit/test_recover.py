"""When the embedded AWS starts again, whatever its stop left is taken up, also what its state no longer knows."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from tests.unit.cloud import ARCHIVE, EXPANDED, INGEST, OPERATIONS, OUTPUT, QUARANTINE, STATE_MACHINE, TABLE, TOPIC
from tests.unit.images import sample
from workflow.operator.recover import recover
from workflow.operator.stack import Buckets

RESTARTED = "States.ServiceRestart"
START = datetime.now(UTC) - timedelta(hours=1)


@pytest.fixture
def connection(cloud, machine):
    """The clients and names that a connection to a deployed stage has."""
    buckets = Buckets(INGEST, OUTPUT, ARCHIVE, QUARANTINE, EXPANDED, OPERATIONS)
    machines = {"state_machine_arn": STATE_MACHINE, "state_machine_alias_arn": f"{STATE_MACHINE}:live"}
    stack = SimpleNamespace(**machines, table=TABLE, old_indexes="", topic=TOPIC, outcome_bus="", buckets=buckets)
    clients = {name: getattr(cloud, name) for name in ("s3", "dynamodb", "sns", "stepfunctions")}
    return SimpleNamespace(stack=stack, **clients)


def started(machine):
    """What the recovery has started, by key."""
    return {each.wanted["key"]: each for each in machine.executions.values() if each.wanted.get("trigger") == "sweep"}


def lose_records(cloud):
    for item in cloud.dynamodb.scan(TableName=TABLE)["Items"]:
        cloud.dynamodb.delete_item(TableName=TABLE, Key={"pk": item["pk"], "sk": item["sk"]})


def test_upload_whose_event_was_lost_is_taken_up_however_young_it_is(cloud, machine, connection):
    cloud.upload("cat.jpg", sample("JPEG"))
    assert recover(connection, since=START, lost_records=False) == ["cat.jpg"]
    assert started(machine)["cat.jpg"].run().status == "SUCCEEDED"


@pytest.mark.parametrize("heard", [False, True])
@pytest.mark.parametrize("steps", range(1, 6))
def test_interrupted_upload_is_taken_up(cloud, machine, connection, steps, heard):
    cloud.upload("cat.jpg", sample("JPEG"))
    interrupted = machine.start({"bucket": INGEST, "key": "cat.jpg"})
    for _ in range(steps):
        interrupted.step()
    interrupted.end("FAILED", RESTARTED)
    if heard:
        machine.report_end(interrupted)
    assert recover(connection, since=START, lost_records=False) == ["cat.jpg"]
    assert started(machine)["cat.jpg"].run().status == "SUCCEEDED"
    assert recover(connection, since=START, lost_records=False) == []


@pytest.mark.parametrize(("data", "error"), [(sample("JPEG"), None), (b"", "EmptyFile")])
def test_upload_whose_end_was_written_down_before_its_execution_was_interrupted_is_taken_up(
    cloud, machine, connection, monkeypatch, data, error
):
    cloud.upload("cat.jpg", data)
    with monkeypatch.context() as broken:
        broken.setattr("tasks.shared.records.claims.Claims.keep", None)
        interrupted = machine.run({"bucket": INGEST, "key": "cat.jpg"})
    interrupted.end("FAILED", RESTARTED)
    assert recover(connection, since=START, lost_records=False) == ["cat.jpg"]
    assert started(machine)["cat.jpg"].run().error == error
    assert recover(connection, since=START, lost_records=False) == []


def test_what_was_interrupted_again_before_it_was_at_work_is_taken_up_again(cloud, machine, connection, monkeypatch):
    cloud.upload("cat.jpg", sample("JPEG"))
    recover(connection, since=START, lost_records=False)
    started(machine)["cat.jpg"].end("FAILED", RESTARTED)
    later = datetime.now(UTC) + timedelta(seconds=2)
    monkeypatch.setattr("workflow.operator.recover.now", lambda: later)
    assert recover(connection, since=START, lost_records=False) == ["cat.jpg"]


def test_interruption_that_is_recorded_while_the_recovery_looks_is_taken_up(cloud, machine, connection, monkeypatch):
    cloud.upload("cat.jpg", sample("JPEG"))
    interrupted = machine.start({"bucket": INGEST, "key": "cat.jpg"})
    interrupted.step()
    interrupted.end("FAILED", RESTARTED)
    begun = datetime.now(UTC)
    machine.report_end(interrupted)
    monkeypatch.setattr("tasks.sweep.sweep.now", lambda: begun)
    assert recover(connection, since=START, lost_records=False) == ["cat.jpg"]


def test_interrupted_reprocessing_of_an_archived_original_is_taken_up(cloud, machine, connection):
    cloud.upload("cat.jpg", sample("JPEG"))
    machine.run({"bucket": INGEST, "key": "cat.jpg"})
    again = machine.start({"bucket": INGEST, "key": "cat.jpg"})
    again.step()
    machine.report_end(again.end("FAILED", RESTARTED))
    assert recover(connection, since=START, lost_records=False) == ["cat.jpg"]


def test_what_failed_by_itself_waits_for_a_person(cloud, machine, connection):
    cloud.upload("cat.jpg", sample("JPEG"))
    failed = machine.start({"bucket": INGEST, "key": "cat.jpg"})
    failed.step()
    machine.report_end(failed.end("FAILED", "CopyNotVerified"))
    assert recover(connection, since=START, lost_records=True) == []


def test_live_execution_is_left_alone(cloud, machine, connection):
    cloud.upload("cat.jpg", sample("JPEG"))
    machine.start({"bucket": INGEST, "key": "cat.jpg"}).step()
    assert recover(connection, since=START, lost_records=False) == []


def test_original_without_a_sidecar_stays_where_it_is(cloud, connection, machine):
    cloud.upload("cat.jpg", sample("JPEG"))
    machine.run({"bucket": INGEST, "key": "cat.jpg"})
    lose_records(cloud)
    for key in cloud.keys(OUTPUT):
        cloud.s3.delete_object(Bucket=OUTPUT, Key=key)
    assert recover(connection, since=START, lost_records=True) == []


def test_finished_assets_are_left_alone(cloud, connection, machine):
    for key, data in (("cat.jpg", sample("JPEG")), ("empty.jpg", b"")):
        cloud.upload(key, data)
        machine.run({"bucket": INGEST, "key": key})
    assert recover(connection, since=START, lost_records=True) == []


def test_originals_that_lost_their_records_are_found_in_archive_and_quarantine(cloud, connection, machine):
    for key, data in (("cat.jpg", sample("JPEG")), ("empty.jpg", b""), ("odd.reason.json", b"{}")):
        cloud.upload(key, data)
        machine.run({"bucket": INGEST, "key": key})
    lose_records(cloud)
    assert recover(connection, since=START, lost_records=False) == []
    assert sorted(recover(connection, since=START, lost_records=True)) == ["cat.jpg", "empty.jpg", "odd.reason.json"]
    assert started(machine)["cat.jpg"].run().status == "SUCCEEDED"


def test_reason_whose_original_was_released_is_passed_over(cloud, connection, machine, monkeypatch):
    cloud.upload("cat.jpg", sample("JPEG"))
    with monkeypatch.context() as stricter:
        stricter.setattr("tasks.validate.inspect.MAX_BYTES", 1)
        machine.run({"bucket": INGEST, "key": "cat.jpg"})
    machine.run({"bucket": INGEST, "key": "cat.jpg"})
    lose_records(cloud)
    assert recover(connection, since=START, lost_records=True) == ["cat.jpg"]
