"""Asks before something is done, and tells what came of it."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

from nicegui import ui

from workflow.operator.console.live import PROBLEMS, ask, sentence
from workflow.operator.console.widgets import box, button, text

TOLD_SECONDS = 6
WATCH_SECONDS = 2.0


@dataclass(frozen=True)
class Question:
    """What will happen, in sentences; `asks` are fields to fill in, `choices` one of which is to be chosen."""

    title: str
    says: tuple[str, ...]
    do: str
    needs_why: bool = False
    dangerous: bool = False
    asks: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()


async def confirm(question: Question) -> dict[str, str] | None:
    """The answers by field, with `why` and `choice`; None where the person turned back.

    It belongs to the page, as the button that asks may be drawn anew before the person has answered.
    """
    with (
        ui.context.client.content,
        ui.dialog().props(f'aria-label="{question.do}"') as dialog,
        ui.card().classes("dialog"),
    ):
        text(question.title, "h2", "wrap")
        with box("says"):
            for each in question.says:
                text(each, "p")
        fields: dict[str, Any] = {name: ui.input(name).props("outlined dense autofocus") for name in question.asks}
        if question.choices:
            fields["choice"] = ui.radio(list(question.choices), value=question.choices[0]).props("inline dense")
        label = "Why (kept in the record)" if question.needs_why else "Why (optional, kept in the record)"
        fields["why"] = ui.input(label).props("outlined dense")
        _buttons(dialog, question, fields)
    answered = await dialog
    dialog.delete()
    return {name: each.value or "" for name, each in fields.items()} if answered else None


def _buttons(dialog: ui.dialog, question: Question, fields: dict[str, Any]) -> None:
    with box("bar"):
        box("grow")
        button("Cancel", on_click=lambda: dialog.submit(False))
        do = button(
            question.do, look="danger" if question.dangerous else "primary", on_click=lambda: dialog.submit(True)
        )
        if question.needs_why:
            do.bind_enabled_from(fields["why"], "value", backward=lambda value: bool((value or "").strip()))


def tell(message: str, *, bad: bool = False) -> None:
    """Say what came of something; those who listen hear it at once."""
    ui.notify(
        message,
        type="negative" if bad else "positive",
        position="top",
        timeout=0 if bad else TOLD_SECONDS * 1000,
        close_button="Close" if bad else False,
        multi_line=True,
    )


class Progress:
    """Says how many of several are done, while it lasts; of one there is nothing to say."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._done = 0
        self._shown: ui.notification | None = None

    def __enter__(self) -> Self:
        if self._count > 1:
            self._shown = ui.notification(self._words, spinner=True, timeout=None, position="top")
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown:
            self._shown.dismiss()

    @property
    def _words(self) -> str:
        return f"{self._done:,} of {self._count:,}"

    def step(self) -> None:
        self._done += 1
        if self._shown:
            self._shown.message = self._words


class Watch:
    """Says how many of several have ended how, until all have, or the page is left; the last word stays to be read."""

    def __init__(self, names: Sequence[str], count: Callable[[Sequence[str]], Counter[str]]) -> None:
        self._names = names
        self._count = count
        self._shown = ui.notification(
            f"{len(names):,} at work", spinner=True, timeout=None, position="top", close_button="Close"
        )
        self._timer = ui.timer(WATCH_SECONDS, self._look)

    async def _look(self) -> None:
        try:
            counts = await ask(self._count, self._names)
        except PROBLEMS as exc:
            self._end(sentence(exc), "negative")
            return
        told = ", ".join(f"{count:,} {status}" for status, count in counts.most_common())
        if counts["processing"]:
            self._shown.message = f"{told} of {len(self._names):,}"
        else:
            self._end(f"All have ended: {told}.", "negative" if counts["failed"] else "positive")

    def _end(self, message: str, look: Literal["positive", "negative"]) -> None:
        self._timer.cancel()
        self._shown.message, self._shown.spinner, self._shown.type = message, False, look
