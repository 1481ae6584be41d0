"""A stage that has a container do what no function can."""

import json
from typing import Any

import pytest

from tasks.shared.naming import WORK
from tests.infra.conftest import Stage, Template, statements
from tests.infra.test_packaging import imported_distributions_of, wanted
from tests.infra.variants import STAGES, assert_refused
from workflow.kinds import BIG_FILE_MAX_BYTES
from workflow.limits import BIG_FILE


@pytest.fixture
def pipeline(unusual: Stage) -> Template:
    return unusual.pipeline


def granted(template: Template, role: str) -> dict[str, str]:
    """Resources by action, as they stand in the template."""
    policy = template.only("IAM::Policy", f"{role}DefaultPolicy")["PolicyDocument"]
    return {action: json.dumps(s["Resource"]) for s in statements(policy) for action in s["Action"]}


def test_the_state_runs_the_task_in_its_cluster(pipeline: Template) -> None:
    machine = pipeline.only("StepFunctions::StateMachine", "Ingest")
    state = json.loads(machine["DefinitionString"])["States"]["TransformBig"]
    assert state["Resource"] == "arn:${partition}:states:::ecs:runTask.sync"
    given: dict[str, Any] = machine["DefinitionSubstitutions"]
    assert given["big_files_task"]["Ref"] in pipeline.of_type("ECS::TaskDefinition")
    assert given["big_files_cluster"]["Fn::GetAtt"][0] in pipeline.of_type("ECS::Cluster")
    assert len(given["big_files_subnets"]["Fn::Join"][1]) == len(pipeline.of_type("EC2::Subnet")) == 2
    (container,) = pipeline.only("ECS::TaskDefinition")["ContainerDefinitions"]
    assert state["Parameters"]["Overrides"]["ContainerOverrides"][0]["Name"] == container["Name"]


def test_the_container_has_what_the_table_of_limits_says(pipeline: Template) -> None:
    task = pipeline.only("ECS::TaskDefinition")
    assert (task["Cpu"], task["Memory"]) == (str(BIG_FILE.cpu_units), str(BIG_FILE.memory_mb))
    assert task["EphemeralStorage"] == {"SizeInGiB": BIG_FILE.scratch_gib}


def test_the_task_that_executions_in_flight_name_is_kept(pipeline: Template) -> None:
    (task,) = pipeline.of_type("ECS::TaskDefinition").values()
    assert task["UpdateReplacePolicy"] == "Retain"
    assert ":task-definition/sluice-unusual-big-file:*" in granted(pipeline, "IngestRole")["ecs:RunTask"]


def test_the_state_machine_stops_only_tasks_of_its_cluster_and_passes_only_its_roles(pipeline: Template) -> None:
    assert '":task/"' in granted(pipeline, "IngestRole")["ecs:StopTask"].replace(" ", "")
    policy = pipeline.only("IAM::Policy", "IngestRoleDefaultPolicy")["PolicyDocument"]
    conditions = [s["Condition"] for s in statements(policy) if "iam:PassRole" in s["Action"]]
    assert {"StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}} in conditions


def test_the_container_may_do_what_transform_may_and_tell_of_it(pipeline: Template) -> None:
    container, function = (granted(pipeline, role) for role in ("BigFilesRole", "TransformTableRole"))
    assert container.keys() == {action for action in function if action.startswith(("s3:", "dynamodb:", "kms:"))}
    assert container["s3:PutObject"].count(f"/{WORK}*") == function["s3:GetObject"].count(f"/{WORK}*") == 1
    assert f"/{WORK}*" not in function["s3:PutObject"]


def test_nothing_reaches_the_container_and_nothing_is_paid_by_the_hour(pipeline: Template) -> None:
    group = pipeline.only("EC2::SecurityGroup", "BigFilesOutwards")
    assert "SecurityGroupIngress" not in group
    assert [each["FromPort"] for each in group["SecurityGroupEgress"]] == [443]
    assert pipeline.of_type("EC2::NatGateway") == {}
    assert {each["Properties"]["VpcEndpointType"] for each in pipeline.of_type("EC2::VPCEndpoint").values()} == {
        "Gateway"
    }


def test_validate_is_told_whether_the_stage_has_it(unusual: Stage, stage: Stage) -> None:
    def told(template: Template) -> str:
        return template.only("Lambda::Function", "ValidateFunction")["Environment"]["Variables"]["BIG_FILES"]

    assert (told(unusual.pipeline), told(stage.pipeline)) == ("true", "false")
    assert stage.pipeline.of_type("ECS::TaskDefinition") == {}


def test_the_embedded_aws_has_no_containers() -> None:
    assert_refused("embedded AWS", STAGES["local"], files={"big_files": True})


def test_the_image_has_exactly_what_its_code_imports() -> None:
    kinds = [f"tasks.transform.{kind}" for kind in BIG_FILE_MAX_BYTES]
    assert wanted("big_file") == imported_distributions_of(["tasks.big_file.__main__", *kinds]) | {"boto3"}
