"""Newer and older pages of a list whose rows are found by tokens: there is no number of pages to show."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from nicegui import ui

from workflow.operator.console.listing import LOOKED_MAX, Page
from workflow.operator.console.widgets import box, button, text


class Pager:
    """Remembers the tokens of the pages that were seen; only the first page shows what is new."""

    def __init__(self, changed: Callable[[], Awaitable[None]]) -> None:
        self._changed = changed
        self._tokens: list[Any] = [None]
        self._next: Any = None

    @property
    def token(self) -> Any:
        return self._tokens[-1]

    def restart(self) -> None:
        self._tokens = [None]

    def draw(self) -> None:
        """The buttons, under the list."""
        with box("bar").style("padding: 8px 16px 12px"):
            self._note = text("", classes="muted small grow")
            self._newer = button("Newer", "chevron_left", on_click=self._back)
            self._older = button("Older", "chevron_right", on_click=self._on)

    def show(self, page: Page[Any]) -> None:
        """Set the buttons by what the page says comes after it."""
        self._next = page.next
        self._newer.set_enabled(len(self._tokens) > 1)
        self._older.set_enabled(page.next is not None)
        looked = f" of {page.looked:,} looked at" if page.looked > len(page.rows) else ""
        further = ". Older ones may match, too" if page.looked >= LOOKED_MAX and page.next else ""
        self._note.set_text(f"Page {len(self._tokens)} · {len(page.rows)} rows{looked}{further}")

    async def _on(self) -> None:
        if self._next is not None:
            self._tokens.append(self._next)
            await self._changed()

    async def _back(self) -> None:
        if len(self._tokens) > 1:
            self._tokens.pop()
            await self._changed()


def keep_in_address(path: str, wanted: Mapping[str, str | None]) -> None:
    """So that what is shown can be opened again, and passed on."""
    query = urlencode({name: value for name, value in wanted.items() if value})
    ui.navigate.history.replace(f"{path}?{query}" if query else path)


def search(label: str, value: str | None, on_change: Callable[[str | None], Any]) -> None:
    """A field that filters while one types."""
    made = ui.input(placeholder=label, value=value or "").classes("search")
    made.props(f'outlined dense clearable debounce=400 aria-label="{label}"')
    made.on_value_change(lambda event: on_change(event.value or None))


def choice(label: str, options: Iterable[str], value: str | None, on_change: Callable[[str | None], Any]) -> ui.select:
    """A field that filters by one of a few."""
    listed = list(options)
    made = ui.select(listed, label=label, value=value if value in listed else None, clearable=True)
    made.props(f'outlined dense options-dense aria-label="{label}"')
    made.on_value_change(lambda event: on_change(event.value))
    return made


def filter_problem(problem: str) -> None:
    """What of the filters in the address cannot be understood; nothing where all can."""
    if problem:
        text(problem, "p", "callout warn").props("role=alert")
