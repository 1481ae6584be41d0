"""Keeps a page up to date while it is open: asks the stack, and draws only what has changed."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from nicegui import ui

from workflow.errors import SluiceError
from workflow.operator.patience import PROBLEMS
from workflow.operator.stack import NotThereError

T = TypeVar("T")

POLL_SECONDS = 1.5
PATIENCE_SECONDS = 2.0
"""After which a page says that nothing answers."""

_NOTHING = object()


def sentence(problem: Exception) -> str:
    """A problem as a person should read it."""
    if isinstance(problem, SluiceError | NotThereError):
        return str(problem)
    return f"AWS error: {problem}"


async def ask(work: Callable[..., T], *arguments: Any) -> T:
    """Run a call that waits for the network beside the page."""
    return await asyncio.to_thread(work, *arguments)


class Part:
    """A place on a page that is drawn anew when what it shows is no longer what it was."""

    def __init__(self) -> None:
        self._seen: Any = _NOTHING
        self._place = ui.element("div").style("display: contents")

    def show(self, value: T, draw: Callable[[T], object]) -> None:
        if self._place.is_deleted or (self._seen is not _NOTHING and value == self._seen):
            return
        self._seen = value
        self._place.clear()
        with self._place:
            draw(value)

    def forget(self) -> None:
        """Draw anew whatever comes."""
        self._seen = _NOTHING


class Live(Generic[T]):
    """Gives what `load` returns to `draw` whenever it is not what it was. Ends with the page, or once `until` holds."""

    def __init__(
        self,
        load: Callable[[], T],
        draw: Callable[[T], None],
        *,
        every: float = POLL_SECONDS,
        until: Callable[[T], bool] = lambda _: False,
    ) -> None:
        self._load = load
        self._draw = draw
        self._until = until
        self._told = Part()
        self._part = Part()
        self._part.show(None, lambda _: waiting())
        self._as_of: datetime | None = None
        self._timer = ui.timer(every, self.look)

    async def look(self) -> None:
        """Ask once; a problem, or that nothing answers, is told above what was seen last."""
        asked = asyncio.ensure_future(ask(self._load))
        answered, _ = await asyncio.wait({asked}, timeout=PATIENCE_SECONDS)
        if not answered:
            self._tell(f"The stack has not answered for {PATIENCE_SECONDS:.0f} seconds.")
        try:
            found = await asked
        except PROBLEMS as exc:
            self._tell(sentence(exc))
        else:
            self._told.show("", show_problem)
            self._as_of = datetime.now(UTC)
            self._part.show((found,), lambda value: self._draw(value[0]))
            if self._until(found):
                self._timer.deactivate()

    def _tell(self, problem: str) -> None:
        if self._as_of is None:
            self._part.show("", show_problem)
            self._told.show(problem, show_problem)
        else:
            self._told.show(f"{problem} What is shown is of {self._as_of:%H:%M:%S} UTC.", show_problem)

    async def again(self) -> None:
        """Ask anew and draw whatever comes: the question has changed."""
        self._part.forget()
        await self.look()


def waiting() -> None:
    with ui.element("div").classes("empty").props("role=status"):
        ui.spinner(size="28px").props("aria-label=loading")


def show_problem(problem: str) -> None:
    """Nothing where there is none."""
    if not problem:
        return
    with ui.element("div").classes("callout bad above").props("role=alert"):
        ui.label(problem)
