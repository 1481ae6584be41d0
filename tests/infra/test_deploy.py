"""Deploying the local stage: once in full, then only what has changed, and with reasons where it fails."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest

from infra.functions import sources
from infra.local import assembly
from infra.local.cloudformation import Stacks
from infra.local.deploy import ASSETS_BUCKET, ClientFactory, Deployment, DeploymentError, deploy
from infra.release import toolchain
from tests.assemblies import local_assembly
from tests.infra.conftest import Stage, embedded_aws
from workflow.limits import FUNCTIONS


@dataclass(frozen=True)
class Local:
    """An embedded AWS to which the local stage was deployed once."""

    client: ClientFactory
    state_dir: Path
    first: Deployment

    def deploy(self) -> Deployment:
        return deploy(self.client, self.state_dir)

    def code_digests(self) -> set[str]:
        return {function["CodeSha256"] for function in self.client("lambda").list_functions()["Functions"]}


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Local]:
    folder = tmp_path_factory.mktemp("local")
    local_assembly(folder)
    with embedded_aws(folder / "aws") as connection:
        yield Local(connection.client, folder, deploy(connection.client, folder))


@pytest.fixture
def no_synthesis(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lets any attempt to start the CDK fail."""

    def refuse(**_extra: str) -> NoReturn:
        raise AssertionError("nothing that the templates are made from has changed")

    monkeypatch.setattr(toolchain, "environment", refuse)


def test_the_first_deployment_creates_both_stacks_and_tells_their_names(local: Local) -> None:
    assert local.first.changed == ("sluice-local-storage", "sluice-local-pipeline")
    assert set(local.first.outputs) == {
        "IngestBucket",
        "ExpandedBucket",
        "OutputBucket",
        "ArchiveBucket",
        "QuarantineBucket",
        "OperationsBucket",
        "TableName",
        "OldIndexes",
        "TopicArn",
        "StateMachineArn",
        "StateMachineAliasArn",
        "ReprocessStateMachineArn",
        "EventsDlqUrl",
        "FailuresDlqUrl",
        "RestoresDlqUrl",
        "SweepsDlqUrl",
        "ApiUrl",
        "RequestQueueUrl",
        "RequestsDlqUrl",
        "NotificationTopicArn",
        "AlarmTopicArn",
        "OutcomeBusName",
        "AuditBucket",
        "AuditDlqUrl",
        "TelemetryStreamName",
        "TelemetryDlqUrl",
        "WebhookSecretArn",
        "WebhookQueueUrl",
        "WebhookDlqUrl",
    }
    assert len(local.client("lambda").list_functions()["Functions"]) == len(FUNCTIONS)


@pytest.mark.usefixtures("no_synthesis")
def test_an_unchanged_tree_changes_nothing(local: Local) -> None:
    again = local.deploy()
    assert again.changed == ()
    assert again.outputs == local.first.outputs


@pytest.mark.usefixtures("no_synthesis")
def test_changed_code_updates_the_functions_without_synthesis(local: Local, monkeypatch: pytest.MonkeyPatch) -> None:
    before = local.code_digests()
    monkeypatch.setattr(sources, "function_files", lambda: sources.closure(["workflow.kinds"]))
    assert local.deploy().changed == ("sluice-local-pipeline",)
    assert len(local.code_digests()) == 1
    assert local.code_digests() != before


def template(**resources: dict[str, Any]) -> str:
    return json.dumps({"Resources": resources})


def address(local: Local, text: str) -> str:
    local.client("s3").put_object(Bucket=ASSETS_BUCKET, Key="test.json", Body=text)
    return f"https://s3.amazonaws.com/{ASSETS_BUCKET}/test.json"


def test_a_failed_creation_tells_which_resource_and_why_and_does_not_block_the_next(local: Local) -> None:
    stacks = Stacks(local.client("cloudformation"))
    bad = template(Doubtful={"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "https://x/no/thing"}})
    with pytest.raises(
        DeploymentError, match=r"ROLLBACK_COMPLETE:\n +Doubtful \(AWS::CloudFormation::Stack\): .*no/thing"
    ):
        stacks.apply("mending", address(local, bad), {})
    good = template(Doubtful={"Type": "AWS::S3::Bucket"})
    assert stacks.apply("mending", address(local, good), {})


def test_the_templates_that_come_with_the_sources_are_what_would_be_synthesized(stages: dict[str, Stage]) -> None:
    """If not: `python -m infra.local.assembly`, and commit what it wrote."""
    synthesized = {name: (stages["local"].folder / f"{name}.template.json").read_text() for name in assembly.STACKS}
    assert assembly.shipped(assembly.inputs_digest()) == synthesized


def test_templates_that_come_with_other_sources_are_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assembly, "SHIPPED", tmp_path / "shipped")
    others = json.dumps({"inputs": "another", "templates": {"some": "thing"}})
    assembly.SHIPPED.write_bytes(gzip.compress(others.encode()))
    kept = tmp_path / "assembly" / assembly.inputs_digest()
    kept.mkdir(parents=True)
    for name in assembly.STACKS:
        (kept / f"{name}.template.json").write_text(name)
    assert assembly.templates(tmp_path) == {name: name for name in assembly.STACKS}


def test_a_failed_synthesis_tells_what_the_cdk_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assembly, "SHIPPED", tmp_path / "none")
    monkeypatch.setattr(toolchain, "environment", lambda **_extra: {"JSII_NODE": str(tmp_path / "no-node")})
    with pytest.raises(assembly.SynthesisError, match="no-node"):
        assembly.templates(tmp_path)
    assert list(tmp_path.iterdir()) == []
