"""An execution's history as a story: each visit of a state with its input, output, attempts and where time went."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from workflow.history import ATTEMPTS, FAILED_ATTEMPTS, StateRun, events_by_run

_STARTED = frozenset({"TaskStarted", "LambdaFunctionStarted", "ActivityStarted"})
_SUCCEEDED = frozenset({"TaskSucceeded", "LambdaFunctionSucceeded", "ActivitySucceeded"})


class _FunctionError(msgspec.Struct):
    """What the Lambda runtime reports of an exception; a cause that is no such JSON is shown as it is."""

    errorMessage: str = ""  # noqa: N815 - AWS's spelling
    stackTrace: list[str] = []  # noqa: N815


@dataclass
class Attempt:
    """One call of a state's function: waiting for it from `scheduled`, at work from `started`."""

    scheduled: datetime
    started: datetime | None = None
    ended: datetime | None = None
    outcome: str = "running"
    error: str = ""
    message: str = ""
    stack: str = ""

    def end(self, at: datetime, outcome: str) -> None:
        self.ended, self.outcome = at, outcome

    def fail(self, at: datetime, kind: str, details: Mapping[str, Any]) -> None:
        self.end(at, "failed")
        self.error = details.get("error") or kind
        self.message, self.stack = explained(details.get("cause") or "")


@dataclass
class Visit:
    """One visit of a state; `data_in` and `data_out` are JSON as Step Functions has it."""

    run: StateRun
    data_in: Any = None
    data_out: Any = None
    attempts: list[Attempt] = field(default_factory=list[Attempt])

    @property
    def name(self) -> str:
        return self.run.name


@dataclass(frozen=True)
class Summary:
    """All visits of one state: a Map's inner state has one for each item."""

    name: str
    outcome: str
    visits: int
    done: int
    retries: int
    seconds: float | None


def visits(events: Iterable[Mapping[str, Any]]) -> list[Visit]:
    """Every visit in order of entering, from history events, oldest first."""
    return [_visit(run, own) for run, own in events_by_run(events)]


def _visit(run: StateRun, events: Iterable[Mapping[str, Any]]) -> Visit:
    visit = Visit(run)
    for event in events:
        _take(visit, event["type"], event["timestamp"], event)
    return visit


def _take(visit: Visit, kind: str, at: datetime, event: Mapping[str, Any]) -> None:
    if kind.endswith("StateEntered"):
        visit.data_in = _json(event["stateEnteredEventDetails"].get("input"))
    elif kind.endswith("StateExited"):
        visit.data_out = _json(event["stateExitedEventDetails"].get("output"))
    elif kind in ATTEMPTS:
        visit.attempts.append(Attempt(at))
    elif kind in _STARTED and visit.attempts:
        visit.attempts[-1].started = at
    elif kind in _SUCCEEDED and visit.attempts:
        visit.attempts[-1].end(at, "succeeded")
    elif kind in FAILED_ATTEMPTS and visit.attempts:
        visit.attempts[-1].fail(at, kind, event[FAILED_ATTEMPTS[kind]])


def explained(cause: str) -> tuple[str, str]:
    """The sentence and the stack trace in a cause; a cause that no function wrote is the sentence."""
    try:
        told = msgspec.json.decode(cause, type=_FunctionError)
    except (msgspec.DecodeError, msgspec.ValidationError):
        return cause, ""
    return told.errorMessage or cause, "".join(_line(each) for each in told.stackTrace)


def _line(text: str) -> str:
    return text if text.endswith("\n") else f"{text}\n"


def summaries(told: Iterable[Visit]) -> dict[str, Summary]:
    """How each state is doing, by name."""
    by_name: dict[str, list[Visit]] = {}
    for visit in told:
        by_name.setdefault(visit.name, []).append(visit)
    return {name: _summary(name, found) for name, found in by_name.items()}


def _summary(name: str, found: list[Visit]) -> Summary:
    outcomes = [visit.run.outcome for visit in found]
    worst = next(each for each in ("failed", "running", "caught", "succeeded") if each in outcomes)
    known = [visit.run.seconds for visit in found if visit.run.seconds is not None]
    return Summary(
        name=name,
        outcome=worst,
        visits=len(found),
        done=outcomes.count("succeeded") + outcomes.count("caught"),
        retries=sum(max(0, len(visit.attempts) - 1) for visit in found),
        seconds=max(known) if known else None,
    )


def _json(text: str | None) -> Any:
    try:
        return json.loads(text) if text else None
    except ValueError:
        return text
