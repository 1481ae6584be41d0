"""A stage that sends long videos to AWS Elemental MediaConvert."""

import json

from tasks.shared.naming import WORK
from tests.infra.conftest import Stage, statements


def test_state_machine_sends_long_videos_to_the_service(unusual: Stage) -> None:
    machine = unusual.pipeline.only("StepFunctions::StateMachine", "Ingest")
    convert = json.loads(machine["DefinitionString"])["States"]["ConvertVideo"]
    assert convert["Resource"] == "arn:${partition}:states:::mediaconvert:createJob.sync"
    role = machine["DefinitionSubstitutions"]["conversion_role"]["Fn::GetAtt"][0]
    assert role.startswith("ConversionRole")


def test_state_machine_may_pass_only_that_role_and_only_to_the_service(unusual: Stage) -> None:
    policy = unusual.pipeline.only("IAM::Policy", "IngestRoleDefaultPolicy")["PolicyDocument"]
    passing = [s for s in statements(policy) if "ConversionRole" in json.dumps(s)]
    assert [(s["Action"], s["Condition"]) for s in passing] == [
        (["iam:PassRole"], {"StringEquals": {"iam:PassedToService": "mediaconvert.amazonaws.com"}})
    ]
    assert [resource["Fn::GetAtt"][0].startswith("ConversionRole") for resource in passing[0]["Resource"]] == [True]


def test_service_reads_originals_and_writes_only_work(unusual: Stage) -> None:
    policy = unusual.pipeline.only("IAM::Policy", "ConversionRoleDefaultPolicy")["PolicyDocument"]
    actions = {action for statement in statements(policy) for action in statement["Action"]}
    actions -= {"kms:Decrypt", "kms:GenerateDataKey"}
    assert actions == {"s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"}
    (writing,) = (s for s in statements(policy) if "s3:PutObject" in s["Action"])
    assert json.dumps(writing["Resource"]).count(f"/{WORK}*") == len(writing["Resource"]) == 1


def test_other_stages_have_nothing_of_it(stage: Stage) -> None:
    assert "mediaconvert" not in json.dumps(stage.pipeline.body).lower()
