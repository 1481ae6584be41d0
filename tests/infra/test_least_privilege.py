"""Least privilege, both ways: no permission is there that nothing needs, and none that a function must not have."""

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import boto3
import pytest
import requests
from botocore.config import Config

from infra.local.authorizations import Authorization
from tasks.shared.indexes import OLD_INDEXES
from tasks.shared.naming import WORK
from tests.infra.conftest import Stage, statements
from tests.infra.enforcing import Enforcing, enforcing_stage, picture
from tests.infra.flows import FLOWS, uploads
from tests.infra.services import role_name, used_by_services
from workflow.limits import FUNCTIONS

pytestmark = pytest.mark.timeout(900)

NOT_SHOWN_HERE = {
    "* logs:*Deliver*": "Step Functions sets up its log delivery with the machine's role; AWS names all of these",
    "* logs:*ResourcePol*": "Step Functions sets up its log delivery with the machine's role; AWS names all of these",
    "* logs:DescribeLogGroups": "Step Functions sets up its log delivery with the machine's role; AWS names all these",
    "* xray:*": "The embedded AWS has no X-Ray",
    "* s3:AbortMultipartUpload": "For a copy in parts that breaks off: test_objects.py in tests/unit breaks one off",
    "*SweepRole* s3:ListBucket": "An upload may leave its bucket while the sweeper looks at it: by chance only",
}
"""Roles and actions that no flow on the embedded AWS can show to be needed, and why they are there."""


@dataclass(frozen=True)
class Grant:
    """One action on one resource that a role's policy allows."""

    role: str
    action: str
    resource: str

    def covers(self, used: Authorization) -> bool:
        return (self.role, self.action) == (used.role, used.action) and fnmatchcase(used.resource, self.resource)


@pytest.fixture(scope="module")
def flown(stages: dict[str, Stage], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Enforcing]:
    """The stage after all flows."""
    folder = tmp_path_factory.mktemp("enforcing")
    with enforcing_stage(stages["local"], folder) as stage:
        made = uploads(folder)
        for flow in FLOWS:
            flow(stage, made)
        yield stage


@pytest.fixture(scope="module")
def given(flown: Enforcing) -> list[Grant]:
    return list(grants(flown))


def grants(stage: Enforcing) -> Iterator[Grant]:
    iam = stage.client("iam")
    for role in iam.list_roles()["Roles"]:
        name = role["RoleName"]
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            for statement in statements(iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]):
                yield from (Grant(name, a, r) for a in statement["Action"] for r in statement["Resource"])


def needed(grant: Grant, given: list[Grant], used: frozenset[Authorization]) -> bool:
    """Whether a call was allowed that nothing else in the role's policy allows: without the grant it is refused."""
    others = [each for each in given if each.role == grant.role and each is not grant]
    mine = (call for call in used if call.allowed and grant.covers(call))
    return any(not any(other.covers(call) for other in others) for call in mine)


def shown(grant: Grant) -> bool:
    """Old indexes are for executions that an older version started, and no flow here is one."""
    if grant.resource.rpartition("/")[2] in {index.name for index in OLD_INDEXES.values()}:
        return False
    return not any(fnmatchcase(f"{grant.role} {grant.action}", pattern) for pattern in NOT_SHOWN_HERE)


def test_every_permission_is_needed_by_some_flow(flown: Enforcing, given: list[Grant]) -> None:
    used = flown.used | set(used_by_services(flown))
    unneeded = [grant for grant in given if shown(grant) and not needed(grant, given, used)]
    assert sorted(f"{each.role} {each.action} {each.resource}" for each in unneeded) == []


def test_no_flow_is_refused_anything(flown: Enforcing) -> None:
    assert [call for call in flown.used if not call.allowed] == []


def test_the_proof_finds_a_permission_that_nothing_needs(flown: Enforcing, given: list[Grant]) -> None:
    """Also one that another one covers."""
    one = next(each for each in given if each.action == "dynamodb:UpdateItem")
    for excess in (Grant(one.role, "dynamodb:Scan", one.resource), Grant(one.role, one.action, "*")):
        assert not needed(excess, [*given, excess], flown.used)


@pytest.fixture(scope="module")
def roles(flown: Enforcing) -> dict[str, str]:
    """Role by function."""
    configurations = flown.client("lambda").list_functions()["Functions"]
    return {each["FunctionName"].removeprefix("sluice-local-"): role_name(each["Role"]) for each in configurations}


FORBIDDEN = [
    ("s3:PutObject", "{IngestBucket}/photos/cat.jpg"),
    ("s3:DeleteObject", "{IngestBucket}/photos/cat.jpg"),
    ("s3:DeleteObject", "{ArchiveBucket}/photos/cat.jpg"),
    ("s3:DeleteObjectVersion", "{ArchiveBucket}/photos/cat.jpg"),
    ("s3:DeleteObject", "{QuarantineBucket}/photos/cat.jpg"),
    ("s3:DeleteObject", "{OutputBucket}/renditions/cat.webp"),
    ("s3:PutBucketPolicy", "{ArchiveBucket}"),
    ("s3:PutLifecycleConfiguration", "{ArchiveBucket}"),
    ("s3:BypassGovernanceRetention", "{ArchiveBucket}/photos/cat.jpg"),
    ("s3:GetObject", "another-stage-ingest/photos/cat.jpg"),
    ("dynamodb:GetItem", "arn:aws:dynamodb:us-east-1:000000000000:table/sluice-another-stage"),
    ("dynamodb:Scan", "arn:aws:dynamodb:us-east-1:000000000000:table/{TableName}"),
    ("dynamodb:DeleteTable", "arn:aws:dynamodb:us-east-1:000000000000:table/{TableName}"),
    ("sns:Publish", "arn:aws:sns:us-east-1:000000000000:sluice-another-stage"),
    ("lambda:InvokeFunction", "arn:aws:lambda:us-east-1:000000000000:function:sluice-local-archive"),
    ("lambda:UpdateFunctionCode", "arn:aws:lambda:us-east-1:000000000000:function:sluice-local-archive"),
    ("states:UpdateStateMachine", "{StateMachineArn}"),
    ("states:StopExecution", "arn:aws:states:us-east-1:000000000000:execution:sluice-local-ingest:any"),
    ("ssm:PutParameter", "arn:aws:ssm:us-east-1:000000000000:parameter/sluice/local/settings"),
    ("ssm:GetParameter", "arn:aws:ssm:us-east-1:000000000000:parameter/sluice/another-stage/settings"),
    ("secretsmanager:PutSecretValue", "{WebhookSecretArn}"),
    ("iam:PassRole", "arn:aws:iam::000000000000:role/any"),
    ("iam:PutRolePolicy", "arn:aws:iam::000000000000:role/any"),
    ("sts:AssumeRole", "arn:aws:iam::000000000000:role/any"),
]
"""What no function may do, whatever its task is. A resource without a service is S3's."""


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_is_refused_what_none_may_do(
    flown: Enforcing, given: list[Grant], roles: dict[str, str], function: str
) -> None:
    role = roles[function.replace("_", "-")]
    wanted = [Authorization(role, action, arn(resource, flown), allowed=True) for action, resource in FORBIDDEN]
    assert [call for call in wanted if any(grant.covers(call) for grant in given)] == []


def arn(resource: str, stage: Enforcing) -> str:
    named = resource.format(**stage.outputs)
    return named if named.startswith("arn:") else f"arn:aws:s3:::{named}"


ALONE = {
    ("s3:PutObject", "{ExpandedBucket}/any"): {"transform-archive"},
    ("s3:PutObject", "{ArchiveBucket}/any"): {"archive"},
    ("s3:PutObject", "{QuarantineBucket}/any"): {"quarantine"},
    ("s3:PutObject", f"{{OutputBucket}}/{WORK}any"): {"convert-part"},
    ("s3:DeleteObjectVersion", "{QuarantineBucket}/any"): {"archive"},
    ("s3:PutObject", "{IngestBucket}/uploads/any"): {"api"},
    ("secretsmanager:GetSecretValue", "{WebhookSecretArn}"): {"webhook"},
}
"""What one function may do, and no other."""


@pytest.mark.parametrize("action_on", ALONE, ids=" ".join)
def test_only_one_function_may(
    flown: Enforcing, given: list[Grant], roles: dict[str, str], action_on: tuple[str, str]
) -> None:
    action, resource = action_on
    may = {
        function
        for function, role in roles.items()
        if any(grant.covers(Authorization(role, action, arn(resource, flown), allowed=True)) for grant in given)
    }
    assert may == ALONE[action_on]


def test_the_api_cannot_sign_for_another_prefix(flown: Enforcing) -> None:
    """A form is worth what the role of the function is: this one was made by somebody with the function's keys."""
    s3 = thief(flown, "sluice-local-api")

    def status(key: str) -> int:
        form = s3.generate_presigned_post(flown.outputs["IngestBucket"], key)
        return requests.post(form["url"], data=form["fields"], files={"file": ("any", b"any")}, timeout=60).status_code

    assert (status("elsewhere/any.png"), status("uploads/any.png")) == (403, 204)


def thief(stage: Enforcing, function: str) -> Any:
    """A client of S3 with the function's own keys."""
    role = stage.client("lambda").get_function_configuration(FunctionName=function)["Role"]
    keys = stage.client("sts").assume_role(RoleArn=role, RoleSessionName="thief")["Credentials"]
    return boto3.client(
        "s3",
        endpoint_url=stage.client("s3").meta.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
        config=Config(signature_version="s3v4"),
    )


def test_without_its_policy_a_function_is_refused_and_the_failure_is_recorded(flown: Enforcing) -> None:
    """The counterproof to all flows, and the last test, as nothing goes through after it."""
    role = role_name(flown.client("lambda").get_function_configuration(FunctionName="sluice-local-notify")["Role"])
    iam = flown.client("iam")
    (policy,) = iam.list_role_policies(RoleName=role)["PolicyNames"]
    iam.delete_role_policy(RoleName=role, PolicyName=policy)
    flown.put("IngestBucket", "denied/picture.png", picture("black"))
    record = flown.record("denied/picture.png")
    assert record["status"] == "failed"
    assert "AccessDenied" in str(record["reason"])
