"""A stage with a KMS key of its own: what it encrypts, and that everyone who needs it may use it, and only for that."""

import json
import re
from typing import Any

import pytest

from tests.infra.conftest import Stage, statements

THROUGH_THEM_ALL = {"Decrypt dynamodb", "Decrypt s3", "GenerateDataKey s3"}
TELLING = {"Decrypt sns", "GenerateDataKey sns"}
DEAD_LETTERS = {"Decrypt sqs", "GenerateDataKey sqs"}
SHARES = {
    "ArchiveRole": THROUGH_THEM_ALL,
    "QuarantineRole": THROUGH_THEM_ALL | TELLING,
    "ThumbnailImageRole": {"Decrypt s3", "GenerateDataKey s3"},
    "NotifyRole": {"Decrypt dynamodb"} | TELLING,
    "AuditRole": {"Decrypt dynamodb", "GenerateDataKey s3"} | DEAD_LETTERS,
    "RecordFailureRole": {"Decrypt dynamodb"} | TELLING | DEAD_LETTERS,
    "IntakeRole": DEAD_LETTERS,
    "ApiRole": {"Decrypt dynamodb", "GenerateDataKey s3"},
    "SweepScheduleRole": DEAD_LETTERS,
    "ReprocessRole": {"Decrypt s3", "GenerateDataKey s3"},
    "ConversionRole": {"Decrypt s3", "GenerateDataKey s3"},
    "IngestRole": set(),
}
"""What roles use the key for, each through a service."""


@pytest.fixture
def uses(unusual: Stage) -> list[tuple[str, dict[str, Any]]]:
    """The statements on KMS, each with the policy that it is in."""
    return [
        (name, statement)
        for name, policy in unusual.pipeline.of_type("IAM::Policy").items()
        for statement in statements(policy["Properties"]["PolicyDocument"])
        if any(action.startswith("kms:") for action in statement["Action"])
    ]


def test_all_that_is_kept_is_under_the_key(unusual: Stage) -> None:
    storage, pipeline = unusual.storage, unusual.pipeline
    kept = [
        *(bucket for name, bucket in storage.of_type("S3::Bucket").items() if not name.startswith("AccessLogs")),
        *storage.of_type("DynamoDB::Table").values(),
        *storage.of_type("SNS::Topic").values(),
        *pipeline.of_type("SQS::Queue").values(),
        *pipeline.of_type("Logs::LogGroup").values(),
    ]
    key = re.compile(r"FnGetAttKey\w+Arn|\"Fn::GetAtt\": \[\"Key\w+\", \"Arn\"\]|\"Ref\": \"Key")
    assert len(kept) > 40
    assert [each for each in kept if not key.search(json.dumps(each["Properties"]))] == []


def test_access_logs_are_not_as_s3_delivers_them_to_no_such_bucket(unusual: Stage) -> None:
    assert "aws:kms" not in json.dumps(unusual.storage.only("S3::Bucket", "AccessLogs"))


@pytest.mark.parametrize("role", SHARES)
def test_a_role_uses_the_key_for_what_it_may_do_and_nothing_else(
    uses: list[tuple[str, dict[str, Any]]], role: str
) -> None:
    share = {
        f"{action.removeprefix('kms:')} {host}"
        for name, statement in uses
        if name.startswith(f"{role}DefaultPolicy")
        for action in statement["Action"]
        for host in hosts(statement)
    }
    assert share == SHARES[role]


def hosts(statement: dict[str, Any]) -> list[str]:
    """By which the key is used, without their region."""
    found = statement["Condition"]["StringEquals"]["kms:ViaService"]
    return re.findall(r"(\w+)\.", json.dumps(found).replace(".amazonaws.com", ""))


def test_no_role_uses_the_key_but_through_a_service(uses: list[tuple[str, dict[str, Any]]]) -> None:
    assert uses
    assert all(hosts(statement) and "*" not in statement["Resource"] for _, statement in uses)


def test_services_that_come_in_nobody_s_name_are_let_use_it_for_this_account(unusual: Stage) -> None:
    policy = unusual.storage.only("KMS::Key")["KeyPolicy"]
    conditions = {json.dumps(s["Principal"].get("Service")): s.get("Condition") for s in statements(policy)}
    ours = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    assert conditions['["events.amazonaws.com", "sns.amazonaws.com"]'] == ours
    (of_logs,) = (condition for service, condition in conditions.items() if '"logs."' in service)
    ((operator, tested),) = of_logs.items()
    assert (operator, list(tested)) == ("ArnLike", ["kms:EncryptionContext:aws:logs:arn"])
    allowed = re.compile(re.escape(written(tested["kms:EncryptionContext:aws:logs:arn"])).replace(r"\*", ".*"))
    groups = unusual.pipeline.of_type("Logs::LogGroup").values()
    names = [written(each["Properties"].get("LogGroupName", "made-up")) for each in groups]
    assert any("big-files" in name for name in names)
    arns = [f"arn:aws:logs:REGION:ACCOUNT:log-group:{name}" for name in names]
    assert [arn for arn in arns if not allowed.fullmatch(arn)] == []


def written(value: Any) -> str:
    """What a template says, with names in place of what AWS fills in."""
    if isinstance(value, str):
        return value
    if "Ref" in value:
        return {"AWS::Region": "REGION", "AWS::AccountId": "ACCOUNT", "AWS::Partition": "aws"}[value["Ref"]]
    return "".join(map(written, value["Fn::Join"][1]))


def test_the_key_is_renewed_each_year_and_there_is_none_where_no_stage_asks(stages: dict[str, Stage]) -> None:
    assert stages["unusual"].storage.only("KMS::Key")["EnableKeyRotation"] is True
    assert [name for name, stage in stages.items() if stage.storage.of_type("KMS::Key")] == ["unusual"]
