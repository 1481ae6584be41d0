"""Killed again and again at random moments, the local stack still has whatever it answered, and ends every upload.

SLUICE_KILLS is how many times; SLUICE_KILLS_SEED repeats the moments of an earlier run.
"""

import contextlib
import itertools
import json
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError

from infra.local.emulator import Emulator
from infra.local.samples import FOLDER
from infra.local.stack import emulator_of
from tasks.shared.naming import asset_id
from tests.integration.conftest import LocalStack
from tests.waiting import PATIENCE_SECONDS, told, until

KILLS = int(os.environ.get("SLUICE_KILLS", "20"))
SEED = int(os.environ.get("SLUICE_KILLS_SEED", random.randrange(10**6)))
LONGEST_ROUND_SECONDS = 1.5
UPLOADS_IN_A_ROUND = 2
CONTENT = (FOLDER / "orders-with-decimal-commas.csv").read_bytes()
ROLE = "arn:aws:iam::000000000000:role/execution"
MACHINE = {"StartAt": "Only", "States": {"Only": {"Type": "Pass", "End": True}}}
HISTORY_EVENTS = 4


@dataclass
class Answers:
    """What a client was answered, whichever process of the stack it came from."""

    uploads: set[tuple[str, str]] = field(default_factory=set)
    items: dict[str, int] = field(default_factory=dict)
    messages: set[str] = field(default_factory=set)
    started: set[str] = field(default_factory=set)
    outputs: dict[str, str] = field(default_factory=dict)
    parameters: set[str] = field(default_factory=set)
    topics: set[str] = field(default_factory=set)
    records: dict[str, Any] = field(default_factory=dict)
    """Of uploads that were seen to have ended."""


class Client:
    """Calls the stack in a thread for each service, until it is told to stop, and remembers the answers.

    A call that meets a dead stack is tried again by the SDK, and meets the next one.
    """

    def __init__(self, stack: LocalStack) -> None:
        self.answers = Answers()
        self.errors: list[Exception] = []
        self._connection = stack.connection
        self._names = stack.client.stack
        self._ingest = stack.client.buckets.ingest
        self._number = itertools.count()
        self._queue = self._connection.client("sqs").create_queue(QueueName="answers")["QueueUrl"]
        self._machine = self._connection.client("stepfunctions").create_state_machine(
            name="answers", definition=json.dumps(MACHINE), roleArn=ROLE
        )["stateMachineArn"]
        self._connection.dynamodb.create_table(
            TableName="answers",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )

    @contextlib.contextmanager
    def calling(self) -> Iterator[None]:
        stop = threading.Event()
        threads = [threading.Thread(target=self._call, args=(calls, stop)) for calls in self._calls()]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join()

    def _call(self, calls: Callable[[], Iterator[None]], stop: threading.Event) -> None:
        try:
            for _ in calls():
                if stop.is_set():
                    return
        except BotoCoreError:
            return  # no process answered in the time that an SDK takes
        except Exception as exc:  # noqa: BLE001 - the test's own thread tells of it
            self.errors.append(exc)

    def _calls(self) -> list[Callable[[], Iterator[None]]]:
        return [self._upload, self._put_items, self._send, self._run, self._configure, self._watch]

    def _upload(self) -> Iterator[None]:
        for _ in range(UPLOADS_IN_A_ROUND):
            key = f"kills/{next(self._number)}.csv"
            body = CONTENT + f"{key}\n".encode()
            version = self._connection.s3.put_object(Bucket=self._ingest, Key=key, Body=body)["VersionId"]
            self.answers.uploads.add((key, version))
            yield

    def _put_items(self) -> Iterator[None]:
        for number in self._number:
            key = f"item-{number % 50}"
            item = {"id": {"S": key}, "number": {"N": str(number)}, "text": {"S": "x" * 1000}}
            self._connection.dynamodb.put_item(TableName="answers", Item=item)
            self.answers.items[key] = number
            yield

    def _send(self) -> Iterator[None]:
        sqs = self._connection.client("sqs")
        for number in self._number:
            sent = sqs.send_message(QueueUrl=self._queue, MessageBody=str(number))
            self.answers.messages.add(sent["MessageId"])
            yield

    def _run(self) -> Iterator[None]:
        states = self._connection.client("stepfunctions")
        for number in self._number:
            arn = states.start_execution(stateMachineArn=self._machine, input=json.dumps(number))["executionArn"]
            self.answers.started.add(arn)
            yield
            described = states.describe_execution(executionArn=arn)
            if described["status"] == "SUCCEEDED":
                self.answers.outputs[arn] = described["output"]
            yield

    def _configure(self) -> Iterator[None]:
        ssm, sns = self._connection.client("ssm"), self._connection.client("sns")
        for number in self._number:
            ssm.put_parameter(Name=f"/answers/{number}", Value=str(number), Type="String", Overwrite=True)
            self.answers.parameters.add(f"/answers/{number}")
            yield
            self.answers.topics.add(sns.create_topic(Name=f"answers-{number}")["TopicArn"])
            yield

    def _watch(self) -> Iterator[None]:
        while True:
            for key, version in sorted(self.answers.uploads):
                asset = asset_id(self._ingest, key, version)
                record = self.record(asset)
                if record.get("status", {}).get("S") == "succeeded":
                    self.answers.records.setdefault(asset, record)
                yield
            yield

    def record(self, asset: str) -> dict[str, Any]:
        key = {"pk": {"S": f"asset#{asset}"}, "sk": {"S": "record"}}
        return self._connection.dynamodb.get_item(TableName=self._names.table, Key=key).get("Item", {})

    def assert_kept(self) -> None:
        """All that was answered is there."""
        assert not self.errors
        self._assert_messages_kept()
        self._assert_executions_kept()
        for key, number in self.answers.items.items():
            item = self._connection.dynamodb.get_item(TableName="answers", Key={"id": {"S": key}})["Item"]
            assert int(item["number"]["N"]) >= number, key
        parameters = self._pages("ssm", "get_parameters_by_path", "Parameters", Path="/answers")
        assert self.answers.parameters <= {each["Name"] for each in parameters}
        assert self.answers.topics <= {each["TopicArn"] for each in self._pages("sns", "list_topics", "Topics")}
        assert {asset: self.record(asset) for asset in self.answers.records} == self.answers.records

    def _assert_messages_kept(self) -> None:
        asked = {"QueueUrl": self._queue, "AttributeNames": ["ApproximateNumberOfMessages"]}
        counted = self._connection.client("sqs").get_queue_attributes(**asked)["Attributes"]
        assert int(counted["ApproximateNumberOfMessages"]) >= len(self.answers.messages)

    def _assert_executions_kept(self) -> None:
        listed = self._pages("stepfunctions", "list_executions", "executions", stateMachineArn=self._machine)
        status = {each["executionArn"]: each["status"] for each in listed}
        assert self.answers.started <= status.keys()
        assert {status[arn] for arn in self.answers.outputs} <= {"SUCCEEDED"}
        states = self._connection.client("stepfunctions")
        for arn in random.sample(sorted(self.answers.outputs), min(20, len(self.answers.outputs))):
            assert states.describe_execution(executionArn=arn)["output"] == self.answers.outputs[arn]
            assert len(states.get_execution_history(executionArn=arn)["events"]) == HISTORY_EVENTS

    def _pages(self, service: str, action: str, members: str, **asked: Any) -> list[dict[str, Any]]:
        pages = self._connection.client(service).get_paginator(action).paginate(**asked)
        return [each for page in pages for each in page[members]]

    def received(self) -> set[str]:
        """Every message that is in the queue."""
        sqs, found = self._connection.client("sqs"), set[str]()
        while batch := sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get("Messages"):
            found |= {each["MessageId"] for each in batch}
        return found

    def assets(self) -> list[str]:
        return [asset_id(self._ingest, *each) for each in sorted(self.answers.uploads)]


@pytest.mark.timeout(120 + 20 * KILLS)
def test_killed_at_any_moment_the_stack_has_what_it_answered_and_ends_every_upload(start_stack):
    stack = start_stack("kills")
    emulator = emulator_of(stack.state_dir, stack.port)
    moments, client = random.Random(SEED), Client(stack)
    for kill in range(KILLS):
        print(f"kill {kill} of seed {SEED}")
        with client.calling():
            time.sleep(moments.uniform(0, LONGEST_ROUND_SECONDS))
            restart(emulator)
        client.assert_kept()
    emulator.kill()
    stack.run("up", "--detach", "--port", str(stack.port))
    assert client.answers.messages <= client.received()
    until(lambda: not stack.client.executions(status="RUNNING"))
    ended = told(stack.client.wait(client.assets(), timeout=PATIENCE_SECONDS))
    assert {record["status"] for record in ended.values()} == {"succeeded"}


def restart(emulator: Emulator) -> None:
    emulator.kill()
    emulator.start()
    emulator.wait_ready()
