"""The functions, the state machine and the rules around it, in every stage."""

import json
import re
from typing import Any

import pytest

from infra.pipeline.stack import FAILURE_RECORDER
from tests.infra.conftest import Stage, Template, denies_plain_http, functions_in, statements
from workflow.events import upload_input
from workflow.limits import FUNCTIONS, task_of
from workflow.shapes import ExecutionInput, parse

BESIDE = {
    FAILURE_RECORDER,
    "continue_restored",
    "sweep",
    "report_batch",
    "api",
    "intake",
    "audit",
    "telemetry",
    "webhook",
}
"""Functions that no state of the ingest state machine calls."""
SERVING_A_STATE = sorted(set(FUNCTIONS) - BESIDE)
UPLOAD_EVENT = {
    "version": "0",
    "id": "17793124-05d4-b198-2fde-7ededc63b103",
    "detail-type": "Object Created",
    "source": "aws.s3",
    "account": "123456789012",
    "time": "2026-11-12T00:00:00Z",
    "region": "eu-central-1",
    "resources": ["arn:aws:s3:::in"],
    "detail": {
        "version": "0",
        "bucket": {"name": "in"},
        "object": {
            "key": 'fotos/gr"oß 1.jpg',
            "size": 5,
            "etag": "b1946ac92492d2347c6235b4d2611184",
            "version-id": "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e",
            "sequencer": "617f08299329d189",
        },
        "request-id": "N4N7GDK58NMKJ12R",
        "requester": "123456789012",
        "source-ip-address": "1.2.3.4",
        "reason": "PutObject",
    },
}
"""The example of an event in S3's user guide, with a key that needs escaping."""


def function(pipeline: Template, task: str) -> dict[str, Any]:
    if task not in functions_in(pipeline):
        pytest.skip("not in this stage")
    (found,) = (
        f["Properties"]
        for f in pipeline.of_type("Lambda::Function").values()
        if f["Properties"]["FunctionName"].split("-", 2)[2] == task.replace("_", "-")
    )
    return found


def definition(pipeline: Template) -> dict[str, Any]:
    return json.loads(pipeline.only("StepFunctions::StateMachine", "Ingest")["DefinitionString"])


def serving_states(pipeline: Template) -> dict[str, list[str]]:
    """Which functions each task state may call, as `${validate}` and its like."""
    states = definition(pipeline)["States"]
    routes = states["Validate"]["Parameters"]["Payload"]["state"]["functions"]

    def called(parameters: dict[str, Any]) -> list[str]:
        if "FunctionName" in parameters:
            return [parameters["FunctionName"]]
        task = parameters["FunctionName.$"].removeprefix("$.asset.functions.")
        return [by_task[task] for by_task in routes.values()]

    tasks = {name: state for name, state in with_parts(states).items() if state["Type"] == "Task"}
    return {name: called(state["Parameters"]) for name, state in tasks.items()}


def with_parts(states: dict[str, Any]) -> dict[str, Any]:
    """The states, and those that a Map enters for each item."""
    return states | {
        n: s for state in states.values() if "Iterator" in state for n, s in state["Iterator"]["States"].items()
    }


def function_of_placeholder(pipeline: Template, placeholder: str) -> str:
    """Logical id behind `${validate}` and its like."""
    name = placeholder.removeprefix("${").removesuffix("}")
    version = pipeline.only("StepFunctions::StateMachine", "Ingest")["DefinitionSubstitutions"][name]["Ref"]
    return pipeline.of_type("Lambda::Version")[version]["Properties"]["FunctionName"]["Ref"]


def rendered(transformer: dict[str, Any], event: dict[str, Any]) -> Any:
    """The input that EventBridge makes: each `<name>` in the template becomes the JSON of what its path finds."""

    def found(path: str) -> str:
        value: Any = event
        for part in path.removeprefix("$.").split("."):
            value = value[part]
        return json.dumps(value)

    paths = transformer["InputPathsMap"]
    return json.loads(re.sub(r"<([^>]+)>", lambda match: found(paths[match[1]]), transformer["InputTemplate"]))


def test_there_is_a_function_for_every_task_and_no_other(pipeline: Template) -> None:
    handlers = {f["Properties"]["Handler"] for f in pipeline.of_type("Lambda::Function").values()}
    assert handlers == {f"tasks.{task_of(function)[0]}.handler.handle" for function in functions_in(pipeline)}
    assert len(pipeline.of_type("Lambda::Function")) == len(functions_in(pipeline))


@pytest.mark.parametrize("task", FUNCTIONS)
def test_function_runs_python_3_13_on_arm_within_its_limits(stage: Stage, task: str) -> None:
    properties = function(stage.pipeline, task)
    assert properties["FunctionName"] == f"sluice-{stage.name}-{task.replace('_', '-')}"
    assert properties["Runtime"] == "python3.13"
    assert properties["Architectures"] == ["arm64"]
    assert properties["MemorySize"] == FUNCTIONS[task].memory_mb
    assert properties["Timeout"] == FUNCTIONS[task].timeout_seconds
    assert properties["EphemeralStorage"] == {"Size": FUNCTIONS[task].scratch_mb}
    assert properties["TracingConfig"] == {"Mode": "Active"}
    assert properties.get("ReservedConcurrentExecutions") == stage.settings.functions.concurrency.get(task)


@pytest.mark.parametrize("task", FUNCTIONS)
def test_function_logs_to_its_own_group_which_forgets(pipeline: Template, task: str) -> None:
    properties = function(pipeline, task)
    group = pipeline.body["Resources"][properties["LoggingConfig"]["LogGroup"]["Ref"]]["Properties"]
    assert group["LogGroupName"] == f"/aws/lambda/{properties['FunctionName']}"
    assert group["RetentionInDays"] in (14, 90)


@pytest.mark.parametrize("stage_name", ["local", "dev"])
def test_stage_for_a_new_account_reserves_no_concurrency(stages: dict[str, Stage], stage_name: str) -> None:
    functions = stages[stage_name].pipeline.of_type("Lambda::Function").values()
    assert all("ReservedConcurrentExecutions" not in f["Properties"] for f in functions)


def test_each_state_has_a_function_of_its_own(pipeline: Template) -> None:
    serving = [each for placeholders in serving_states(pipeline).values() for each in placeholders]
    assert len({function_of_placeholder(pipeline, each) for each in serving}) == len(serving) == len(SERVING_A_STATE)


def test_each_state_outlasts_its_function_and_the_execution_outlasts_every_state(pipeline: Template) -> None:
    machine = definition(pipeline)
    for name, placeholders in serving_states(pipeline).items():
        for placeholder in placeholders:
            served_by = pipeline.body["Resources"][function_of_placeholder(pipeline, placeholder)]
            limit = with_parts(machine["States"])[name]["TimeoutSeconds"]
            assert served_by["Properties"]["Timeout"] < limit < machine["TimeoutSeconds"]


def test_state_machine_is_standard_logged_and_traced(stage: Stage) -> None:
    machine = stage.pipeline.only("StepFunctions::StateMachine", "Ingest")
    assert machine["StateMachineName"] == f"sluice-{stage.name}-ingest"
    assert machine["StateMachineType"] == "STANDARD"
    assert machine["TracingConfiguration"] == {"Enabled": True}
    assert machine["LoggingConfiguration"]["Level"] == "ALL"
    assert machine["LoggingConfiguration"]["IncludeExecutionData"] is True
    group = stage.pipeline.only("Logs::LogGroup", "IngestLogs")
    assert group["LogGroupName"] == f"/aws/vendedlogs/states/sluice-{stage.name}-ingest"


def test_state_machine_may_invoke_all_versions_of_the_functions_of_its_states_and_nothing_else(
    pipeline: Template,
) -> None:
    policy = pipeline.only("IAM::Policy", "IngestRoleDefaultPolicy")["PolicyDocument"]
    (invoke,) = (s for s in statements(policy) if "lambda:InvokeFunction" in s["Action"])
    serving = [each for placeholders in serving_states(pipeline).values() for each in placeholders]
    expected = [function_of_placeholder(pipeline, each) for each in serving]
    allowed = [resource["Fn::Join"][1] for resource in invoke["Resource"]]
    assert sorted(function["Fn::GetAtt"][0] for function, _ in allowed) == sorted(expected)
    assert {end for _, end in allowed} == {":*"}


def test_an_upload_starts_an_execution_with_all_that_the_event_says(pipeline: Template) -> None:
    (target,) = pipeline.only("Events::Rule", "OnUpload")["Targets"]
    given = parse(rendered(target["InputTransformer"], UPLOAD_EVENT), ExecutionInput)
    assert given == upload_input(UPLOAD_EVENT)
    assert given == ExecutionInput(
        bucket="in",
        key='fotos/gr"oß 1.jpg',
        version_id="IYV3p45BT0ac8hjHg1houSdS1a.Mro8e",
        size=5,
        etag="b1946ac92492d2347c6235b4d2611184",
        sequencer="617f08299329d189",
        event_id="17793124-05d4-b198-2fde-7ededc63b103",
        trigger="upload",
    )


def test_only_objects_of_the_ways_in_start_executions(pipeline: Template) -> None:
    pattern = pipeline.only("Events::Rule", "OnUpload")["EventPattern"]
    assert pattern["source"] == ["aws.s3"]
    assert pattern["detail-type"] == ["Object Created"]
    ingest, expanded = (bucket["Fn::ImportValue"] for bucket in pattern["detail"]["bucket"]["name"])
    assert "RefIngest" in ingest
    assert "RefExpanded" in expanded


def test_every_bad_end_of_an_execution_is_recorded(pipeline: Template) -> None:
    rule = pipeline.only("Events::Rule", "OnFailure")
    (machine,) = (name for name in pipeline.of_type("StepFunctions::StateMachine") if name.startswith("Ingest"))
    assert rule["EventPattern"] == {
        "source": ["aws.states"],
        "detail-type": ["Step Functions Execution Status Change"],
        "detail": {"stateMachineArn": [{"Ref": machine}], "status": ["FAILED", "TIMED_OUT", "ABORTED"]},
    }
    (target,) = rule["Targets"]
    recorder = pipeline.body["Resources"][target["Arn"]["Fn::GetAtt"][0]]["Properties"]
    assert recorder == function(pipeline, FAILURE_RECORDER)
    assert "InputTransformer" not in target


def test_restored_originals_of_the_archive_are_gone_on_with(pipeline: Template) -> None:
    rule = pipeline.only("Events::Rule", "OnRestored")
    pattern = rule["EventPattern"]
    assert pattern["source"] == ["aws.s3"]
    assert pattern["detail-type"] == ["Object Restore Completed"]
    (archive,) = (bucket["Fn::ImportValue"] for bucket in pattern["detail"]["bucket"]["name"])
    assert "RefArchive" in archive
    (target,) = rule["Targets"]
    assert "InputTransformer" not in target
    called = pipeline.body["Resources"][target["Arn"]["Fn::GetAtt"][0]]["Properties"]
    assert called == function(pipeline, "continue_restored")
    assert called["DeadLetterConfig"]["TargetArn"]["Fn::GetAtt"][0].startswith("RestoresDlq")
    assert pipeline.only("Lambda::EventInvokeConfig", "ContinueRestored")["MaximumRetryAttempts"] == 2


@pytest.mark.parametrize("rule", ["OnUpload", "OnFailure", "OnRestored"])
def test_an_event_that_cannot_be_delivered_is_tried_for_a_day_and_then_kept(pipeline: Template, rule: str) -> None:
    (target,) = pipeline.only("Events::Rule", rule)["Targets"]
    assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 24 * 3600, "MaximumRetryAttempts": 185}
    queue = target["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0]
    assert queue in pipeline.of_type("SQS::Queue")
    (rule_id,) = (name for name in pipeline.of_type("Events::Rule") if name.startswith(rule))
    policies = [p["Properties"] for p in pipeline.of_type("SQS::QueuePolicy").values()]
    (policy,) = (p["PolicyDocument"] for p in policies if p["Queues"] == [{"Ref": queue}])
    (send,) = (s for s in statements(policy) if s["Effect"] == "Allow")
    assert send["Principal"] == {"Service": "events.amazonaws.com"}
    assert send["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Fn::GetAtt": [rule_id, "Arn"]}}}


def test_a_failure_that_cannot_be_recorded_is_kept(pipeline: Template) -> None:
    queue = function(pipeline, FAILURE_RECORDER)["DeadLetterConfig"]["TargetArn"]["Fn::GetAtt"][0]
    assert queue.startswith("FailuresDlq")
    assert pipeline.only("Lambda::EventInvokeConfig", "RecordFailure")["MaximumRetryAttempts"] == 2


def test_queues_are_encrypted_tls_only_and_kept_for_two_weeks(pipeline: Template) -> None:
    for queue in pipeline.of_type("SQS::Queue").values():
        assert queue["Properties"]["SqsManagedSseEnabled"] is True
        assert queue["Properties"]["MessageRetentionPeriod"] == 14 * 24 * 3600
    for policy in pipeline.of_type("SQS::QueuePolicy").values():
        assert denies_plain_http(policy["Properties"]["PolicyDocument"])
    assert len(pipeline.of_type("SQS::Queue")) == len(pipeline.of_type("SQS::QueuePolicy"))


def test_names_are_published(pipeline: Template) -> None:
    machines = {"StateMachineArn", "StateMachineAliasArn", "ReprocessStateMachineArn"}
    queues = {f"{events}DlqUrl" for events in ("Events", "Failures", "Restores", "Sweeps")}
    assert machines | queues <= set(pipeline.body["Outputs"])
