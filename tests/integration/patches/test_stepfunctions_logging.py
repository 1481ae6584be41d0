"""Executions write their events to the log group that the state machine names."""

import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.patches.stepfunctions_probe import ROLE, Execution, create, machine, start_machine
from tests.waiting import until

FAILING = machine(("Look", {"Type": "Pass", "Result": {"secret": 1}}), ("No", {"Type": "Fail", "Error": "Bad"}))


def log_group(cloud: Any) -> tuple[str, str]:
    """A new log group's name and ARN."""
    logs, name = cloud.client("logs"), f"/states/{uuid.uuid4().hex}"
    logs.create_log_group(logGroupName=name)
    return name, logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"][0]["arn"]


def settings(arn: str, level: str = "ALL", *, with_data: bool = True) -> dict[str, Any]:
    destinations = [{"cloudWatchLogsLogGroup": {"logGroupArn": arn}}]
    return {"level": level, "includeExecutionData": with_data, "destinations": destinations}


def messages(cloud: Any, group: str) -> list[dict[str, Any]]:
    found = cloud.client("logs").filter_log_events(logGroupName=group)["events"]
    return sorted((json.loads(event["message"]) for event in found), key=lambda message: int(message["id"]))


def logged(cloud: Any, level: str, **options: Any) -> tuple[Execution, list[dict[str, Any]]]:
    """What a failing execution wrote, once it wrote of its end."""
    group, arn = log_group(cloud)
    execution = start_machine(cloud, create(cloud, FAILING, loggingConfiguration=settings(arn, level, **options)))
    execution.ended()
    until(lambda: (seen := messages(cloud, group)) and seen[-1]["type"] == "ExecutionFailed")
    return execution, messages(cloud, group)


def test_stock_writes_nothing(stock: Any) -> None:
    group, arn = log_group(stock)
    start_machine(stock, create(stock, FAILING, loggingConfiguration=settings(arn))).ended()
    assert messages(stock, group) == []


def test_every_event_is_written_as_on_aws(patched: Any) -> None:
    execution, written = logged(patched, "ALL")
    assert [message["type"] for message in written] == execution.event_types
    assert [message["previous_event_id"] for message in written] == ["0", "0", "2", "3", "4"]
    entered = written[1]
    assert int(entered.pop("event_timestamp")) == execution.events[1]["timestamp"].timestamp() * 1000
    assert entered == {
        "id": "2",
        "type": "PassStateEntered",
        "details": {"name": "Look", "input": "{}", "inputDetails": {"truncated": False}},
        "redrive_count": "0",
        "previous_event_id": "0",
        "execution_arn": execution.arn,
    }


@pytest.mark.parametrize(
    ("level", "types"),
    [("ERROR", ["FailStateEntered", "ExecutionFailed"]), ("FATAL", ["ExecutionFailed"])],
)
def test_the_level_decides_what_is_written(patched: Any, level: str, types: list[str]) -> None:
    assert [message["type"] for message in logged(patched, level)[1]] == types


def test_data_is_left_out_unless_asked_for(patched: Any) -> None:
    written = logged(patched, "ALL", with_data=False)[1]
    assert "secret" not in json.dumps(written)
    assert written[1]["details"] == {"name": "Look"}


def test_a_log_group_without_its_wildcard_is_refused(stock: Any, patched: Any) -> None:
    bad = settings(log_group(stock)[1].removesuffix(":*"))
    create(stock, FAILING, loggingConfiguration=bad)
    with pytest.raises(ClientError, match="InvalidLoggingConfiguration"):
        create(patched, FAILING, loggingConfiguration=bad)


def test_tracing_is_described_and_updated(stock: Any, patched: Any) -> None:
    def tracing(cloud: Any) -> Any:
        aws = cloud.client("stepfunctions")
        arn = create(cloud, FAILING, tracingConfiguration={"enabled": True})
        before = aws.describe_state_machine(stateMachineArn=arn).get("tracingConfiguration")
        aws.update_state_machine(stateMachineArn=arn, tracingConfiguration={"enabled": False})
        return before, aws.describe_state_machine(stateMachineArn=arn).get("tracingConfiguration")

    assert tracing(stock) == (None, None)
    assert tracing(patched) == ({"enabled": True}, {"enabled": False})


def template(name: str, group_arn: str, level: str, *, tracing: bool) -> str:
    properties = {
        "StateMachineName": name,
        "RoleArn": ROLE,
        "DefinitionString": json.dumps(FAILING),
        "LoggingConfiguration": {
            "Level": level,
            "IncludeExecutionData": True,
            "Destinations": [{"CloudWatchLogsLogGroup": {"LogGroupArn": group_arn}}],
        },
        "TracingConfiguration": {"Enabled": tracing},
    }
    return json.dumps(
        {"Resources": {"Machine": {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}}}
    )


def described_after_deployment(cloud: Any) -> list[tuple[str | None, Any]]:
    """Level and tracing after the stack was created, and after it was updated."""
    name, arn = f"m-{uuid.uuid4().hex}", log_group(cloud)[1]
    stacks, aws = cloud.client("cloudformation"), cloud.client("stepfunctions")
    seen: list[tuple[str | None, Any]] = []
    for deploy, level, tracing in ((stacks.create_stack, "ALL", True), (stacks.update_stack, "ERROR", False)):
        deploy(StackName=name, TemplateBody=template(name, arn, level, tracing=tracing))
        until(lambda: stacks.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"].endswith("E_COMPLETE"))
        machine_arn = f"arn:aws:states:us-east-1:000000000000:stateMachine:{name}"
        described = aws.describe_state_machine(stateMachineArn=machine_arn)
        seen.append((described["loggingConfiguration"].get("level"), described.get("tracingConfiguration")))
    return seen


def test_cloudformation_sets_logging_and_tracing(stock: Any, patched: Any) -> None:
    assert described_after_deployment(stock) == [(None, None), (None, None)]
    assert described_after_deployment(patched) == [("ALL", {"enabled": True}), ("ERROR", {"enabled": False})]


def test_a_machine_from_a_template_writes_its_log(patched: Any) -> None:
    group, arn = log_group(patched)
    stacks, name = patched.client("cloudformation"), f"m-{uuid.uuid4().hex}"
    stacks.create_stack(StackName=name, TemplateBody=template(name, arn, "ALL", tracing=False))
    until(lambda: stacks.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE")
    start_machine(patched, f"arn:aws:states:us-east-1:000000000000:stateMachine:{name}").ended()
    until(lambda: len(messages(patched, group)) == 5)
