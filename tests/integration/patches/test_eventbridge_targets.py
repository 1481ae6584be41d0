"""Events that a target does not take are retried, and end in its dead-letter queue."""

import io
import json
import uuid
import zipfile
from dataclasses import dataclass
from typing import Any

import pytest

from tests.waiting import next_message

ROLE = "arn:aws:iam::000000000000:role/any"
MISSING = {
    "state machine": "arn:aws:states:us-east-1:000000000000:stateMachine:missing",
    "function": "arn:aws:lambda:us-east-1:000000000000:function:missing",
}


@dataclass(frozen=True)
class Queue:
    sqs: Any
    url: str
    arn: str

    def send(self, body: str) -> None:
        self.sqs.send_message(QueueUrl=self.url, MessageBody=body)

    def receive(self) -> dict[str, Any]:
        return next_message(self.sqs, self.url)

    def stays_empty(self, seconds: int) -> bool:
        """For stock's defects only: to wait for what will not come takes a fixed time."""
        return "Messages" not in self.sqs.receive_message(QueueUrl=self.url, WaitTimeSeconds=seconds)


def new_queue(cloud: Any) -> Queue:
    sqs = cloud.client("sqs")
    url = sqs.create_queue(QueueName=f"q-{uuid.uuid4().hex}")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    return Queue(sqs, url, arn)


def new_function(cloud: Any, code: str, **settings: Any) -> str:
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("app.py", code)
    return cloud.client("lambda").create_function(
        FunctionName=f"f-{uuid.uuid4().hex}",
        Runtime="python3.13",
        Role=ROLE,
        Handler="app.handle",
        Code={"ZipFile": package.getvalue()},
        **settings,
    )["FunctionArn"]


def send_event(cloud: Any, target: dict[str, Any], detail: dict[str, Any]) -> str:
    """Puts one event on the bus, of which only a new rule with this target hears; returns the rule's ARN."""
    events = cloud.client("events")
    source = f"test.{uuid.uuid4().hex}"
    rule = events.put_rule(Name=source, EventPattern=json.dumps({"source": [source]}))["RuleArn"]
    events.put_targets(Rule=source, Targets=[{"Id": "target", **target}])
    events.put_events(Entries=[{"Source": source, "DetailType": "Test", "Detail": json.dumps(detail)}])
    return rule


@pytest.mark.parametrize("kind", MISSING)
def test_an_event_for_a_target_that_is_gone_ends_in_the_dead_letter_queue(stock: Any, patched: Any, kind: str) -> None:
    def send(cloud: Any, queue: Queue) -> str:
        return send_event(cloud, {"Arn": MISSING[kind], "DeadLetterConfig": {"Arn": queue.arn}}, {"key": "a.jpg"})

    lost = new_queue(stock)
    send(stock, lost)
    assert lost.stays_empty(seconds=1)

    queue = new_queue(patched)
    rule = send(patched, queue)
    message = queue.receive()
    assert json.loads(message["Body"])["detail"] == {"key": "a.jpg"}
    attributes = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert attributes.pop("ERROR_MESSAGE")
    assert attributes == {"RULE_ARN": rule, "TARGET_ARN": MISSING[kind], "ERROR_CODE": "NO_RESOURCE"}


def test_an_event_that_does_not_become_an_input_ends_in_the_dead_letter_queue(patched: Any) -> None:
    definition = json.dumps({"StartAt": "Done", "States": {"Done": {"Type": "Succeed"}}})
    states = patched.client("stepfunctions")
    machine = states.create_state_machine(name=f"m-{uuid.uuid4().hex}", definition=definition, roleArn=ROLE)
    broken = {"InputPathsMap": {"key": "$.detail.key"}, "InputTemplate": '{"key": "in/<key>"}'}
    queue = new_queue(patched)
    target = {
        "Arn": machine["stateMachineArn"],
        "RoleArn": ROLE,
        "InputTransformer": broken,
        "DeadLetterConfig": {"Arn": queue.arn},
    }
    send_event(patched, target, {"key": 'q"uote'})
    message = queue.receive()
    assert json.loads(message["Body"])["detail"] == {"key": 'q"uote'}
    assert message["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "INVALID_JSON"
    assert states.list_executions(stateMachineArn=machine["stateMachineArn"])["executions"] == []


def test_a_function_that_fails_is_tried_again_and_its_event_kept(stock: Any, patched: Any) -> None:
    def send(cloud: Any) -> Queue:
        queue = new_queue(cloud)
        function = new_function(
            cloud, "def handle(event, context): raise ValueError('no')", DeadLetterConfig={"TargetArn": queue.arn}
        )
        retries = {"MaximumRetryAttempts": 1}
        cloud.client("lambda").put_function_event_invoke_config(FunctionName=function, **retries)
        send_event(cloud, {"Arn": function}, {"key": "a.jpg"})
        return queue

    assert send(stock).stays_empty(seconds=3)

    message = send(patched).receive()
    assert json.loads(message["Body"])["detail"] == {"key": "a.jpg"}
    assert message["MessageAttributes"]["ErrorMessage"]["StringValue"] == "no"


@pytest.mark.parametrize(("code", "condition"), [("1", "Success"), ("1 / 0", "RetriesExhausted")])
def test_an_asynchronous_invocation_reports_to_its_destination(patched: Any, code: str, condition: str) -> None:
    queue = new_queue(patched)
    function = new_function(patched, f"def handle(event, context): return {code}")
    client = patched.client("lambda")
    destinations = {name: {"Destination": queue.arn} for name in ("OnSuccess", "OnFailure")}
    client.put_function_event_invoke_config(
        FunctionName=function, MaximumRetryAttempts=0, DestinationConfig=destinations
    )
    client.invoke(FunctionName=function, InvocationType="Event", Payload='{"key": "a.jpg"}')
    message = queue.receive()
    record = json.loads(message["Body"])
    assert record["requestPayload"] == {"key": "a.jpg"}
    assert record["requestContext"]["condition"] == condition
    assert record["requestContext"]["approximateInvokeCount"] == 1


def test_a_throttled_event_waits_for_its_turn(patched: Any) -> None:
    """Four events for a function of concurrency 1, which reports the first only when all were sent."""
    gate, queue = new_queue(patched), new_queue(patched)
    variables = {"Variables": {"GATE": gate.url, "QUEUE": queue.url}}
    function = new_function(patched, GATED_REPORTER, Timeout=120, Environment=variables)
    client = patched.client("lambda")
    client.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=1)
    for number in range(4):
        client.invoke(FunctionName=function, InvocationType="Event", Payload=str(number))
    for _ in range(4):
        gate.send("go on")
    assert sorted(queue.receive()["Body"] for _ in range(4)) == ["0", "1", "2", "3"]


GATED_REPORTER = """
import os, boto3

def handle(event, context):
    sqs = boto3.client("sqs")
    while not (opened := sqs.receive_message(QueueUrl=os.environ["GATE"], WaitTimeSeconds=5).get("Messages")):
        pass
    sqs.delete_message(QueueUrl=os.environ["GATE"], ReceiptHandle=opened[0]["ReceiptHandle"])
    sqs.send_message(QueueUrl=os.environ["QUEUE"], MessageBody=str(event))
"""


def test_a_failed_execution_reaches_a_function_with_every_detail(patched: Any) -> None:
    queue = new_queue(patched)
    function = new_function(patched, REPORTER, Timeout=20, Environment={"Variables": {"QUEUE": queue.url}})
    definition = {"StartAt": "No", "States": {"No": {"Type": "Fail", "Error": "Corrupt", "Cause": "truncated"}}}
    states, events = patched.client("stepfunctions"), patched.client("events")
    name = f"m-{uuid.uuid4().hex}"
    machine = states.create_state_machine(name=name, definition=json.dumps(definition), roleArn=ROLE)["stateMachineArn"]
    pattern = {"source": ["aws.states"], "detail": {"stateMachineArn": [machine], "status": ["FAILED"]}}
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": "target", "Arn": function}])
    execution = states.start_execution(stateMachineArn=machine, input='{"key": "a.jpg"}')["executionArn"]
    message = queue.receive()
    event = json.loads(message["Body"])
    detail = event["detail"]
    assert event["detail-type"] == "Step Functions Execution Status Change"
    assert (detail["executionArn"], detail["status"]) == (execution, "FAILED")
    assert (detail["error"], detail["cause"]) == ("Corrupt", "truncated")
    assert json.loads(detail["input"]) == {"key": "a.jpg"}
    assert detail["redriveStatus"] == "REDRIVABLE"
    assert detail["startDate"] <= detail["stopDate"]


REPORTER = """
import json, os, boto3

def handle(event, context):
    boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE"], MessageBody=json.dumps(event))
"""
