"""A failed execution is redriven from the state that failed, as AWS does."""

import datetime as dt
import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.local.patches.stepfunctions.executions import why_not_redrivable
from tests.integration.patches.stepfunctions_probe import (
    Execution,
    ask,
    create,
    function,
    invoke,
    machine,
    next_token,
    queue,
    start,
    start_machine,
)
from tests.waiting import until

DISTRIBUTED = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
# Fails with Flaky until its marker object is in the bucket named by the event.
FAILS_UNTIL_MENDED = """
    import boto3, botocore.exceptions

    class Flaky(Exception):
        pass

    def handle(event, context):
        s3 = boto3.client("s3")
        s3.put_object(Bucket=event["bucket"], Key=f"calls/{context.aws_request_id}")
        try:
            s3.head_object(Bucket=event["bucket"], Key="patched")
        except botocore.exceptions.ClientError as exc:
            raise Flaky("not yet") from exc
        return {"done": True}
"""


@pytest.fixture
def bucket(patched: Any) -> str:
    name = f"b-{uuid.uuid4().hex}"
    patched.client("s3").create_bucket(Bucket=name)
    return name


@pytest.fixture(scope="module")
def flaky(patched: Any) -> str:
    return function(patched, FAILS_UNTIL_MENDED, Timeout=30)


def patch(cloud: Any, bucket: str) -> None:
    cloud.client("s3").put_object(Bucket=bucket, Key="patched")


def calls(cloud: Any, bucket: str) -> int:
    return cloud.client("s3").list_objects_v2(Bucket=bucket, Prefix="calls/")["KeyCount"]


def test_stock_cannot_redrive(stock: Any) -> None:
    failed = start(stock, machine(("Fail", {"Type": "Fail"})))
    failed.ended()
    with pytest.raises(ClientError, match="InvalidAction"):
        failed.redrive()


def test_the_execution_goes_on_from_the_failed_state_with_earlier_results(
    patched: Any, flaky: str, bucket: str
) -> None:
    definition = machine(
        ("Prepare", {"Type": "Pass", "Parameters": {"bucket.$": "$.bucket", "id.$": "States.UUID()"}}),
        ("Work", invoke(flaky, ResultPath="$.result", ResultSelector={"done.$": "$.Payload.done"})),
        ("Tell", {"Type": "Pass", "Parameters": {"id.$": "$.id", "redrives.$": "$$.Execution.RedriveCount"}}),
    )
    execution = start(patched, definition, {"bucket": bucket})
    assert execution.failure() == ("FAILED", "Flaky")
    before = execution.events
    prepared = json.loads(execution.details("PassStateExited")["output"])

    patch(patched, bucket)
    assert execution.redrive().output() == {"id": prepared["id"], "redrives": 1}
    assert execution.events[: len(before)] == before
    assert execution.event_types[len(before) :] == [
        "ExecutionRedriven",
        "TaskScheduled",
        "TaskStarted",
        "TaskSucceeded",
        "TaskStateExited",
        "PassStateEntered",
        "PassStateExited",
        "ExecutionSucceeded",
    ]
    assert execution.details("ExecutionRedriven") == {"redriveCount": 1}


def test_retries_are_counted_anew(patched: Any, flaky: str, bucket: str) -> None:
    retry = [{"ErrorEquals": ["Flaky"], "MaxAttempts": 1, "IntervalSeconds": 1}]
    execution = start(patched, machine(("Work", invoke(flaky, Retry=retry))), {"bucket": bucket})
    execution.ended()
    execution.redrive().ended()
    assert execution.event_types.count("TaskScheduled") == calls(patched, bucket) == 4


def test_the_description_tells_of_redrives(patched: Any, flaky: str, bucket: str) -> None:
    execution = start(patched, machine(("Work", invoke(flaky))), {"bucket": bucket})
    described = execution.ended()
    assert (described["redriveCount"], described["redriveStatus"]) == (0, "REDRIVABLE")
    assert "redriveDate" not in described

    patch(patched, bucket)
    execution.redrive()
    described = execution.ended()
    assert described["redriveCount"] == 1
    assert described["startDate"] < described["redriveDate"] <= described["stopDate"]
    assert described["redriveStatus"] == "NOT_REDRIVABLE"
    assert described["redriveStatusReason"] == "Execution is SUCCEEDED and cannot be redriven"
    assert "error" not in described


@pytest.mark.parametrize("state", [{"Type": "Succeed"}, {"Type": "Wait", "Seconds": 600}], ids=["SUCCEEDED", "RUNNING"])
def test_what_has_not_failed_is_not_redriven(patched: Any, state: dict[str, Any]) -> None:
    execution = start(patched, machine(("Only", state))).reached(f"{state['Type']}StateEntered")
    if state["Type"] == "Succeed":
        execution.ended()
    with pytest.raises(ClientError, match=r"ExecutionNotRedrivable.*cannot be redriven"):
        execution.redrive()
    assert "ExecutionRedriven" not in execution.event_types


def ended_record(**members: Any) -> dict[str, Any]:
    stopped = (dt.datetime.now(dt.UTC) - dt.timedelta(days=13)).isoformat()
    plain = {
        "status": "FAILED",
        "type": "STANDARD",
        "mapRunArn": None,
        "events": [],
        "redriveCount": 0,
        "stopDate": stopped,
    }
    return plain | members


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"status": "ABORTED"}, None),
        ({"status": "TIMED_OUT"}, None),
        ({"stopDate": (dt.datetime.now(dt.UTC) - dt.timedelta(days=15)).isoformat()}, "redrivable period exceeded"),
        ({"redriveCount": 1000}, "redrive limit exceeded"),
        ({"events": [{}] * 24_999}, "history event limit exceeded"),
        ({"type": "EXPRESS"}, "Express"),
    ],
    ids=["aborted", "timed out", "old", "often redriven", "long history", "express"],
)
def test_redrives_have_awss_limits(members: dict[str, Any], reason: str | None) -> None:
    found = why_not_redrivable(ended_record(**members))
    assert found is None if reason is None else reason in str(found)


def test_a_fail_state_fails_again(patched: Any) -> None:
    execution = start(patched, machine(("No", {"Type": "Fail", "Error": "Rejected"})))
    execution.ended()
    assert execution.redrive().failure() == ("FAILED", "Rejected")
    assert execution.event_types[-3:] == ["ExecutionRedriven", "FailStateEntered", "ExecutionFailed"]


def test_an_aborted_execution_goes_on(patched: Any) -> None:
    sqs, url = queue(patched)
    execution = start(patched, machine(("Ask", ask(url))))
    next_token(sqs, url)
    execution.aws.stop_execution(executionArn=execution.arn)
    assert execution.status == "ABORTED"

    execution.redrive()
    execution.aws.send_task_success(taskToken=next_token(sqs, url), output='"answer"')
    assert execution.output() == "answer"


def test_a_timed_out_execution_goes_on_with_a_new_deadline(patched: Any) -> None:
    sqs, url = queue(patched)
    execution = start(patched, machine(("Ask", ask(url)), TimeoutSeconds=2))
    next_token(sqs, url)
    assert execution.failure() == ("TIMED_OUT", None)

    execution.redrive()
    execution.aws.send_task_success(taskToken=next_token(sqs, url), output='"answer"')
    assert execution.output() == "answer"


def test_only_the_iterations_that_failed_run_again(patched: Any, flaky: str) -> None:
    buckets = [f"b-{uuid.uuid4().hex}" for _ in range(3)]
    for name in buckets:
        patched.client("s3").create_bucket(Bucket=name)
    patch(patched, buckets[0])
    each = {"Type": "Map", "MaxConcurrency": 1, "ItemProcessor": machine(("Work", invoke(flaky)))}
    execution = start(patched, machine(("Each", each)), [{"bucket": name} for name in buckets])
    execution.ended()
    assert [calls(patched, name) for name in buckets] == [1, 1, 0]

    patch(patched, buckets[1])
    patch(patched, buckets[2])
    assert [result["Payload"] for result in execution.redrive().output()] == [{"done": True}] * 3
    assert [calls(patched, name) for name in buckets] == [1, 2, 1]


def test_a_changed_definition_does_not_change_what_is_redriven(patched: Any) -> None:
    arn = create(patched, machine(("No", {"Type": "Fail", "Error": "Old"})))
    execution = start_machine(patched, arn)
    execution.ended()
    changed = json.dumps(machine(("Yes", {"Type": "Succeed"})))
    patched.client("stepfunctions").update_state_machine(stateMachineArn=arn, definition=changed)
    assert execution.redrive().failure() == ("FAILED", "Old")


def test_eventbridge_hears_that_it_runs_again(patched: Any) -> None:
    sqs, url = queue(patched)
    arn = create(patched, machine(("No", {"Type": "Fail", "Error": "Bad"})))
    pattern = {"source": ["aws.states"], "detail": {"stateMachineArn": [arn]}}
    events = patched.client("events")
    rule = f"r-{uuid.uuid4().hex}"
    events.put_rule(Name=rule, EventPattern=json.dumps(pattern))
    queue_arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_targets(Rule=rule, Targets=[{"Id": "queue", "Arn": queue_arn}])

    execution = start_machine(patched, arn)
    execution.ended()
    execution.redrive()
    heard: list[dict[str, Any]] = []
    while len(heard) < 4:
        heard.append(json.loads(next_token(sqs, url))["detail"])
    seen = sorted((one["redriveCount"], one["status"], one["redriveStatus"]) for one in heard)
    assert seen == [
        (0, "FAILED", "REDRIVABLE"),
        (0, "RUNNING", "NOT_REDRIVABLE"),
        (1, "FAILED", "REDRIVABLE"),
        (1, "RUNNING", "NOT_REDRIVABLE"),
    ]
    assert {one["error"] for one in heard if one["status"] == "FAILED"} == {"Bad"}


def test_a_repeated_request_redrives_once(patched: Any) -> None:
    execution = start(patched, machine(("No", {"Type": "Fail"})))
    execution.ended()
    first = execution.aws.redrive_execution(executionArn=execution.arn, clientToken="same")
    execution.ended()
    second = execution.aws.redrive_execution(executionArn=execution.arn, clientToken="same")
    assert first["redriveDate"] == second["redriveDate"]
    assert execution.event_types.count("ExecutionRedriven") == 1


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_an_execution_that_a_restart_interrupted_goes_on(new_emulator: Callable[..., Any], end: str) -> None:
    cloud = new_emulator()
    sqs, url = queue(cloud)
    execution = start(cloud, machine(("First", {"Type": "Pass", "Result": 1}), ("Ask", ask(url, ResultPath=None))))
    next_token(sqs, url)
    execution.reached("TaskSubmitted")
    getattr(cloud.emulator, end)()

    cloud = new_emulator()
    execution = Execution(cloud.client("stepfunctions"), execution.arn)
    assert execution.failure() == ("FAILED", "States.ServiceRestart")
    assert execution.event_types[-1] == "ExecutionFailed"
    sqs = cloud.client("sqs")
    execution.redrive()
    execution.aws.send_task_success(taskToken=next_token(sqs, sqs.list_queues()["QueueUrls"][0]), output="{}")
    assert execution.output() == 1
    assert execution.event_types.count("PassStateEntered") == 1


def test_each_new_position_of_an_execution_is_saved(new_emulator: Callable[..., Any]) -> None:
    """Also the one that no event follows: the Map that waits for its children knows them after a restart."""
    cloud = new_emulator()
    waiting = machine(("Wait", {"Type": "Wait", "Seconds": 600}), ProcessorConfig=DISTRIBUTED)
    execution = start(cloud, machine(("Each", {"Type": "Map", "ItemProcessor": waiting})), [1, 2])
    until(lambda: map_run(execution)["itemCounts"]["running"] == 2)
    children = listed_children(execution)
    cloud.emulator.kill()

    execution = Execution(new_emulator().client("stepfunctions"), execution.arn)
    execution.redrive()
    until(lambda: map_run(execution)["itemCounts"]["running"] == 2)
    assert listed_children(execution) == children


def listed_children(execution: Execution) -> set[str]:
    """The ARNs of the child executions of the execution's one Map Run."""
    listed = execution.aws.list_executions(mapRunArn=map_run(execution)["mapRunArn"])["executions"]
    return {child["executionArn"] for child in listed}


def test_a_map_run_that_a_restart_interrupted_goes_on(new_emulator: Callable[..., Any]) -> None:
    cloud = new_emulator()
    sqs, url = queue(cloud)
    processor = machine(("Ask", ask(url)), ProcessorConfig=DISTRIBUTED)
    each = {"Type": "Map", "ItemProcessor": processor, "MaxConcurrency": 1}
    execution = start(cloud, machine(("Each", each)), [1, 2])
    execution.aws.send_task_success(taskToken=next_token(sqs, url), output='"first"')
    next_token(sqs, url)
    until(lambda: map_run(execution)["itemCounts"]["succeeded"] == 1)
    cloud.emulator.kill()

    cloud = new_emulator()
    execution = Execution(cloud.client("stepfunctions"), execution.arn)
    interrupted = map_run(execution)
    assert (interrupted["status"], interrupted["itemCounts"]["running"]) == ("FAILED", 0)
    sqs = cloud.client("sqs")
    execution.redrive()
    execution.aws.send_task_success(taskToken=next_token(sqs, sqs.list_queues()["QueueUrls"][0]), output='"second"')
    assert execution.output() == ["first", "second"]
    assert map_run(execution)["itemCounts"]["succeeded"] == 2


def map_run(execution: Execution) -> dict[str, Any]:
    (listed,) = execution.aws.list_map_runs(executionArn=execution.arn)["mapRuns"]
    return execution.aws.describe_map_run(mapRunArn=listed["mapRunArn"])
