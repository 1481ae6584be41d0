"""What rules and functions gave up: the queues with what each needs, and the messages of one."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from nicegui import ui

from workflow.operator.console.actions import Actions
from workflow.operator.console.advice import read_runbook
from workflow.operator.console.frame import Console, frame, page_head
from workflow.operator.console.live import Live, Part, ask, sentence, show_problem, waiting
from workflow.operator.console.widgets import (
    box,
    button,
    clock,
    code,
    empty,
    letters_path,
    link,
    panel,
    text,
)
from workflow.operator.operations.dead_letters import ALARMS, Letter, Queue, look, queues
from workflow.operator.patience import PROBLEMS
from workflow.operator.previews import counted

SLOW_POLL_SECONDS = 5.0
SHOWN = 100


def add_to_site(console: Console) -> None:
    @ui.page("/dead-letters")
    def all_queues() -> None:
        with frame(console, "Dead letters", at="Dead letters"):
            with page_head("Dead letters"):
                head = Part()
            Live(partial(queues, console.sluice), partial(_draw_all, console, head), every=SLOW_POLL_SECONDS)

    @ui.page("/dead-letters/{name}")
    def one_queue(name: str) -> None:
        with frame(console, f"Dead letters of {name}", at="Dead letters"):
            _Messages(console, name)


def _draw_all(console: Console, head: Part, found: Sequence[Queue]) -> None:
    actions = Actions(console)
    some = any(each.messages for each in found)
    head.show(some, lambda _: button("Redrive all", "replay", on_click=actions.redrive_letters) if some else None)
    with panel():
        text("Messages that could not be processed wait here for a person. All queues should be empty.", "p", "muted")
        with box("list"):
            for each in found:
                _queue(actions, each)


def _queue(actions: Actions, queue: Queue) -> None:
    with box("queue"):
        link(queue.name, letters_path(queue.name), "strong")
        if queue.problem:
            text("cannot be read", classes="chip is-failed")
        else:
            text(messages_told(queue.messages or 0), classes="chip is-failed" if queue.messages else "muted")
        text(queue.problem or f"A redrive {queue.redrive}.", classes="wrap bad-text" if queue.problem else "muted wrap")
        _redrive(actions, queue)


def _redrive(actions: Actions, queue: Queue) -> None:
    if queue.messages:
        made = button("Redrive", "replay", on_click=partial(actions.redrive_letters, queue.name))
        made.props(f'aria-label="Redrive {queue.name}"')


def messages_told(count: int) -> str:
    """SQS counts about."""
    return f"about {counted(count, 'message')}" if count else "none"


class _Messages:
    """The messages of one queue. They are looked at when asked for: a look hides them from others for its time."""

    def __init__(self, console: Console, name: str) -> None:
        self._sluice = console.sluice
        self._name = name
        self._actions = Actions(console)
        self._chosen: set[str] = set()
        with page_head(f"Dead letters of {name}", crumbs="Dead letters", crumbs_to="/dead-letters"):
            button("Refresh", "refresh", on_click=self.look)
            self._head = Part()
        if name in ALARMS:
            with panel("What to do"):
                _draw_runbook(read_runbook(ALARMS[name]))
        with panel("Messages"):
            self._list = Part()
        self._bar = box("selection").props('role=region aria-label="What to do with the chosen messages"')
        self._bar.set_visibility(False)
        self._list.show(None, lambda _: waiting())
        ui.timer(0, self.look, once=True)

    async def look(self) -> None:
        """Read the queue, as it is now."""
        self._choose(set())
        try:
            found = await ask(partial(look, self._sluice, self._name, limit=SHOWN))
        except PROBLEMS as exc:
            self._list.show(sentence(exc), show_problem)
            return
        self._head.show(bool(found), lambda some: self._draw_head() if some else None)
        self._list.forget()
        self._list.show(found, self._draw)

    def _draw_head(self) -> None:
        button("Redrive all", "replay", on_click=self._then_look(self._actions.redrive_letters, self._name))
        button("Discard all", "delete", on_click=self._then_look(self._actions.discard_letters, self._name))

    def _then_look(self, act: Callable[..., Awaitable[bool]], *arguments: Any) -> Callable[[], Awaitable[None]]:
        async def run() -> None:
            if await act(*arguments):
                await self.look()

        return run

    def _draw(self, found: Sequence[Letter]) -> None:
        if not found:
            empty("No dead letters", f"No message of {self._name} is waiting.")
            return
        with box("list"):
            for each in found:
                self._message(each)
        if len(found) == SHOWN:
            text(f"The first {SHOWN} are shown. Redrive all and Discard all include the others.", "p", "muted small")

    def _message(self, letter: Letter) -> None:
        title = letter.about or letter.event or letter.message_id
        with box("letter"):
            box_of = ui.checkbox(on_change=lambda event: self._mark(letter.message_id, chosen=bool(event.value)))
            box_of.props("dense").props["aria-label"] = f"Choose {title}"
            with box("letter-text"):
                text(title, "div", "wrap strong")
                text(" · ".join(_facts(letter)), "div", "muted small wrap")
                if letter.gave_up:
                    text(f"Given up: {': '.join(letter.gave_up.values())}", "div", "small wrap bad-text")
                with ui.expansion("The message").classes("full-width").props("dense"):
                    code(letter.body, f"Message {letter.message_id}")

    def _mark(self, message: str, *, chosen: bool) -> None:
        self._choose(self._chosen | {message} if chosen else self._chosen - {message})

    def _choose(self, chosen: set[str]) -> None:
        self._chosen = chosen
        self._bar.clear()
        self._bar.set_visibility(bool(chosen))
        ids, count = sorted(chosen), len(chosen)
        with self._bar:
            text(f"{count} chosen", classes="grow").props("role=status")
            redrive = self._then_look(self._actions.redrive_letters, self._name, ids)
            button(f"Redrive {count}", "replay", on_click=redrive)
            button(
                f"Discard {count}", "delete", on_click=self._then_look(self._actions.discard_letters, self._name, ids)
            )


def _facts(letter: Letter) -> Iterator[str]:
    if letter.event:
        yield letter.event
    if letter.sent_at:
        yield f"sent {clock(datetime.fromisoformat(letter.sent_at))}"


def _draw_runbook(paragraphs: Sequence[str]) -> None:
    for each in paragraphs:
        text(each, "p", "wrap")
