"""The list of executions: Step Functions' own, or by key, kind and error through the assets' records."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Annotated, Any

from fastapi import Query
from nicegui import ui

from tasks.shared.executions import LIVE
from workflow.events import ENDED_BADLY
from workflow.kinds import KINDS
from workflow.operator import previews
from workflow.operator.client import ExecutionStatus
from workflow.operator.console import listing
from workflow.operator.console.actions import Actions
from workflow.operator.console.dialogs import tell
from workflow.operator.console.frame import Console, frame, page_head
from workflow.operator.console.live import Live, Part
from workflow.operator.console.paging import Pager, choice, filter_problem, keep_in_address, search
from workflow.operator.console.times import TimeFilter, Times
from workflow.operator.console.widgets import ago, box, button, cause, empty, execution_path, shown, text, took
from workflow.operator.operations.stop import AtWork, Running

PAGE_SIZE = 25
COLUMNS = (
    ("key", "file", "left"), ("status", "status", "left"), ("code", "error", "left"), ("kind", "kind", "left"),
    ("started", "started", "left"), ("took", "took", "right"), ("name", "execution", "left"),
)  # fmt: skip
NARROW = {"kind", "name", "took"}
"""Columns that a phone leaves out."""

CELLS = {
    "status": """<q-td :props="props"><span :class="'chip is-' + props.value.toLowerCase()">
        {{ props.value.toLowerCase().replace('_', ' ') }}</span></q-td>""",
    "key": """<q-td :props="props"><div class="cell-key"><a :href="props.row.href" :title="props.value">
        {{ props.row.shown || '(no asset yet)' }}</a></div></q-td>""",
    "code": """<q-td :props="props"><span class="mono">{{ props.value }}</span></q-td>""",
    "name": """<q-td :props="props"><span class="mono muted">{{ props.value.slice(0, 13) }}</span></q-td>""",
}
CHOICES = {
    "header-selection": """<q-checkbox v-model="props.selected" dense aria-label="Choose all on this page" />""",
    "body-selection": """<q-checkbox v-model="props.selected" dense
        :aria-label="'Choose ' + (props.row.shown || props.row.name)" />""",
}


@dataclass(frozen=True)
class Wanted:
    """What the filters say."""

    status: str | None = None
    kind: str | None = None
    code: str | None = None
    text: str | None = None
    times: Times = field(default_factory=Times)

    @property
    def by_records(self) -> bool:
        return bool(self.kind or self.code or self.text)

    @property
    def address(self) -> dict[str, str | None]:
        filters = {name: getattr(self, name) for name in ("status", "kind", "code", "text")}
        return filters | self.times.address


def add_to_site(console: Console) -> None:
    @ui.page("/executions")
    def executions(
        status: str = "",
        within: str = "",
        start: Annotated[str, Query(alias="from")] = "",
        end: Annotated[str, Query(alias="to")] = "",
        kind: str = "",
        code: str = "",
        text: str = "",
    ) -> None:
        wanted = Wanted(status or None, kind or None, code or None, text or None, Times(within, start, end))
        actions = Actions(console)
        with frame(console, "Executions", at="Executions"):
            with page_head("Executions"):
                head = box("bar")
            with box("panel"):
                listed = _List(console, wanted, actions)
            with head:
                button("Start manually", "play_arrow", on_click=actions.start_by_hand)
                button("Start with input", "data_object", on_click=actions.start_with_input)
                button("Stop all that match…", "stop", on_click=listed.stop_matching)


class _List:
    """The filters, the table and its pages."""

    def __init__(self, console: Console, wanted: Wanted, actions: Actions) -> None:
        self._console = console
        self._actions = actions
        self._ends = listing.Ends(console.sluice)
        self._wanted = wanted
        self._rows: dict[str, listing.Row] = {}
        self._chosen: dict[str, listing.Row] = {}
        self._pager = Pager(self._changed)
        self._filters()
        self._problem = Part()
        self._list = Part()
        self._live = Live(self._load, self._draw)
        self._pager.draw()
        self._bar = box("selection").props('role=region aria-label="What to do with the chosen executions"')
        self._bar.set_visibility(False)
        with self._bar:
            self._offer = Part()

    def _filters(self) -> None:
        with box("filters").props('role=search aria-label="Filter executions"'):
            search("file name or key", self._wanted.text, partial(self._set, "text"))
            choice(
                "status", [each.value for each in ExecutionStatus], self._wanted.status, partial(self._set, "status")
            )
            choice("kind", KINDS, self._wanted.kind, partial(self._set, "kind"))
            search("error or reject code", self._wanted.code, partial(self._set, "code"))
            TimeFilter(self._wanted.times, partial(self._set, "times"))

    async def stop_matching(self) -> None:
        """All running executions, and are meant by the filters; what has an error or has ended is not at work."""
        wanted = self._wanted
        if wanted.status not in {None, "RUNNING"} or wanted.code:
            tell("These filters match no running execution: remove the status or the error.", bad=True)
            return
        times = wanted.times
        meant = AtWork(text=wanted.text or "", kind=wanted.kind, since=times.since, before=times.before)
        await self._actions.stop_matching(meant)

    async def _set(self, name: str, value: Any) -> None:
        changes: Any = {name: value}
        self._wanted = replace(self._wanted, **changes)
        keep_in_address("/executions", self._wanted.address)
        self._pager.restart()
        await self._changed()

    async def _changed(self) -> None:
        self._choose(())
        await self._live.again()

    def _load(self) -> listing.Page[listing.Row]:
        sluice, wanted, times, token = self._console.sluice, self._wanted, self._wanted.times, self._pager.token
        if not wanted.by_records:
            return listing.executions(
                sluice, status=wanted.status, since=times.since, before=times.before, size=PAGE_SIZE, token=token
            )
        chosen = listing.Filter((), wanted.kind, wanted.code, wanted.text, times.since, times.before)
        return listing.executions_of_assets(
            sluice, chosen, self._ends, status=wanted.status, size=PAGE_SIZE, token=token
        )

    def _draw(self, page: listing.Page[listing.Row]) -> None:
        self._problem.show(self._wanted.times.problem, filter_problem)
        self._pager.show(page)
        self._list.show(bool(page.rows), self._lay_out)
        if page.rows:
            self._show(page.rows)

    def _lay_out(self, some: bool) -> None:
        """The table stays while its rows change: a click on a box that is drawn anew would be lost."""
        if not some:
            empty("No executions match", "Upload a file, start one manually, or remove a filter.")
            return
        self._table = _table()
        self._table.on_select(lambda event: self._choose([cells["name"] for cells in event.selection]))

    def _show(self, rows: Sequence[listing.Row]) -> None:
        self._rows = {row.name: row for row in rows}
        cells = {row.name: _cells(row) for row in rows}
        kept = [name for name in cells if name in self._chosen]
        self._table.rows = [*cells.values()]
        self._table.selected = [cells[name] for name in kept]
        self._choose(kept)

    def _choose(self, names: Iterable[str]) -> None:
        self._chosen = {name: self._rows[name] for name in names if name in self._rows}
        rows = [*self._chosen.values()]
        failed = [row for row in rows if row.status in ENDED_BADLY]
        running = [row for row in rows if row.status in LIVE]
        self._bar.set_visibility(bool(rows))
        shown = [[row.name for row in some] for some in (rows, failed, running)]
        self._offer.show(shown, lambda _: self._draw_offer(len(rows), failed, running))

    def _draw_offer(self, count: int, failed: Sequence[listing.Row], running: Sequence[listing.Row]) -> None:
        """What can be done with the chosen ones: those that ended badly are redriven, those at work stopped."""
        text(f"{count} chosen, {len(failed)} of them failed", classes="grow").props("role=status")
        if failed:
            causes = previews.causes((row.code or row.status, row.state) for row in failed)
            redrive = partial(self._actions.redrive_executions, [row.name for row in failed], causes)
            button(f"Redrive {len(failed)}", "replay", on_click=redrive)
        if running:
            stop = partial(self._actions.stop_executions, [_running(row) for row in running])
            button(f"Stop {len(running)}", "stop", on_click=stop)
        button("", "close", look="quiet", on_click=self._changed).props('aria-label="Choose none"')


def _cells(each: listing.Row) -> dict[str, Any]:
    """What the table in the browser shows of a row."""
    return {
        "name": each.name,
        "status": each.status,
        "kind": each.kind or "",
        "code": cause(each.code or "", each.state),
        "shown": shown(each.key or ""),
        "started": ago(each.started),
        "took": took(each.seconds),
        "href": execution_path(each.name),
    }


def _running(row: listing.Row) -> Running:
    return Running(row.name, row.key, row.asset_id, row.kind, row.started)


def _table() -> ui.table:
    columns = [
        {"name": name, "label": label, "field": name, "align": align, "classes": "on-wide" if name in NARROW else ""}
        | {"headerClasses": "on-wide" if name in NARROW else ""}
        for name, label, align in COLUMNS
    ]
    table = ui.table(rows=[], columns=columns, row_key="name", selection="multiple")
    table.props('flat dense hide-selected-banner aria-label="Executions"')
    table.classes("full-width")
    for name, template in CELLS.items():
        table.add_slot(f"body-cell-{name}", template)
    for slot, template in CHOICES.items():
        table.add_slot(slot, template)
    return table
