"""Health by what is there: each part is looked at on its own, and silence is not taken for an answer."""

import re
from pathlib import Path

import pytest

from tests.unit.cloud import ARCHIVE, LIVE_SETTINGS, TABLE, TOPIC, client
from tests.unit.operating import DEAD_LETTERS
from workflow.operator.operations import health

pytestmark = pytest.mark.wire

RUNBOOK = (Path(__file__).parents[2] / "docs" / "runbook.md").read_text()
ALARM = {
    "AlarmName": "sluice-test-many-failures", "MetricName": "ExecutionsFailed", "Namespace": "Sluice", "Period": 60,
    "EvaluationPeriods": 1, "Threshold": 0, "ComparisonOperator": "GreaterThanThreshold", "Statistic": "Sum",
}  # fmt: skip


def answers(sluice):
    return {each.check: each for each in health.health(sluice)}


def break_topic(cloud):
    cloud.sns.delete_topic(TopicArn=TOPIC)


def break_table(cloud):
    cloud.dynamodb.delete_table(TableName=TABLE)


def break_bucket(cloud):
    cloud.s3.delete_bucket(Bucket=ARCHIVE)


def break_settings(cloud):
    cloud.ssm.delete_parameter(Name=LIVE_SETTINGS)


@pytest.mark.parametrize(
    ("broken", "check"),
    [
        (break_topic, "topic"),
        (break_table, "table"),
        (break_bucket, "bucket archive"),
        (break_settings, "live settings"),
    ],
)
def test_part_that_is_gone_is_named_and_keeps_nothing_else_from_being_looked_at(sluice, cloud, broken, check):
    assert answers(sluice)["parts"].ok
    broken(cloud)
    found = answers(sluice)
    assert found[check].ok is False
    assert found[check].advice
    assert {"alarms", "uploads", "batches", "dead letters", "sweep"} & found.keys()


def test_alarm_that_is_not_evaluated_is_not_well(sluice, cloud):
    cloudwatch = client("cloudwatch")
    cloudwatch.put_metric_alarm(**ALARM)
    for state, ok in (("INSUFFICIENT_DATA", False), ("OK", True)):
        cloudwatch.set_alarm_state(AlarmName=ALARM["AlarmName"], StateValue=state, StateReason="a test")
        assert answers(sluice)["alarms"].ok is ok


def test_failure_that_nobody_has_recorded_counts(sluice, machine, cloud):
    at = cloud.upload("cat.jpg", b"x")
    execution = machine.start({"bucket": at.bucket, "key": at.key})
    execution.end("FAILED", "TransientError", "The table is throttled.")
    found = answers(sluice)
    assert "failures" not in found
    assert execution.name in found["executions"].found


@pytest.mark.parametrize("queue", DEAD_LETTERS)
def test_dead_letters_of_each_queue_are_told_with_advice_that_is_there(sluice, queue):
    sluice.aws.sqs.send_message(QueueUrl=sluice.stack.dead_letters[queue], MessageBody="given up")
    check = answers(sluice)[f"dead letters of {queue}"]
    assert check.ok is False
    assert f"`sluice dead-letters {queue}`" in check.advice
    heading = re.search(r"docs/runbook\.md#([a-z-]+)", check.advice)
    assert heading
    assert f"\n### {heading[1]}\n" in RUNBOOK


def test_queue_that_is_gone_is_named_and_hides_no_other(sluice):
    queues = sluice.stack.dead_letters
    sluice.aws.sqs.delete_queue(QueueUrl=queues["events"])
    sluice.aws.sqs.send_message(QueueUrl=queues["failures"], MessageBody="given up")
    found = answers(sluice)
    assert found["queue events"].advice == "aws sqs create-queue --queue-name events"
    assert "dead letters of failures" in found
    assert "dead letters" not in found
