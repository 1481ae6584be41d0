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
from workflow.operator.stack import Connection

NORMAL_VIDEO, LONG_VIDEO = (f'"LONG_VIDEO_CPU_SECONDS": "{seconds}"' for seconds in ("120", "0.1"))
PLACE = {"AWS::Partition": "aws", "AWS::Region": "us-east-1", "AWS::AccountId": "000000000000"}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}],
}
"""The embedded AWS knows no GitHub."""
OPEN = {"processing", None}


@dataclass(frozen=True)
class Enforcing:
    """A running stage; `connection` has the account's own keys."""

    connection: Connection
    outputs: dict[str, str]
    journal: Path

    @property
    def client(self) -> Callable[..., Any]:
        return self.connection.client

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
        return until(lambda: next((r for r in self.records() if r["key"] == key and _is_over(r)), None))

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

    def stop(self, key: str, content: bytes) -> None:
        """Upload a file, and stop its execution while that waits for a function that takes nobody."""
        states, notify = self.client("stepfunctions"), {"FunctionName": "sluice-local-notify"}
        self.client("lambda").put_function_concurrency(**notify, ReservedConcurrentExecutions=0)
        self.put("IngestBucket", key, content)
        record = until(lambda: next((r for r in self.records() if r["key"] == key), None))
        until(lambda: "Lambda.TooManyRequestsException" in self.errors(record["execution_arn"]))
        states.stop_execution(executionArn=record["execution_arn"], error="Stopped", cause="by a test")
        self.client("lambda").delete_function_concurrency(**notify)

    def errors(self, execution_arn: str) -> set[str]:
        """Those of the tasks of an execution so far."""
        pages = self.client("stepfunctions").get_paginator("get_execution_history").paginate(executionArn=execution_arn)
        failures = (event.get("taskFailedEventDetails", {}) for page in pages for event in page["events"])
        return {failure["error"] for failure in failures if failure}

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

    def session_of(self, role: str) -> dict[str, str]:
        """Keys of a session of the role."""
        arn = f"arn:aws:iam::000000000000:role/{role}"
        keys = self.client("sts").assume_role(RoleArn=arn, RoleSessionName="test")["Credentials"]
        return {
            "aws_access_key_id": keys["AccessKeyId"],
            "aws_secret_access_key": keys["SecretAccessKey"],
            "aws_session_token": keys["SessionToken"],
        }

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
    with embedded_aws(folder, **settings) as connection, pytest.MonkeyPatch.context() as patch:
        patch.setattr(assembly, "templates", lambda _state_dir: templates)
        make_role_that_tries(connection.client, local.folder.parent / "github")
        yield Enforcing(connection, deploy.deploy(connection.client, folder).outputs, journal)


def make_role_that_tries(client: Callable[[str], Any], github: Path) -> None:
    """The one of the roles for GitHub that calls the stage itself. The others assume the CDK's, which are not here."""
    resources = json.loads((github / "sluice-github.template.json").read_text())["Resources"]
    (policy,) = (found["Properties"] for name, found in resources.items() if name.startswith("LocalTryDefaultPolicy"))
    name, iam = {"RoleName": "sluice-local-try"}, client("iam")
    iam.create_role(**name, AssumeRolePolicyDocument=json.dumps(TRUST))
    iam.put_role_policy(**name, PolicyName="try", PolicyDocument=json.dumps(written_out(policy["PolicyDocument"])))


def written_out(value: Any) -> Any:
    """With the references to partition, region and account resolved, which are all that the roles' policies have."""
    match value:
        case {"Ref": reference}:
            return PLACE[reference]
        case {"Fn::Join": [separator, parts]}:
            return separator.join(written_out(parts))
        case dict():
            return {name: written_out(each) for name, each in value.items()}
        case list():
            return [written_out(each) for each in value]
    return value


def picture(color: str) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (640, 480), color).save(data, "PNG")
    return data.getvalue()


def _is_over(record: dict[str, Any]) -> bool:
    """Also the original is where it belongs."""
    last = [attempt["M"] for attempt in record.get("attempts", [])[-1:]]
    return record["status"] not in OPEN and not (record["status"] == "succeeded" and last and "outcome" not in last[0])
