"""What the container for big files runs, as a real process: it makes what Transform makes, and tells of it."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from infra.functions.sources import PROJECT_ROOT
from tests.integration.conftest import LocalStack
from tests.integration.patches.stepfunctions_probe import Execution
from workflow.big_file import MAX_OVERRIDES_CHARACTERS
from workflow.ingest import ingest
from workflow.operator.stack import LOCAL_REGION

OVERRIDES = json.loads(ingest(big_files=True).to_json())["States"]["TransformBig"]["Parameters"]["Overrides"]
BIG = 5 * 1024**3


@pytest.fixture(scope="module")
def call(stack: LocalStack) -> dict[str, Any]:
    """What Transform was called with for a table that was uploaded, and its answer. The original is archived since."""
    file = stack.folder / "big.csv"
    file.write_text("name,size\nbig,1\n")
    (outcome,) = stack.json("put", str(file), "--wait")
    execution = Execution(stack.connection.stepfunctions, stack.client.execution_arn(outcome["execution"]))
    _validate, called, *_ = details(execution, "taskScheduledEventDetails", "parameters")
    _validated, answered, *_ = details(execution, "taskSucceededEventDetails", "output")
    original = {name: value for name, value in outcome["original"].items() if name != "place"}
    called["Payload"]["state"]["asset"]["source"] = original
    return called | {"answer": answered["Payload"]}


def details(execution: Execution, kind: str, field: str) -> list[dict[str, Any]]:
    return [json.loads(event[kind][field]) for event in execution.events if kind in event]


def overrides(payload: Mapping[str, Any]) -> dict[str, str]:
    """The variables that the state gives the container."""
    run = payload["run"]
    values = {
        "States.JsonToString($.asset)": json.dumps(payload["state"]["asset"]),
        "$$.Execution.Id": run["arn"],
        "$$.Execution.Name": run["name"],
        "$$.Execution.StartTime": run["started"],
    }
    (container,) = OVERRIDES["ContainerOverrides"]
    return {each["Name"]: values[each["Value.$"]] for each in container["Environment"]}


def run_container(stack: LocalStack, call: Mapping[str, Any], **asset: Any) -> subprocess.CompletedProcess[str]:
    """The Dockerfile's entry point, with the variables that the task has and those that the state adds."""
    payload = call["Payload"]
    changed = payload | {"state": {"asset": payload["state"]["asset"] | asset}}
    configuration = stack.connection.lambda_.get_function_configuration(FunctionName=call["FunctionName"])
    local = stack.connection.local
    assert local
    aws = {
        "AWS_ENDPOINT_URL": local.endpoint,
        "AWS_ACCESS_KEY_ID": local.access_key_id,
        "AWS_SECRET_ACCESS_KEY": local.secret_access_key,
        "AWS_DEFAULT_REGION": LOCAL_REGION,
    }
    environment = configuration["Environment"]["Variables"] | aws | {"PATH": os.environ["PATH"]} | overrides(changed)
    return subprocess.run(
        [sys.executable, "-m", "tasks.big_file"],
        cwd=PROJECT_ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def transform(stack: LocalStack, call: Mapping[str, Any], *, name: str = "", **state: Any) -> dict[str, Any]:
    """Call Transform as the state machine does, with another state."""
    payload = call["Payload"] | {"state": call["Payload"]["state"] | state}
    payload = payload | {"run": payload["run"] | ({"name": name} if name else {})}
    answer = stack.connection.lambda_.invoke(FunctionName=call["FunctionName"], Payload=json.dumps(payload).encode())
    return json.loads(answer["Payload"].read())


DONE = {"big_file": {"container": "arn:aws:ecs:us-east-1:000000000000:task/any"}}


def test_transform_hands_a_big_file_over_without_reading_it(stack: LocalStack, call: dict[str, Any]) -> None:
    big = call["Payload"]["state"]["asset"] | {
        "size": BIG,
        "version_id": "none",
        "source": {"bucket": "no", "key": "no"},
    }
    assert transform(stack, call, asset=big)["errorType"] == "BigFile"


def test_transform_takes_what_the_container_made(stack: LocalStack, call: dict[str, Any]) -> None:
    done = run_container(stack, call)
    assert done.returncode == 0, done.stdout + done.stderr
    assert transform(stack, call, **DONE)["transform"] == call["answer"]["transform"]


def test_what_the_container_rejects_is_rejected(stack: LocalStack, call: dict[str, Any]) -> None:
    done = run_container(stack, call, media_type="application/vnd.apache.parquet")
    assert done.returncode == 0, done.stdout + done.stderr
    assert transform(stack, call, **DONE)["errorType"] == "TruncatedFile"


def test_a_container_that_failed_has_told_nothing(stack: LocalStack, call: dict[str, Any]) -> None:
    gone = {"bucket": stack.client.buckets.ingest, "key": "no-such-file", "version_id": "none"}
    assert run_container(stack, call, source=gone).returncode != 0
    told_nothing = transform(stack, call, name="another-execution", **DONE)
    assert told_nothing["errorType"] not in {"BigFile", None}


def test_the_largest_state_fits_into_what_ecs_takes(call: dict[str, Any]) -> None:
    asset = call["Payload"]["state"]["asset"]
    key = "\u6771" * 300
    source = asset["source"] | {"key": key}
    largest = asset | {"key": key, "source": source, "notes": ["n" * 200] * 3, "declared_type": "t" * 200}
    given = overrides(call["Payload"] | {"state": {"asset": largest}})
    assert len(json.dumps(OVERRIDES)) + sum(map(len, given.values())) < MAX_OVERRIDES_CHARACTERS
