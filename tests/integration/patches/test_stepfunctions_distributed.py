"""A Distributed Map runs, limits, stops and redrives its child executions."""

import json
import uuid
from typing import Any

import pytest

from infra.local.engine.distributed import batched
from tests.integration.patches.stepfunctions_probe import (
    Execution,
    ask,
    function,
    invoke,
    machine,
    next_token,
    queue,
    start,
)
from tests.waiting import until

NOTHING = ("In", {"Type": "Pass"})
FAILS_FOR_MARKED = """
    import boto3

    class Bad(Exception):
        pass

    def handle(event, context):
        s3 = boto3.client("s3")
        calls = f"calls/{event['item']}/"
        s3.put_object(Bucket=event["bucket"], Key=calls + context.aws_request_id)
        if "Contents" in s3.list_objects_v2(Bucket=event["bucket"], Prefix=f"bad/{event['item']}"):
            raise Bad(event["item"])
        return event["item"]
"""


def distributed(*states: tuple[str, dict[str, Any]], **fields: Any) -> dict[str, Any]:
    processor = machine(*states, ProcessorConfig={"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"})
    return {"Type": "Map", "ItemProcessor": processor, **fields}


def map_run(execution: Execution) -> dict[str, Any]:
    (listed,) = execution.aws.list_map_runs(executionArn=execution.arn)["mapRuns"]
    return execution.aws.describe_map_run(mapRunArn=listed["mapRunArn"])


def children(execution: Execution) -> list[dict[str, Any]]:
    return execution.aws.list_executions(mapRunArn=map_run(execution)["mapRunArn"])["executions"]


@pytest.fixture
def bucket(patched: Any) -> str:
    name = f"b-{uuid.uuid4().hex}"
    patched.client("s3").create_bucket(Bucket=name)
    return name


def contents(cloud: Any, bucket: str, key: str) -> Any:
    return json.loads(cloud.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())


def test_items_are_batched_by_number_and_by_size() -> None:
    assert list(batched([1, 2, 3], None, None)) == [(1, 1), (1, 2), (1, 3)]
    assert list(batched([1, 2, 3], {"MaxItemsPerBatch": 2}, None)) == [(2, {"Items": [1, 2]}), (1, {"Items": [3]})]
    by_size = list(batched(["a" * 10, "b" * 10, "c"], {"MaxInputBytesPerBatch": 30}, None))
    assert [size for size, _ in by_size] == [1, 2]
    assert list(batched([1], {"MaxItemsPerBatch": 9}, {"x": 0})) == [(1, {"BatchInput": {"x": 0}, "Items": [1]})]


def test_the_history_tells_of_the_map_run(stock: Any, patched: Any) -> None:
    definition = machine(("Each", distributed(NOTHING)))
    stocks = start(stock, definition, [1])
    stocks.ended()
    assert "MapRunStarted" not in stocks.event_types

    execution = start(patched, definition, [1, 2])
    assert execution.output() == [1, 2]
    assert execution.event_types[2:-2] == ["MapStateStarted", "MapRunStarted", "MapRunSucceeded", "MapStateSucceeded"]
    described = map_run(execution)
    assert (described["status"], described["itemCounts"]["succeeded"]) == ("SUCCEEDED", 2)
    child = Execution(execution.aws, children(execution)[0]["executionArn"])
    assert child.event_types[-1] == "ExecutionSucceeded"


def test_children_take_batches(stock: Any, patched: Any) -> None:
    batcher = {"MaxItemsPerBatch": 2, "BatchInput": {"name.$": "$.name"}}
    each = distributed(NOTHING, ItemsPath="$.items", ItemBatcher=batcher)
    definition, data = machine(("Each", each)), {"name": "n", "items": [1, 2, 3]}
    assert start(stock, definition, data).output() == [1, 2, 3]

    execution = start(patched, definition, data)
    assert [one["Items"] for one in execution.output()] == [[1, 2], [3]]
    assert execution.output()[0]["BatchInput"] == {"name": "n"}
    described = map_run(execution)
    assert (described["itemCounts"]["total"], described["executionCounts"]["total"]) == (3, 2)


def test_results_are_written_to_s3(patched: Any, bucket: str) -> None:
    writer = {"Resource": "arn:aws:states:::s3:putObject", "Parameters": {"Bucket": bucket, "Prefix": "out"}}
    execution = start(patched, machine(("Each", distributed(NOTHING, ResultWriter=writer))), ["a", "b"])
    output = execution.output()
    details = output["ResultWriterDetails"]
    assert details["Bucket"] == bucket
    manifest = contents(patched, bucket, details["Key"])
    assert manifest["MapRunArn"] == output["MapRunArn"]
    (file,) = manifest["ResultFiles"]["SUCCEEDED"]
    results = contents(patched, bucket, file["Key"])
    assert [(one["Status"], one["Output"]) for one in results] == [("SUCCEEDED", '"a"'), ("SUCCEEDED", '"b"')]


@pytest.mark.parametrize(
    ("tolerance", "status"),
    [
        ({}, "FAILED"),
        ({"ToleratedFailureCount": 1}, "SUCCEEDED"),
        ({"ToleratedFailurePercentage": 50}, "SUCCEEDED"),
        ({"ToleratedFailurePercentage": 49}, "FAILED"),
        ({"ToleratedFailurePercentage": 100, "ToleratedFailureCount": 0}, "FAILED"),
    ],
    ids=str,
)
def test_failures_are_tolerated_up_to_the_limit(patched: Any, tolerance: dict[str, int], status: str) -> None:
    pick = {"Type": "Choice", "Choices": [{"Variable": "$", "IsString": True, "Next": "No"}], "Default": "Yes"}
    states = (("Pick", pick), ("Yes", {"Type": "Succeed"}), ("No", {"Type": "Fail", "Error": "Bad"}))
    execution = start(patched, machine(("Each", distributed(*states, MaxConcurrency=1, **tolerance))), [1, "text"])
    described = execution.ended()
    assert described["status"] == status
    if status == "FAILED":
        assert described["error"] == "States.ExceedToleratedFailureThreshold"
        assert execution.event_types[-3:] == ["MapRunFailed", "MapStateFailed", "ExecutionFailed"]


def test_stopping_the_parent_stops_the_children(patched: Any) -> None:
    sqs, url = queue(patched)
    execution = start(patched, machine(("Each", distributed(("Ask", ask(url))))), [1, 2])
    next_token(sqs, url)
    execution.aws.stop_execution(executionArn=execution.arn)
    until(lambda: {child["status"] for child in children(execution)} == {"ABORTED"})
    until(lambda: map_run(execution)["status"] == "ABORTED")
    assert execution.event_types[-1] == "ExecutionAborted"


def test_only_children_that_failed_are_redriven(patched: Any, bucket: str) -> None:
    s3 = patched.client("s3")
    s3.put_object(Bucket=bucket, Key="bad/b")
    work = invoke(function(patched, FAILS_FOR_MARKED, Timeout=30), OutputPath="$.Payload")
    selector = {"item.$": "$$.Map.Item.Value", "bucket": bucket}
    each = distributed(("Work", work), MaxConcurrency=1, ItemSelector=selector)
    execution = start(patched, machine(("Each", each)), ["a", "b", "c"])
    assert execution.failure() == ("FAILED", "States.ExceedToleratedFailureThreshold")

    s3.delete_object(Bucket=bucket, Key="bad/b")
    assert execution.redrive().output() == ["a", "b", "c"]
    calls = [s3.list_objects_v2(Bucket=bucket, Prefix=f"calls/{item}/")["KeyCount"] for item in "abc"]
    assert calls == [1, 2, 1]
    assert execution.details("MapRunRedriven")["redriveCount"] == 1
    described = map_run(execution)
    assert (described["redriveCount"], described["executionCounts"]["succeeded"]) == (1, 3)
    assert sorted(child["redriveCount"] for child in children(execution)) == [0, 1, 1]
