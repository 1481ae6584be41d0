"""The assets as a grid of thumbnails, with filters, and what can be done with those that are chosen."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Annotated, Any

from fastapi import Query
from nicegui import ui

from tasks.shared.records.model import Listed
from workflow.kinds import KINDS
from workflow.operator.client import STATUSES
from workflow.operator.console import listing
from workflow.operator.console.actions import Actions, Chosen
from workflow.operator.console.frame import Console, frame, page_head
from workflow.operator.console.live import Live, Part
from workflow.operator.console.paging import Pager, choice, filter_problem, keep_in_address, search
from workflow.operator.console.times import TimeFilter, Times
from workflow.operator.console.widgets import (
    KIND_ICONS,
    UNKNOWN_ICON,
    ago,
    asset_path,
    box,
    button,
    cause,
    chip,
    empty,
    link,
    size,
    text,
)
from workflow.operator.console.window import code_of, state_of

PAGE_SIZE = 24
WHOLE = {"table", "audio", "document", "archive"}
"""Kinds whose thumbnail loses its meaning where it is cropped."""


def add_to_site(console: Console) -> None:
    @ui.page("/assets")
    def assets(
        status: str = "",
        kind: str = "",
        code: str = "",
        state: str = "",
        text: str = "",
        within: str = "",
        start: Annotated[str, Query(alias="from")] = "",
        end: Annotated[str, Query(alias="to")] = "",
    ) -> None:
        statuses = (status,) if status else ()
        wanted = listing.Filter(statuses, kind or None, code or None, text or None, state=state or None)
        with frame(console, "Assets", at="Assets"):
            with page_head("Assets"):
                bar = box("bar")
            with box("panel"):
                _Grid(console, wanted, Times(within, start, end), bar)


class _Grid:
    """The filters, the cards, and the bar of what to do with the chosen ones."""

    def __init__(self, console: Console, wanted: listing.Filter, times: Times, head: ui.element) -> None:
        self._console = console
        self._wanted = wanted
        self._times = times
        self._chosen: dict[str, Listed] = {}
        self._actions = Actions(console)
        self._pager = Pager(self._changed)
        self._filters()
        self._problem = Part()
        self._live = Live(self._load, self._draw)
        self._pager.draw()
        self._bar = box("selection").props('role=region aria-label="What to do with the chosen assets"')
        self._bar.set_visibility(False)
        with head:
            button("All that match…", "select_all", on_click=self._choose_all)

    def _filters(self) -> None:
        with box("filters").props('role=search aria-label="Filter assets"'):
            search("file name or key", self._wanted.text, partial(self._set, "text"))
            choice("status", STATUSES, self._status, self._set_status)
            choice("kind", KINDS, self._wanted.kind, partial(self._set, "kind"))
            search("error or reject code", self._wanted.code, partial(self._set, "code"))
            search("failed in state", self._wanted.state, partial(self._set, "state"))
            TimeFilter(self._times, self._set_times)

    @property
    def _status(self) -> str | None:
        return next(iter(self._wanted.statuses), None)

    async def _set_status(self, value: str | None) -> None:
        self._wanted = replace(self._wanted, statuses=(value,) if value else ())
        await self._restart()

    async def _set(self, name: str, value: str | None) -> None:
        changes: Any = {name: value}
        self._wanted = replace(self._wanted, **changes)
        await self._restart()

    async def _set_times(self, times: Times) -> None:
        self._times = times
        await self._restart()

    async def _restart(self) -> None:
        filters = {each: getattr(self._wanted, each) for each in ("kind", "code", "text", "state")}
        keep_in_address("/assets", {"status": self._status} | filters | self._times.address)
        self._pager.restart()
        self._forget()
        await self._live.again()

    async def _changed(self) -> None:
        await self._live.again()

    @property
    def _filter(self) -> listing.Filter:
        return replace(self._wanted, since=self._times.since, before=self._times.before)

    def _load(self) -> listing.Page[Listed]:
        return listing.assets(self._console.sluice, self._filter, size=PAGE_SIZE, token=self._pager.token)

    def _draw(self, page: listing.Page[Listed]) -> None:
        self._pager.show(page)
        self._problem.show(self._times.problem, filter_problem)
        for each in page.unreadable:
            text(each.problem, "p", "callout bad").props("role=alert")
        if not page.rows:
            empty("No assets match", "Drop files anywhere on this page to upload them, or remove a filter.")
            return
        with box("cards").props("role=list"):
            for record in page.rows:
                _card(self._console, record, chosen=record.asset_id in self._chosen, choose=self._choose)

    def _choose(self, record: Listed, card: ui.element, chosen: bool) -> None:
        if chosen:
            self._chosen[record.asset_id] = record
        else:
            self._chosen.pop(record.asset_id, None)
        card.classes(**{"add" if chosen else "remove": "chosen"})
        self._offer(Chosen(tuple(self._chosen.values())), f"{len(self._chosen)} chosen")

    def _choose_all(self) -> None:
        self._chosen.clear()
        self._offer(Chosen(matching=self._filter), "All that match the filters")

    def _forget(self) -> None:
        self._chosen.clear()
        self._bar.set_visibility(False)

    def _offer(self, chosen: Chosen, words: str) -> None:
        self._bar.clear()
        self._bar.set_visibility(bool(chosen.records or chosen.matching))
        with self._bar:
            text(words, classes="grow").props("role=status")
            for label, act in self._possible(chosen).items():
                button(label, on_click=partial(act, chosen))
            button("", "close", look="quiet", on_click=self._clear).props('aria-label="Choose none"')

    def _possible(self, chosen: Chosen) -> dict[str, Callable[[Chosen], Any]]:
        """What can be done with at least one of them; the action itself leaves the others out."""
        if chosen.matching:
            statuses = self._wanted.statuses or ("failed", "rejected", "succeeded")
            samples = [self._actions.possible_with(status) for status in statuses]
        else:
            samples = [self._actions.possible(record) for record in chosen.records]
        return {label: act for sample in samples for label, act in sample.items()}

    async def _clear(self) -> None:
        self._forget()
        await self._live.again()


def _card(
    console: Console, record: Listed, *, chosen: bool, choose: Callable[[Listed, ui.element, bool], None]
) -> None:
    with box(f"card {'chosen' if chosen else ''}").props("role=listitem") as card:
        mark = ui.checkbox(value=chosen, on_change=lambda event: choose(record, card, bool(event.value))).props("dense")
        mark.props["aria-label"] = f"Choose {record.key}"
        _thumbnail(console, record)
        with box("card-text"):
            name = link(record.key.rpartition("/")[2] or record.key, asset_path(record.asset_id), "card-name")
            name.props["title"] = record.key
            with box("bar small"):
                chip(record.status)
            told = cause(code_of(record), state_of(record)) or f"{size(record.size)} · {ago(record.updated_at)}"
            text(told, classes="muted small num clip").props["title"] = record.reason.message if record.reason else told


def _thumbnail(console: Console, record: Listed) -> None:
    picture = next((each for each in record.thumbnails if each.name == "256"), None)
    source = console.files.inline(picture) if picture else None
    look = "thumb whole" if record.kind in WHOLE else "thumb"
    with link("", asset_path(record.asset_id), look) as made:
        made.props["tabindex"] = "-1"
        made.props["aria-hidden"] = "true"
        if record.dominant_color and record.kind not in WHOLE:
            made.style(f"background-color: {record.dominant_color}")
        if source:
            image = ui.element("img").props("alt='' loading=lazy decoding=async")
            image.props["src"] = source
        else:
            ui.icon(KIND_ICONS.get(record.kind or "", UNKNOWN_ICON)).classes("kind-icon")
