"""Reads an execution's history: which states it entered, how often each was tried, how long each took, how it ended.

AWS's `previousEventId` often skips the event that closes a Map or one of its items: `MapStateFailed` follows the state
that failed inside. So an event's place follows from the chain, and from what its type and name say is open there.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

ATTEMPTS = frozenset({"TaskScheduled", "LambdaFunctionScheduled", "ActivityScheduled"})
FAILED_ATTEMPTS = {
    "TaskFailed": "taskFailedEventDetails",
    "TaskTimedOut": "taskTimedOutEventDetails",
    "TaskStartFailed": "taskStartFailedEventDetails",
    "TaskSubmitFailed": "taskSubmitFailedEventDetails",
    "LambdaFunctionFailed": "lambdaFunctionFailedEventDetails",
    "LambdaFunctionTimedOut": "lambdaFunctionTimedOutEventDetails",
    "LambdaFunctionScheduleFailed": "lambdaFunctionScheduleFailedEventDetails",
    "LambdaFunctionStartFailed": "lambdaFunctionStartFailedEventDetails",
    "ActivityFailed": "activityFailedEventDetails",
    "ActivityTimedOut": "activityTimedOutEventDetails",
    "ActivityScheduleFailed": "activityScheduleFailedEventDetails",
    "MapRunFailed": "mapRunFailedEventDetails",
    "EvaluationFailed": "evaluationFailedEventDetails",
}
_FAILED_INSIDE = frozenset({"MapStateFailed", "ParallelStateFailed"})
_GOES_ON = ATTEMPTS | {
    *("ExecutionRedriven", "MapRunRedriven"),
    *("MapStateStarted", "MapStateSucceeded", "ParallelStateStarted", "ParallelStateSucceeded"),
}
_ABORTED = frozenset({"TaskStateAborted", "MapStateAborted", "ParallelStateAborted", "WaitStateAborted"})
_ITERATIONS = {
    f"MapIteration{change}": f"mapIteration{change}EventDetails"
    for change in ("Started", "Succeeded", "Failed", "Aborted")
}
_ITERATION_FAILURES = frozenset({"MapIterationFailed", "MapIterationAborted"})
_CONTAINERS = {
    f"{kind}State{change}": kind
    for kind in ("Map", "Parallel")
    for change in ("Started", "Succeeded", "Failed", "Aborted")
}
_ROUND_ENDS = frozenset(
    f"{kind}State{change}" for kind in ("Map", "Parallel") for change in ("Started", "Failed", "Aborted", "Exited")
)
_ENDS = frozenset({"ExecutionFailed", "ExecutionTimedOut", "ExecutionAborted"})


@dataclass
class StateRun:
    """One visit of a state. `attempts` counts calls of its function, `seconds` is None while it is at work.

    `inside` has the visits of states within a Map or Parallel state, of all its items or branches.
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

    def reopen(self) -> None:
        self.seconds, self.outcome = None, "running"


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
class _Scope:
    """Where states follow one another: the execution, an item of a Map or a branch of a Parallel state.

    `current` is the state that was entered last; a redrive goes on in it. `outer` is where the Map or Parallel state
    itself is.
    """

    runs: list[StateRun]
    outer: "_Scope | None" = None
    current: StateRun | None = None
    is_over: bool = False

    def outwards(self) -> "Iterator[_Scope]":
        scope: _Scope | None = self
        while scope:
            yield scope
            scope = scope.outer

    def open(self) -> "_Scope":
        return next(scope for scope in self.outwards() if not scope.is_over)

    def with_current(self, kind: str, name: str | None = None) -> "_Scope":
        """The innermost one that is in such a state; its own where the history does not show it."""
        found = (scope for scope in self.outwards() if not scope.is_over and _is(scope.current, kind, name))
        return next(found, self.open())


def _is(run: StateRun | None, kind: str, name: str | None) -> bool:
    return run is not None and run.kind == kind and (run.name == name if name else run.seconds is None)


@dataclass
class _Told:
    """The history so far."""

    _root: _Scope = field(default_factory=lambda: _Scope([]))
    _scope_at: dict[int, _Scope] = field(default_factory=dict[int, _Scope])
    _items: dict[tuple[int, int], _Scope] = field(default_factory=dict[tuple[int, int], _Scope])
    _branching: set[int] = field(default_factory=set[int])
    _failing: set[int] = field(default_factory=set[int])

    @property
    def runs(self) -> list[StateRun]:
        return self._root.runs

    def apply(self, event: Mapping[str, Any]) -> StateRun | None:
        """Take in one event; the visit that it belongs to."""
        kind = event["type"]
        scope = self._scope_at[event["id"]] = self._scope(event)
        if kind == "ParallelStateStarted":
            self._branching.add(event["id"])
        if kind in _ENDS:
            self._end_all(self.runs, event["timestamp"])
        if run := scope.current:
            self._apply_to(run, kind, event["timestamp"], event)
        return run

    def _scope(self, event: Mapping[str, Any]) -> _Scope:
        kind, before = event["type"], self._scope_at.get(event.get("previousEventId", 0), self._root)
        if kind.startswith("Execution"):
            return self._root
        if kind.startswith("MapIteration"):
            return self._item(event, before)
        if kind.endswith("StateEntered"):
            return self._entered(event, before.open())
        if kind.endswith("StateExited"):
            return before.with_current(kind.removesuffix("StateExited"), event["stateExitedEventDetails"]["name"])
        return before.with_current(_CONTAINERS[kind]) if kind in _CONTAINERS else before

    def _entered(self, event: Mapping[str, Any], scope: _Scope) -> _Scope:
        if event.get("previousEventId") in self._branching and scope.current:
            scope = _Scope(scope.current.inside, outer=scope)
        kind = event["type"].removesuffix("StateEntered")
        scope.current = StateRun(event["stateEnteredEventDetails"]["name"], kind, event["timestamp"])
        scope.runs.append(scope.current)
        return scope

    def _item(self, event: Mapping[str, Any], before: _Scope) -> _Scope:
        """Where one item of a Map is at work, once it has begun; where the Map is, once the item has ended."""
        kind = event["type"]
        details = event[_ITERATIONS[kind]]
        outer = before.with_current("Map", details["name"])
        runs = outer.current.inside if outer.current else outer.runs
        item = self._items.setdefault((id(outer.current), details["index"]), _Scope(runs, outer))
        item.is_over = kind != "MapIterationStarted"
        if kind in _ITERATION_FAILURES and item.current:
            self._end_all([item.current], event["timestamp"])
        return outer if item.is_over else item

    def _end_all(self, runs: Iterable[StateRun], at: datetime) -> None:
        """What is still at work when an execution, an item or all items of a state end has failed with them."""
        for run in runs:
            self._end_all(run.inside, at)
            if run.seconds is None:
                run.end(at, "failed")

    def _apply_to(self, run: StateRun, kind: str, at: datetime, event: Mapping[str, Any]) -> None:
        if kind in _ROUND_ENDS:
            self._end_all(run.inside, at)
        if kind in _GOES_ON:
            self._go_on(run, kind)
        elif kind in FAILED_ATTEMPTS or kind in _FAILED_INSIDE:
            self._fail(run, kind, event)
        elif kind.endswith("StateExited"):
            run.end(at, self._exit_outcome(run))
        elif kind in _ABORTED:
            run.end(at, "failed")
        elif kind == "ExecutionSucceeded" and run.outcome == "running":
            run.end(at, "succeeded")

    def _go_on(self, run: StateRun, kind: str) -> None:
        run.reopen()
        run.attempts += kind in ATTEMPTS
        self._failing.discard(id(run))

    def _fail(self, run: StateRun, kind: str, event: Mapping[str, Any]) -> None:
        self._failing.add(id(run))
        if kind in FAILED_ATTEMPTS:
            details = event[FAILED_ATTEMPTS[kind]]
            run.error, run.cause = details.get("error"), details.get("cause")
            run.failures.append(run.error or kind)

    def _exit_outcome(self, run: StateRun) -> str:
        """A state whose last attempt failed, and that was left all the same, went on through a catcher."""
        if id(run) in self._failing:
            return "caught"
        run.error = run.cause = None
        return "succeeded"
