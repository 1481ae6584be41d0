"""The attempts at an asset, as its record lists them: one for each execution, and one more for each redrive of it.

Step Functions tells nobody of a redrive, and keeps the execution's name: one that a person made in the AWS console is
found by what the list lacks when the execution ends.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from msgspec.structs import replace

from tasks.shared.records.model import Attempt, Ended, Listed
from workflow.shapes import UPLOAD, ExecutionInput, Run

FAILED: Ended = "failed"
ENDED_FOR_GOOD = {"succeeded", "rejected"}
"""Outcomes that trying again would not change."""


def latest(attempts: Sequence[Attempt], execution: str) -> Attempt | None:
    """The last attempt that an execution made."""
    return next((each for each in reversed(attempts) if each.execution == execution), None)


def of_batch(attempts: Sequence[Attempt], batch: str) -> Attempt | None:
    """How a batch has fared with the asset: the last attempt since it took it, as another may finish what it began."""
    return attempts[-1] if any(each.batch == batch for each in attempts) else None


def is_done(attempts: Sequence[Attempt], batch: str) -> bool:
    """Whether a batch, which may have been interrupted and resumed, has nothing more to do for the asset."""
    made = of_batch(attempts, batch)
    return made is not None and made.outcome in ENDED_FOR_GOOD


def is_over(record: Listed) -> bool:
    """Whether a record says how it ended: `succeeded` is told before the original is put away."""
    last = record.last_attempt
    is_open = last is not None and last.is_open
    return record.status != "processing" and not (record.status == "succeeded" and is_open)


def begun(attempts: Sequence[Attempt], run: Run, wanted: ExecutionInput) -> tuple[Attempt, ...]:
    """With an open attempt of this execution, which may have begun it before."""
    mine = latest(attempts, run.name)
    if mine is None:
        return (*attempts, _first(len(attempts) + 1, run, wanted))
    return tuple(attempts) if mine.is_open else _redriven(attempts, mine)


def reopened(
    attempts: Sequence[Attempt], execution: str, *, redrives: int, by: str, why: str | None
) -> tuple[Attempt, ...] | None:
    """With an open attempt for the next redrive of a failed execution, or None where it has made no attempt.

    `redrives` is how often Step Functions has redriven it. One that was asked for, but that nobody came to make, is
    taken up as it is.
    """
    mine = latest(attempts, execution)
    if mine is None:
        return None
    if mine.is_open and _count(attempts, execution) > redrives + 1:
        return tuple(attempts)
    return _redriven(closed(attempts, execution, FAILED, redrives=redrives), mine, by=by, why=why)


def closed(
    attempts: Sequence[Attempt], execution: str, outcome: Ended, *, redrives: int | None = None
) -> tuple[Attempt, ...]:
    """With an outcome for this execution's last attempt; the same again when it has that outcome already.

    Without `redrives`, only an end other than the failure that is written down shows that there was one.
    """
    mine = latest(attempts, execution)
    if mine is None:
        return tuple(attempts)
    if redrives is None:
        made = _count(attempts, execution) - 1
        redrives = made + 1 if mine.outcome == FAILED != outcome else made
    listed = _as_redriven(attempts, mine, redrives)
    last = latest(listed, execution)
    return tuple(_ended(each, outcome) if each is last and each.outcome != outcome else each for each in listed)


def _ended(attempt: Attempt, outcome: Ended) -> Attempt:
    return replace(attempt, outcome=outcome, ended_at=_now())


def _as_redriven(attempts: Sequence[Attempt], mine: Attempt, redrives: int) -> tuple[Attempt, ...]:
    """With one attempt more than the execution has redrives: others were never made, or made by nobody that we know."""
    listed = list(attempts)
    surplus = _count(listed, mine.execution) - redrives - 1
    if surplus > 0 and mine.is_open:
        listed.remove(mine)
    for _ in range(-surplus):
        listed = [*_redriven([_failed(each, mine.execution) for each in listed], mine)]
    return tuple(listed)


def _failed(attempt: Attempt, execution: str) -> Attempt:
    """Only what has failed is redriven."""
    return _ended(attempt, FAILED) if attempt.execution == execution and attempt.is_open else attempt


def _first(number: int, run: Run, wanted: ExecutionInput) -> Attempt:
    """A copy of an event's input that is not a repeat of the event asks for the work to be done again."""
    again = wanted.trigger == UPLOAD and number > 1
    return Attempt(
        number=number,
        trigger="reprocess" if again else wanted.trigger,
        started_at=run.started,
        execution=run.name,
        execution_arn=run.arn,
        event_id=wanted.event_id or None,
        by=wanted.by or None,
        why=wanted.why or None,
        batch=wanted.batch or None,
    )


def _redriven(
    attempts: Sequence[Attempt], earlier: Attempt, *, by: str | None = None, why: str | None = None
) -> tuple[Attempt, ...]:
    again = Attempt(
        number=len(attempts) + 1,
        trigger="redrive",
        started_at=_now(),
        execution=earlier.execution,
        execution_arn=earlier.execution_arn,
        by=by or None,
        why=why or None,
    )
    return (*attempts, again)


def _count(attempts: Sequence[Attempt], execution: str) -> int:
    return sum(each.execution == execution for each in attempts)


def _now() -> str:
    return datetime.now(UTC).isoformat()
