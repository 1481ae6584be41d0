"""Runs the work of a Task state: calls the service, waits for it, and tells the history."""

import contextlib
import contextvars
import json
import threading
from collections.abc import Callable, Generator
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import Any

from infra.local.engine.errors import StateError
from infra.local.engine.history import end_execution, to_text, when_ended, within_limit
from infra.local.engine.records import described
from infra.local.engine.scope import Scope
from infra.local.ministack import stepfunctions as sf

WAITS_FOR_TOKEN = ".waitForTaskToken"  # noqa: S105 - part of an ARN
SYNC = ".sync"
NEWER_SYNC = ".sync:2"
STARTS_EXECUTION = "arn:aws:states:::states:startExecution"
TIMEOUT_ERROR = "States.Timeout"


@dataclass(frozen=True)
class Task:
    """One attempt at a Task state: its resource, what it is called with, and its time limits in seconds."""

    resource: str
    arguments: Any
    token: str
    timeout: float | None
    heartbeat: float | None

    @property
    def is_activity(self) -> bool:
        return ":activity:" in self.resource

    @property
    def is_function(self) -> bool:
        return ":function:" in self.resource

    @property
    def call(self) -> str:
        """The resource without its integration pattern."""
        return self.resource.partition(SYNC)[0].removesuffix(WAITS_FOR_TOKEN)


class TaskEvents:
    """The events of one attempt, which AWS names and shapes by the kind of resource."""

    def __init__(self, scope: Scope, task: Task) -> None:
        self._scope = scope
        self._task = task
        self._kind = "LambdaFunction" if task.is_function else "Activity" if task.is_activity else "Task"
        service, _, action = task.resource.partition(":::")[2].rpartition(":")
        self._resource = {"resourceType": service, "resource": action} if self._kind == "Task" else {}

    @property
    def service(self) -> str:
        """What did the work, as the causes of failures name it."""
        return self._resource.get("resourceType", self._task.resource)

    def scheduled(self) -> None:
        limits = {"timeoutInSeconds": self._task.timeout, "heartbeatInSeconds": self._task.heartbeat}
        given = {name: seconds for name, seconds in limits.items() if seconds is not None}
        arguments = to_text(self._task.arguments)
        if self._kind == "Task":
            self._add("Scheduled", region=sf.get_region(), parameters=arguments, **given)
        else:
            details = {"resource": self._task.resource, "input": arguments, "inputDetails": {"truncated": False}}
            self._add("Scheduled", **details, **given)

    def started(self) -> None:
        if not self._task.is_activity:
            self._add("Started")

    def submitted(self, response: Any) -> None:
        self._add("Submitted", output=to_text(response), outputDetails={"truncated": False})

    def succeeded(self, text: str) -> None:
        self._add("Succeeded", output=text, outputDetails={"truncated": False})

    def failed(self, failure: StateError) -> None:
        cause = {"cause": failure.cause} if failure.cause else {}
        self._add("TimedOut" if failure.error == TIMEOUT_ERROR else "Failed", error=failure.error, **cause)

    def _add(self, change: str, **details: Any) -> None:
        self._scope.event(f"{self._kind}{change}", **self._resource, **details)


def perform(scope: Scope, task: Task) -> Any:
    events = TaskEvents(scope, task)
    events.scheduled()
    events.started()
    try:
        result = _result(scope, task, events)
        text = within_limit(result, f"'{events.service}'")
    except StateError as failure:
        events.failed(failure)
        raise
    events.succeeded(text)
    return result


def _result(scope: Scope, task: Task, events: TaskEvents) -> Any:
    if (mocked := _mocked_response(scope)) is not None:
        return mocked
    if task.resource.startswith(f"{STARTS_EXECUTION}{SYNC}"):
        return _nested_execution(scope, task, events)
    if task.is_activity or task.resource.endswith(WAITS_FOR_TOKEN):
        return _callback(scope, task, events)
    return _call_in_time(partial(sf._invoke_resource, task.resource, task.arguments), task.timeout)


def _mocked_response(scope: Scope) -> Any:
    """The answer that a Step Functions Local mock configuration gives, or None."""
    if not sf._sfn_mock_config:
        return None
    record = scope.run.record
    attempt = record["mockAttempts"].get(scope.name, 0)
    machine: str = scope.context["StateMachine"]["Name"]
    mocked = sf._get_mock_response(machine, record["testCase"], scope.name, attempt)
    if mocked is None:
        return None
    record["mockAttempts"][scope.name] = attempt + 1
    if "Throw" in mocked:
        raise StateError(mocked["Throw"]["Error"], mocked["Throw"].get("Cause", ""))
    return mocked.get("Return", {})


def _call_in_time(call: Callable[[], Any], seconds: float | None) -> Any:
    """Calls in a thread of its own when there is a limit: a call that is late goes on, as a Lambda function does."""
    if seconds is None:
        return call()
    outcome: Future[Any] = Future()
    threading.Thread(target=contextvars.copy_context().run, args=(_settle, outcome, call), daemon=True).start()
    try:
        return outcome.result(seconds)
    except TimeoutError as exc:
        if outcome.done():
            raise
        raise StateError(TIMEOUT_ERROR, "") from exc


def _settle(outcome: Future[Any], call: Callable[[], Any]) -> None:
    try:
        outcome.set_result(call())
    except Exception as exc:  # noqa: BLE001 - handed to the thread that waits
        outcome.set_exception(exc)


Answer = dict[str, Any]
"""What SendTaskSuccess, SendTaskFailure or SendTaskHeartbeat said of a token."""


@contextlib.contextmanager
def _answerable(scope: Scope, task: Task) -> Generator[Answer]:
    answer: Answer = {"event": scope.wake, "result": None, "error": None, "heartbeat": sf.now_iso()}
    sf._task_tokens[task.token] = answer
    try:
        yield answer
    finally:
        sf._task_tokens.pop(task.token, None)


def _is_answered(answer: Answer) -> bool:
    return answer["result"] is not None or answer["error"] is not None


def _answered(answer: Answer) -> Any:
    if answer["error"]:
        raise StateError(answer["error"]["Error"], answer["error"]["Cause"])
    return json.loads(answer["result"])


def _callback(scope: Scope, task: Task, events: TaskEvents) -> Any:
    """Hands the task and its token out, and waits for SendTaskSuccess or SendTaskFailure."""
    with _answerable(scope, task) as answer:
        _hand_out(task, events)
        _await_answer(scope, task, answer, partial(_is_answered, answer))
    return _answered(answer)


def _hand_out(task: Task, events: TaskEvents) -> None:
    if not task.is_activity:
        events.submitted(sf._invoke_resource(task.call, task.arguments))
    elif task.resource in sf._activities:
        sf._activity_tasks[task.resource].append({"taskToken": task.token, "input": to_text(task.arguments)})
    else:
        raise StateError("ActivityDoesNotExist", f"Activity does not exist: {task.resource}")


def _await_answer(scope: Scope, task: Task, given: Answer, done: Callable[[], bool]) -> None:
    deadline = _now() + task.timeout if task.timeout is not None else float("inf")
    while True:
        beat = sf._iso_to_epoch_ms(given["heartbeat"]) / 1000
        silence = beat + task.heartbeat if task.heartbeat is not None else float("inf")
        due = min(deadline, silence)
        wait = None if due == float("inf") else due - _now()
        if scope.wait_until(done, wait):
            return
        if deadline <= _now():
            raise StateError(TIMEOUT_ERROR, "")
        if beat == sf._iso_to_epoch_ms(given["heartbeat"]) / 1000:
            raise StateError(TIMEOUT_ERROR, "")


def _now() -> float:
    return sf._iso_to_epoch_ms(sf.now_iso()) / 1000


def _nested_execution(scope: Scope, task: Task, events: TaskEvents) -> Any:
    """Starts an execution and waits for its end; .sync gives its output as text, .sync:2 as JSON.

    Who has the task's token may answer before, in the execution's place: callback/test_callback, 12-07-2024.
    """
    with _answerable(scope, task) as answer:
        started = sf._invoke_nested_start_execution(task.call, task.arguments)
        events.submitted(started)
        child = sf._executions[started["ExecutionArn"]]
        when_ended(child, scope.wake.set)
        try:
            _await_answer(scope, task, answer, lambda: child["status"] != "RUNNING" or _is_answered(answer))
        finally:
            end_execution(child, "ABORTED")
    if _is_answered(answer):
        return _answered(answer)
    description = described(child, as_json=task.resource.endswith(NEWER_SYNC))
    if child["status"] != "SUCCEEDED":
        raise StateError("States.TaskFailed", to_text(description))
    return description
