"""Where an execution's time went: bars of waiting and working for each visit of a state."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from workflow.operator.console.story import Attempt, Visit

ROWS_MAX = 40
"""More visits than this (a Map of many items) are told as a number instead."""


@dataclass(frozen=True)
class Bar:
    """A stretch of time in the row of a state, in seconds since the execution started."""

    row: int
    state: str
    kind: str
    start: float
    end: float
    attempt: int

    @property
    def seconds(self) -> float:
        return round(self.end - self.start, 3)


def bars(told: Iterable[Visit], began: datetime, until: datetime) -> list[Bar]:
    """`kind` is waiting (for a function), working, failed, pausing (before a retry) or passing (no function)."""
    return [
        Bar(row, visit.name, kind, _since(began, start), _since(began, end), attempt)
        for row, visit in enumerate(told)
        if row < ROWS_MAX
        for kind, start, end, attempt in _stretches(visit, until)
    ]


def _since(began: datetime, moment: datetime) -> float:
    return round((moment - began).total_seconds(), 3)


def _stretches(visit: Visit, until: datetime) -> Iterator[tuple[str, datetime, datetime, int]]:
    if not visit.attempts:
        yield "passing", visit.run.entered, _left(visit, until), 0
    before: datetime | None = None
    for number, attempt in enumerate(visit.attempts, start=1):
        if before:
            yield "pausing", before, attempt.scheduled, number
        yield from _of_attempt(attempt, number, until)
        before = attempt.ended


def _of_attempt(attempt: Attempt, number: int, until: datetime) -> Iterator[tuple[str, datetime, datetime, int]]:
    started, ended = attempt.started or attempt.ended or until, attempt.ended or until
    yield "waiting", attempt.scheduled, started, number
    yield ("failed" if attempt.outcome == "failed" else "working"), started, ended, number


def _left(visit: Visit, until: datetime) -> datetime:
    if visit.run.seconds is None:
        return until
    return datetime.fromtimestamp(visit.run.entered.timestamp() + visit.run.seconds, visit.run.entered.tzinfo)
