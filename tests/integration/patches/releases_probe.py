"""A stack with all that a release has, in small: a function, a state machine, their versions and the alias `live`."""

import json
import uuid
from typing import Any

from tests.integration.patches.stepfunctions_probe import ROLE, Execution, machine, start_machine
from tests.waiting import until

SUCCEED = machine(("Done", {"Type": "Succeed"}))
KEPT = {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}
AT_ONCE = {"Type": "ALL_AT_ONCE"}
HELD = {"Type": "CANARY", "Percentage": 10, "Interval": 2100}
"""Stays at its first step for longer than any test takes."""


class Release:
    """A stack with a function, a state machine that calls the function's version, and the alias `live`."""

    def __init__(self, cloud: Any, definition: dict[str, Any] = SUCCEED) -> None:
        self._cloud = cloud
        self._cloudformation = cloud.client("cloudformation")
        self._definition = definition
        self.stage = uuid.uuid4().hex[:12]
        self.name = f"sluice-{self.stage}-pipeline"
        self._cloudformation.create_stack(StackName=self.name, TemplateBody=self._template("one", AT_ONCE))
        self.settled("CREATE_COMPLETE")

    def update(self, answer: str, preference: dict[str, Any] = AT_ONCE) -> "Release":
        """Begins to deploy a function that gives another answer."""
        self._cloudformation.update_stack(StackName=self.name, TemplateBody=self._template(answer, preference))
        return self

    def settled(self, status: str) -> None:
        seen = until(lambda: (now := self._status()) and not now.endswith("_IN_PROGRESS") and now)
        assert seen == status

    def in_progress(self) -> bool:
        return self._status().endswith("_IN_PROGRESS")

    def cancel(self) -> None:
        self._cloudformation.cancel_update_stack(StackName=self.name)

    @property
    def alias(self) -> str:
        return f"arn:aws:states:us-east-1:000000000000:stateMachine:{self.name}:live"

    def shares(self) -> dict[str, int]:
        described = self._cloud.client("stepfunctions").describe_state_machine_alias(stateMachineAliasArn=self.alias)
        return {
            each["stateMachineVersionArn"].rpartition(":")[2]: each["weight"]
            for each in described["routingConfiguration"]
        }

    def start(self) -> Execution:
        return start_machine(self._cloud, self.alias)

    def set_alarm(self, state: str) -> None:
        self._cloud.client("cloudwatch").set_alarm_state(AlarmName=self.name, StateValue=state, StateReason="a test")

    def _status(self) -> str:
        return self._cloudformation.describe_stacks(StackName=self.name)["Stacks"][0]["StackStatus"]

    def _template(self, answer: str, preference: dict[str, Any]) -> str:
        resources = {
            "Function": self._function(answer),
            "Published": versions_of("Lambda::Version", FunctionName={"Ref": "Function"}, Description=answer),
            "Machine": self._machine(answer),
            "Version": versions_of(
                "StepFunctions::StateMachineVersion",
                StateMachineArn={"Ref": "Machine"},
                StateMachineRevisionId={"Fn::GetAtt": ["Machine", "StateMachineRevisionId"]},
            ),
            "Alarm": self._alarm(),
            "Alias": self._alias(preference),
        }
        return json.dumps({"Resources": resources})

    def _function(self, answer: str) -> dict[str, Any]:
        code = {"ZipFile": f"def handle(event, context): return {answer!r}"}
        names = {"FunctionName": self.name, "Runtime": "python3.13", "Handler": "index.handle", "Role": ROLE}
        return {"Type": "AWS::Lambda::Function", "Properties": {**names, "Code": code}}

    def _machine(self, answer: str) -> dict[str, Any]:
        properties = {
            "StateMachineName": self.name,
            "RoleArn": ROLE,
            "DefinitionString": json.dumps({**self._definition, "Comment": answer}),
            "DefinitionSubstitutions": {"function": {"Ref": "Published"}},
        }
        return {"Type": "AWS::StepFunctions::StateMachine", "Properties": properties}

    def _alarm(self) -> dict[str, Any]:
        metric = {"Namespace": self.name, "MetricName": "Failures", "Statistic": "Sum", "Period": 60}
        limit = {"ComparisonOperator": "GreaterThanThreshold", "Threshold": 0, "EvaluationPeriods": 1}
        return {"Type": "AWS::CloudWatch::Alarm", "Properties": {"AlarmName": self.name, **metric, **limit}}

    def _alias(self, preference: dict[str, Any]) -> dict[str, Any]:
        target = {"StateMachineVersionArn": {"Ref": "Version"}, "Alarms": [{"Ref": "Alarm"}]}
        properties = {"Name": "live", "DeploymentPreference": {**target, **preference}}
        return {"Type": "AWS::StepFunctions::StateMachineAlias", "Properties": properties}


def versions_of(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::{kind}", "Properties": properties, **KEPT}
