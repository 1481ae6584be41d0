"""With AUTH=true, leave to start a state machine is leave to start its alias, and no other state machine."""

import json
from collections.abc import Callable
from typing import Any

import pytest

DEFINITION = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Succeed"}}})
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)


def alias_of_machine(cloud: Any, name: str) -> tuple[str, str]:
    """ARNs of a new state machine and of its alias."""
    role = cloud.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    states = cloud.client("stepfunctions")
    made = states.create_state_machine(name=name, definition=DEFINITION, roleArn=role, publish=True)
    routing = [{"stateMachineVersionArn": made["stateMachineVersionArn"], "weight": 100}]
    alias = states.create_state_machine_alias(name="live", routingConfiguration=routing)
    return made["stateMachineArn"], alias["stateMachineAliasArn"]


def client_of_starter(cloud: Any, machine: str) -> Any:
    """Step Functions as a user who may start one state machine."""
    iam = cloud.client("iam")
    iam.create_user(UserName="starter")
    actions = ["states:StartExecution", "states:DescribeStateMachineAlias"]
    statement = {"Effect": "Allow", "Action": actions, "Resource": machine}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName="starter", PolicyName="start", PolicyDocument=policy)
    key = iam.create_access_key(UserName="starter")["AccessKey"]
    return cloud.client(
        "stepfunctions", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"]
    )


def test_the_stock_emulator_wants_the_alias_to_be_named(new_emulator: Callable[..., Any]) -> None:
    cloud = new_emulator(settings={"AUTH": "true", "SLUICE_STOCK_AWS": "1"})
    machine, alias = alias_of_machine(cloud, "ours")
    states = client_of_starter(cloud, machine)
    with pytest.raises(states.exceptions.ClientError, match="AccessDenied"):
        states.start_execution(stateMachineArn=alias)
    with pytest.raises(states.exceptions.ClientError, match="AccessDenied"):
        states.describe_state_machine_alias(stateMachineAliasArn=alias)


def test_leave_for_the_state_machine_is_enough_for_its_alias_alone(new_emulator: Callable[..., Any]) -> None:
    cloud = new_emulator(settings={"AUTH": "true"})
    machine, alias = alias_of_machine(cloud, "ours")
    _, other = alias_of_machine(cloud, "others")
    states = client_of_starter(cloud, machine)
    assert states.start_execution(stateMachineArn=alias)["executionArn"]
    assert states.describe_state_machine_alias(stateMachineAliasArn=alias)["name"] == "live"
    with pytest.raises(states.exceptions.ClientError, match="AccessDenied"):
        states.start_execution(stateMachineArn=other)
    with pytest.raises(states.exceptions.ClientError, match="AccessDenied"):
        states.describe_state_machine_alias(stateMachineAliasArn=other)
