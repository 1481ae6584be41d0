"""What the reprocess state machine may do: read its manifests, start ingest executions, and nothing to any file."""

import json
from typing import Any

import pytest

from tests.infra.conftest import Stage, Template, statements
from tests.infra.test_permissions import written_out

CHILDREN = "<AWS::Region>:<AWS::AccountId>:execution:sluice-{stage}-reprocess/ReprocessEach:*"


def machine(pipeline: Template) -> dict[str, Any]:
    return pipeline.only("StepFunctions::StateMachine", "Reprocess")


def granted(pipeline: Template) -> dict[str, set[str]]:
    """Resources by action, without what every state machine may do."""
    found: dict[str, set[str]] = {}
    for statement in statements(pipeline.only("IAM::Policy", "ReprocessRoleDefaultPolicy")["PolicyDocument"]):
        for action in statement["Action"]:
            found.setdefault(action, set()).update(map(written_out, statement["Resource"]))
    return {action: where for action, where in found.items() if not action.startswith(("logs:", "xray:"))}


def test_it_is_standard_logged_and_traced(stage: Stage) -> None:
    found = machine(stage.pipeline)
    assert found["StateMachineName"] == f"sluice-{stage.name}-reprocess"
    assert (found["StateMachineType"], found["TracingConfiguration"]) == ("STANDARD", {"Enabled": True})
    assert found["LoggingConfiguration"]["Level"] == "ERROR"


def test_every_name_in_the_definition_is_filled_in(pipeline: Template) -> None:
    found = machine(pipeline)
    text = found["DefinitionString"]
    assert {name for name in found["DefinitionSubstitutions"] if f"${{{name}}}" in text} == {
        *("ingest", "report_batch", "partition"),
    }
    assert text.count("${") == sum(text.count(f"${{{name}}}") for name in found["DefinitionSubstitutions"])


def test_it_starts_ingest_executions_and_its_own_children(stage: Stage) -> None:
    may = granted(stage.pipeline)
    started = {arn.rpartition(":")[2] for arn in may["states:StartExecution"]}
    assert {name[:7] for name in started} == {"<Ingest", "sluice-"}
    assert f"sluice-{stage.name}-reprocess" in started
    executions = {arn.partition(":states:")[2] for arn in may["states:RedriveExecution"]}
    assert executions == {CHILDREN.format(stage=stage.name)}


def test_it_touches_no_file_but_those_of_batches(pipeline: Template) -> None:
    may = granted(pipeline)
    buckets = {where for action, resources in may.items() if action.startswith("s3:") for where in resources}
    assert buckets == {"<Operations>/reprocess/*"}
    assert not [action for action in may if action.startswith(("dynamodb:", "sns:"))]


def test_it_invokes_only_the_function_that_reports(pipeline: Template) -> None:
    (report,) = granted(pipeline)["lambda:InvokeFunction"]
    assert "ReportBatch" in report


@pytest.mark.parametrize("state", ["StartIngest", "StartAgain"])
def test_its_label_is_the_one_that_the_role_names(pipeline: Template, state: str) -> None:
    each = json.loads(machine(pipeline)["DefinitionString"])["States"]["ReprocessEach"]
    assert each["Label"] == "ReprocessEach"
    assert state in each["ItemProcessor"]["States"]
