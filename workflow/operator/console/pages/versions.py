"""The published versions of the workflow: which of them new executions run, and the way back to an earlier one."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from nicegui import ui

from workflow.operator.console.actions import Actions
from workflow.operator.console.frame import Console, frame, page_head
from workflow.operator.console.live import Live
from workflow.operator.console.widgets import box, button, clock, empty, panel, plain_table, text
from workflow.operator.releases import ALL, Releases, Version

SLOW_POLL_SECONDS = 5.0
COLUMNS = ("version", "new executions", "since", "at work", "published", "description", "action")


@dataclass(frozen=True)
class Seen:
    """All versions, the newest first; `deploying` while a deployment moves new executions."""

    versions: list[Version]
    deploying: bool


def add_to_site(console: Console) -> None:
    @ui.page("/versions")
    def versions() -> None:
        with frame(console, "Versions", at="Versions"):
            page_head("Versions")
            Live(partial(_load, console), partial(_draw, Actions(console)), every=SLOW_POLL_SECONDS)


def _load(console: Console) -> Seen:
    releases = Releases(console.sluice.aws)
    return Seen(releases.versions(), releases.deploying())


def _draw(actions: Actions, seen: Seen) -> None:
    if seen.deploying:
        with box("callout info"), box("bar"):
            text("A deployment is in progress: it shifts new executions gradually.", classes="grow")
            button("Cancel it", "undo", on_click=actions.cancel_deployment)
    with panel():
        if not seen.versions:
            empty("No versions", "The first deployment publishes one.")
            return
        text("An execution keeps the version that it started with, also when it is redriven.", "p", "muted")
        rows = [_row(actions, each, offered=not seen.deploying) for each in seen.versions]
        plain_table("Versions, the newest first", COLUMNS, rows)


def _row(actions: Actions, version: Version, *, offered: bool) -> Iterator[object]:
    yield partial(text, version.number, classes="num strong")
    yield partial(_share, version.share)
    yield partial(_moment, clock(version.live_since)) if version.live_since else ""
    yield f"{version.running:,}" if version.running else ""
    yield partial(_moment, clock(version.created))
    yield version.description or ""
    yield partial(_offer, actions, version) if offered and version.share < ALL else ""


def _moment(told: str) -> None:
    text(told, classes="nowrap")


def _share(share: int) -> None:
    if not share:
        text("none", classes="muted")
        return
    with box("bar small"):
        with box("meter info share").props("aria-hidden=true"):
            box().style(f"width: {share}%")
        text(f"{share} %", classes="num")


def _offer(actions: Actions, version: Version) -> None:
    made = button("Route here", "history", on_click=partial(actions.roll_back, version.number))
    made.props(f'aria-label="Route new executions to version {version.number}"')
