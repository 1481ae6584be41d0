"""The list of executions: Step Functions' own, or by key, kind and error through the assets' records."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from nicegui import ui

from workflow.events import ENDED_BADLY
from workflow.kinds import KINDS
from workflow.operator.client import ExecutionStatus
from workflow.operator.console import listing
from workflow.operator.console.actions import Actions
from workflow.operator.console.frame import Console, frame, page_head
from workflow.operator.console.live import Live, Part
from workflow.operator.console.pages.overview import WINDOWS
from workflow.operator.console.paging import Pager, choice, keep_in_address, search
from workflow.operator.console.widgets import ago, box, button, cause, empty, execution_path, shown, text, took

PAGE_SIZE = 25
OF_STATUS = {"RUNNING": "processing", "SUCCEEDED": "succeeded", "FAILED": "failed"}
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
    within: str | None = None
    kind: str | None = None
    code: str | None = None
    text: str | None = None

    @property
    def by_records(self) -> bool:
        return bool(self.kind or self.code or self.text)

    @property
    def since(self) -> datetime | None:
        return datetime.now(UTC) - WINDOWS[self.within] if self.within in WINDOWS else None


def add_to_site(console: Console) -> None:
    @ui.page("/executions")
    def executions(status: str = "", within: str = "", kind: str = "", code: str = "", text: str = "") -> None:
        wanted = Wanted(status or None, within or None, kind or None, code or None, text or None)
        with frame(console, "Executions", at="Executions"):
            with page_head("Executions"):
                button("Start by hand", "play_arrow", on_click=Actions(console).start_by_hand)
            with box("panel"):
                _List(console, wanted)


class _List:
    """The filters, the table and its pages."""

    def __init__(self, console: Console, wanted: Wanted) -> None:
        self._console = console
        self._wanted = wanted
        self._chosen: dict[str, dict[str, Any]] = {}
        self._pager = Pager(self._changed)
        self._filters()
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
            choice("within", WINDOWS, self._wanted.within, partial(self._set, "within"))
            choice("kind", KINDS, self._wanted.kind, partial(self._set, "kind"))
            search("error or reject code", self._wanted.code, partial(self._set, "code"))

    async def _set(self, name: str, value: str | None) -> None:
        changes: Any = {name: value}
        self._wanted = replace(self._wanted, **changes)
        keep_in_address("/executions", asdict(self._wanted))
        self._pager.restart()
        await self._changed()

    async def _changed(self) -> None:
        self._choose(())
        await self._live.again()

    def _load(self) -> listing.Page[listing.Row]:
        wanted, token = self._wanted, self._pager.token
        if not wanted.by_records:
            return listing.executions(
                self._console.sluice, status=wanted.status, since=wanted.since, size=PAGE_SIZE, token=token
            )
        of_status = OF_STATUS.get(wanted.status or "")
        chosen = listing.Filter(of_status, wanted.kind, wanted.code, wanted.text, wanted.since)
        return listing.executions_of_assets(self._console.sluice, chosen, size=PAGE_SIZE, token=token)

    def _draw(self, page: listing.Page[listing.Row]) -> None:
        self._pager.show(page)
        self._list.show(bool(page.rows), self._lay_out)
        if page.rows:
            self._show([_row(each) for each in page.rows])

    def _lay_out(self, some: bool) -> None:
        """The table stays while its rows change: a click on a box that is drawn anew would be lost."""
        if not some:
            empty("No executions match", "Upload a file, start one by hand, or take a filter away.")
            return
        self._table = _table()
        self._table.on_select(lambda event: self._choose(event.selection))

    def _show(self, rows: list[dict[str, Any]]) -> None:
        kept = [row for row in rows if row["name"] in self._chosen]
        self._table.rows = rows
        self._table.selected = kept
        self._choose(kept)

    def _choose(self, rows: Sequence[dict[str, Any]]) -> None:
        self._chosen = {row["name"]: row for row in rows}
        failed = [name for name, row in self._chosen.items() if row["status"] in ENDED_BADLY]
        self._bar.set_visibility(bool(rows))
        self._offer.show((len(rows), failed), lambda _: self._draw_offer(len(rows), failed))

    def _draw_offer(self, count: int, failed: Sequence[str]) -> None:
        """What can be done with the chosen ones; only those that ended badly can be redriven."""
        text(f"{count} chosen, {len(failed)} of them failed", classes="grow").props("role=status")
        if failed:
            redrive = partial(Actions(self._console).redrive_executions, failed)
            button(f"Redrive {len(failed)}", "replay", on_click=redrive)
        button("", "close", look="quiet", on_click=self._changed).props('aria-label="Choose none"')


def _row(each: listing.Row) -> dict[str, Any]:
    return {
        "name": each.name,
        "status": each.status,
        "key": each.key or "",
        "kind": each.kind or "",
        "code": cause(each.code or "", each.state),
        "shown": shown(each.key or ""),
        "started": ago(each.started),
        "took": took(each.seconds),
        "href": execution_path(each.name),
    }


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
