"""Executions are started, described and listed as the API reference has it."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.patches.stepfunctions_probe import Execution, create, machine, next_token, queue, start_machine

WAIT = machine(("Wait", {"Type": "Wait", "Seconds": 3600}))
PASS = machine(("Only", {"Type": "Pass"}))


def says(text: str) -> str:
    return json.dumps(machine(("Say", {"Type": "Pass", "Result": text})))


def test_the_same_start_again_gives_the_running_execution(stock: Any, patched: Any) -> None:
    arn = create(stock, WAIT)
    start_machine(stock, arn, {"a": 1}, name="same")
    with pytest.raises(ClientError, match="ExecutionAlreadyExists"):
        start_machine(stock, arn, {"a": 1}, name="same")

    arn = create(patched, WAIT)
    first = start_machine(patched, arn, {"a": 1}, name="same")
    assert start_machine(patched, arn, {"a": 1}, name="same").arn == first.arn
    assert first.event_types.count("ExecutionStarted") == 1
    with pytest.raises(ClientError, match="ExecutionAlreadyExists"):
        start_machine(patched, arn, {"a": 2}, name="same")


def test_the_name_of_an_ended_execution_is_taken(patched: Any) -> None:
    arn = create(patched, PASS)
    start_machine(patched, arn, name="taken").ended()
    with pytest.raises(ClientError, match="ExecutionAlreadyExists"):
        start_machine(patched, arn, name="taken")


@pytest.mark.parametrize(
    ("request_members", "error"),
    [
        ({"name": "white space"}, "InvalidName"),
        ({"name": "a/b"}, "InvalidName"),
        ({"name": "n" * 81}, "InvalidName"),
        ({"input": "not JSON"}, "InvalidExecutionInput"),
        ({"input": json.dumps("x" * 262_143)}, "InvalidExecutionInput"),
        ({"input": json.dumps("é" * 131_072, ensure_ascii=False)}, "InvalidExecutionInput"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_bad_start_is_refused(stock: Any, patched: Any, request_members: dict[str, str], error: str) -> None:
    aws = stock.client("stepfunctions")
    assert aws.start_execution(stateMachineArn=create(stock, PASS), **request_members)["executionArn"]
    aws = patched.client("stepfunctions")
    with pytest.raises(ClientError, match=error):
        aws.start_execution(stateMachineArn=create(patched, PASS), **request_members)


def test_the_largest_input_is_taken(patched: Any) -> None:
    text = "x" * 262_142
    assert start_machine(patched, create(patched, PASS), text).output() == text


def test_a_machine_that_does_not_exist_is_refused(patched: Any) -> None:
    with pytest.raises(ClientError, match="StateMachineDoesNotExist"):
        start_machine(patched, "arn:aws:states:us-east-1:000000000000:stateMachine:none")


def versions(cloud: Any) -> tuple[str, str, str]:
    """A machine that says "two", and its versions that say "one" and "two"."""
    aws = cloud.client("stepfunctions")
    arn = create(cloud, says("one"))
    first = aws.publish_state_machine_version(stateMachineArn=arn)["stateMachineVersionArn"]
    aws.update_state_machine(stateMachineArn=arn, definition=says("two"))
    second = aws.publish_state_machine_version(stateMachineArn=arn)["stateMachineVersionArn"]
    return arn, first, second


def test_a_version_runs_its_own_definition(stock: Any, patched: Any) -> None:
    assert start_machine(stock, versions(stock)[1]).output() == "two"

    arn, first, _ = versions(patched)
    execution = start_machine(patched, first)
    assert execution.output() == "one"
    described = execution.description
    assert (described["stateMachineArn"], described["stateMachineVersionArn"]) == (arn, first)
    ran = execution.aws.describe_state_machine_for_execution(executionArn=execution.arn)
    assert json.loads(ran["definition"]) == json.loads(says("one"))


def alias(cloud: Any, *routes: tuple[str, int]) -> str:
    routing = [{"stateMachineVersionArn": version, "weight": weight} for version, weight in routes]
    return cloud.client("stepfunctions").create_state_machine_alias(name="live", routingConfiguration=routing)[
        "stateMachineAliasArn"
    ]


def test_an_alias_runs_the_version_it_points_at(stock: Any, patched: Any) -> None:
    _, first, _ = versions(stock)
    assert start_machine(stock, alias(stock, (first, 100))).output() == "two"

    arn, first, _ = versions(patched)
    live = alias(patched, (first, 100))
    execution = start_machine(patched, live)
    assert execution.output() == "one"
    assert execution.description["stateMachineAliasArn"] == live
    assert execution.description["stateMachineVersionArn"] == first
    (listed,) = execution.aws.list_executions(stateMachineArn=live)["executions"]
    assert listed["stateMachineAliasArn"] == live
    assert execution.aws.list_executions(stateMachineArn=arn)["executions"][0]["executionArn"] == execution.arn


def test_an_alias_divides_executions_by_weight(patched: Any) -> None:
    _, first, second = versions(patched)
    live = alias(patched, (first, 50), (second, 50))
    outputs = {start_machine(patched, live).output() for _ in range(40)}
    assert outputs == {"one", "two"}


def test_executions_are_listed_newest_first_and_in_pages(patched: Any) -> None:
    arn = create(patched, PASS)
    started = [start_machine(patched, arn) for _ in range(5)]
    for execution in started:
        execution.ended()
    pages = list(
        patched.client("stepfunctions")
        .get_paginator("list_executions")
        .paginate(stateMachineArn=arn, PaginationConfig={"PageSize": 2})
    )
    assert [len(page["executions"]) for page in pages] == [2, 2, 1]
    ends = [listed["stopDate"] for page in pages for listed in page["executions"]]
    assert ends == sorted(ends, reverse=True)
    assert {listed["executionArn"] for page in pages for listed in page["executions"]} == {one.arn for one in started}


def test_a_page_has_100_executions_unless_asked_otherwise(stock: Any, patched: Any) -> None:
    def first_page(cloud: Any) -> int:
        arn = create(cloud, PASS)
        aws = cloud.client("stepfunctions")
        for _ in range(101):
            aws.start_execution(stateMachineArn=arn)
        return len(aws.list_executions(stateMachineArn=arn)["executions"])

    assert first_page(stock) == 101
    assert first_page(patched) == 100


def test_executions_are_listed_by_status_and_by_redrive(stock: Any, patched: Any) -> None:
    def listed(cloud: Any, arn: str, **filters: str) -> list[str]:
        found = cloud.client("stepfunctions").list_executions(stateMachineArn=arn, **filters)["executions"]
        return sorted(one["name"] for one in found)

    definition = machine(("No", {"Type": "Fail"}))
    arn = create(stock, definition)
    start_machine(stock, arn, name="kept").ended()
    assert listed(stock, arn, redriveFilter="REDRIVEN") == ["kept"]

    arn = create(patched, definition)
    start_machine(patched, arn, name="kept").ended()
    again = start_machine(patched, arn, name="again")
    again.ended()
    again.redrive().ended()
    assert listed(patched, arn, redriveFilter="REDRIVEN") == ["again"]
    assert listed(patched, arn, redriveFilter="NOT_REDRIVEN") == ["kept"]
    assert listed(patched, arn, statusFilter="FAILED") == ["again", "kept"]
    assert listed(patched, arn, statusFilter="RUNNING") == []


def test_a_name_is_given_once_though_many_ask_for_it_at_once(patched: Any) -> None:
    """As the children of a Map Run may, each in a thread of its own."""
    arn = create(patched, PASS)
    start_one: dict[str, Any] = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution",
        "Parameters": {"StateMachineArn": arn, "Name": "only", "Input.$": "$"},
        "Catch": [{"ErrorEquals": ["StepFunctions.ExecutionAlreadyExistsException"], "Next": "Taken"}],
        "End": True,
    }
    taken = {"Type": "Pass", "Result": "taken", "End": True}
    each = {"Type": "Map", "ItemProcessor": {"StartAt": "Start", "States": {"Start": start_one, "Taken": taken}}}
    answers = start_machine(patched, create(patched, machine(("Each", each))), list(range(40))).output()
    assert answers.count("taken") == 39


def test_a_stopped_execution_can_be_stopped_again_but_an_ended_one_cannot(patched: Any) -> None:
    aws = patched.client("stepfunctions")
    execution = start_machine(patched, create(patched, WAIT))
    stops = {aws.stop_execution(executionArn=execution.arn)["stopDate"] for _ in range(2)}
    assert len(stops) == 1
    ended = start_machine(patched, create(patched, PASS))
    ended.ended()
    with pytest.raises(ClientError, match="ValidationException"):
        aws.stop_execution(executionArn=ended.arn)


def test_status_events_name_version_and_error(patched: Any) -> None:
    sqs, url = queue(patched)
    aws, events = patched.client("stepfunctions"), patched.client("events")
    arn = create(patched, machine(("No", {"Type": "Fail", "Error": "Bad", "Cause": "why"})))
    version = aws.publish_state_machine_version(stateMachineArn=arn)["stateMachineVersionArn"]
    pattern = {"source": ["aws.states"], "detail": {"stateMachineArn": [arn], "status": ["FAILED"]}}
    rule = arn.rpartition(":")[2]
    events.put_rule(Name=rule, EventPattern=json.dumps(pattern))
    queue_arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events.put_targets(Rule=rule, Targets=[{"Id": "queue", "Arn": queue_arn}])

    execution: Execution = start_machine(patched, version, {"a": 1})
    execution.ended()
    event = json.loads(next_token(sqs, url))
    assert event["detail-type"] == "Step Functions Execution Status Change"
    detail = event["detail"]
    assert detail["stateMachineVersionArn"] == version
    assert (detail["error"], detail["cause"], detail["output"]) == ("Bad", "why", None)
    assert (detail["input"], detail["inputDetails"]) == ('{"a": 1}', {"included": True})
    assert isinstance(detail["stopDate"], int)
