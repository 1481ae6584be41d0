"""The workflow that deploys from GitHub, and the roles that its jobs get. Each role's use is in flows.py."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from aws_cdk import assertions

from infra.app import make_app
from infra.functions.sources import PROJECT_ROOT
from infra.github import GitHub
from infra.stages.read import SettingsError
from tests.infra.conftest import Stage, Template, statements
from tests.infra.enforcing import written_out
from tests.infra.variants import STAGES, UNUSUAL

WORKFLOW = PROJECT_ROOT / ".github" / "workflows" / "deploy.yml"
BIN = Path(sys.executable).parent
BOOTSTRAPPED = "arn:aws:iam::000000000000:role/cdk-hnb659fds-"


@pytest.fixture(scope="module")
def template(stages: dict[str, Stage]) -> Template:
    return Template(stages["dev"].folder.parent / "github" / "sluice-github.template.json")


@pytest.fixture(scope="module")
def workflow() -> dict[str, Any]:
    return yaml.safe_load(WORKFLOW.read_text())


def trusted(template: Template) -> dict[str, Any]:
    """The conditions under which each role may be assumed."""
    roles = (found["Properties"] for found in template.of_type("IAM::Role").values())
    return {role["RoleName"]: role["AssumeRolePolicyDocument"]["Statement"] for role in roles}


def allowed(template: Template, role: str) -> list[tuple[str, str]]:
    policy = template.only("IAM::Policy", role)["PolicyDocument"]
    return [(a, r) for s in statements(written_out(policy)) for a in s["Action"] for r in s["Resource"]]


@pytest.mark.parametrize(
    "command",
    [
        ["check-jsonschema", "--builtin-schema", "vendor.github-workflows"],
        ["zizmor", "--offline", "--no-progress"],
    ],
    ids=["schema", "security"],
)
@pytest.mark.parametrize("workflow", sorted(WORKFLOW.parent.glob("*.yml")), ids=lambda path: path.stem)
def test_linters_find_nothing_in_a_workflow(workflow: Path, command: list[str]) -> None:
    tool, *arguments = command
    linted = subprocess.run([BIN / tool, *arguments, str(workflow)], capture_output=True, text=True, check=False)
    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_cfn_lint_finds_nothing_in_the_roles(template: Template) -> None:
    linted = subprocess.run([BIN / "cfn-lint", "--", str(template.path)], capture_output=True, text=True, check=False)
    assert (linted.stdout, linted.returncode) == ("", 0)


def test_every_stage_on_aws_can_be_chosen(workflow: dict[str, Any]) -> None:
    # YAML 1.1 takes the word `on` for a truth value.
    on: dict[str, Any] = workflow[True]  # pyright: ignore[reportArgumentType]
    assert on["workflow_dispatch"]["inputs"]["stage"]["options"] == [stage for stage in STAGES if stage != "local"]


def test_each_job_gets_the_roles_that_trust_its_environment(workflow: dict[str, Any], template: Template) -> None:
    conditions = trusted(template)
    jobs = {
        job["environment"].replace("${{ inputs.stage || 'staging' }}", "prod"): job
        for job in workflow["jobs"].values()
        if "environment" in job
    }
    for environment, job in jobs.items():
        roles = re.findall(r"role/sluice-\$\{\{ env.STAGE \}\}-(\w+)", json.dumps(job))
        assert roles
        for role in roles:
            (statement,) = conditions[f"sluice-prod-{role}"]
            subject = statement["Condition"]["StringEquals"]["token.actions.githubusercontent.com:sub"]
            assert subject == f"repo:owner/name:environment:{environment}"


def test_only_jobs_that_ask_aws_get_a_token(workflow: dict[str, Any]) -> None:
    assert workflow["permissions"] == {}
    with_token = {name for name, job in workflow["jobs"].items() if job["permissions"].get("id-token") == "write"}
    assert with_token == {name for name, job in workflow["jobs"].items() if "environment" in job}


def test_each_role_trusts_one_environment_of_one_repository(template: Template) -> None:
    for (statement,) in trusted(template).values():
        assert statement["Action"] == "sts:AssumeRoleWithWebIdentity"
        (equals,) = statement["Condition"].values()
        assert [*statement["Condition"]] == ["StringEquals"]
        assert equals["token.actions.githubusercontent.com:aud"] == "sts.amazonaws.com"
        assert "*" not in equals["token.actions.githubusercontent.com:sub"]


@pytest.mark.parametrize("repository", ["owner/*", "owner", "", "owner/name:ref"])
def test_a_repository_is_named_in_full(repository: str) -> None:
    with pytest.raises(SettingsError, match="OWNER/NAME"):
        GitHub(None, repository, ["dev"])  # pyright: ignore[reportArgumentType]


def test_what_compares_may_only_look_and_what_deploys_only_assume_what_bootstrap_made(template: Template) -> None:
    looks, deploys = (allowed(template, f"Prod{does}DefaultPolicy") for does in ("Diff", "Deploy"))
    assert looks == [("sts:AssumeRole", f"{BOOTSTRAPPED}lookup-role-000000000000-us-east-1")]
    assert {action for action, _ in deploys} == {"sts:AssumeRole"}
    assert all(resource.startswith(BOOTSTRAPPED) for _, resource in deploys)


def test_what_tries_writes_samples_only_and_reaches_no_other_stage(template: Template) -> None:
    tries = allowed(template, "ProdTryDefaultPolicy")
    assert [r for a, r in tries if a == "s3:PutObject"] == ["arn:aws:s3:::sluice-prod-storage-ingest*/smoke/*"]
    assert all("sluice-prod-" in resource for _, resource in tries)


def test_smoke_test_may_upload_to_a_stage_with_a_key_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """S3 asks KMS in the caller's name; IAM lets it for that bucket alone, and for no stage without such a key."""
    monkeypatch.setattr("infra.github.settings_of", {"unusual": UNUSUAL, **STAGES}.__getitem__)
    stack = GitHub(make_app(), "owner/name", ["unusual", "dev"])
    found = assertions.Template.from_stack(stack).to_json()["Resources"].values()
    policies = [each["Properties"]["PolicyDocument"] for each in found if each["Type"] == "AWS::IAM::Policy"]
    (statement,) = (s for policy in policies for s in statements(policy) if "kms:GenerateDataKey" in s["Action"])
    assert statement["Action"] == ["kms:Decrypt", "kms:GenerateDataKey"]
    assert "s3." in json.dumps(statement["Condition"]["StringEquals"]["kms:ViaService"])
    bucket = json.dumps(statement["Condition"]["ArnLike"]["kms:EncryptionContext:aws:s3:arn"])
    assert "sluice-unusual-storage-ingest*" in bucket
