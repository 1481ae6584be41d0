"""CloudFormation Guard finds that the templates keep infra/security/promises.guard, and when they do not."""

from copy import deepcopy
from typing import Any

import pytest

from infra.functions.sources import PROJECT_ROOT
from tests.infra.conftest import Stage

run_checks = pytest.importorskip("cfn_guard_rs", reason="it has wheels for Linux and Python below 3.13 only").run_checks

RULES = (PROJECT_ROOT / "infra/security/promises.guard").read_text()
ANYBODY = {"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "*"}}]}
EVERYTHING = {"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
READ_BY_ALL = {"Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", "Principal": {"AWS": "*"}}]}
BROKEN: dict[str, tuple[str, str, Any]] = {
    "nothing_in_a_bucket_is_public": ("S3::Bucket", "PublicAccessBlockConfiguration", None),
    "every_bucket_is_encrypted": ("S3::Bucket", "BucketEncryption", None),
    "a_bucket_policy_only_refuses_but_to_services": ("S3::BucketPolicy", "PolicyDocument", READ_BY_ALL),
    "the_table_can_be_recovered": (
        "DynamoDB::Table",
        "PointInTimeRecoverySpecification",
        {"PointInTimeRecoveryEnabled": False},
    ),
    "every_queue_is_encrypted": ("SQS::Queue", "SqsManagedSseEnabled", False),
    "every_topic_is_encrypted": ("SNS::Topic", "KmsMasterKeyId", None),
    "every_key_is_renewed": ("KMS::Key", "EnableKeyRotation", None),
    "no_log_is_kept_for_ever": ("Logs::LogGroup", "RetentionInDays", None),
    "every_function_is_traced_and_has_its_own_log": ("Lambda::Function", "TracingConfig", None),
    "every_state_machine_is_traced_and_logged": (
        "StepFunctions::StateMachine",
        "LoggingConfiguration",
        {"Level": "OFF"},
    ),
    "no_policy_allows_every_action": ("IAM::Policy", "PolicyDocument", EVERYTHING),
    "a_role_is_assumed_by_a_service_and_has_no_managed_policy": ("IAM::Role", "AssumeRolePolicyDocument", ANYBODY),
    "no_route_takes_callers_without_a_name": ("ApiGatewayV2::Route", "AuthorizationType", "NONE"),
    "who_may_call_a_function_is_named_with_its_source": ("Lambda::Permission", "SourceArn", None),
}
"""For each rule a property whose change or absence breaks it."""


def broken_rules(template: dict[str, Any]) -> list[str]:
    return [found.Rule.name for found in run_checks(template, RULES).not_compliant]


@pytest.mark.parametrize("part", ["storage", "pipeline"])
def test_templates_keep_what_they_promise(stages: dict[str, Stage], part: str) -> None:
    broken = {name: broken_rules(getattr(stage, part).body) for name, stage in stages.items()}
    assert broken == {name: [] for name in stages}


def test_there_is_a_way_to_break_each_rule() -> None:
    assert [line.split()[1] for line in RULES.splitlines() if line.startswith("rule ")] == list(BROKEN)


@pytest.mark.parametrize("rule", BROKEN)
def test_a_promise_that_one_resource_breaks_is_found(stages: dict[str, Stage], rule: str) -> None:
    kind, name, value = BROKEN[rule]
    parts = (stages["prod"].storage, stages["prod"].pipeline)
    template = deepcopy(next(part.body for part in parts if part.of_type(kind)))
    resources = template["Resources"].values()
    *_, last = (resource["Properties"] for resource in resources if resource["Type"] == f"AWS::{kind}")
    del last[name]
    if value is not None:
        last[name] = value
    assert broken_rules(template) == [rule]
