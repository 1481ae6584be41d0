"""Reads an execution's history: which states it entered, how often each was tried, how long each took, how it ended."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

FAILED_ATTEMPTS = {
    "TaskFailed": "taskFailedEventDetails",
    "TaskTimedOut": "taskTimedOutEventDetails",
    "TaskStartFailed": "taskStartFailedEventDetails",
    "TaskSubmitFailed": "taskSubmitFailedEventDetails",
}
_ITERATION_ENDS = {"MapIterationSucceeded", "MapIterationFailed", "MapIterationAborted"}
_ENDS = {"ExecutionFailed", "ExecutionTimedOut", "ExecutionAborted"}


@dataclass
class StateRun:
    """One visit of a state. `attempts` counts calls of its function, `seconds` is None while it is at work.

    `inside` has the visits of states within a Map, of all its iterations.
    """

    name: str
    kind: str
    entered: datetime
    attempts: int = 0
    seconds: float | None = None
    error: str | None = None
    cause: str | None = None
    outcome: str = "running"
    failures: list[str] = field(default_factory=list[str])
    inside: list["StateRun"] = field(default_factory=list["StateRun"])

    def end(self, at: datetime, outcome: str) -> None:
        self.seconds = round((at - self.entered).total_seconds(), 3)
        self.outcome = outcome


def state_runs(events: Iterable[Mapping[str, Any]]) -> list[StateRun]:
    """The states in the order in which they were entered, from history events, oldest first."""
    told = _Told()
    for event in events:
        told.apply(event)
    return told.runs


def events_by_run(events: Iterable[Mapping[str, Any]]) -> list[tuple[StateRun, list[Mapping[str, Any]]]]:
    """Each visit of a state, those within a Map too, with the history events that belong to it."""
    told = _Told()
    found: dict[int, tuple[StateRun, list[Mapping[str, Any]]]] = {}
    for event in events:
        if run := told.apply(event):
            found.setdefault(id(run), (run, []))[1].append(event)
    return list(found.values())


@dataclass
class _Iteration:
    """One of a Map's; a redrive starts it again, and goes on in the state that it entered `last`."""

    within: StateRun
    last: StateRun | None = None


@dataclass
class _Told:
    """The history so far. Iterations of a Map are interleaved: an event belongs to the state of the one before it."""

    runs: list[StateRun] = field(default_factory=list[StateRun])
    _state_at: dict[int, StateRun] = field(default_factory=dict[int, StateRun])
    _iteration_at: dict[int, _Iteration] = field(default_factory=dict[int, _Iteration])
    _iterations: dict[tuple[str, int], _Iteration] = field(default_factory=dict[tuple[str, int], _Iteration])

    def apply(self, event: Mapping[str, Any]) -> StateRun | None:
        """Take in one event; the visit that it belongs to."""
        kind, before = event["type"], event.get("previousEventId", 0)
        iteration = self._iteration(event) or self._iteration_at.get(before)
        run = self._enter(event, iteration) if kind.endswith("StateEntered") else self._run_of(event, iteration)
        if run:
            self._state_at[event["id"]] = run
            _apply_to(run, kind, event["timestamp"], event)
        if iteration and kind not in _ITERATION_ENDS:
            self._iteration_at[event["id"]] = iteration
        return run

    def _iteration(self, event: Mapping[str, Any]) -> _Iteration | None:
        """The one that begins here."""
        if event["type"] != "MapIterationStarted":
            return None
        details = event["mapIterationStartedEventDetails"]
        within = next(run for run in reversed(self.runs) if run.name == details["name"])
        return self._iterations.setdefault((details["name"], details["index"]), _Iteration(within))

    def _enter(self, event: Mapping[str, Any], iteration: _Iteration | None) -> StateRun:
        kind = event["type"].removesuffix("StateEntered")
        run = StateRun(event["stateEnteredEventDetails"]["name"], kind, event["timestamp"])
        (iteration.within.inside if iteration else self.runs).append(run)
        if iteration:
            iteration.last = run
        return run

    def _run_of(self, event: Mapping[str, Any], iteration: _Iteration | None) -> StateRun | None:
        kind = event["type"]
        if iteration and kind not in _ITERATION_ENDS:
            return iteration.last
        run = None if kind.startswith("Execution") else self._state_at.get(event.get("previousEventId", 0))
        left = event.get("stateExitedEventDetails", {}).get("name")
        if run is None or (left and run.name != left):
            return next((run for run in reversed(self.runs) if left in {None, run.name}), None)
        return run


def _apply_to(run: StateRun, kind: str, at: datetime, event: Mapping[str, Any]) -> None:
    if kind == "TaskScheduled":
        run.attempts += 1
    elif kind == "ExecutionRedriven":
        run.seconds, run.outcome = None, "running"
    elif kind in FAILED_ATTEMPTS:
        details = event[FAILED_ATTEMPTS[kind]]
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
