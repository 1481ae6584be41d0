"""The upload dialog: the browser sends files to S3 itself (static/console.js) and tells this how far it is."""

from dataclasses import dataclass
from typing import Any

from nicegui import events, ui

from tasks.shared.records.model import Record
from workflow.operator.client import Sluice
from workflow.operator.console.live import ask
from workflow.operator.console.widgets import asset_path, box, button, chip, execution_path, link, size, text
from workflow.operator.patience import PROBLEMS

POLL_SECONDS = 1.0


@dataclass
class Row:
    """One file on its way; once S3 has it, `since` is an ISO time before that."""

    key: str
    bytes: int
    meter: ui.linear_progress
    place: ui.element
    since: str = ""
    settled: bool = False


class Uploads:
    """What one page's visitor uploads."""

    def __init__(self, sluice: Sluice) -> None:
        self._sluice = sluice
        self._rows: dict[str, Row] = {}
        with ui.dialog() as self._dialog, ui.card().classes("dialog"):
            self._draw()
        ui.on("sluice-upload", self._heard)
        self._timer = ui.timer(POLL_SECONDS, self._look, active=False)

    def open(self) -> None:
        self._dialog.open()

    def _draw(self) -> None:
        text("Upload files", "h2")
        prefix = ui.input("Folder, such as photos/2026/ (optional)").props("outlined dense")
        prefix.props("data-upload-prefix")
        with box("drop"):
            text("Drop files or folders anywhere on the page, or")
            chooser = button("Choose files", "folder_open")
            chooser.on("click", js_handler="() => window.sluiceChooseFiles()")
            text("They go straight to S3, at most 5 GiB each; `sluice put` takes larger ones.", classes="small")
        self._list = box("list").props('aria-live=polite aria-label="Uploads"')
        with box("bar"):
            box("grow")
            button("Close", on_click=self._dialog.close)

    def _heard(self, event: events.GenericEventArguments) -> None:
        told: dict[str, Any] = event.args
        if told["id"] not in self._rows:
            self._rows[told["id"]] = self._add(told)
            self._dialog.open()
        self._update(self._rows[told["id"]], told)

    def _add(self, told: dict[str, Any]) -> Row:
        with self._list, box("item"):
            text(told.get("key", ""), classes="item-main").props(f'title="{size(told.get("size", 0))}"')
            meter = ui.linear_progress(0, show_value=False).classes("progress").props('aria-label="sent"')
            place = box("bar")
            with place:
                chip("uploading")
        return Row(told.get("key", ""), told.get("size", 0), meter, place)

    def _update(self, row: Row, told: dict[str, Any]) -> None:
        row.meter.value = told.get("sent", row.meter.value)
        if told.get("problem"):
            row.settled = True
            self._say(row, "failed", problem=told["problem"])
        elif told.get("since"):
            row.since = told["since"]
            row.meter.set_visibility(False)
            self._say(row, "processing")
            self._timer.activate()

    def _say(self, row: Row, status: str, *, problem: str = "", record: Record | None = None) -> None:
        row.place.clear()
        with row.place:
            chip(status)
            if problem:
                text(problem, classes="small")
            if record:
                link("asset", asset_path(record.asset_id))
                link("execution", execution_path(record.execution))

    async def _look(self) -> None:
        """How those are doing that S3 has; ends when all have ended."""
        for row in [each for each in self._rows.values() if each.since and not each.settled]:
            record = await ask(self._record_of, row)
            if record:
                row.settled = record.status != "processing"
                self._say(row, record.status, record=record, problem=record.code or "")
        if all(row.settled for row in self._rows.values()):
            self._timer.deactivate()

    def _record_of(self, row: Row) -> Record | None:
        """The record of this very upload, and not of an earlier one of the same key."""
        try:
            found = self._sluice.records.assets.newest_of_key(self._sluice.buckets.ingest, row.key)
        except PROBLEMS:
            return None
        return found if found and found.created_at >= row.since else None
