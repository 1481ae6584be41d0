"""Walks the real definition in this process, state by state, as Step Functions does; only its waits are left out."""

import itertools
import json
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import ModuleType
from typing import Any

from botocore.stub import Stubber

from tasks.shared import clients
from tests.unit.cloud import REGION
from workflow.ingest import ingest

ARN = f"arn:aws:states:{REGION}:123456789012:execution:sluice-ingest"
DEFINITION = json.loads(ingest().to_json())

Around = Callable[[str], AbstractContextManager[Any]]


class Crash(BaseException):
    """The function's process is gone; nothing in it can catch this."""


class FunctionError(Exception):
    """What Step Functions sees of a failed invocation."""

    def __init__(self, error: str, cause: str) -> None:
        super().__init__(f"{error}: {cause}")
        self.caught = {"Error": error, "Cause": cause}


@dataclass(frozen=True)
class Visit:
    """One visit of a state; `failures` has the error of each attempt that did not succeed."""

    name: str
    output: Any
    failures: tuple[str, ...] = ()


@dataclass
class Machine:
    """The state machine; `around` is entered for each invocation, with the function's name.

    Without `retries` every attempt is the last one, as if the others had been used up.
    """

    functions: Mapping[str, ModuleType]
    around: Around = field(default=lambda _function: nullcontext())
    retries: bool = True
    executions: dict[str, "Execution"] = field(default_factory=dict)
    redriven: set[str] = field(default_factory=set)
    _names: Iterator[str] = field(default_factory=lambda: map("execution-{}".format, itertools.count(1)))

    def start(self, wanted: Mapping[str, Any], name: str | None = None) -> "Execution":
        execution = Execution(self, name or next(self._names), dict(wanted))
        self.executions[execution.name] = execution
        return execution

    def run(self, wanted: Mapping[str, Any]) -> "Execution":
        return self.start(wanted).run()

    def invoke(self, function: str, payload: Mapping[str, Any]) -> Any:
        """Call a function as Lambda does: JSON in, JSON or an error out."""
        with self.around(function):
            try:
                return json.loads(json.dumps(self.functions[function].handle(json.loads(json.dumps(payload)), None)))
            except Crash:
                raise FunctionError("Runtime.ExitError", "Runtime exited with error: signal: killed") from None
            except Exception as exc:
                raise FunctionError(type(exc).__name__, _cause(exc)) from exc

    def report_end(self, execution: "Execution") -> None:
        """The rule on status changes: record_failure hears of the end, and asks Step Functions about it."""
        with Stubber(clients.stepfunctions()) as step_functions:
            expected = {"executionArn": execution.arn}
            step_functions.add_response("describe_execution", execution.description(), expected)
            if execution.status in {"FAILED", "TIMED_OUT", "ABORTED"}:
                step_functions.add_response("get_execution_history", {"events": execution.last_events()})
            self.invoke("record_failure", execution.status_change())


@dataclass
class Execution:
    """One execution. `step` visits one state, `run` goes to the end, `redrive` continues a failed one."""

    machine: Machine
    name: str
    state: Any
    status: str = "RUNNING"
    at: str = DEFINITION["StartAt"]
    error: str | None = None
    cause: str | None = None
    redrives: int = 0
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    visits: list[Visit] = field(default_factory=list)
    wanted: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.wanted = self.state

    @property
    def arn(self) -> str:
        return f"{ARN}:{self.name}"

    @property
    def path(self) -> list[str]:
        return [visit.name for visit in self.visits]

    def run(self) -> "Execution":
        while self.status == "RUNNING":
            self.step()
        return self

    def resume(self) -> "Execution":
        """A redrive that has got nowhere yet."""
        self.status, self.error, self.cause = "RUNNING", None, None
        self.redrives += 1
        return self

    def redrive(self) -> "Execution":
        return self.resume().run()

    def end(self, status: str, error: str | None = None, cause: str | None = None) -> "Execution":
        self.status, self.error, self.cause = status, error, cause
        return self

    def step(self) -> None:
        definition = DEFINITION["States"][self.at]
        kinds = {"Task": self._task, "Map": self._map, "Succeed": self._succeed, "Fail": self._fail}
        kinds[definition["Type"]](definition)

    def description(self) -> dict[str, Any]:
        stopped = None if self.status == "RUNNING" else self.started
        ended = {"error": self.error, "cause": self.cause, "stopDate": stopped}
        optional = {name: value for name, value in ended.items() if value}
        machine = ARN.replace(":execution:", ":stateMachine:")
        return {
            "executionArn": self.arn,
            "stateMachineArn": machine,
            "name": self.name,
            "status": self.status,
            "startDate": self.started,
            "redriveCount": self.redrives,
            "redriveStatus": "REDRIVABLE" if self.status in {"FAILED", "TIMED_OUT", "ABORTED"} else "NOT_REDRIVABLE",
            "input": json.dumps(self.wanted),
            **optional,
        }

    def last_events(self) -> list[dict[str, Any]]:
        """The end of the history, newest first."""
        entered = {"name": self.at, "input": "{}"}
        return [
            {"timestamp": self.started, "type": "ExecutionFailed", "id": 3, "previousEventId": 2},
            {
                "timestamp": self.started,
                "type": "TaskStateEntered",
                "id": 2,
                "previousEventId": 0,
                "stateEnteredEventDetails": entered,
            },
        ]

    def status_change(self) -> dict[str, Any]:
        """The event, as AWS documents it."""
        return {
            "version": "0",
            "id": "315c1398-40ff-a850-213b-158f73e60175",
            "detail-type": "Step Functions Execution Status Change",
            "source": "aws.states",
            "account": "123456789012",
            "time": "2026-11-23T19:42:21Z",
            "region": REGION,
            "resources": [self.arn],
            "detail": {
                "executionArn": self.arn,
                "stateMachineArn": ARN.replace(":execution:", ":stateMachine:"),
                "name": self.name,
                "status": self.status,
                "startDate": 1551225271984,
                "stopDate": 1551225291984,
                "input": "{}",
                "output": None,
            },
        }

    def _task(self, definition: Mapping[str, Any]) -> None:
        failures: list[str] = []
        try:
            output = self._attempts(definition, failures)
        except FunctionError as exc:
            self._catch(definition, exc, failures)
        else:
            self._visited(output, failures)
            self._go_on(definition)

    def _attempts(self, definition: Mapping[str, Any], failures: list[str]) -> Any:
        return self._called(definition, failures, self._paths())

    def _map(self, definition: Mapping[str, Any]) -> None:
        """The iterations one after the other; the first that fails fails the state."""
        (part,) = definition["Iterator"]["States"].values()
        failures: list[str] = []
        try:
            results = [self._iteration(definition, part, item, failures) for item in self._items(definition)]
        except FunctionError as exc:
            self._catch(definition, exc, failures)
        else:
            self._visited({**self.state, definition["ResultPath"].removeprefix("$."): results}, failures)
            self._go_on(definition)

    def _items(self, definition: Mapping[str, Any]) -> list[Any]:
        return _value(definition["ItemsPath"], self._paths())

    def _iteration(self, definition: Mapping[str, Any], part: Mapping[str, Any], item: Any, failures: list[str]) -> Any:
        around = self._paths()
        around["$$"]["Map"] = {"Item": {"Value": item}}
        state = _resolve(definition["Parameters"], around)
        return _value(
            part["OutputPath"].replace("$.Payload", "$"), {"$": self._called(part, failures, {**around, "$": state})}
        )

    def _called(self, definition: Mapping[str, Any], failures: list[str], paths: Mapping[str, Any]) -> Any:
        parameters = _resolve(definition["Parameters"], paths)
        function, payload = parameters["FunctionName"].strip("${}"), parameters["Payload"]
        used: Counter[int] = Counter()
        while True:
            try:
                return self.machine.invoke(function, payload)
            except FunctionError as exc:
                failures.append(exc.caught["Error"])
                retriers = definition.get("Retry", []) if self.machine.retries else []
                retrier = _matching(retriers, exc.caught["Error"])
                if retrier is None or used[id(retrier)] == retrier["MaxAttempts"]:
                    raise
                used[id(retrier)] += 1

    def _catch(self, definition: Mapping[str, Any], failed: FunctionError, failures: list[str]) -> None:
        catcher = _matching(definition.get("Catch", []), failed.caught["Error"])
        if catcher is None:
            self.visits.append(Visit(self.at, None, tuple(failures)))
            self.end("FAILED", failed.caught["Error"], failed.caught["Cause"])
            return
        self._visited({**self.state, catcher["ResultPath"].removeprefix("$."): failed.caught}, failures)
        self.at = catcher["Next"]

    def _visited(self, output: Any, failures: list[str]) -> None:
        self.visits.append(Visit(self.at, output, tuple(failures)))
        self.state = output

    def _go_on(self, definition: Mapping[str, Any]) -> None:
        if definition.get("End"):
            self.end("SUCCEEDED")
        else:
            self.at = definition["Next"]

    def _succeed(self, _definition: Mapping[str, Any]) -> None:
        self.visits.append(Visit(self.at, self.state))
        self.end("SUCCEEDED")

    def _fail(self, definition: Mapping[str, Any]) -> None:
        self.visits.append(Visit(self.at, None))
        error, cause = (_value(definition[name], self._paths()) for name in ("ErrorPath", "CausePath"))
        self.end("FAILED", error, cause)

    def _paths(self) -> dict[str, Any]:
        execution = {"Id": self.arn, "Name": self.name, "StartTime": self.started.isoformat()}
        return {"$": self.state, "$$": {"Execution": execution}}


def _matching(handlers: list[dict[str, Any]], error: str) -> dict[str, Any] | None:
    return next((handler for handler in handlers if error in handler["ErrorEquals"]), None)


def _resolve(template: Any, roots: Mapping[str, Any]) -> Any:
    if not isinstance(template, dict):
        return template
    return {
        name.removesuffix(".$"): _value(value, roots) if name.endswith(".$") else _resolve(value, roots)
        for name, value in template.items()
    }


def _value(path: str, roots: Mapping[str, Any]) -> Any:
    root, *names = path.split(".")
    value = roots[root]
    for name in names:
        value = value[name]
    return value


def _cause(exc: Exception) -> str:
    return json.dumps(
        {
            "errorMessage": str(exc),
            "errorType": type(exc).__name__,
            "requestId": "8c8a3a42-1b5d-4b4b-9d5f-0d5d6a1f9f5e",
            "stackTrace": traceback.format_tb(exc.__traceback__),
        }
    )
