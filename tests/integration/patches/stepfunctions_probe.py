"""Creates state machines on a running emulator, runs them, and reads what happened."""

import io
import json
import textwrap
import uuid
import zipfile
from dataclasses import dataclass
from typing import Any

from tests.waiting import next_message, until

ROLE = "arn:aws:iam::000000000000:role/states"


@dataclass(frozen=True)
class Execution:
    aws: Any
    arn: str

    @property
    def description(self) -> dict[str, Any]:
        return self.aws.describe_execution(executionArn=self.arn)

    @property
    def status(self) -> str:
        return self.description["status"]

    def ended(self) -> dict[str, Any]:
        """The description once the execution has ended."""
        return until(lambda: (seen := self.description)["status"] != "RUNNING" and seen)

    def output(self) -> Any:
        described = self.ended()
        assert described["status"] == "SUCCEEDED", described
        return json.loads(described["output"])

    def failure(self) -> tuple[str, str | None]:
        """Status and error."""
        described = self.ended()
        return described["status"], described.get("error")

    @property
    def events(self) -> list[dict[str, Any]]:
        pages = self.aws.get_paginator("get_execution_history").paginate(executionArn=self.arn)
        return [event for page in pages for event in page["events"]]

    @property
    def event_types(self) -> list[str]:
        return [event["type"] for event in self.events]

    def details(self, event_type: str) -> dict[str, Any]:
        """The details of the newest event of that type."""
        event = [event for event in self.events if event["type"] == event_type][-1]
        return next(value for name, value in event.items() if name.endswith("EventDetails"))

    def reached(self, event_type: str) -> "Execution":
        until(lambda: event_type in self.event_types)
        return self

    def redrive(self) -> "Execution":
        self.aws.redrive_execution(executionArn=self.arn)
        return self


def machine(*states: tuple[str, dict[str, Any]], **fields: Any) -> dict[str, Any]:
    """A definition of states that follow each other in order, unless they say otherwise."""
    names = [name for name, _ in states]
    followers = [{"Next": name} for name in names[1:]] + [{"End": True}]
    leading = {"Choice", "Succeed", "Fail"}
    chained = {
        name: state if state["Type"] in leading or "Next" in state or "End" in state else {**state, **follower}
        for (name, state), follower in zip(states, followers, strict=True)
    }
    return {"StartAt": names[0], "States": chained, **fields}


def create(cloud: Any, definition: Any, **options: Any) -> str:
    text = definition if isinstance(definition, str) else json.dumps(definition)
    options = {"name": f"m-{uuid.uuid4().hex}", "roleArn": ROLE} | options
    return cloud.client("stepfunctions").create_state_machine(definition=text, **options)["stateMachineArn"]


def start(cloud: Any, definition: dict[str, Any], data: Any = None, **options: Any) -> Execution:
    return start_machine(cloud, create(cloud, definition), data, **options)


def start_machine(cloud: Any, arn: str, data: Any = None, **options: Any) -> Execution:
    aws = cloud.client("stepfunctions")
    text = json.dumps({} if data is None else data)
    return Execution(aws, aws.start_execution(stateMachineArn=arn, input=text, **options)["executionArn"])


def function(cloud: Any, code: str, **settings: Any) -> str:
    """Deploys `code`, which defines `handle(event, context)`, and returns the function's ARN."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr("app.py", textwrap.dedent(code))
    created = cloud.client("lambda").create_function(
        FunctionName=f"f-{uuid.uuid4().hex}",
        Runtime="python3.13",
        Role=ROLE,
        Handler="app.handle",
        Code={"ZipFile": archive.getvalue()},
        **settings,
    )
    return created["FunctionArn"]


def invoke(function_arn: str, **fields: Any) -> dict[str, Any]:
    """A Task state that invokes the function with the state's input."""
    parameters = {"FunctionName": function_arn, "Payload.$": "$"}
    return {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Parameters": parameters, **fields}


def queue(cloud: Any) -> tuple[Any, str]:
    sqs = cloud.client("sqs")
    return sqs, sqs.create_queue(QueueName=f"q-{uuid.uuid4().hex}")["QueueUrl"]


def ask(queue_url: str, **fields: Any) -> dict[str, Any]:
    """A Task state that sends its token to the queue and waits for the answer."""
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Parameters": {"QueueUrl": queue_url, "MessageBody.$": "$$.Task.Token"},
        **fields,
    }


def next_token(sqs: Any, queue_url: str) -> str:
    return next_message(sqs, queue_url)["Body"]
