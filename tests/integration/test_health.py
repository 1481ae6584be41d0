"""`sluice health` on the real local stack: what rings, was given up or is shut, and the command that mends it."""

from typing import Any

import msgspec
import pytest

from infra.local.samples import FOLDER
from infra.observability.queries import QUERIES
from tasks.sweep.report import Report
from tests.integration.conftest import LocalStack
from tests.waiting import until
from workflow.operator.operations.health import CHECKS

ALARM = "sluice-local-many-failures"


@pytest.fixture(scope="module")
def stack(start_stack) -> LocalStack:
    """One of its own: what other tests leave would not be well."""
    return start_stack("healthy")


@pytest.fixture
def connection(stack) -> Any:
    return stack.connection


def attention(stack) -> dict[str, dict[str, Any]]:
    """The checks that are not well, by name."""
    return {each["check"]: each for each in stack.json("health", expect=1) if each["ok"] is False}


def test_an_alarm_that_rings_leads_to_its_page_in_the_runbook(stack, connection):
    cloudwatch = connection.client("cloudwatch")
    cloudwatch.set_alarm_state(AlarmName=ALARM, StateValue="ALARM", StateReason="a test")
    try:
        assert attention(stack)["alarm many-failures"]["advice"] == "see docs/runbook.md#many-failures"
    finally:
        cloudwatch.set_alarm_state(AlarmName=ALARM, StateValue="OK", StateReason="a test")


def test_a_message_that_was_given_up_needs_a_person(stack, connection):
    outputs = connection.cloudformation.describe_stacks(StackName="sluice-local-pipeline")["Stacks"][0]["Outputs"]
    url = next(each["OutputValue"] for each in outputs if each["OutputKey"] == "FailuresDlqUrl")
    sqs = connection.client("sqs")
    sqs.send_message(QueueUrl=url, MessageBody="{}")
    try:
        assert attention(stack)["dead letters of failures"]["found"] == "About 1 message was given up."
    finally:
        sqs.purge_queue(QueueUrl=url)


def test_uploads_that_start_nothing_need_a_person(stack, connection):
    events = connection.client("events")
    (rule,) = events.list_rules(NamePrefix="sluice-local-pipeline-OnUpload")["Rules"]
    events.disable_rule(Name=rule["Name"])
    try:
        assert attention(stack)["uploads"]["advice"] == f"aws events enable-rule --name {rule['Name']}"
    finally:
        events.enable_rule(Name=rule["Name"])


def test_what_a_sweep_left_undone_needs_a_person(stack, connection):
    report = Report(at="2026-01-01T00:00:00+00:00", older_than_seconds=900, oldest_unprocessed_seconds=7200)
    latest = {"Bucket": connection.stack.buckets.operations, "Key": "sweeps/latest.json"}
    connection.s3.put_object(**latest, Body=msgspec.json.encode(report))
    try:
        found = attention(stack)["sweep"]
    finally:
        connection.s3.delete_object(**latest)
    assert "the oldest file had waited 2 h 0 min; 0 errors." in found["found"]
    assert found["advice"] == "sluice sweep"


def test_where_nothing_is_amiss_every_question_is_answered_in_a_sentence(stack):
    told = {each["check"]: each for each in stack.json("health")}
    assert told.keys() == CHECKS.keys()
    assert all(each["found"].endswith(".") for each in told.values())


def test_saved_queries_ask_for_what_the_logs_have(stack):
    (made,) = stack.json("put", str(FOLDER / "fig-cut-out.png"), "--prefix", "seen/", "--wait")
    (rejected,) = stack.json("put", str(FOLDER / "sunset-cut-off.jpg"), "--prefix", "seen/", "--wait", expect=1)
    done = until(lambda: [each for each in stack.json("logs", made["asset_id"]) if each["message"] == "done"])
    assert {"asset_id", "task", "ms", "execution"} <= done[0].keys()
    (stopped,) = [each for each in stack.json("logs", rejected["execution"]) if each["message"] == "stopped"]
    assert f'"{stopped["error"]}"' in QUERIES["rejects by code"]
