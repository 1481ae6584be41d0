"""Asks before something is done, and tells what came of it."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self

from nicegui import ui

from workflow.operator.console.live import ask, sentence
from workflow.operator.console.widgets import box, button, text
from workflow.operator.patience import PROBLEMS
from workflow.operator.previews import Preview

TOLD_SECONDS = 6
WATCH_SECONDS = 2.0


@dataclass(frozen=True)
class Field:
    """Something to fill in. `problem` says of what was written what is wrong with it; None where nothing is."""

    label: str
    problem: Callable[[str], str | None] = lambda _: None
    value: str = ""
    several_lines: bool = False


@dataclass(frozen=True)
class Question:
    """What will happen, in sentences; `asks` are fields to fill in, `choices` one of which is to be chosen.

    `why` is "needed", "asked" or, where nothing keeps it, "".
    """

    title: str
    says: tuple[str, ...]
    do: str
    why: str = "asked"
    dangerous: bool = False
    asks: tuple[Field, ...] = ()
    choices: tuple[str, ...] = ()

    def allows(self, answers: dict[str, str]) -> bool:
        """Whether all is filled in that must be, and right."""
        return not (self.why == "needed" and not answers["why"].strip()) and all(
            each.problem(answers[each.label]) is None for each in self.asks
        )


WHY = {"needed": "Why (kept in the record)", "asked": "Why (optional, kept in the record)"}


def about(preview: Preview, **more: Any) -> Question:
    """The question that the command asks, too."""
    return Question(preview.question, preview.says, preview.do, **more)


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
        fields: dict[str, Any] = {each.label: _field(each, first=at == 0) for at, each in enumerate(question.asks)}
        if question.choices:
            fields["choice"] = ui.radio(list(question.choices), value=question.choices[0]).props("inline dense")
        if question.why:
            fields["why"] = ui.input(WHY[question.why]).props("outlined dense")
        _buttons(dialog, question, fields)
    answered = await dialog
    if not dialog.is_deleted:  # as it is once the page was left
        dialog.delete()
    return _answers(fields) if answered else None


def _answers(fields: dict[str, Any]) -> dict[str, str]:
    return {name: each.value or "" for name, each in fields.items()}


def _field(field: Field, *, first: bool) -> Any:
    """It says what is wrong as soon as something was written."""
    kind = ui.textarea if field.several_lines else ui.input
    made = kind(field.label, value=field.value, validation=field.problem).props(
        "outlined dense hide-bottom-space debounce=150"
    )
    made.props("autofocus" if first else "")
    return made.classes("mono-field") if field.several_lines else made


def _buttons(dialog: ui.dialog, question: Question, fields: dict[str, Any]) -> None:
    with box("bar"):
        box("grow")
        button("Cancel", on_click=lambda: dialog.submit(False))
        do = button(
            question.do, look="danger" if question.dangerous else "primary", on_click=lambda: dialog.submit(True)
        )

    def look() -> None:
        do.set_enabled(question.allows(_answers(fields)))

    look()
    for each in fields.values():
        each.on_value_change(look)


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


class Busy:
    """Says that something is under way, while it lasts."""

    def __init__(self, words: str) -> None:
        self._words = words

    def __enter__(self) -> Self:
        self._shown = ui.notification(self._words, spinner=True, timeout=None, position="top")
        return self

    def __exit__(self, *_: object) -> None:
        self._shown.dismiss()


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
