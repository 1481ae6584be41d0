"""The local stage on an embedded AWS that enforces every role's policy, and writes down what the roles used."""

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from infra.local import assembly, authorizations, deploy
from infra.local.authorizations import Authorization
from tests.infra.conftest import Stage, embedded_aws
from tests.waiting import until

NORMAL_VIDEO, LONG_VIDEO = (f'"LONG_VIDEO_CPU_SECONDS": "{seconds}"' for seconds in ("120", "0.1"))
OPEN = {"processing", None}


@dataclass(frozen=True)
class Enforcing:
    """A running stage; `client` makes clients with the account's own keys."""

    client: Callable[[str], Any]
    outputs: dict[str, str]
    journal: Path

    @property
    def used(self) -> frozenset[Authorization]:
        """Everything that a role was allowed or refused so far."""
        return authorizations.read(self.journal)

    def put(self, bucket: str, key: str, content: bytes, **more: Any) -> None:
        self.client("s3").put_object(Bucket=self.outputs[bucket], Key=key, Body=content, **more)

    def keys(self, bucket: str) -> list[str]:
        pages = self.client("s3").get_paginator("list_objects_v2").paginate(Bucket=self.outputs[bucket])
        return [found["Key"] for page in pages for found in page.get("Contents", [])]

    def records(self) -> list[dict[str, Any]]:
        items = self.client("dynamodb").scan(TableName=self.outputs["TableName"])["Items"]
        plain = ({name: next(iter(value.values())) for name, value in item.items()} for item in items)
        return [item for item in plain if item["sk"] == "record"]

    def record(self, key: str) -> dict[str, Any]:
        """The record of the asset that was uploaded under `key`, once it is finished."""
        return until(lambda: next((r for r in self.records() if r["key"] == key and r["status"] not in OPEN), None))

    def execution(self, **wanted: str) -> dict[str, Any]:
        """An execution with this input, once it has ended."""
        return self.executed("StateMachineArn", wanted)

    def executed(self, machine: str, wanted: dict[str, Any], **more: str) -> dict[str, Any]:
        states = self.client("stepfunctions")
        arn = states.start_execution(stateMachineArn=self.outputs[machine], input=json.dumps(wanted), **more)
        return until(lambda: ended(states.describe_execution(executionArn=arn["executionArn"])))

    def executions(self, machine: str = "StateMachineArn", **more: str) -> list[str]:
        of = {} if "mapRunArn" in more else {"stateMachineArn": self.outputs[machine]}
        pages = self.client("stepfunctions").get_paginator("list_executions").paginate(**of, **more)
        return [each["executionArn"] for page in pages for each in page["executions"]]

    @contextmanager
    def deaf(self, rule: str) -> Iterator[None]:
        """While a rule hears nothing, as if its events were lost."""
        events = self.client("events")
        (name,) = (each["Name"] for each in events.list_rules()["Rules"] if rule in each["Name"])
        events.disable_rule(Name=name)
        yield
        events.enable_rule(Name=name)

    @contextmanager
    def held(self, function: str) -> Iterator[None]:
        """While a function takes nobody, so that executions wait there."""
        functions = self.client("lambda")
        functions.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)
        yield
        functions.delete_function_concurrency(FunctionName=function)

    def swept(self) -> dict[str, str]:
        """What a sweep did about what it found, by key."""
        event = json.dumps({"older_than_minutes": 0})
        answer = self.client("lambda").invoke(FunctionName="sluice-local-sweep", Payload=event)
        report = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, report
        return {each["key"]: each["did"] for each in report["findings"]}

    def calls(self, execution_arn: str) -> list[dict[str, Any]]:
        """The functions that an execution called, each with its payload."""
        pages = self.client("stepfunctions").get_paginator("get_execution_history").paginate(executionArn=execution_arn)
        details = (event.get("taskScheduledEventDetails") for page in pages for event in page["events"])
        return [json.loads(each["parameters"]) for each in details if each]

    def call_api(self, route: str, **more: Any) -> Any:
        """What the api's function answers, called as API Gateway calls it."""
        caller = {"iam": {"userArn": "arn:aws:iam::000000000000:root"}}
        context = {"requestId": "r", "authorizer": caller, "http": {"method": "", "path": ""}}
        event = {"routeKey": route, "requestContext": context, "headers": {"content-type": "application/json"}} | more
        answered = self.client("lambda").invoke(FunctionName="sluice-local-api", Payload=json.dumps(event))
        told = json.loads(answered["Payload"].read())
        assert told.get("statusCode", 500) < 300, told
        return json.loads(told["body"])


def ended(execution: dict[str, Any]) -> dict[str, Any] | None:
    return None if execution["status"] == "RUNNING" else execution


@contextmanager
def enforcing_stage(local: Stage, folder: Path) -> Iterator[Enforcing]:
    journal = folder / "authorizations.jsonl"
    templates = {name: (local.folder / f"{name}.template.json").read_text() for name in assembly.STACKS}
    templates = {name: text.replace(NORMAL_VIDEO, LONG_VIDEO) for name, text in templates.items()}
    settings = {"AUTH": "true", "SLUICE_AUTHORIZATIONS": str(journal)}
    with embedded_aws(folder, **settings) as client, pytest.MonkeyPatch.context() as patch:
        patch.setattr(assembly, "templates", lambda _state_dir: templates)
        yield Enforcing(client, deploy.deploy(client, folder).outputs, journal)


def picture(color: str) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (640, 480), color).save(data, "PNG")
    return data.getvalue()
