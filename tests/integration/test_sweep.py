"""The sweeper on the real local stack: uploads whose events are lost, executions whose ends nobody hears of."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from infra.local.samples import FOLDER
from tests.integration.conftest import LocalStack
from tests.waiting import PATIENCE_SECONDS, told, until
from workflow.operator.client import Uploaded
from workflow.operator.uploads import Upload

PICTURE = FOLDER / "fig-cut-out.png"
TRANSFORM = "sluice-local-transform-image"


@contextmanager
def deaf(stack: LocalStack, rule: str) -> Iterator[None]:
    """While a rule hears nothing, as if its events were lost."""
    events = stack.connection.client("events")
    (name,) = (each["Name"] for each in events.list_rules()["Rules"] if rule in each["Name"])
    events.disable_rule(Name=name)
    try:
        yield
    finally:
        events.enable_rule(Name=name)


@contextmanager
def no_room(stack: LocalStack, function: str) -> Iterator[None]:
    """While a function may not run, executions stay before it."""
    functions = stack.connection.lambda_
    functions.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)
    try:
        yield
    finally:
        functions.delete_function_concurrency(FunctionName=function)


@pytest.fixture
def forgotten(stack: LocalStack) -> Uploaded:
    """An upload that no event tells of."""
    with deaf(stack, "OnUpload"):
        (put,) = stack.client.put([Upload(PICTURE, f"forgotten/{datetime.now(UTC):%f}.png")], lambda _: None)
    return put


def ended(stack: LocalStack, asset: str) -> dict:
    return told(stack.client.wait([asset], timeout=PATIENCE_SECONDS))[asset]


def test_forgotten_upload_is_taken_up_by_the_command_and_ends_well(stack, forgotten):
    report = stack.json("sweep", "--older-than", "0s")
    (finding,) = (each for each in report["findings"] if each["asset_id"] == forgotten.asset_id)
    assert finding["did"] == "started"
    record = ended(stack, forgotten.asset_id)
    assert (record["status"], record["attempts"][0]["trigger"]) == ("succeeded", "sweep")
    assert record["execution"] == finding["execution"]
    assert written(stack, report["reports"][-1])["findings"] == report["findings"]
    assert "nothing was amiss" in stack.run("sweep", "--older-than", "0s").stdout


def written(stack: LocalStack, address: str) -> dict:
    bucket, _, key = address.removeprefix("s3://").partition("/")
    return json.loads(stack.connection.s3.get_object(Bucket=bucket, Key=key)["Body"].read())


def test_people_see_what_was_found_and_what_became_of_it(stack, forgotten):
    shown = stack.run("sweep", "--older-than", "0s").stdout
    for word in (forgotten.asset_id, "No execution had taken it up.", "an execution was started", "sweeps/"):
        assert word in shown
    assert ended(stack, forgotten.asset_id)["status"] == "succeeded"


def test_young_uploads_are_left_to_their_events(stack, forgotten):
    assert stack.json("sweep")["findings"] == []
    stack.run("sweep", "--older-than", "0s")
    assert ended(stack, forgotten.asset_id)["status"] == "succeeded"


def test_stopped_execution_whose_end_nobody_heard_of_is_recorded(stack):
    client = stack.client
    with no_room(stack, TRANSFORM), deaf(stack, "OnFailure"):
        (put,) = client.put([Upload(PICTURE, "unrecorded.png")], lambda _: None)
        record = until(lambda: client.records.assets.get(put.asset_id))
        client.aws.stepfunctions.stop_execution(executionArn=record.execution_arn, error="Stopped")
    assert client.records.assets.get(put.asset_id).status == "processing"
    report = stack.json("sweep", "--older-than", "0s")
    assert put.asset_id in [each["asset_id"] for each in report["findings"] if each["did"] == "settled"]
    record = client.records.assets.get(put.asset_id)
    assert (record.status, record.code) == ("failed", "Stopped")
    assert client.records.claims.holder(put.asset_id) is None


def test_schedule_starts_the_sweep(stack):
    """The stage's own schedule comes too seldom for a test: this one is like it, but for its moment."""
    scheduler = stack.connection.client("scheduler")
    stages_own = scheduler.get_schedule(Name="sluice-local-sweep")
    assert stages_own["State"] == "ENABLED"
    stack.run("sweep")
    latest = {"Bucket": stack.client.buckets.operations, "Key": "sweeps/latest.json"}
    s3 = stack.connection.s3
    before = s3.get_object(**latest)["Body"].read()
    scheduler.create_schedule(
        Name="sweep-now",
        ScheduleExpression=f"at({datetime.now(UTC):%Y-%m-%dT%H:%M:%S})",
        FlexibleTimeWindow=stages_own["FlexibleTimeWindow"],
        Target=stages_own["Target"],
    )
    while s3.get_object(**latest)["Body"].read() == before:
        pass


def test_span_that_is_none_is_wrong_usage(stack):
    stack.run("sweep", "--older-than", "a while", expect=2)
