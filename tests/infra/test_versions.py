"""Published versions, and the alias that gives them executions, in every stage."""

import json
import re
from functools import reduce
from io import StringIO
from operator import getitem
from types import SimpleNamespace
from typing import Any

import pytest

from tasks.shared import failures, observe
from tasks.shared.executions import Execution
from tests.infra.conftest import Stage, Template, statements
from tests.infra.synthesize import COMMIT
from workflow.limits import functions_of
from workflow.names import LOCAL
from workflow.shapes import CaughtError, Run

KEPT = {"DeletionPolicy": "RetainExceptOnCreate", "UpdateReplacePolicy": "Retain"}


@pytest.fixture
def changed_dev(stages: dict[str, Stage]) -> Template:
    """The stage dev with other code in notify and other settings for images, at a commit that is known."""
    return Template(stages["dev"].folder.with_name("changed") / "sluice-dev-pipeline.template.json")


def ingest_machine(pipeline: Template) -> str:
    """The logical id of the state machine that the alias is of."""
    (found,) = (name for name in pipeline.of_type("StepFunctions::StateMachine") if name.startswith("Ingest"))
    return found


def version_ids(pipeline: Template) -> dict[str, str]:
    """Logical id of the version of each function, by the function's name in its stage."""
    functions = pipeline.of_type("Lambda::Function")
    return {
        functions[version["Properties"]["FunctionName"]["Ref"]]["Properties"]["FunctionName"].split("-", 2)[2]: name
        for name, version in pipeline.of_type("Lambda::Version").items()
    }


def test_all_that_the_definition_names_are_versions(pipeline: Template) -> None:
    named = pipeline.only("StepFunctions::StateMachine", "Ingest")["DefinitionSubstitutions"]
    functions = {name: value for name, value in named.items() if name not in {"conversion_role", "partition"}}
    assert {value["Ref"] for value in functions.values()} == set(pipeline.of_type("Lambda::Version"))


def test_older_versions_stay_but_not_those_of_a_failed_deployment(pipeline: Template) -> None:
    versions = pipeline.of_type("Lambda::Version") | pipeline.of_type("StepFunctions::StateMachineVersion")
    assert [name for name, version in versions.items() if not version.items() >= KEPT.items()] == []


def test_a_version_is_published_when_the_code_or_the_settings_of_its_function_change_and_only_then(
    stages: dict[str, Stage], changed_dev: Template
) -> None:
    before, after = version_ids(stages["dev"].pipeline), version_ids(changed_dev)
    changed = {function for function in before if before[function] != after[function]}
    assert changed == {"notify", *(name.replace("_", "-") for name in functions_of("transform"))}


def test_local_versions_follow_the_source_tree_which_the_template_does_not_know(stage: Stage) -> None:
    described = {version["Properties"].get("Description", {}).get("Ref") for version in versions_of_functions(stage)}
    assert described == ({"CodeKey"} if stage.name == LOCAL else {None})


def versions_of_functions(stage: Stage) -> list[dict[str, dict[str, dict[str, str]]]]:
    return list(stage.pipeline.of_type("Lambda::Version").values())


def test_every_revision_of_the_state_machine_is_published(pipeline: Template) -> None:
    machine = ingest_machine(pipeline)
    assert pipeline.only("StepFunctions::StateMachineVersion") == {
        "StateMachineArn": {"Ref": machine},
        "StateMachineRevisionId": {"Fn::GetAtt": [machine, "StateMachineRevisionId"]},
    }


def test_a_known_commit_is_in_the_description_and_in_the_definition_so_that_both_change_together(
    changed_dev: Template,
) -> None:
    assert changed_dev.only("StepFunctions::StateMachineVersion")["Description"] == COMMIT
    assert f"({COMMIT})" in changed_dev.only("StepFunctions::StateMachine", "Ingest")["DefinitionString"]


def test_the_alias_moves_as_the_stage_says_and_back_when_many_executions_fail(stages: dict[str, Stage]) -> None:
    def moves(stage: str) -> dict[str, object]:
        pipeline = stages[stage].pipeline
        (version,) = pipeline.of_type("StepFunctions::StateMachineVersion")
        (alarm,) = (name for name in pipeline.of_type("CloudWatch::Alarm") if name.startswith("ManyFailures"))
        alias = pipeline.only("StepFunctions::StateMachineAlias")
        preference = dict(alias["DeploymentPreference"])
        assert alias["Name"] == "live"
        assert preference.pop("StateMachineVersionArn") == {"Fn::GetAtt": [version, "Arn"]}
        assert {"Ref": alarm} in preference.pop("Alarms"), "by name: with an ARN, AWS does not roll back"
        return preference

    assert moves("dev") == {"Type": "ALL_AT_ONCE"}
    assert moves("prod") == {"Type": "CANARY", "Percentage": 10, "Interval": 15}
    assert moves("unusual") == {"Type": "LINEAR", "Percentage": 25, "Interval": 5}


def test_failures_are_counted_for_this_stage_alone_and_without_rejected_files(stage: Stage) -> None:
    counted = stage.pipeline.only("Logs::MetricFilter", "Failures")
    alarm = stage.pipeline.only("CloudWatch::Alarm", "ManyFailures")
    (metric,) = counted["MetricTransformations"]
    assert counted["FilterPattern"] == '{ ($.message = "execution failed") && ($.reason.state != "Rejected") }'
    assert counted["LogGroupName"]["Ref"].startswith("RecordFailureLogs")
    assert (metric["MetricNamespace"], metric["MetricName"]) == (alarm["Namespace"], alarm["MetricName"])
    assert alarm["Namespace"] == f"Sluice/{stage.name}"
    assert alarm["Threshold"] == stage.settings.rollout.max_failures


@pytest.mark.parametrize(("state", "counted"), [("Transform", True), ("", True), ("Rejected", False)])
def test_what_is_logged_of_a_failure_is_what_the_alarm_counts(
    stages: dict[str, Stage], monkeypatch: pytest.MonkeyPatch, state: str, counted: bool
) -> None:
    run = Run(arn="arn", name="one", started="2026-11-23T10:00:00+00:00")
    execution = Execution(run, "FAILED", 0, CaughtError(error="X", cause="Y"), None)
    stream = StringIO()
    monkeypatch.setattr(observe.logger.registered_handler, "stream", stream)
    monkeypatch.setattr(failures, "count", lambda _metric: None)
    executions: Any = SimpleNamespace(reason=lambda _ended: {"code": "X", "message": "Y", "state": state})
    unused: Any = None
    failures.Failures(executions, unused, unused).settle(execution, None)
    pattern = stages["dev"].pipeline.only("Logs::MetricFilter", "Failures")["FilterPattern"]
    assert matches(json.loads(stream.getvalue()), pattern) == counted


def matches(line: dict[str, Any], pattern: str) -> bool:
    """Whether CloudWatch Logs counts a line, by a pattern of comparisons that must all hold."""
    comparisons = re.findall(r'\(\$\.([a-z.]+) (!?=) "([^"]*)"\)', pattern)
    assert comparisons
    found = [(reduce(getitem, path.split("."), line) == wanted, sign) for path, sign, wanted in comparisons]
    return all(equal == (sign == "=") for equal, sign in found)


def live(pipeline: Template) -> dict[str, list[str]]:
    """The alias's ARN."""
    (alias,) = pipeline.of_type("StepFunctions::StateMachineAlias")
    return {"Fn::GetAtt": [alias, "Arn"]}


def test_uploads_start_the_alias_by_leave_to_start_its_state_machine_alone(pipeline: Template) -> None:
    (target,) = pipeline.only("Events::Rule", "OnUpload")["Targets"]
    assert target["Arn"] == live(pipeline)
    role = target["RoleArn"]["Fn::GetAtt"][0]
    (policy,) = (
        p["Properties"] for p in pipeline.of_type("IAM::Policy").values() if {"Ref": role} in p["Properties"]["Roles"]
    )
    (statement,) = statements(policy["PolicyDocument"])
    assert statement["Action"] == ["states:StartExecution"]
    assert statement["Resource"] == [{"Ref": ingest_machine(pipeline)}], "IAM does not look at the alias"
    assert pipeline.body["Outputs"]["StateMachineAliasArn"]["Value"] == live(pipeline)


@pytest.mark.parametrize("function", ["Api", "ContinueRestored", "Intake", "Sweep"])
def test_functions_start_the_alias_and_may_start_only_this_state_machine(pipeline: Template, function: str) -> None:
    environment = pipeline.only("Lambda::Function", f"{function}Function")["Environment"]["Variables"]
    assert environment["STATE_MACHINE_ARN"] == live(pipeline)
    policy = pipeline.only("IAM::Policy", f"{function}RoleDefaultPolicy")["PolicyDocument"]
    (start,) = (s for s in statements(policy) if "states:StartExecution" in s["Action"])
    assert start["Resource"] == [{"Ref": ingest_machine(pipeline)}]


def test_batches_start_the_alias(pipeline: Template) -> None:
    reprocess = pipeline.only("StepFunctions::StateMachine", "Reprocess")
    assert reprocess["DefinitionSubstitutions"]["ingest"] == live(pipeline)
