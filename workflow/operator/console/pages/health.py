"""What needs attention, with the command and the page that fix it."""

from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType

from nicegui import ui

from workflow.operator.console.actions import Actions
from workflow.operator.console.frame import Console, frame, page_head
from workflow.operator.console.live import Live
from workflow.operator.console.widgets import box, button, letters_path, link, panel, text
from workflow.operator.operations.health import Check, health

POLL_SECONDS = 10.0
PAGES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "failures": ("Failed assets", "/assets?status=failed&within=24h"),
        "executions": ("Failed executions", "/executions?status=FAILED&within=24h"),
        "outcomes": ("Failed assets", "/assets?status=failed"),
        "proofs": ("Assets that are not proven", "/assets?status=failed&code=ResultNotProven"),
        "at work": ("Assets at work", "/assets?status=processing"),
        "batches": ("Batches", "/batches"),
        "dead letters": ("Dead letters", "/dead-letters"),
        "live settings": ("Settings", "/settings"),
    }
)
"""The page about what a check looks at, with its name."""
LOOKS = MappingProxyType({True: ("succeeded", "well"), False: ("failed", "not well"), None: ("rejected", "not known")})


def add_to_site(console: Console) -> None:
    @ui.page("/health")
    def health_page() -> None:
        actions = Actions(console)
        with frame(console, "Health", at="Health"):
            with page_head("Health"):
                button("Sweep now", "cleaning_services", on_click=actions.sweep_now)
            Live(partial(health, console.sluice), _draw, every=POLL_SECONDS)


def page_of(check: str) -> tuple[str, str] | None:
    """Where a person goes on from a check, and what that page is called."""
    if check.startswith("dead letters of "):
        queue = check.removeprefix("dead letters of ")
        return f"Dead letters of {queue}", letters_path(queue)
    if check.startswith("batch "):
        return "The batch", f"/batches/{check.removeprefix('batch ')}"
    return PAGES.get(check)


def _draw(found: Sequence[Check]) -> None:
    troubled = [each for each in found if each.ok is False]
    unknown = [each for each in found if each.ok is None]
    well = [each for each in found if each.ok]
    if not troubled:
        with box("callout good").props("role=status"):
            text("Nothing needs attention.", "h2")
    for title, some in (("Needs attention", troubled), ("Unknown", unknown), ("Well", well)):
        if some:
            with panel(title, note=f"{len(some)}"), box("list"):
                for each in some:
                    _check(each)


def _check(each: Check) -> None:
    look, word = LOOKS[each.ok]
    with box("check"):
        text(word, classes=f"chip is-{look}")
        with box("check-text"):
            text(each.check, "h3", "check-name")
            text(each.found, "p", "wrap")
            if not each.ok and each.advice:
                text(each.advice.replace("`", ""), "p", "mono muted wrap")
        if not each.ok and (page := page_of(each.check)):
            link(page[0], page[1], "nowrap")
