"""Small pieces of a page. Everything that comes from outside is set as text, never as markup."""

import copy
import json
import re
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from nicegui import ui
from nicegui.elements.mixins.text_element import TextElement

from workflow.operator.formatting import age, moment, size, took

__all__ = ["age", "moment", "size", "took"]

KIND_ICONS = {
    "image": "image", "video": "movie", "audio": "graphic_eq", "table": "table_chart", "document": "description",
    "archive": "folder_zip",
}  # fmt: skip
UNKNOWN_ICON = "insert_drive_file"
_ARCHIVE_FOLDER = re.compile(r"^[0-9a-f]{32}/")


def text(value: object, tag: str = "span", classes: str = "") -> TextElement:
    """An element with nothing but text in it."""
    return TextElement(tag=tag, text=str(value)).classes(classes)


def box(classes: str = "", tag: str = "div") -> ui.element:
    return ui.element(tag).classes(classes)


def link(label: object, target: str, classes: str = "", *, new_tab: bool = False) -> ui.link:
    made = ui.link(str(label), target, new_tab=new_tab).classes(classes)
    return made.props("rel=noopener") if new_tab else made


def chip(status: str) -> TextElement:
    """A status as a colour, a sign and a word."""
    return text(status.lower().replace("_", " "), classes=f"chip is-{status.lower()}")


@contextmanager
def panel(title: str = "", *, note: str = "") -> Generator[ui.element]:
    """A framed part of a page, named for those who hear it."""
    with box("panel", tag="section").props(f'aria-label="{title}"' if title else "") as made:
        if title:
            with box("panel-head"):
                text(title, "h2")
                if note:
                    text(note, classes="muted small")
        with box("panel-body"):
            yield made


def empty(title: str, what_next: str) -> ui.element:
    """What a list shows that has nothing to show: why, and what to do next."""
    with box("empty") as made:
        text(title, "h2")
        text(what_next, "p")
    return made


def pairs(rows: Iterable[tuple[str, object]]) -> None:
    """Names and values; a value may be a function that draws it."""
    with box("pairs", tag="dl"):
        for name, value in rows:
            text(name, "dt")
            with ui.element("dd"):
                value() if callable(value) else text(value)


def code(value: Any, label: str) -> None:
    """JSON or text as it is; reachable by keyboard because it scrolls."""
    shown = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False, default=str)
    text(shown, "pre", "code").props(f'tabindex=0 role=region aria-label="{label}"')


def plain_table(caption: str, columns: Iterable[str], rows: Iterable[Iterable[object]]) -> None:
    """A small table; a cell may be a function that draws it."""
    scrolled = box("scroll").props(f'tabindex=0 role=region aria-label="{caption}"')
    with scrolled, ui.element("table").classes("plain"):
        text(caption, "caption")
        with ui.element("thead"), ui.element("tr"):
            for column in columns:
                text(column, "th").props("scope=col")
        with ui.element("tbody"):
            for row in rows:
                with ui.element("tr"):
                    for cell in row:
                        with ui.element("td"):
                            cell() if callable(cell) else text(cell)


def button(label: str, icon: str | None = None, *, look: str = "outline", **handlers: Any) -> ui.button:
    return ui.button(label, icon=icon, color=None, **handlers).classes(look).props("flat no-caps")


def cause(code: str, state: str | None) -> str:
    """What went wrong and where, in a line."""
    return f"{code} in {state}" if state else code


def ago(stamp: str) -> str:
    past = age(stamp)
    return past if past == "now" else f"{past} ago"


def clock(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def shown(key: str) -> str:
    """A key without the folder, named by an asset id, that files out of an archive are in."""
    return _ARCHIVE_FOLDER.sub("", key)


def asset_path(asset_id: str) -> str:
    return f"/assets/{quote(asset_id, safe='')}"


def letters_path(queue: str) -> str:
    return f"/dead-letters/{quote(queue, safe='')}"


def execution_path(name: str) -> str:
    return f"/executions/{quote(name, safe='')}"


class Chart:
    """A chart that changes in place; `label` says what it shows to those who do not see it."""

    def __init__(self, label: str) -> None:
        self._shown: dict[str, Any] = {}
        self._chart = ui.echart({}).classes("full-width").props(f'role=img aria-label="{label}"')

    def show(self, options: dict[str, Any], pixels: int) -> None:
        if options == self._shown:
            return
        self._shown = options
        self._chart.style(f"height: {pixels}px")
        self._chart.options.clear()
        self._chart.options.update(copy.deepcopy(options))
        self._chart.update()
