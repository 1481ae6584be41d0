"""Keeps a page up to date while it is open: asks the stack, and draws only what has changed."""

import asyncio
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from botocore.exceptions import BotoCoreError, ClientError
from nicegui import ui

from workflow.errors import SluiceError
from workflow.operator.stack import NotThereError

T = TypeVar("T")

POLL_SECONDS = 1.5
PROBLEMS = (SluiceError, NotThereError, ClientError, BotoCoreError)
"""What a person can do something about, or at least should read."""

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

    def show(self, value: T, draw: Callable[[T], None]) -> None:
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
        self._part = Part()
        self._part.show(None, lambda _: _waiting())
        self._timer = ui.timer(every, self.look)

    async def look(self) -> None:
        """Ask once; a problem is told in the part's place."""
        try:
            found = await ask(self._load)
        except PROBLEMS as exc:
            self._part.show(sentence(exc), _problem)
        else:
            self._part.show((found,), lambda value: self._draw(value[0]))
            if self._until(found):
                self._timer.deactivate()

    async def again(self) -> None:
        """Ask anew and draw whatever comes: the question has changed."""
        self._part.forget()
        await self.look()


def _waiting() -> None:
    with ui.element("div").classes("empty").props("role=status"):
        ui.spinner(size="28px").props("aria-label=loading")


def _problem(problem: str) -> None:
    with ui.element("div").classes("callout bad").props("role=alert"):
        ui.label(problem)
