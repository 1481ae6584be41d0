"""After a crash every upload is taken up again, and nobody's work is disturbed by it."""

import json
from types import SimpleNamespace

import pytest

from tasks.shared.records import Records
from tests.unit.cloud import ARCHIVE, EXPANDED, INGEST, OUTPUT, QUARANTINE, REGION, TABLE, TOPIC, Cloud
from tests.unit.images import sample
from tests.unit.state_machine import DEFINITION
from workflow.recover import recover
from workflow.shapes import Pointer, Run
from workflow.stack import Buckets, Connection, Stack

ROLE = "arn:aws:iam::123456789012:role/states"


@pytest.fixture
def connection(cloud: Cloud) -> Connection:
    """The clients and names that a connection to a deployed stage has."""
    created = cloud.stepfunctions.create_state_machine(
        name="sluice-ingest", definition=json.dumps(DEFINITION), roleArn=ROLE
    )
    stack = Stack(
        stage="test",
        endpoint=None,
        region=REGION,
        state_machine_arn=created["stateMachineArn"],
        table=TABLE,
        topic=TOPIC,
        buckets=Buckets(INGEST, OUTPUT, ARCHIVE, QUARANTINE, EXPANDED),
    )
    return SimpleNamespace(stack=stack, s3=cloud.s3, dynamodb=cloud.dynamodb, stepfunctions=cloud.stepfunctions)


@pytest.fixture
def records(cloud: Cloud) -> Records:
    return Records(cloud.dynamodb, TABLE)


@pytest.fixture
def start(cloud: Cloud, connection: Connection):
    """Starts an execution that stays at work; its run."""

    def call(name: str) -> Run:
        machine = connection.stack.state_machine_arn
        arn = cloud.stepfunctions.start_execution(stateMachineArn=machine, name=name)["executionArn"]
        return Run(arn=arn, name=name, started="2026-11-23T10:00:00+00:00")

    return call


@pytest.fixture
def begin(functions):
    """Validates an upload for an execution, which then holds its claim."""

    def call(at: Pointer, run: Run) -> str:
        wanted = {"bucket": at.bucket, "key": at.key, "version_id": at.version_id, "trigger": "upload"}
        state = {"wanted": wanted, "functions": {"image": {}}}
        payload = {"run": {"arn": run.arn, "name": run.name, "started": run.started}, "state": state}
        return functions["validate"].handle(payload, None)["asset"]["id"]

    return call


def started(connection: Connection) -> list[dict]:
    """The inputs of the executions that the recovery has started."""
    found = connection.stepfunctions.list_executions(stateMachineArn=connection.stack.state_machine_arn)["executions"]
    described = [connection.stepfunctions.describe_execution(executionArn=each["executionArn"]) for each in found]
    inputs = [json.loads(each["input"]) for each in described]
    return [each for each in inputs if each.get("trigger") == "sweep"]


def test_upload_whose_event_was_lost_is_taken_up(cloud, connection):
    at = cloud.upload("cat.jpg", sample("JPEG"))
    assert recover(connection, lost_records=False) == ["cat.jpg"]
    assert started(connection) == [
        {"bucket": INGEST, "key": "cat.jpg", "version_id": at.version_id, "trigger": "sweep"}
    ]


def test_upload_of_a_dead_execution_is_taken_up_and_its_claim_released(cloud, connection, records, start, begin):
    dead = start("dead")
    asset = begin(cloud.upload("cat.jpg", sample("JPEG")), dead)
    cloud.stepfunctions.stop_execution(executionArn=dead.arn)
    assert recover(connection, lost_records=False) == ["cat.jpg"]
    assert records.claimed_by(asset) is None


def test_upload_of_an_execution_that_is_long_forgotten_is_taken_up(cloud, connection, records, begin):
    arn = connection.stack.state_machine_arn.replace(":stateMachine:", ":execution:")
    run = Run(arn=f"{arn}:gone", name="gone", started="2026-11-23T10:00:00+00:00")
    asset = begin(cloud.upload("cat.jpg", sample("JPEG")), run)
    assert recover(connection, lost_records=False) == ["cat.jpg"]
    assert records.claimed_by(asset) is None


def test_upload_of_a_running_execution_is_left_to_it(cloud, connection, records, start, begin):
    asset = begin(cloud.upload("cat.jpg", sample("JPEG")), start("live"))
    assert recover(connection, lost_records=False) == []
    assert records.claimed_by(asset) == "live"


def test_execution_that_starts_during_the_recovery_keeps_its_claim(
    cloud, connection, records, start, begin, monkeypatch
):
    run = start("late")
    asset = begin(cloud.upload("cat.jpg", sample("JPEG")), run)
    monkeypatch.setattr("workflow.client.Sluice.executions", lambda *_, **__: [])
    recover(connection, lost_records=False)
    assert records.claimed_by(asset) == "late"


@pytest.mark.parametrize(("code", "is_taken_up"), [("States.ServiceRestart", True), ("CopyNotVerified", False)])
def test_only_interrupted_failures_are_taken_up(cloud, connection, records, start, begin, code, is_taken_up):
    run = start("failed")
    asset = begin(cloud.upload("cat.jpg", sample("JPEG")), run)
    cloud.stepfunctions.stop_execution(executionArn=run.arn)
    records.finish(asset, run, "failed", {"reason": {"code": code}})
    assert recover(connection, lost_records=False) == (["cat.jpg"] if is_taken_up else [])


@pytest.mark.parametrize("status", ["succeeded", "rejected"])
def test_upload_that_stayed_behind_when_its_asset_had_ended_is_taken_up(
    cloud, connection, records, start, begin, status
):
    run = start("killed")
    asset = begin(cloud.upload("cat.jpg", sample("JPEG")), run)
    records.finish(asset, run, status, {})
    cloud.stepfunctions.stop_execution(executionArn=run.arn)
    assert recover(connection, lost_records=False) == ["cat.jpg"]


def test_original_without_a_sidecar_stays_where_it_is(cloud, connection, machine):
    cloud.upload("cat.jpg", sample("JPEG"))
    machine.run({"bucket": INGEST, "key": "cat.jpg"})
    lose_records(cloud)
    for key in cloud.keys(OUTPUT):
        cloud.s3.delete_object(Bucket=OUTPUT, Key=key)
    assert recover(connection, lost_records=True) == []


def test_finished_assets_are_left_alone(cloud, connection, machine):
    for key, data in (("cat.jpg", sample("JPEG")), ("empty.jpg", b"")):
        cloud.upload(key, data)
        machine.run({"bucket": INGEST, "key": key})
    assert recover(connection, lost_records=True) == []


def lose_records(cloud: Cloud) -> None:
    for item in cloud.dynamodb.scan(TableName=TABLE)["Items"]:
        cloud.dynamodb.delete_item(TableName=TABLE, Key={"pk": item["pk"], "sk": item["sk"]})


def test_originals_that_lost_their_records_are_found_in_archive_and_quarantine(cloud, connection, machine):
    for key, data in (("cat.jpg", sample("JPEG")), ("empty.jpg", b""), ("odd.reason.json", b"{}")):
        cloud.upload(key, data)
        machine.run({"bucket": INGEST, "key": key})
    lose_records(cloud)
    assert recover(connection, lost_records=False) == []
    assert sorted(recover(connection, lost_records=True)) == ["cat.jpg", "empty.jpg", "odd.reason.json"]
    assert {found["bucket"] for found in started(connection)} == {INGEST}


def test_reason_whose_original_was_released_is_passed_over(cloud, connection, machine, monkeypatch):
    cloud.upload("cat.jpg", sample("JPEG"))
    with monkeypatch.context() as stricter:
        stricter.setattr("tasks.validate.inspect.MAX_BYTES", 1)
        machine.run({"bucket": INGEST, "key": "cat.jpg"})
    machine.run({"bucket": INGEST, "key": "cat.jpg"})
    lose_records(cloud)
    assert recover(connection, lost_records=True) == ["cat.jpg"]
