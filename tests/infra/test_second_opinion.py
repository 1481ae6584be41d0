"""The unchanged templates of dev and prod, created by a second implementation of CloudFormation: moto's.

What moto has no model of is made by a stand-in, which has an ARN and nothing else; docs/deploying.md names them.
"""

import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any

import boto3
import pytest
from moto import mock_aws
from moto.cloudformation import parsing
from moto.core import DEFAULT_ACCOUNT_ID
from moto.core.common_models import CloudFormationModel
from moto.stepfunctions.models import StateMachine

from infra.functions.sources import PROJECT_ROOT
from tests.infra.conftest import Stage, Template

pytestmark = [pytest.mark.deploys, pytest.mark.filterwarnings("default")]

REGION = "us-east-1"
ASSETS = f"cdk-hnb659fds-assets-{DEFAULT_ACCOUNT_ID}-{REGION}"
BOOTSTRAPPED = "/cdk-bootstrap/hnb659fds/version"
TAGGED_OTHERWISE = ("AWS::KMS::Key", "AWS::SSM::Parameter")
"""moto expects their tags as the services' own APIs have them: CloudFormation has `Key` and `Value`, and a map."""


class StandIn(CloudFormationModel):
    """A resource that nothing else is asked of than what it is called."""

    kind = ""

    def __init__(self, name: str) -> None:
        self.physical_resource_id = f"arn:aws:stand-in:{REGION}:{DEFAULT_ACCOUNT_ID}:{self.kind}/{name}"

    @staticmethod
    def cloudformation_name_type() -> str:
        return ""

    @classmethod
    def cloudformation_type(cls) -> str:
        return cls.kind

    @classmethod
    def has_cfn_attr(cls, _attr: str) -> bool:
        return True

    def get_cfn_attribute(self, attribute: str) -> str:
        return f"{self.physical_resource_id}/{attribute}"

    @classmethod
    def create_from_cloudformation_json(cls, resource_name: str, *_more: Any, **_named: Any) -> "StandIn":
        return cls(resource_name)


@pytest.fixture(params=["dev", "prod"])
def deployable(stages: dict[str, Stage], request: pytest.FixtureRequest) -> Stage:
    return stages[request.param]


@pytest.fixture
def account(deployable: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty one, but for what `cdk bootstrap` and the packages of the stage leave there."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "none")
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws():
        models = _models()
        monkeypatch.setattr(StateMachine, "get_cfn_attribute", _attribute_of_machine)
        monkeypatch.setattr(parsing, "get_model_map", lambda: models)
        monkeypatch.setattr(
            parsing, "get_name_type_map", lambda: {k: m.cloudformation_name_type() for k, m in models.items()}
        )
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket=ASSETS)
        boto3.client("ssm").put_parameter(Name=BOOTSTRAPPED, Value="30", Type="String")
        for file in deployable.folder.glob("*.assets.json"):
            for asset in json.loads(file.read_text())["files"].values():
                for to in asset["destinations"].values():
                    s3.put_object(Bucket=ASSETS, Key=to["objectKey"], Body=_package())
        yield


def _models() -> dict[str, type[CloudFormationModel]]:
    """moto's own, and a stand-in for each that it has not."""
    kinds = [*_unknown_to_moto(), *TAGGED_OTHERWISE]
    return parsing.get_model_map() | {kind: type("StandIn", (StandIn,), {"kind": kind}) for kind in kinds}


def _attribute_of_machine(machine: StateMachine, attribute: str) -> str:
    """moto lacks one that CloudFormation documents."""
    return {"Arn": machine.arn, "Name": machine.name, "StateMachineRevisionId": "INITIAL"}[attribute]


def _package() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as package:
        package.writestr("handler.py", "")
    return data.getvalue()


def _unknown_to_moto() -> list[str]:
    text = (PROJECT_ROOT / "docs" / "deploying.md").read_text()
    (told,) = re.findall(r"moto has no model of these(.*?)\n\n", text, re.DOTALL)
    return [f"AWS::{kind}" for kind in re.findall(r"`(\w+::\w+)`", told)]


def test_every_resource_and_output_is_made_of_the_unchanged_templates(account: None, deployable: Stage) -> None:
    for template in (deployable.storage, deployable.pipeline):
        stack = _created(template, template.path.name.removesuffix(".template.json"))
        assert stack["StackStatus"] == "CREATE_COMPLETE"
        told = {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}
        assert set(told) == set(template.body["Outputs"])
        assert [name for name, value in told.items() if not value or "Fn::" in value] == []


def _created(template: Template, name: str) -> Mapping[str, Any]:
    """Through a bucket, as the CDK does, and as a template of this size must be."""
    boto3.client("s3").put_object(Bucket=ASSETS, Key=name, Body=template.path.read_bytes())
    cloudformation = boto3.client("cloudformation")
    url = f"https://s3.amazonaws.com/{ASSETS}/{name}"
    cloudformation.create_stack(StackName=name, TemplateURL=url, Capabilities=["CAPABILITY_IAM"])
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
    made = {each["LogicalResourceId"] for page in pages for each in page["StackResourceSummaries"]}
    assert made == set(template.body["Resources"])
    return cloudformation.describe_stacks(StackName=name)["Stacks"][0]


def test_what_it_made_is_what_the_template_says(account: None, deployable: Stage) -> None:
    for template in (deployable.storage, deployable.pipeline):
        _created(template, template.path.name.removesuffix(".template.json"))
    functions = {each["FunctionName"] for each in boto3.client("lambda").list_functions()["Functions"]}
    assert functions == {
        each["Properties"]["FunctionName"] for each in deployable.pipeline.of_type("Lambda::Function").values()
    }
    tables = boto3.client("dynamodb")
    (name,) = tables.list_tables()["TableNames"]
    made = tables.describe_table(TableName=name)["Table"]["GlobalSecondaryIndexes"]
    assert made
    assert {each["IndexName"] for each in made} == {
        each["IndexName"] for each in deployable.storage.only("DynamoDB::Table")["GlobalSecondaryIndexes"]
    }
    queues = boto3.client("sqs").list_queues()["QueueUrls"]
    assert len(queues) == len(deployable.pipeline.of_type("SQS::Queue"))


def test_moto_has_still_no_model_of_what_stand_ins_are_for() -> None:
    unknown = _unknown_to_moto()
    assert len(unknown) > 10
    assert [kind for kind in unknown if kind in parsing.get_model_map()] == []
