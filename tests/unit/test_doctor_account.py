"""`sluice doctor --stage`: what it asks of an account, and what it says where something is missing.

The account's answers are put in place of the wire, and held against the shapes of botocore's models, as requests are.
"""

import json
from typing import Any, NamedTuple

import boto3
import pytest
from botocore.validate import ParamValidator
from typer.testing import CliRunner

from infra.stages.read import make
from infra.stages.settings import Settings
from workflow.operator.cli import doctor
from workflow.operator.cli.account import Account, examine
from workflow.operator.cli.commands import app
from workflow.operator.cli.findings import Finding
from workflow.operator.stack import Connection

CALLER = "arn:aws-us-gov:iam::123456789012:user/someone"
ALL: dict[str, Any] = {
    "files": {"big_files": True},
    "storage": {"glue_database": "lake"},
    "ways_out": {"outcome_bus": "outcomes"},
    "functions": {"concurrency": {"transform_image": 100, "thumbnail_image": 50}},
    "security": {"permissions_boundary": "team-boundary"},
}


class Refusal(NamedTuple):
    """Instead of an answer."""

    code: str


DENIED = Refusal("AccessDeniedException")
EMPTY_ACCOUNT: dict[str, Any] = {
    "GetCallerIdentity": {"Arn": CALLER},
    "GetParameter": {"Parameter": {"Value": "30"}},
    "DescribeStacks": Refusal("ValidationError"),
    "GetAccountSettings": {"AccountLimit": {"ConcurrentExecutions": 1000, "UnreservedConcurrentExecutions": 1000}},
    "GetFunctionConcurrency": Refusal("ResourceNotFoundException"),
    "ListBuckets": {"Buckets": [{"Name": "other"}]},
    "GetServiceQuota": {"Quota": {"Value": 100.0}},
    "GetAccountSummary": {"SummaryMap": {"Roles": 10, "RolesQuota": 1000}},
    "ListOpenIDConnectProviders": {"OpenIDConnectProviderList": []},
    "DescribeVpcs": {"Vpcs": []},
    "GetPolicy": {"Policy": {"PolicyName": "team-boundary"}},
    "DescribeEventBus": Refusal("ResourceNotFoundException"),
    "GetDatabase": Refusal("EntityNotFoundException"),
}


def client(service: str, answers: dict[str, Any]) -> Any:
    """A real one, whose requests are answered before they are sent."""
    made = boto3.client(service, "us-gov-west-1", aws_access_key_id="none", aws_secret_access_key="none")

    def answer(model: Any, **_about: Any) -> Any:
        found = answers[model.name]
        if isinstance(found, Refusal):
            error = {"Error": {"Code": found.code, "Message": "said so"}, "ResponseMetadata": {}}
            return type("Http", (), {"status_code": 400}), error
        report = ParamValidator().validate(found, model.output_shape)
        assert not report.has_errors(), report.generate_report()
        return type("Http", (), {"status_code": 200}), found

    made.meta.events.register("before-call", answer)
    return made


def found(given: dict[str, Any], region: str = "us-gov-west-1", **answers: Any) -> dict[str, Finding]:
    all_answers = EMPTY_ACCOUNT | answers
    account = Account(stage(given), lambda service: client(service, all_answers), CALLER, region)
    return {each.check: each for each in examine(account)}


def stage(given: dict[str, Any]) -> Settings:
    return make("team", given)


def test_an_empty_account_that_has_all_that_is_needed_passes() -> None:
    passed = found(ALL)
    assert {each.check: each.advice for each in passed.values() if each.ok is not True} == {}
    assert {"network", "Fargate", "permissions boundary", "outcome bus", "Glue database"} <= set(passed)
    assert passed["permissions boundary"].found == "arn:aws-us-gov:iam::123456789012:policy/team-boundary"


def test_what_a_stage_does_not_use_is_not_asked_for() -> None:
    assert set(found({})) == {
        *("region", "bootstrap", "stacks", "Lambda concurrency", "buckets", "roles", "GitHub's identities"),
    }


@pytest.mark.parametrize(
    ("check", "answers", "advice"),
    [
        ("bootstrap", {"GetParameter": Refusal("ParameterNotFound")}, "sluice cdk bootstrap --stage team"),
        ("bootstrap", {"GetParameter": {"Parameter": {"Value": "5"}}}, "sluice cdk bootstrap --stage team"),
        (
            "Lambda concurrency",
            {
                "GetAccountSettings": {
                    "AccountLimit": {"ConcurrentExecutions": 10, "UnreservedConcurrentExecutions": 10}
                }
            },
            "at least 250",
        ),
        ("buckets", {"ListBuckets": {"Buckets": [{"Name": "other"}] * 93}}, "Ask for more"),
        ("roles", {"GetAccountSummary": {"SummaryMap": {"Roles": 990, "RolesQuota": 1000}}}, "Ask for more"),
        ("network", {"DescribeVpcs": {"Vpcs": [{}] * 100}}, "Ask for more"),
        ("Fargate", {"GetServiceQuota": {"Quota": {"Value": 2.0}}}, "Ask for more"),
        ("permissions boundary", {"GetPolicy": Refusal("NoSuchEntity")}, "Make this managed policy first"),
        ("outcome bus", {"DescribeEventBus": {"Name": "outcomes"}}, "another name than outcomes"),
        ("Glue database", {"GetDatabase": {"Database": {"Name": "lake"}}}, "another name than lake"),
    ],
)
def test_what_is_missing_is_told_with_what_to_do(check: str, answers: dict[str, Any], advice: str) -> None:
    told = found(ALL, **answers)[check]
    assert told.ok is False
    assert advice in told.advice


def test_a_region_without_what_the_stage_asks_for_fails_and_an_unknown_one_is_not_judged() -> None:
    asking = {"observability": {"monthly_budget_dollars": 1}}
    assert found(asking, "us-gov-west-1")["region"].ok is False
    assert "monthly_budget_dollars" in found(asking, "us-gov-west-1")["region"].advice
    assert found(asking, "mars-north-1")["region"].ok is None


def test_a_stage_that_is_there_has_its_own_already() -> None:
    stack = {"StackName": "s", "CreationTime": "2026-11-29T12:00:00Z", "StackStatus": "UPDATE_COMPLETE"}
    again = found(
        ALL,
        DescribeStacks={"Stacks": [stack]},
        DescribeEventBus={"Name": "outcomes"},
        GetDatabase={"Database": {"Name": "lake"}},
        GetAccountSettings={"AccountLimit": {"ConcurrentExecutions": 250, "UnreservedConcurrentExecutions": 100}},
        GetFunctionConcurrency={"ReservedConcurrentExecutions": 75},
        ListBuckets={"Buckets": [{"Name": "other"}] * 100},
    )
    assert [each.check for each in again.values() if each.ok is not True] == []


def test_a_stack_that_no_deployment_can_change_is_told() -> None:
    stack = {"StackName": "s", "CreationTime": "2026-11-29T12:00:00Z", "StackStatus": "ROLLBACK_COMPLETE"}
    assert found({}, DescribeStacks={"Stacks": [stack]})["stacks"].ok is False


def test_who_may_not_look_is_told_which_permission_is_missing_and_nothing_fails() -> None:
    told = found(ALL, **dict.fromkeys(EMPTY_ACCOUNT, DENIED))
    asked = {name: each for name, each in told.items() if name != "region"}
    assert {each.ok for each in asked.values()} == {None}
    assert "iam:GetPolicy" in asked["permissions boundary"].advice
    assert "lambda:GetAccountSettings" in asked["Lambda concurrency"].advice


@pytest.mark.parametrize(("answers", "code"), [({}, 0), ({"GetParameter": Refusal("ParameterNotFound")}, 1)])
def test_the_command_tells_each_check_as_json_and_fails_with_one(
    monkeypatch: pytest.MonkeyPatch, answers: dict[str, Any], code: int
) -> None:
    monkeypatch.setattr(Connection, "client", lambda _self, service: client(service, EMPTY_ACCOUNT | answers))
    monkeypatch.setattr(doctor, "_node", lambda: Finding("Node for the CDK", True, "there"))
    done = CliRunner().invoke(app, ["doctor", "--stage", "prod", "--region", "us-gov-west-1", "--json"])
    checks = {each["check"]: each["ok"] for each in json.loads(done.stdout)}
    assert (done.exit_code, checks["credentials"], checks["bootstrap"]) == (code, True, not code)
