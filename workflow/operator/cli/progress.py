"""Bars on standard error, whose times read as those of the results do."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn
from rich.text import Text

from workflow.operator.cli.options import STDERR
from workflow.operator.formatting import took

TRANSIENT: dict[str, Any] = {"console": STDERR, "transient": True}
"""Of a bar that leaves nothing behind."""


class Elapsed(ProgressColumn):
    """How long it has taken so far."""

    def render(self, task: Task) -> Text:
        return Text(took(task.finished_time if task.finished else task.elapsed))


class Remaining(ProgressColumn):
    """How much longer it will take, once that can be told."""

    def render(self, task: Task) -> Text:
        return Text(f"about {took(task.time_remaining)} left" if task.time_remaining else "")


@contextmanager
def bar(doing: str, total: int) -> Generator[Callable[[Any], Any]]:
    """A bar that moves on by one with each call; the call returns what it was given."""
    with Progress(
        TextColumn(doing), BarColumn(), MofNCompleteColumn(), Elapsed(), Remaining(), **TRANSIENT
    ) as progress:
        task = progress.add_task(doing, total=total)

        def advance(done: Any) -> Any:
            progress.advance(task)
            return done

        yield advance
