"""The live settings: what holds now, and a form that changes it after a preview."""

from collections.abc import Mapping
from typing import Any

from nicegui import ui

from workflow.kinds import KINDS
from workflow.operator.console.actions import Actions
from workflow.operator.console.dialogs import tell
from workflow.operator.console.frame import Console, frame, page_head
from workflow.operator.console.live import Part, ask, sentence, show_problem, waiting
from workflow.operator.console.widgets import box, button, clock, panel, text
from workflow.operator.operations.live_settings import MEANS, Written, checked, spelled, written
from workflow.operator.patience import PROBLEMS

REFUSED, LIMITS, SWEPT = MEANS


def add_to_site(console: Console) -> None:
    @ui.page("/settings")
    def settings() -> None:
        with frame(console, "Settings", at="Settings"):
            page_head("Live settings")
            _Form(console)


class _Form:
    """It is read when a person asks for it: what somebody types is not lost to a refresh."""

    def __init__(self, console: Console) -> None:
        self._sluice = console.sluice
        self._actions = Actions(console)
        self._place = Part()
        self._place.show(None, lambda _: waiting())
        ui.timer(0, self.look, once=True)

    async def look(self) -> None:
        try:
            found = await ask(written, self._sluice)
            checked(found.document)
        except PROBLEMS as exc:
            self._place.show(sentence(exc), show_problem)
            return
        self._place.forget()
        self._place.show(found, self._draw)

    def _draw(self, found: Written) -> None:
        self._before = found.document
        limits: Mapping[str, int] = self._before.get(LIMITS, {})
        with panel("Current values", note=f"version {found.version}, of {clock(found.changed_at)}"):
            text(
                "Empty fields keep the deployed value. A change reaches the functions within a minute.",
                "p",
                "muted",
            )
            with box("settings"):
                with box("setting"):
                    _name(REFUSED)
                    self._refused = ui.select(list(KINDS), multiple=True, value=self._before.get(REFUSED, []))
                    self._refused.props(f'outlined dense options-dense use-chips aria-label="{REFUSED}"')
                with box("setting"):
                    _name(LIMITS)
                    with box("limits"):
                        self._limits = {kind: _limit(kind, limits.get(kind)) for kind in KINDS}
                with box("setting"):
                    _name(SWEPT)
                    minutes = self._before.get(SWEPT)
                    self._swept = ui.input("minutes", value=spelled(minutes) if minutes else "").props("outlined dense")
            with box("bar"):
                button("Review the change", "rule", look="primary", on_click=self._review)
                button("Reload", "refresh", on_click=self.look)

    async def _review(self) -> None:
        changes = self._changes()
        if not changes:
            tell("Nothing would change.")
        elif await self._actions.change_settings(changes):
            await self.look()

    def _changes(self) -> list[str]:
        """As `sluice settings --set` takes them."""
        return changes_of(
            self._before,
            refused=self._refused.value or [],
            limits={kind: field.value or "" for kind, field in self._limits.items()},
            swept=self._swept.value or "",
        )


def changes_of(before: Mapping[str, Any], *, refused: list[str], limits: Mapping[str, str], swept: str) -> list[str]:
    """The fields that say something else than the document, as changes of it."""
    held: Mapping[str, int] = before.get(LIMITS, {})
    now = {REFUSED: spelled(sorted(before.get(REFUSED, []))), SWEPT: spelled(before[SWEPT]) if SWEPT in before else ""}
    now |= {f"{LIMITS}.{kind}": spelled(held[kind]) if kind in held else "" for kind in limits}
    wanted = {REFUSED: spelled(sorted(refused)), SWEPT: swept.strip()}
    wanted |= {f"{LIMITS}.{kind}": said.replace(" ", "") for kind, said in limits.items()}
    return [f"{name}={value}" for name, value in wanted.items() if value != now[name]]


def _name(setting: str) -> None:
    text(setting, "h3", "mono")
    text(f"{MEANS[setting]}".capitalize() + ".", "p", "muted small")


def _limit(kind: str, bound: int | None) -> ui.input:
    most = spelled(KINDS[kind].max_bytes)
    made = ui.input(kind, value=spelled(bound) if bound else "", placeholder=f"at most {most}")
    return made.props("outlined dense stack-label")
