"""An execution's record: its events, in AWS's shape and order, and its one end.

Events may come from several branches at once, and an end from StopExecution or a timeout at any moment: all of them
pass through here, so that nothing follows the event that ended the execution.
"""

import json
import re
import threading
from collections.abc import Callable
from typing import Any

from infra.local.engine.errors import StateError
from infra.local.ministack import stepfunctions as sf

Record = dict[str, Any]
Event = dict[str, Any]

DATA_LIMIT_BYTES = 262_144
END_EVENTS = {
    "SUCCEEDED": "ExecutionSucceeded",
    "FAILED": "ExecutionFailed",
    "TIMED_OUT": "ExecutionTimedOut",
    "ABORTED": "ExecutionAborted",
}

SHOWN_EMPTY = ("ExecutionFailed", "ExecutionAborted")
"""Events that AWS gives details also where there is nothing to tell."""

# Called with the execution's record and each new event.
event_listeners: list[Callable[[Record, Event], None]] = []
# Called with the record of each new status as it comes; what they return is called once it is there.
status_listeners: list[Callable[[Record], Callable[[], None]]] = []
# Called with the record whenever a redrive would go on from elsewhere than before.
position_listeners: list[Callable[[Record], None]] = []

_lock = threading.RLock()
_end_callbacks: dict[str, list[Callable[[], None]]] = {}


class ExecutionEndedError(Exception):
    """The execution ended, or a sibling branch failed, while this branch was still at work."""


class Run:
    """One attempt of an execution: from its start, or from a redrive, to its end."""

    def __init__(self, record: Record, carry: Callable[[Record], None]) -> None:
        """`carry` runs another execution to its end: a child execution of this one."""
        self.record = record
        self.carry = carry
        self._attempt = record["redriveCount"]

    def append(self, event_type: str, details: dict[str, Any], previous: int) -> int:
        with _lock:
            if not self._alive():
                raise ExecutionEndedError
            return append_event(self.record, event_type, details, previous)

    def moved(self) -> None:
        for listener in position_listeners:
            listener(self.record)

    def end(self, status: str, **result: Any) -> None:
        end_execution(self.record, status, attempt=self._attempt, **result)

    def _alive(self) -> bool:
        return self.record["status"] == "RUNNING" and self.record["redriveCount"] == self._attempt


def append_event(record: Record, event_type: str, details: dict[str, Any], previous: int | None = None) -> int:
    """Adds an event that follows event `previous`, or else the newest one, and returns its id."""
    with _lock:
        newest = len(record["events"])
        event: Event = {"id": newest + 1, "type": event_type, "timestamp": sf.now_iso()}
        event["previousEventId"] = newest if previous is None else previous
        if details or event_type in SHOWN_EMPTY:
            event[_details_key(event_type)] = details
        record["events"].append(event)
        for listener in event_listeners:
            listener(record, event)
        return event["id"]


def end_execution(
    record: Record,
    status: str,
    *,
    attempt: int | None = None,
    error: str | None = None,
    cause: str | None = None,
    output: str | None = None,
    previous: int | None = None,
) -> None:
    """Ends a running execution; an `attempt` that a redrive has replaced, or an execution that has ended, is left."""
    details: dict[str, Any] = {"error": error, "cause": cause, "output": output}
    details = {name: value for name, value in details.items() if value is not None}
    if output is not None:
        details["outputDetails"] = {"truncated": False}
    with _lock:
        if record["status"] != "RUNNING" or attempt not in (None, record["redriveCount"]):
            return
        append_event(record, END_EVENTS[status], details, previous)
        record.update(status=status, stopDate=sf.now_iso(), error=error, cause=cause, output=output)
        callbacks = _end_callbacks.pop(record["executionArn"], [])
        callbacks += status_changed(record)
    for callback in callbacks:
        callback()


def status_changed(record: Record) -> list[Callable[[], None]]:
    """What is to be called once the record, and all that goes with its new status, is there."""
    return [listener(record) for listener in status_listeners]


def when_ended(record: Record, callback: Callable[[], None]) -> None:
    """Calls `callback` when the execution ends: at once if it already has."""
    with _lock:
        if record["status"] == "RUNNING":
            _end_callbacks.setdefault(record["executionArn"], []).append(callback)
            return
    callback()


def to_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def within_limit(value: Any, origin: str) -> str:
    """The JSON text of what `origin` returned; States.DataLimitExceeded when it is over 256 KiB of UTF-8."""
    text = to_text(value)
    if exceeds_limit(text):
        cause = f"{origin} returned a result with a size exceeding the maximum number of bytes service limit."
        raise StateError("States.DataLimitExceeded", f"The state/task {cause}")
    return text


def exceeds_limit(text: str) -> bool:
    return len(text) > DATA_LIMIT_BYTES or len(text.encode(errors="surrogatepass")) > DATA_LIMIT_BYTES


def _details_key(event_type: str) -> str:
    state_event = re.fullmatch(r"[A-Z][a-z]+State(Entered|Exited)", event_type)
    name = f"State{state_event[1]}" if state_event else event_type
    return f"{name[0].lower()}{name[1:]}EventDetails"
