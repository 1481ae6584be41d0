"""What the buckets refuse to whoever asks, by their policies as AWS evaluates them."""

import json
import re
from typing import Any

import pytest

from infra.local.ministack import iam_evaluator
from tests.infra.conftest import Stage, Template

OURS, ANOTHERS = "000000000000", "111122223333"
REMOVING = ["s3:DeleteObject", "s3:DeleteObjectVersion", "s3:BypassGovernanceRetention"]


def buckets(storage: Template) -> list[str]:
    return [re.sub(r"[0-9A-F]{8}$", "", name) for name in storage.of_type("S3::Bucket")]


def policy_of(storage: Template, bucket: str) -> str:
    """The bucket's policy, with its ARN and our account written out."""
    text = json.dumps(storage.only("S3::BucketPolicy", f"{bucket}Policy")["PolicyDocument"])
    text = re.sub(r'{"Fn::GetAtt": \["\w+", "Arn"\]}', '"arn:aws:s3:::bucket"', text)
    text = re.sub(r'{"Fn::Join": \["", \["arn:aws:s3:::bucket", "(/[^"]*)"\]\]}', r'"arn:aws:s3:::bucket\1"', text)
    return text.replace('{"Ref": "AWS::AccountId"}', f'"{OURS}"')


def denied(policy: str, action: str, *, account: str = OURS, **context: Any) -> bool:
    """Whether the policy refuses an administrator's call, over TLS unless `context` says otherwise."""
    asked = iam_evaluator.EvalContext(
        principal_arn=f"arn:aws:iam::{account}:user/admin",
        principal_type="User",
        principal_account=account,
        action=action,
        resource_arn="arn:aws:s3:::bucket/any",
        region="us-east-1",
        **({"secure_transport": True} | context),
    )
    return iam_evaluator.evaluate_resource_policy(policy, asked).decision == "Deny"


def test_every_bucket_refuses_other_accounts_and_plain_http(storage: Template) -> None:
    for bucket in buckets(storage):
        policy = policy_of(storage, bucket)
        assert denied(policy, "s3:GetObject", account=ANOTHERS), bucket
        assert denied(policy, "s3:GetObject", secure_transport=False), bucket
        assert not denied(policy, "s3:GetObject"), bucket


def test_aws_s_own_services_which_have_no_account_are_let_through(storage: Template) -> None:
    service = {"service_context": {"aws:principalisawsservice": "true"}}
    assert not denied(policy_of(storage, "AccessLogs"), "s3:PutObject", account="", **service)


@pytest.mark.parametrize("action", REMOVING)
def test_archive_loses_nothing_whoever_asks(storage: Template, action: str) -> None:
    assert denied(policy_of(storage, "Archive"), action)
    assert not denied(policy_of(storage, "Quarantine"), action)


@pytest.mark.parametrize("action", ["s3:PutObject", "s3:RestoreObject", "s3:PutBucketPolicy"])
def test_archive_takes_originals_and_stays_an_administrator_s(storage: Template, action: str) -> None:
    assert not denied(policy_of(storage, "Archive"), action)


def test_archive_can_be_locked(unusual: Stage, stages: dict[str, Stage]) -> None:
    lock = unusual.storage.only("S3::Bucket", "Archive")["ObjectLockConfiguration"]
    assert lock["Rule"] == {"DefaultRetention": {"Days": 365, "Mode": "GOVERNANCE"}}
    assert "ObjectLockConfiguration" not in stages["prod"].storage.only("S3::Bucket", "Archive")


def test_every_role_has_the_team_s_boundary(unusual: Stage, stages: dict[str, Stage]) -> None:
    roles = [role["Properties"] for role in unusual.pipeline.of_type("IAM::Role").values()]
    assert {json.dumps(role["PermissionsBoundary"]).count(":policy/team-boundary") for role in roles} == {1}
    assert "PermissionsBoundary" not in str(stages["prod"].pipeline.of_type("IAM::Role"))
