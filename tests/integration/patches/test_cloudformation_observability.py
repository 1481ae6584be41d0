"""Alarms on a formula, and saved queries, come from a template."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.waiting import until

FORMULA = {
    "Type": "AWS::CloudWatch::Alarm",
    "Properties": {
        "AlarmName": "slow",
        "ComparisonOperator": "GreaterThanUpperThreshold",
        "EvaluationPeriods": 1,
        "ThresholdMetricId": "band",
        "Metrics": [
            {"Id": "band", "Expression": "ANOMALY_DETECTION_BAND(m, 3)"},
            {
                "Id": "m",
                "MetricStat": {
                    "Metric": {"Namespace": "AWS/Lambda", "MetricName": "Duration"},
                    "Period": 300,
                    "Stat": "p90",
                },
            },
        ],
    },
}
QUERY = {
    "Type": "AWS::Logs::QueryDefinition",
    "Properties": {"Name": "folder/query", "QueryString": "fields @message", "LogGroupNames": ["/aws/lambda/one"]},
}


def create(cloud: Any, name: str, **resources: Any) -> str:
    """How the stack's creation ended."""
    cloudformation = cloud.client("cloudformation")
    cloudformation.create_stack(StackName=name, TemplateBody=json.dumps({"Resources": resources}))
    return ended(cloudformation, name)


def ended(cloudformation: Any, name: str) -> str:
    def status() -> str:
        found = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
        return "" if found.endswith("IN_PROGRESS") else found

    return until(status)


def test_the_stock_emulator_refuses_both(stock: Any) -> None:
    assert create(stock, "formula", Alarm=FORMULA) == "ROLLBACK_COMPLETE"
    with pytest.raises(ClientError, match="Unrecognized resource types"):
        create(stock, "query", Query=QUERY)


def test_an_alarm_on_a_formula_is_described_and_can_be_set(patched: Any) -> None:
    assert create(patched, "formula", Alarm=FORMULA) == "CREATE_COMPLETE"
    cloudwatch = patched.client("cloudwatch")

    def alarm() -> dict[str, Any]:
        (found,) = cloudwatch.describe_alarms(AlarmNames=["slow"])["MetricAlarms"]
        return found

    assert (alarm()["StateValue"], "MetricName" in alarm()) == ("INSUFFICIENT_DATA", False)
    assert (alarm()["ThresholdMetricId"], len(alarm()["Metrics"])) == ("band", 2)
    cloudwatch.set_alarm_state(AlarmName="slow", StateValue="ALARM", StateReason="a test")
    assert alarm()["StateValue"] == "ALARM"


def test_a_saved_query_is_made_changed_and_deleted_with_its_stack(patched: Any) -> None:
    cloudformation = patched.client("cloudformation")
    assert create(patched, "query", Query=QUERY) == "CREATE_COMPLETE"
    changed = {**QUERY, "Properties": {**QUERY["Properties"], "QueryString": "fields @timestamp"}}
    cloudformation.update_stack(StackName="query", TemplateBody=json.dumps({"Resources": {"Query": changed}}))
    assert ended(cloudformation, "query") == "UPDATE_COMPLETE"
    cloudformation.delete_stack(StackName="query")
    cloudformation.get_waiter("stack_delete_complete").wait(StackName="query", WaiterConfig={"Delay": 1})
