"""Runs the branches of a Parallel state, or the iterations of an inline Map, at the same time.

The first branch that fails fails the state at once and cancels the others. Finished branches keep their output in the
record, so that a redrive runs only the others, each from the state it stood in.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from infra.local.engine.errors import StateError
from infra.local.engine.scope import Frame, Scope, new_frame
from infra.local.engine.workers import as_ended

# AWS runs at most this many iterations of an inline Map at once.
CONCURRENCY_LIMIT = 40
# States in which a cancelled branch may wait; AWS records that they were aborted.
ABORTABLE_TYPES = ("Task", "Wait", "Map", "Parallel")

RunStates = Callable[[Scope], Any]


@dataclass(frozen=True)
class Plan:
    """What one branch runs: its machine, input and context; an iteration also has its details for the history."""

    machine: dict[str, Any]
    input: Any
    context: dict[str, Any]
    iteration: dict[str, Any] | None = None


class Branch:
    """One branch under way; `failure` is what ended it, a StateError or anything else."""

    def __init__(self, plan: Plan, scope: Scope, run_states: RunStates) -> None:
        self.scope = scope
        self.failure: Exception | None = None
        self.ended_by = 0
        """The event that the end of all branches follows, if this one is the last."""
        self._iteration = plan.iteration
        self._run_states = run_states

    def run(self) -> None:
        try:
            if self._iteration is not None:
                self.scope.event("MapIterationStarted", **self._iteration)
            self._run_states(self.scope)
            self.ended_by = self._announce_end("Succeeded")
        except Exception as failure:  # noqa: BLE001 - handed to the thread that waits for all branches
            self.failure = failure

    def cancel(self) -> None:
        self.scope.cancel()

    def fail(self) -> None:
        self._announce_end("Failed")

    def abort(self) -> None:
        """Cancels the branch because a sibling failed, and says so where the branch had begun."""
        self.scope.cancel()
        position = self.scope.frame["at"]
        if position.get("event"):
            state_type = self.scope.states[position["state"]]["Type"]
            if state_type in ABORTABLE_TYPES:
                self.scope.run.append(f"{state_type}StateAborted", {}, self.scope.last_event)
            if self._iteration is not None:
                self.scope.run.append("MapIterationAborted", self._iteration, self.scope.last_event)

    def _announce_end(self, change: str) -> int:
        if self._iteration is None:
            return self.scope.last_event
        return self.scope.aside(f"MapIteration{change}", **self._iteration)


def run_branches(scope: Scope, plans: Sequence[Plan], concurrency: int, run_states: RunStates) -> list[Any]:
    """The outputs of all branches, in order."""
    frames: list[Frame] = scope.frame["at"]["branches"] or [_frame(scope, plan) for plan in plans]
    scope.keep_branches(frames)
    scopes = [_scope(scope, *planned) for planned in zip(plans, frames, strict=True)]
    scope.branches = scopes
    branches = [Branch(*planned, run_states) for planned in zip(plans, scopes, strict=True)]
    _finish_all(scope, [branch for branch in branches if not branch.scope.finished], concurrency)
    return [branch.scope.output for branch in branches]


def _frame(scope: Scope, plan: Plan) -> Frame:
    return new_frame(plan.machine["StartAt"], plan.input, scope.context["variables"])


def _scope(parent: Scope, plan: Plan, frame: Frame) -> Scope:
    return Scope(parent.run, plan.machine, frame, plan.context, parent.last_event)


def _finish_all(scope: Scope, branches: Sequence[Branch], concurrency: int) -> None:
    """A branch that waited for a place follows the last event of the one that left it."""
    unfinished, waiting = list(branches), iter(branches[concurrency:])
    for branch in as_ended(branches, concurrency, scope):
        unfinished.remove(branch)
        if branch.failure is not None:
            _abandon(scope, branch, unfinished, branch.failure)
        scope.last_event = branch.ended_by
        for following in islice(waiting, 1):
            following.scope.last_event = branch.scope.last_event


def _abandon(scope: Scope, failed: Branch, unfinished: Sequence[Branch], failure: Exception) -> None:
    if isinstance(failure, StateError):
        for branch in unfinished:
            branch.abort()
        failed.fail()
        scope.last_event = failed.scope.last_event
    raise failure
