"""Reads an execution's history: which states it entered, how often each was tried, how long each took, how it ended."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

_FAILED_ATTEMPTS = {
    "TaskFailed": "taskFailedEventDetails",
    "TaskTimedOut": "taskTimedOutEventDetails",
    "TaskStartFailed": "taskStartFailedEventDetails",
    "TaskSubmitFailed": "taskSubmitFailedEventDetails",
}
_ENDS = {"ExecutionFailed", "ExecutionTimedOut", "ExecutionAborted"}


@dataclass
class StateRun:
    """One visit of a state. `attempts` counts calls of its function, `seconds` is None while it is at work."""

    name: str
    kind: str
    entered: datetime
    attempts: int = 0
    seconds: float | None = None
    error: str | None = None
    cause: str | None = None
    outcome: str = "running"
    failures: list[str] = field(default_factory=list[str])

    def end(self, at: datetime, outcome: str) -> None:
        self.seconds = round((at - self.entered).total_seconds(), 3)
        self.outcome = outcome


def state_runs(events: Iterable[Mapping[str, Any]]) -> list[StateRun]:
    """The states in the order in which they were entered, from history events, oldest first."""
    runs: list[StateRun] = []
    for event in events:
        _apply(event, runs)
    return runs


def _apply(event: Mapping[str, Any], runs: list[StateRun]) -> None:
    kind, at = event["type"], event["timestamp"]
    if kind.endswith("StateEntered"):
        runs.append(StateRun(event["stateEnteredEventDetails"]["name"], kind.removesuffix("StateEntered"), at))
    elif runs:
        _apply_to(runs[-1], kind, at, event)


def _apply_to(run: StateRun, kind: str, at: datetime, event: Mapping[str, Any]) -> None:
    if kind == "TaskScheduled":
        run.attempts += 1
    elif kind == "ExecutionRedriven":
        run.seconds, run.outcome = None, "running"
    elif kind in _FAILED_ATTEMPTS:
        details = event[_FAILED_ATTEMPTS[kind]]
        run.error, run.cause = details.get("error"), details.get("cause")
        run.failures.append(run.error or kind)
    elif kind.endswith("StateExited"):
        run.end(at, _exit_outcome(run))
    elif kind in _ENDS:
        run.end(at, "failed")
    elif kind == "ExecutionSucceeded" and run.outcome == "running":
        run.end(at, "succeeded")


def _exit_outcome(run: StateRun) -> str:
    """A state whose last attempt failed, and that was left all the same, went on through a catcher."""
    if run.attempts and len(run.failures) == run.attempts:
        return "caught"
    run.error = run.cause = None
    return "succeeded"
