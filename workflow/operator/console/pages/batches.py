"""Bulk reprocessing: the batches, and how each of them is going."""

from dataclasses import dataclass
from functools import partial
from urllib.parse import quote

from nicegui import ui

from tasks.report_batch.report import Row
from workflow.operator.console.actions import Actions
from workflow.operator.console.frame import Console, frame, page_head
from workflow.operator.console.live import Live
from workflow.operator.console.widgets import (
    asset_path,
    box,
    button,
    chip,
    clock,
    empty,
    execution_path,
    link,
    panel,
    plain_table,
    text,
)
from workflow.operator.operations.reprocess import BatchProgress, ListedBatch, batch, batches, report
from workflow.operator.stack import NotThereError

SHOWN = 30
ROWS_SHOWN = 500
SLOW_POLL_SECONDS = 5.0


@dataclass(frozen=True)
class Seen:
    """A batch, and its report once there is one."""

    progress: BatchProgress
    rows: list[Row]


def add_to_site(console: Console) -> None:
    @ui.page("/batches")
    def all_batches() -> None:
        with frame(console, "Batches", at="Batches"):
            page_head("Batches")
            Live(partial(batches, console.sluice, SHOWN), _draw_all, every=SLOW_POLL_SECONDS)

    @ui.page("/batches/{name}")
    def one_batch(name: str) -> None:
        with frame(console, "Batch", at="Batches"):
            Live(partial(_load, console, name), partial(_draw, console), until=lambda seen: bool(seen.rows))


def _draw_all(found: list[ListedBatch]) -> None:
    with panel():
        if not found:
            empty("No batches yet", "Choose assets in their list, or all that match its filters, and reprocess them.")
            return
        rows = [
            (
                partial(link, each.name, f"/batches/{quote(each.name)}"),
                partial(chip, each.status),
                clock(each.started),
                clock(each.stopped) if each.stopped else "",
            )
            for each in found
        ]
        plain_table(f"The newest {SHOWN} at most", ("batch", "status", "started", "ended"), rows)


def _load(console: Console, name: str) -> Seen:
    progress = batch(console.sluice, name)
    return Seen(progress, [] if progress.is_running else _rows(console, name))


def _rows(console: Console, name: str) -> list[Row]:
    try:
        return report(console.sluice, name)
    except NotThereError:  # a batch that was stopped has none
        return []


def _draw(console: Console, seen: Seen) -> None:
    progress = seen.progress
    with page_head(f"Batch {progress.name}", crumbs="Batches", crumbs_to="/batches"):
        if page := console.step_functions_url(progress.arn):
            link("Step Functions console", page, new_tab=True)
        _do(console, progress)
    with panel("Progress"):
        _progress(progress)
    if seen.rows:
        with panel("Report"):
            _report(seen.rows)


def _do(console: Console, progress: BatchProgress) -> None:
    actions = Actions(console)
    if progress.is_running:
        button("Stop", "stop", on_click=partial(actions.stop_batch, progress.name))
    elif progress.failed or progress.status != "SUCCEEDED":
        button("Resume", "replay", look="primary", on_click=partial(actions.resume_batch, progress.name))


def _progress(progress: BatchProgress) -> None:
    with box("bar small").props("aria-live=polite"):
        chip(progress.status)
        text(f"started {clock(progress.started)}", classes="muted")
        if progress.error:
            text(progress.error, classes="mono")
    share = progress.ended / progress.total if progress.total else 0.0
    ui.linear_progress(share, show_value=False).props('size=10px rounded aria-label="ended"')
    with box("tiles"):
        for name in ("total", "pending", "running", "succeeded", "failed"):
            with box("tile"):
                text(name, classes="tile-label")
                text(f"{getattr(progress, name):,}", classes="tile-value")


def _report(rows: list[Row]) -> None:
    cells = [
        (
            partial(link, row.key, asset_path(row.asset_id)),
            partial(chip, row.outcome),
            row.error,
            partial(link, row.execution, execution_path(row.execution)) if row.execution else "",
        )
        for row in rows[:ROWS_SHOWN]
    ]
    plain_table(f"{len(cells):,} of {len(rows):,} assets", ("file", "outcome", "error", "execution"), cells)
