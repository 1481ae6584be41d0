"""A stage's templates as they would be deployed: with every reference replaced by what AWS would fill in there.

What is not there to be referred to is a KeyError. Names that AWS makes are as long as it makes them.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tests.infra.conftest import Stage, Template

REGION, ACCOUNT = "ap-southeast-2", "111122223333"
PSEUDO = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::URLSuffix": "amazonaws.com",
}
HERE = f"{REGION}:{ACCOUNT}"
ARNS = {
    "ApiGatewayV2::Api": f"arn:aws:apigateway:{REGION}::/apis/{{}}",
    "CloudWatch::Alarm": f"arn:aws:cloudwatch:{HERE}:alarm:{{}}",
    "DynamoDB::Table": f"arn:aws:dynamodb:{HERE}:table/{{}}",
    "EC2::VPC": f"arn:aws:ec2:{HERE}:vpc/{{}}",
    "ECS::Cluster": f"arn:aws:ecs:{HERE}:cluster/{{}}",
    "ECS::TaskDefinition": f"arn:aws:ecs:{HERE}:task-definition/{{}}:1",
    "Events::EventBus": f"arn:aws:events:{HERE}:event-bus/{{}}",
    "Events::Rule": f"arn:aws:events:{HERE}:rule/{{}}",
    "IAM::OIDCProvider": f"arn:aws:iam::{ACCOUNT}:oidc-provider/token.actions.githubusercontent.com",
    "IAM::Role": f"arn:aws:iam::{ACCOUNT}:role/{{}}",
    "KMS::Key": f"arn:aws:kms:{HERE}:key/{{}}",
    "Kinesis::Stream": f"arn:aws:kinesis:{HERE}:stream/{{}}",
    "Lambda::Function": f"arn:aws:lambda:{HERE}:function:{{}}",
    "Lambda::Version": f"arn:aws:lambda:{HERE}:function:{{}}:1",
    "Logs::LogGroup": f"arn:aws:logs:{HERE}:log-group:{{}}:*",
    "S3::Bucket": "arn:aws:s3:::{}",
    "SNS::Topic": f"arn:aws:sns:{HERE}:{{}}",
    "SQS::Queue": f"arn:aws:sqs:{HERE}:{{}}",
    "SecretsManager::Secret": f"arn:aws:secretsmanager:{HERE}:secret:{{}}-AbCdEf",
    "StepFunctions::StateMachine": f"arn:aws:states:{HERE}:stateMachine:{{}}",
    "StepFunctions::StateMachineAlias": f"arn:aws:states:{HERE}:stateMachine:{{}}:live",
    "StepFunctions::StateMachineVersion": f"arn:aws:states:{HERE}:stateMachine:{{}}:1",
}
"""What `Arn` is for each type, from its name."""
KNOWN_BY_ARN = frozenset(
    {
        *("ECS::TaskDefinition", "IAM::OIDCProvider", "Lambda::Version", "SNS::Topic", "SecretsManager::Secret"),
        *("StepFunctions::StateMachine", "StepFunctions::StateMachineAlias", "StepFunctions::StateMachineVersion"),
    }
)
"""Where a Ref is the ARN."""
LONGEST_NAMES = {"S3::Bucket": 63, "IAM::Role": 64, "SQS::Queue": 80, "Events::Rule": 64, "Lambda::Function": 64}


@dataclass(frozen=True)
class Deployed:
    """One stack; `imports` are the exports of another."""

    template: Template
    imports: Mapping[str, str]

    @cached_property
    def stack_name(self) -> str:
        return self.template.path.name.removesuffix(".template.json")

    @property
    def resources(self) -> Iterator[tuple[str, str, dict[str, Any]]]:
        """Each with its type, logical id and properties."""
        for logical_id, resource in self.template.body["Resources"].items():
            yield resource["Type"].removeprefix("AWS::"), logical_id, self.written(resource.get("Properties", {}))

    @cached_property
    def exports(self) -> dict[str, str]:
        outputs = self.template.body.get("Outputs", {}).values()
        return {each["Export"]["Name"]: self.written(each["Value"]) for each in outputs if "Export" in each}

    def written(self, value: Any) -> Any:
        """With nothing left that CloudFormation would have to work out."""
        match value:
            case dict() if len(value) == 1 and (known := self._functions.get(next(iter(value)))):
                return known(*value.values())
            case dict():
                assert not [name for name in value if name.startswith("Fn::")], value
                return {name: self.written(each) for name, each in value.items()}
            case list():
                return [self.written(each) for each in value]
        return value

    @cached_property
    def _functions(self) -> dict[str, Callable[[Any], Any]]:
        """Those of CloudFormation's that our templates call."""
        return {
            "Ref": self._ref,
            "Fn::GetAtt": lambda of: self._attribute(*of),
            "Fn::GetAZs": lambda _region: [f"{REGION}{letter}" for letter in "abc"],
            "Fn::ImportValue": self.imports.__getitem__,
            "Fn::Join": lambda of: of[0].join(self.written(of[1])),
            "Fn::Select": lambda of: self.written(of[1])[int(of[0])],
            "Fn::Sub": lambda text: re.sub(r"\$\{([\w:]+)\}", lambda found: self._ref(found[1]), text),
        }

    def _ref(self, name: str) -> str:
        if name in PSEUDO or name in self.template.body.get("Parameters", {}):
            return PSEUDO.get(name, name)
        kind = self._kind(name)
        return self._arn(name) if kind in KNOWN_BY_ARN else self._name(name)

    def _attribute(self, name: str, attribute: str) -> str:
        if attribute == "Arn":
            return self._arn(name)
        if attribute == "StreamArn":
            return f"{self._arn(name)}/stream/2026-11-29T12:00:00.000"
        return {"Version": "1", "QueueName": self._name(name)}.get(attribute, f"{self._name(name)}-{attribute}")

    def _arn(self, name: str) -> str:
        return ARNS[self._kind(name)].format(self._name(name))

    def _kind(self, name: str) -> str:
        return self.template.body["Resources"][name]["Type"].removeprefix("AWS::")

    def _name(self, name: str) -> str:
        """As it is said, or as CloudFormation makes one."""
        kind, properties = self._kind(name), self.template.body["Resources"][name].get("Properties", {})
        said = f"{kind.rpartition(':')[2].removeprefix('StateMachine') or 'StateMachine'}Name"
        if said in properties:
            return self.written(properties[said])
        return f"{self.stack_name}-{name}-1A2B3C4D5E6F"[: LONGEST_NAMES.get(kind, 128)]


def stacks(stage: Stage) -> tuple[Deployed, Deployed]:
    """Storage, and the pipeline that imports from it."""
    storage = Deployed(stage.storage, {})
    return storage, Deployed(stage.pipeline, storage.exports)
