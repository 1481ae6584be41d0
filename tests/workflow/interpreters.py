"""Runs the cases on an interpreter of the States Language, and reads from the history what happened."""

import io
import json
import zipfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import boto3
import moto
import pytest

from infra.local.emulator import Emulator
from tests.waiting import until
from tests.workflow import stub
from tests.workflow.cases import CONFIG_FILE, TASK_STATES, Outcome, Visit
from workflow.history import StateRun, state_runs
from workflow.ingest import ingest
from workflow.names import task_name
from workflow.operator.stack import LOCAL, Connection

REGION = "us-east-1"
ROLE = "arn:aws:iam::000000000000:role/workflow-tests"
MOTO_PARSER = "moto.stepfunctions.parser.asl.component"
FUNCTION_TIMEOUT_SECONDS = 60

Clients = Callable[[str], Any]
Definition = dict[str, Any]


@dataclass(frozen=True)
class Interpreter:
    """A deployed state machine. `start` starts an execution by name and returns its ARN."""

    stepfunctions: Any
    start: Callable[[str], str]

    def run(self, name: str) -> Outcome:
        arn = self.start(name)
        self.await_end(arn)
        return self.outcome(arn)

    def await_end(self, arn: str) -> None:
        until(lambda: self.stepfunctions.describe_execution(executionArn=arn)["status"] != "RUNNING")

    def outcome(self, arn: str) -> Outcome:
        ended = self.stepfunctions.describe_execution(executionArn=arn)
        visits = tuple(visit_of(run) for each in state_runs(self.history(arn)) for run in (each, *each.inside))
        return Outcome(ended["status"], ended.get("error"), message_in(ended.get("cause")), visits)

    def history(self, arn: str) -> list[dict[str, Any]]:
        pages = self.stepfunctions.get_paginator("get_execution_history").paginate(executionArn=arn)
        return [event for page in pages for event in page["events"]]


def visit_of(run: StateRun) -> Visit:
    return Visit(run.name, tuple(run.failures), answers=not run.attempts or run.attempts > len(run.failures))


def message_in(cause: str | None) -> str | None:
    """The sentence in a function's error, which the cause holds as JSON; any other cause as it is."""
    try:
        return json.loads(cause or "null")["errorMessage"]
    except (ValueError, TypeError):
        return cause


def definition(functions: dict[str, str]) -> Definition:
    """The real one, with the functions' ARNs (by state) in it."""
    text = ingest().to_json()
    for state, arn in functions.items():
        text = text.replace(f"${{{task_name(state)}}}", arn)
    return json.loads(text)


# the embedded AWS


def clients_of(emulator: Emulator) -> Clients:
    return Connection(LOCAL, local=emulator.access).client


def deploy(client: Clients, attempts: Path) -> dict[str, str]:
    """The stub as seven functions, each named after its state; their ARNs by state."""
    environment = {"MOCK_CONFIG": str(CONFIG_FILE), "ATTEMPTS": str(attempts)}
    code = Path(stub.__file__).read_text()
    return {
        state: create_function(client, state, code, Environment={"Variables": environment}) for state in TASK_STATES
    }


def create_function(client: Clients, name: str, code: str, **settings: Any) -> str:
    """A function of `code`, which defines `handle(event, context)`; its ARN."""
    package = io.BytesIO()
    with zipfile.ZipFile(package, "w") as archive:
        archive.writestr("stub.py", code)
    return client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=ROLE,
        Handler="stub.handle",
        Code={"ZipFile": package.getvalue()},
        **({"Timeout": FUNCTION_TIMEOUT_SECONDS} | settings),
    )["FunctionArn"]


def with_functions(client: Clients, name: str, machine: Definition) -> Interpreter:
    """Every task calls its function."""
    aws = client("stepfunctions")
    return Interpreter(aws, partial(start, aws, create_machine(aws, name, machine)))


def with_mock_config(client: Clients, name: str, machine: Definition) -> Interpreter:
    """As with AWS Step Functions Local: `#` and a case's name after the state machine's ARN; nothing is called."""
    aws = client("stepfunctions")
    arn = create_machine(aws, name, machine)
    return Interpreter(aws, lambda case: start(aws, f"{arn}#{case}", case))


def create_machine(aws: Any, name: str, machine: Definition) -> str:
    return aws.create_state_machine(name=name, definition=json.dumps(machine), roleArn=ROLE)["stateMachineArn"]


def start(aws: Any, arn: str, name: str) -> str:
    text = json.dumps({"bucket": "ingest", "key": "photo.jpg"})
    return aws.start_execution(stateMachineArn=arn, name=name, input=text)["executionArn"]


# moto


@contextmanager
def on_moto(name: str, attempts: Path) -> Generator[Interpreter]:
    """In this process, without waiting between retries. Its Lambda needs Docker: what calls it asks the stub.

    It would read the definition anew for each execution, though what it reads it never changes.
    """
    parser = import_module(f"{MOTO_PARSER.rpartition('.')[0]}.parse.asl_parser").AmazonStateLanguageParser
    invoking = import_module(f"{MOTO_PARSER}.state.exec.state_task.lambda_eval_utils")
    retrying = import_module(f"{MOTO_PARSER}.common.retry.retrier_decl")
    arns = {state: f"arn:aws:lambda:{REGION}:000000000000:function:{state}" for state in TASK_STATES}
    with (
        pytest.MonkeyPatch.context() as patch,
        moto.mock_aws(config={"stepfunctions": {"execute_state_machine": True}}),
    ):
        patch.setattr(invoking, "_invoke_lambda_function", partial(invoke_stub, attempts))
        patch.setattr(parser, "parse", cache(parser.parse))
        patch.setattr(retrying, "time", SimpleNamespace(sleep=do_not_wait))
        session: Any = boto3.Session(region_name=REGION)
        yield with_functions(session.client, name, definition(arns))


def do_not_wait(_seconds: float) -> None:
    pass


def invoke_stub(attempts: Path, parameters: dict[str, Any], **_where: Any) -> dict[str, Any]:
    """The response of Lambda's Invoke."""
    config = json.loads(CONFIG_FILE.read_text())
    state = parameters["FunctionName"].rpartition(":")[2]
    execution = json.loads(parameters["Payload"])["run"]["name"]
    response = stub.respond(config, state, execution, attempts)
    if "Return" in response:
        return response["Return"]
    if response["Throw"]["Error"] == "States.Timeout":
        raise import_module(f"{MOTO_PARSER}.common.timeouts.timeout").EvalTimeoutError
    return {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": json.loads(response["Throw"]["Cause"])}
