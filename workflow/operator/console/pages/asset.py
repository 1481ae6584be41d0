"""One asset: what was made of it, what is known of it, where everything is, and every attempt with who and why."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from nicegui import ui

from tasks.shared.records.model import Attempt, Record
from workflow.operator.console import charts
from workflow.operator.console.actions import Actions, Chosen
from workflow.operator.console.advice import advice_on, meaning_of
from workflow.operator.console.frame import Console, frame, page_head
from workflow.operator.console.live import Live, Part
from workflow.operator.console.pages.viewer import view
from workflow.operator.console.widgets import (
    asset_path,
    box,
    button,
    chip,
    execution_path,
    link,
    pairs,
    panel,
    plain_table,
    shown,
    size,
    text,
)
from workflow.operator.formatting import moment
from workflow.operator.shapes import Asset, Version
from workflow.shapes import MadeFile, Pointer

GROUPED_FROM = 10_000
HIDDEN_FACTS = {"gps", "schema", "notes", "largest", "types"}


@dataclass(frozen=True)
class Seen:
    """An asset at a moment, and where it came out of, if it came out of an archive."""

    asset: Asset
    parent: Record | None

    @property
    def record(self) -> Record:
        return self.asset.record


def add_to_site(console: Console) -> None:
    @ui.page("/assets/{asset_id}")
    def asset(asset_id: str) -> None:
        with frame(console, "Asset", at="Assets"):
            _Page(console, asset_id)


class _Page:
    """The viewer stays as it is while the rest changes: nobody loses the place in a video."""

    def __init__(self, console: Console, asset_id: str) -> None:
        self._console = console
        self._asset_id = asset_id
        self._head = Part()
        self._body = box("grid cols-main")
        self._laid_out = False
        self._live = Live(self._load, self._changed)

    def _load(self) -> Seen:
        asset = self._console.sluice.asset(self._asset_id)
        parent = asset.record.parent
        return Seen(asset, self._console.sluice.records.assets.get(parent) if parent else None)

    def _changed(self, seen: Seen) -> None:
        if not self._laid_out:
            self._lay_out()
        record = seen.record
        self._head.show(seen.asset, partial(_head, self._console))
        made = (record.renditions, record.thumbnails, record.status)
        self._viewer.show(made, lambda _: view(self._console.files, record))
        self._facts.show(record.facts, lambda _: _facts(record))
        self._lineage.show(seen, _lineage)
        self._files.show(record, lambda _: _files(self._console, record))

    def _lay_out(self) -> None:
        self._laid_out = True
        with self._body:
            with box("grid"):
                with panel("Rendition"):
                    self._viewer = Part()
                with panel("Files"):
                    self._files = Part()
            with box("grid"):
                with panel("Details"):
                    self._facts = Part()
                with panel("History"):
                    self._lineage = Part()


def _head(console: Console, asset: Asset) -> None:
    record = asset.record
    with page_head(shown(record.key), crumbs="Assets", crumbs_to="/assets"):
        actions = Actions(console)
        for number, (label, act) in enumerate(actions.possible(record).items()):
            look = "primary" if number == 0 and record.status in {"failed", "rejected"} else "outline"
            button(label, look=look, on_click=partial(act, Chosen((record,))))
    with box("bar small").props("aria-live=polite"):
        chip(record.status)
        text(f"{record.kind or 'unknown kind'} · {size(record.size)}", classes="muted")
        text("the key's current version" if asset.current else "not the key's current version", classes="muted")
        text(record.asset_id, classes="mono muted wrap")
    _why(record)


def _why(record: Record) -> None:
    """The reason of a status that needs a person, with what the documentation says about it."""
    if reason := record.reason:
        with box(f"callout {'bad' if record.status == 'failed' else 'warn'}").props("role=alert"):
            text(reason.code, "h2", "mono")
            text(reason.message, "p", "wrap")
            if advice := advice_on(reason.code):
                text(f"{meaning_of(reason.code)} What to do: {advice}", "p", "muted")
    for sentence in _remarks(record):
        with box("callout info"):
            text(sentence, "p", "wrap")


def _remarks(record: Record) -> Iterator[str]:
    if restore := record.restore:
        then = ", then it is reprocessed" if restore.then_reprocess else ""
        yield f"A restore ({restore.tier}) was asked for {moment(restore.asked_at)} by {restore.by}{then}."
    if discarded := record.discarded:
        yield f"Discarded {moment(discarded.at)} by {discarded.by}: {discarded.why}"
    if record.degraded:
        yield f"Without previews: {record.degraded}"
    if record.reused_from:
        yield f"The same content was there already: its files are those of asset {record.reused_from}."
    yield from (str(note) for note in (*record.notes, *record.facts.get("notes", [])))


def _facts(record: Record) -> None:
    facts = record.facts
    known = [("uploaded", moment(record.last_modified)), ("type", record.media_type or "not known")]
    known += [(_words(name), _told(value)) for name, value in facts.items() if name not in HIDDEN_FACTS]
    pairs(known)
    if schema := facts.get("schema"):
        plain_table("Columns", ("name", "type"), [tuple(each.split(": ", 1)) for each in schema])
    if gps := facts.get("gps"):
        _place(gps)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _told(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) and value >= GROUPED_FROM else str(value)


def _place(gps: dict[str, float]) -> None:
    text("Taken at", "h2")
    chart = ui.echart(charts.place(gps["lat"], gps["lon"])).classes("full-width").style("height: 170px")
    chart.props('role=img aria-label="Position on the globe"')
    text(f"{gps['lat']:.5f}°, {gps['lon']:.5f}°", classes="mono")


def _lineage(seen: Seen) -> None:
    record = seen.record
    with box("lineage"):
        if seen.parent:
            with _step("succeeded", "Came from an archive"):
                link(seen.parent.key, asset_path(seen.parent.asset_id), "wrap")
        with _step("succeeded", f"Uploaded {moment(record.last_modified)}"):
            text(f"s3://{record.object_key}", classes="mono muted wrap")
        for attempt in record.attempts:
            _attempt(attempt)
        with _step(record.status, f"Its original is in {record.original.storage_class}"):
            text(f"s3://{record.original.bucket}/{record.original.key}", classes="mono muted wrap")
    if len(seen.asset.versions) > 1:
        _versions(seen.asset.versions)


def _attempt(attempt: Attempt) -> None:
    outcome = attempt.outcome or "processing"
    with _step(outcome, f"Attempt {attempt.number}: {attempt.trigger}, {outcome}"):
        who = f" by {attempt.by}" if attempt.by else ""
        text(f"{moment(attempt.started_at)}{who}", "div", "muted small wrap")
        if attempt.why:
            text(f"“{attempt.why}”", "div", "small wrap")
        with box("bar small"):
            link("execution", execution_path(attempt.execution))
            if attempt.batch:
                link(f"batch {attempt.batch}", f"/batches/{attempt.batch}")


def _step(status: str, title: str) -> ui.element:
    """A dot on the line, and what stands beside it."""
    with box("step"):
        box(f"step-dot is-{status}").props("aria-hidden=true")
        with box() as beside:
            text(title, "div")
    return beside


def _versions(versions: Iterable[Version]) -> None:
    rows = [
        (
            partial(link, moment(each.last_modified), asset_path(each.asset_id)),
            partial(chip, each.status),
            "current" if each.current else "",
        )
        for each in versions
    ]
    plain_table("Versions of this key, newest first", ("uploaded", "status", ""), rows)


def _files(console: Console, record: Record) -> None:
    made = [(each.name, each) for each in (*record.renditions, *record.thumbnails)]
    rows = [_file_row(console, name, each) for name, each in made]
    if record.status != "discarded":
        rows.append(_original_row(console, record))
    plain_table("Links are good for half an hour at least", ("file", "type", "size", "where"), rows)


def _file_row(console: Console, name: str, file: MadeFile) -> tuple[object, ...]:
    saved_as = file.key.rpartition("/")[2]
    get = partial(link, name, console.files.download(file, saved_as))
    return (get, file.content_type.partition(";")[0], size(file.bytes), partial(_where, file))


def _original_row(console: Console, record: Record) -> tuple[object, ...]:
    name = record.key.rpartition("/")[2] or "original"
    get = partial(link, "original", console.files.download(record.original, name))
    kind = record.media_type or record.declared_type
    return (get, kind, size(record.size), partial(_where, record.original))


def _where(pointer: MadeFile | Pointer) -> None:
    text(f"s3://{pointer.bucket}/{pointer.key}", classes="mono muted wrap")
