"""Definitions that AWS refuses are refused when they are created, and not when they run."""

import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.local.patches.stepfunctions.definitions import diagnose
from tests.integration.patches.stepfunctions_probe import ROLE, create, machine
from tests.waiting import until

END = {"Type": "Pass", "End": True}
TASK = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "End": True}
MAP = {"Type": "Map", "End": True}
ALL = {"ErrorEquals": ["States.ALL"], "Next": "A"}


def only(state: dict[str, Any]) -> dict[str, Any]:
    return {"StartAt": "A", "States": {"A": state}}


BAD = {
    "start": {"StartAt": "None", "States": {"A": {**TASK, "Catch": [ALL]}}},
    "no states": {"StartAt": "A", "States": {}},
    "dangling next": only({"Type": "Pass", "Next": "None"}),
    "neither next nor end": only({"Type": "Pass"}),
    "both next and end": only({"Type": "Pass", "Next": "A", "End": True}),
    "next of a fail": only({"Type": "Fail", "Next": "A"}),
    "unknown type": only({"Type": "Jump", "End": True}),
    "no type": only({"End": True}),
    "unreachable": {"StartAt": "A", "States": {"A": END, "B": END}},
    "dangling choice": only({"Type": "Choice", "Choices": [{"Variable": "$.a", "IsNull": True, "Next": "None"}]}),
    "dangling default": only({"Type": "Choice", "Choices": [{"Next": "A"}], "Default": "None"}),
    "no choices": only({"Type": "Choice", "Choices": []}),
    "dangling catch": only({**TASK, "Catch": [{"ErrorEquals": ["X"], "Next": "None"}]}),
    "no resource": only({"Type": "Task", "End": True}),
    "no time to wait": only({"Type": "Wait", "End": True}),
    "all beside others": only({**TASK, "Retry": [{"ErrorEquals": ["X", "States.ALL"]}]}),
    "all before others": only({**TASK, "Catch": [ALL, {"ErrorEquals": ["X"], "Next": "A"}]}),
    "no errors named": only({**TASK, "Retry": [{"ErrorEquals": []}]}),
    "slow backoff": only({**TASK, "Retry": [{"ErrorEquals": ["X"], "BackoffRate": 0.5}]}),
    "small delay": only({**TASK, "Retry": [{"ErrorEquals": ["X"], "IntervalSeconds": 5, "MaxDelaySeconds": 4}]}),
    "jitter": only({**TASK, "Retry": [{"ErrorEquals": ["X"], "JitterStrategy": "SOME"}]}),
    "heartbeat": only({**TASK, "TimeoutSeconds": 5, "HeartbeatSeconds": 5}),
    "path": only({**TASK, "Parameters": {"a": [{"b.$": "text"}]}}),
    "branch": only({"Type": "Parallel", "Branches": [only({"Type": "Pass"})], "End": True}),
    "iteration": only({**MAP, "ItemProcessor": only({"Type": "Pass", "Next": "None"})}),
    "long name": {"StartAt": "A" * 81, "States": {"A" * 81: END}},
}


@pytest.mark.parametrize("definition", BAD.values(), ids=BAD)
def test_a_bad_definition_is_diagnosed(definition: dict[str, Any]) -> None:
    found = diagnose(json.dumps(definition))
    assert len(found) == 1, found
    assert found[0].location


@pytest.mark.parametrize("text", ["{", "[]", '"text"'])
def test_what_is_no_object_is_diagnosed(text: str) -> None:
    assert len(diagnose(text)) == 1


def test_a_good_definition_has_no_diagnostics() -> None:
    rules = {"Retry": [{"ErrorEquals": ["X"], "MaxDelaySeconds": 9}, {"ErrorEquals": ["States.ALL"]}], "Catch": [ALL]}
    good = machine(
        ("A", {**TASK, **rules, "Parameters": {"a.$": "$.a", "b.$": "States.UUID()"}}),
        ("B", {"Type": "Choice", "Choices": [{"Variable": "$.a", "IsNull": True, "Next": "C"}], "Default": "D"}),
        ("C", {"Type": "Map", "ItemProcessor": only(END)}),
        ("D", {"Type": "Succeed"}),
    )
    good["States"]["A"].pop("End")
    good["States"]["A"]["Next"] = "B"
    assert diagnose(json.dumps(good)) == []


@pytest.mark.parametrize("name", ["start", "dangling next", "neither next nor end", "all beside others", "no type"])
def test_a_bad_definition_is_refused(stock: Any, patched: Any, name: str) -> None:
    bad = json.dumps(BAD[name])
    arn = create(stock, bad)
    stock.client("stepfunctions").update_state_machine(stateMachineArn=arn, definition=bad)

    aws = patched.client("stepfunctions")
    with pytest.raises(ClientError, match=r"InvalidDefinition.*Invalid State Machine Definition"):
        create(patched, bad)
    arn = create(patched, only(END))
    with pytest.raises(ClientError, match="InvalidDefinition"):
        aws.update_state_machine(stateMachineArn=arn, definition=bad)
    assert json.loads(aws.describe_state_machine(stateMachineArn=arn)["definition"]) == only(END)


def test_validation_lists_what_is_wrong(stock: Any, patched: Any) -> None:
    bad = json.dumps(BAD["dangling next"])
    assert stock.client("stepfunctions").validate_state_machine_definition(definition=bad)["result"] == "OK"

    aws = patched.client("stepfunctions")
    answer = aws.validate_state_machine_definition(definition=bad)
    assert (answer["result"], answer["truncated"]) == ("FAIL", False)
    assert answer["diagnostics"] == [
        {
            "severity": "ERROR",
            "code": "MISSING_TRANSITION_TARGET",
            "message": "Missing 'Next' target: None",
            "location": "/States/A/Next",
        }
    ]
    assert aws.validate_state_machine_definition(definition=json.dumps(only(END)))["result"] == "OK"


def test_a_stack_with_a_bad_definition_fails(stock: Any, patched: Any) -> None:
    properties = {"RoleArn": ROLE, "DefinitionString": json.dumps(BAD["dangling next"])}
    resource = {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}

    def status(cloud: Any) -> str:
        stacks, name = cloud.client("cloudformation"), f"s-{uuid.uuid4().hex}"
        stacks.create_stack(StackName=name, TemplateBody=json.dumps({"Resources": {"Machine": resource}}))

        def ended() -> str:
            now: str = stacks.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
            return "" if now.endswith("IN_PROGRESS") else now

        return until(ended)

    assert status(stock) == "CREATE_COMPLETE"
    assert status(patched) == "ROLLBACK_COMPLETE"
