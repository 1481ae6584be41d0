"""The main job on real files of every kind, shown live: state by state for each file, then what became of it."""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType
from rich.live import Live
from rich.text import Text

from infra.local.samples import FOLDER, SAMPLES, Sample
from tasks.shared.records.model import Record
from workflow.history import StateRun
from workflow.operator.cli import views
from workflow.operator.cli.options import STDERR
from workflow.operator.client import Sluice
from workflow.operator.shapes import Outcome, Uploaded
from workflow.operator.stack import Connection
from workflow.operator.uploads import Upload

TIMEOUT_SECONDS = 300
POLL_SECONDS = 0.1
STEPS = ("Validate", "Transform", "Thumbnail", "StoreMetadata", "Notify", "Archive")
HEADINGS = ("check", "convert", "preview", "record", "notify", "archive")
AGAIN = Sample(SAMPLES[0].file, "the same photograph again: recognised by its content, files reused")


@dataclass
class Row:
    """One upload on its way."""

    sample: Sample
    uploaded: Uploaded
    record: Record | None = None
    states: list[StateRun] = field(default_factory=list[StateRun])
    settled: bool = False


@dataclass(frozen=True)
class Progress:
    """How a file is doing, and the states that it has entered."""

    outcome: Outcome
    status: str
    states: list[StateRun]


@dataclass(frozen=True)
class Result:
    """What became of a sample, and whether it is what should."""

    shows: str
    seen: Progress
    as_expected: bool

    def facts(self) -> dict[str, Any]:
        states = [{"name": each.name, "outcome": each.outcome, "seconds": each.seconds} for each in self.seen.states]
        own = {"states": states, "status": self.seen.status, "shows": self.shows, "as_expected": self.as_expected}
        return {**self.seen.outcome.facts(), **own}


def run(*, live: bool) -> list[Result]:
    """Upload the samples, follow them to their ends, and compare with what should become of each."""
    sluice = Sluice(Connection())
    rows = _upload(sluice, SAMPLES)
    with Live(console=STDERR, transient=True, auto_refresh=False) as board:
        show = partial(_show, sluice, board) if live else None
        _follow(sluice, rows, show)
        rows += _upload(sluice, (AGAIN,))
        _follow(sluice, rows, show)
    return [_result(sluice, row) for row in rows]


def summary(files: Sequence[Result]) -> RenderableType:
    """The table at the end, and where to look further."""
    surprises = [each for each in files if not each.as_expected]
    verdict = (
        Text(f"All {len(files)} files ended as they should.", "green")
        if not surprises
        else Text(f"{len(surprises)} of {len(files)} files did not end as they should.", "bold red")
    )
    became = views.outcomes_view([each.seen.outcome for each in files], title="What became of each file")
    return Group(_board([each.seen for each in files]), became, verdict, Text(), _look_further(files[0].seen.outcome))


def _look_further(first: Outcome) -> RenderableType:
    sluice = "uv run sluice" if "UV" in os.environ else "sluice"
    rows = [
        (f"{sluice} asset {first.asset_id}", "the record of the first file"),
        (f"{sluice} get {first.asset_id} --out demo", "its files"),
        (f"{sluice} execution {first.execution}", "its six states"),
        (f"{sluice} logs {first.asset_id}", "its log lines"),
        (f"{sluice} put PHOTO… --wait", "your own files"),
        (f"{sluice} down", "stop it (--wipe forgets everything)"),
    ]
    return Group(Text("Look further:"), views.pairs([(f"  {command}", text) for command, text in rows]))


def _upload(sluice: Sluice, samples: tuple[Sample, ...]) -> list[Row]:
    items = [Upload(FOLDER / each.file, each.file) for each in samples]
    return [Row(sample, put) for sample, put in zip(samples, sluice.put(items, lambda _: None), strict=True)]


def _follow(sluice: Sluice, rows: list[Row], show: Callable[[list[Row]], None] | None) -> None:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not all(row.settled for row in rows) and time.monotonic() < deadline:
        _look(sluice, [row for row in rows if not row.settled])
        if show:
            show(rows)
        time.sleep(POLL_SECONDS)


def _show(sluice: Sluice, board: Live, rows: list[Row]) -> None:
    board.update(_board([_progress(sluice, row) for row in rows]), refresh=True)


def _look(sluice: Sluice, rows: list[Row]) -> None:
    records = sluice.records.assets.many(row.uploaded.asset_id for row in rows)
    for row in rows:
        row.record = records.get(row.uploaded.asset_id)
        if row.record:
            row.settled = sluice.settled(row.record)
            row.states = sluice.states(row.record.execution_arn)


def _board(files: Sequence[Progress]) -> RenderableType:
    """State by state: the seconds that each took, with its mark."""
    made = views.table("file", *HEADINGS, "status")
    for each in files:
        by_name = {state.name: state for state in each.states}
        cells = [_cell(by_name.get(step)) for step in STEPS]
        made.add_row(Path(each.outcome.key).stem[:26], *cells, views.colored(each.status))
    return made


def _cell(state: StateRun | None) -> Text:
    if state is None:
        return Text("·", "dim")
    took = "" if state.seconds is None else f" {state.seconds:.1f}"
    return Text(views.MARKS[state.outcome] + took, views.STYLES[state.outcome])


def _progress(sluice: Sluice, row: Row) -> Progress:
    status = row.record.status if row.record else "waiting"
    return Progress(sluice.outcome_of(row.uploaded, row.record), status, row.states)


def _result(sluice: Sluice, row: Row) -> Result:
    seen = _progress(sluice, row)
    as_expected = (seen.outcome.outcome, seen.outcome.reason) == (row.sample.outcome, row.sample.reason)
    if row.sample is AGAIN:
        as_expected = as_expected and bool(seen.outcome.reused_from)
    return Result(row.sample.shows, seen, as_expected)
