"""Every edge of the reprocess state machine, run by the embedded AWS, with a stand-in for the ingest state machine."""

import json
import uuid
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from tests.workflow.interpreters import Clients, Interpreter, create_function, create_machine
from workflow.reprocess import reprocess

BUCKET = "operations"
REPORTS = """
def handle(event, context):
    if event["state"]["batch"]["by"] == "unreported":
        raise KeyError("no report")
    return {**event["state"], "report_batch": {"ingest": event["state"]["ingest"]}}
"""
INGEST: dict[str, Any] = {
    "StartAt": "WhichKey",
    "States": {
        "WhichKey": {
            "Type": "Choice",
            "Choices": [
                {"Variable": "$.key", "StringEquals": "bad", "Next": "Bad"},
                {"Variable": "$.key", "StringEquals": "bad once", "Next": "OnceOnly"},
            ],
            "Default": "Good",
        },
        "OnceOnly": {
            "Type": "Choice",
            "Choices": [{"Variable": "$$.Execution.Name", "StringMatches": "*-once", "Next": "Bad"}],
            "Default": "Good",
        },
        "Good": {"Type": "Succeed"},
        "Bad": {"Type": "Fail", "Error": "CorruptImage"},
    },
}
"""Fails by the key; "bad once" fails only under the name that batch and asset give."""


@dataclass(frozen=True)
class World:
    """The deployed state machine."""

    client: Clients
    machine: str
    ingest: str

    def start(self, *items: tuple[str, str], tolerate: int = 100, by: str = "anna") -> Interpreter:
        """Items are asset ids with their keys."""
        batch = uuid.uuid4().hex[:8]
        lines = [{"asset_id": asset, "bucket": "ingest", "key": key, "version_id": "1"} for asset, key in items]
        manifest = {"bucket": BUCKET, "key": f"reprocess/{batch}/manifest.jsonl"}
        self.client("s3").put_object(
            Bucket=BUCKET, Key=manifest["key"], Body="".join(json.dumps(line) + "\n" for line in lines)
        )
        wanted = {"manifest": manifest, "batch": batch, "concurrency": 2, "tolerate_percent": tolerate}
        wanted |= {"by": by, "why": "to see"}
        aws = self.client("stepfunctions")
        started = partial(aws.start_execution, stateMachineArn=self.machine, input=json.dumps(wanted))
        return Interpreter(aws, lambda name: started(name=name)["executionArn"])

    def ended(self, started: Interpreter) -> dict[str, Any]:
        arn = started.start(uuid.uuid4().hex)
        started.await_end(arn)
        return started.stepfunctions.describe_execution(executionArn=arn)

    def counts(self, execution: dict[str, Any]) -> dict[str, int]:
        aws = self.client("stepfunctions")
        (run,) = aws.list_map_runs(executionArn=execution["executionArn"])["mapRuns"]
        counts = aws.describe_map_run(mapRunArn=run["mapRunArn"])["itemCounts"]
        return {name: counts[name] for name in ("succeeded", "failed", "total")}

    def ingested(self) -> list[dict[str, Any]]:
        """The ingest executions so far."""
        return self.client("stepfunctions").list_executions(stateMachineArn=self.ingest)["executions"]


@pytest.fixture(scope="module")
def world(client: Clients) -> World:
    client("s3").create_bucket(Bucket=BUCKET)
    aws = client("stepfunctions")
    ingest = create_machine(aws, "ingest-stand-in", INGEST)
    report = create_function(client, "ReportBatch", REPORTS)
    text = reprocess().to_json().replace("${ingest}", ingest).replace("${report_batch}", report)
    return World(client, create_machine(aws, "reprocess", json.loads(text)), ingest)


def test_every_asset_is_ingested_and_the_batch_reported(world: World) -> None:
    ended = world.ended(world.start(("a1", "one"), ("a2", 'two "quoted",\\ \u2028\nlines')))
    assert ended["status"] == "SUCCEEDED"
    assert json.loads(ended["output"])["report_batch"] == {"ingest": world.ingest}
    assert world.counts(ended) == {"succeeded": 2, "failed": 0, "total": 2}
    keys = [json.loads(inner["input"])["key"] for inner in map(described(world), world.ingested())]
    assert 'two "quoted",\\ \u2028\nlines' in keys


def described(world: World) -> Any:
    aws = world.client("stepfunctions")
    return lambda listed: aws.describe_execution(executionArn=listed["executionArn"])


def test_tolerated_failures_are_reported_and_the_batch_succeeds(world: World) -> None:
    ended = world.ended(world.start(("a1", "one"), ("a2", "bad")))
    assert ended["status"] == "SUCCEEDED"
    assert world.counts(ended) == {"succeeded": 1, "failed": 1, "total": 2}


def test_with_more_failures_than_are_tolerated_it_is_reported_before_it_fails(world: World) -> None:
    ended = world.ended(world.start(("a1", "bad"), ("a2", "bad"), tolerate=10))
    assert (ended["status"], ended["error"]) == ("FAILED", "TooManyFailures")
    history = world.client("stepfunctions").get_execution_history(executionArn=ended["executionArn"])["events"]
    entered = [event["stateEnteredEventDetails"]["name"] for event in history if "stateEnteredEventDetails" in event]
    assert entered == ["ReprocessEach", "ReportBatch", "TooMany", "TooManyFailures"]


def test_an_asset_that_the_batch_took_before_is_started_without_the_used_name(world: World) -> None:
    """The same asset twice stands for a run that was interrupted: the second finds the name taken."""
    before = len(world.ingested())
    ended = world.ended(world.start(("once", "bad once"), ("once", "bad once")))
    assert world.counts(ended) == {"succeeded": 1, "failed": 1, "total": 2}
    assert len(world.ingested()) == before + 2


def test_a_report_that_cannot_be_made_fails_in_its_state_so_that_a_redrive_makes_it(world: World) -> None:
    ended = world.ended(world.start(("a1", "one"), by="unreported"))
    assert (ended["status"], ended["error"]) == ("FAILED", "KeyError")


def test_without_a_manifest_it_fails_before_anything_is_started(world: World) -> None:
    before = len(world.ingested())
    aws = world.client("stepfunctions")
    wanted = {"manifest": {"bucket": BUCKET, "key": "none"}, "batch": "b", "concurrency": 1, "tolerate_percent": 0}
    wanted |= {"by": "anna", "why": ""}
    run = Interpreter(
        aws,
        lambda name: aws.start_execution(stateMachineArn=world.machine, name=name, input=json.dumps(wanted))[
            "executionArn"
        ],
    )
    assert world.ended(run)["error"] == "States.ItemReaderFailed"
    assert len(world.ingested()) == before
