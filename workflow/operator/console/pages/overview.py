"""The first page: how it is doing, what is at work, and what needs a person, by cause."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from urllib.parse import urlencode

from nicegui import ui

from workflow.operator.console import charts, listing
from workflow.operator.console.advice import advice_on
from workflow.operator.console.frame import Console, frame, page_head
from workflow.operator.console.listing import Row
from workflow.operator.console.live import Live, Part
from workflow.operator.console.storage import Stored, stored
from workflow.operator.console.story import explained
from workflow.operator.console.times import WINDOWS
from workflow.operator.console.widgets import (
    Chart,
    ago,
    box,
    cause,
    empty,
    execution_path,
    link,
    moment,
    panel,
    plain_table,
    shown,
    size,
    text,
    took,
)
from workflow.operator.console.window import RECORDS_MAX, Cause, Figures, Window

MAX_SHOWN = 8
STORAGE_EVERY_SECONDS = 60
CHART_PIXELS = 270


@dataclass(frozen=True)
class Now:
    """What the page shows at a moment; `running` has a page of executions at most."""

    figures: Figures
    running: Sequence[Row]
    more_running: bool


def add_to_site(console: Console) -> None:
    @ui.page("/")
    def overview(within: str = "24h") -> None:
        chosen = within if within in WINDOWS else "24h"
        with frame(console, "Overview", at="Overview"):
            with page_head("Overview"):
                _choose_window(chosen)
            _Page(console, chosen)
            with panel("Stored, by storage class"):
                Live(partial(stored, console.sluice), _draw_stored, every=STORAGE_EVERY_SECONDS)


class _Page:
    """Its parts change on their own."""

    def __init__(self, console: Console, within: str) -> None:
        self._console = console
        self._query = urlencode({"within": within})
        self._window = Window(WINDOWS[within])
        self._tiles = Part()
        with box("grid cols-main"):
            with panel("Outcomes and durations", note="times in UTC"):
                self._note = Part()
                self._chart = Chart("Outcomes and durations over time")
            with panel("Running now"):
                self._running = Part()
        with box("grid cols-2"):
            with panel("Failed, by error"):
                self._failures = Part()
            with panel("Rejected, by reason"):
                self._rejections = Part()
        Live(self._load, self._changed)

    def _load(self) -> Now:
        figures = self._window.look(self._console.sluice, datetime.now(UTC))
        running = listing.executions(self._console.sluice, status="RUNNING", since=None, size=100, token=None)
        return Now(figures, running.rows, running.next is not None)

    def _changed(self, now: Now) -> None:
        figures = now.figures
        running = f"{len(now.running)}{'+' if now.more_running else ''}"
        told = (figures.counts, figures.p50, figures.p95, running)
        self._tiles.show(told, lambda _: self._draw_tiles(figures, running))
        self._note.show(_note(figures), _say)
        self._chart.show(charts.outcomes(figures, self._window.length), CHART_PIXELS)
        self._running.show([each.name for each in now.running], lambda _: _running(now.running))
        self._failures.show(figures.failures, partial(self._causes, "failed", "bad"))
        self._rejections.show(figures.rejections, partial(self._causes, "rejected", "warn"))

    def _draw_tiles(self, figures: Figures, running: str) -> None:
        with box("tiles"):
            _tile("files", f"{sum(figures.counts.values()):,}", f"/assets?{self._query}")
            for status in ("succeeded", "rejected", "failed"):
                _tile(status, f"{figures.counts[status]:,}", f"/assets?status={status}&{self._query}", status)
            _tile("at work", running, "/executions?status=RUNNING", "running")
            _tile("median duration", took(figures.p50) or "–")
            _tile("95th percentile", took(figures.p95) or "–")

    def _causes(self, status: str, look: str, causes: Sequence[Cause]) -> None:
        if not causes:
            empty(f"Nothing {status}", "Nothing to do.")
            return
        most = causes[0].count
        with box("list"):
            for each in causes:
                where = {"state": each.state} if each.state else {}
                query = urlencode({"status": status, "code": each.code, **where})
                with link("", f"/assets?{query}&{self._query}", "item"):
                    _cause(each)
                    with box(f"meter {look}").props("aria-hidden=true"):
                        box().style(f"width: {100 * each.count / most:.0f}%")
                    text(f"{each.count:,}", classes="num")


def _choose_window(chosen: str) -> None:
    toggle = ui.toggle(list(WINDOWS), value=chosen).props('no-caps dense unelevated aria-label="Within"')
    toggle.on_value_change(lambda event: ui.navigate.to(f"/?within={event.value}"))


def _note(figures: Figures) -> str:
    if not figures.whole_since:
        return ""
    begin = moment(figures.whole_since)
    return f"Of each status the newest {RECORDS_MAX:,} are counted: before {begin} UTC, more ended than is shown."


def _say(note: str) -> None:
    if note:
        text(note, "p", "muted small")


def _tile(label: str, value: str, target: str = "", status: str = "") -> None:
    with link("", target, "panel tile") if target else box("panel tile"):
        with box("tile-label"):
            if status:
                box(f"dot is-{status}").props("aria-hidden=true")
            text(label)
        text(value, classes="tile-value")


def _running(running: Sequence[Row]) -> None:
    if not running:
        empty("No executions are running", "Drop a file anywhere on this page: its execution starts at once.")
        return
    with box("list"):
        for each in running[:MAX_SHOWN]:
            with link("", execution_path(each.name), "item"):
                box("dot is-running").props("aria-hidden=true")
                text(shown(each.key or each.name), classes="item-main")
                text(ago(each.started), classes="muted small")
    if len(running) > MAX_SHOWN:
        link("All running executions", "/executions?status=RUNNING", "small")


def _cause(each: Cause) -> None:
    """With what to do, or, of an error that the documentation does not know, what it said."""
    message, _ = explained(each.message)
    with box("item-main"):
        text(cause(each.code, each.state), "div", "wrap")
        text(advice_on(each.code) or message, "div", "muted small clip").props["title"] = message


def _draw_stored(found: Stored) -> None:
    text(found.note, "p", "muted small")
    rows = [(place, kind, size(count)) for (place, kind), count in sorted(found.sizes.items()) if count]
    if not rows:
        empty("Nothing stored yet", "Upload a file to begin.")
        return
    plain_table("Bytes in each bucket", ("bucket", "storage class", "bytes"), rows)
