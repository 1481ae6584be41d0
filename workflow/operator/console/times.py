"""The time that a list is about: the last hours or days, or from one moment to another, in UTC as everywhere."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from nicegui import ui

from workflow.operator.console.paging import choice

WINDOWS = {"1h": timedelta(hours=1), "24h": timedelta(days=1), "7d": timedelta(days=7), "30d": timedelta(days=30)}
MOMENTS = {"start": "from", "end": "to"}
"""The fields of a range by the names that the address has for them."""


@dataclass(frozen=True)
class Times:
    """As the address has it; with a `start` or an `end`, `within` says nothing."""

    within: str = ""
    start: str = ""
    end: str = ""

    @property
    def since(self) -> datetime | None:
        if self.start or self.end:
            return moment_in(self.start)
        return datetime.now(UTC) - WINDOWS[self.within] if self.within in WINDOWS else None

    @property
    def before(self) -> datetime | None:
        return moment_in(self.end)

    @property
    def address(self) -> dict[str, str]:
        return {"within": self.within, "from": self.start, "to": self.end}

    @property
    def problem(self) -> str:
        """What of it cannot be understood, in a sentence; "" where all can."""
        for name, given in (("from", self.start), ("to", self.end)):
            if given and moment_in(given) is None:
                return f"“{name}” is {given!r}, which is no time such as 2026-11-29T22:30: it is left out."
        if self.within and self.within not in WINDOWS:
            return f"“within” is {self.within!r}, and not one of {', '.join(WINDOWS)}: it is left out."
        if self.since and self.before and self.since >= self.before:
            return "“from” is not before “to”: nothing lies between them."
        return ""

    def changed(self, name: str, value: str) -> "Times":
        """A window and a range take each other's place."""
        others = Times() if name == "within" else replace(self, within="")
        return replace(others, **{name: value})


def moment_in(text: str) -> datetime | None:
    """Of an ISO date or time, which is UTC where it does not say otherwise; None where it is none."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


class TimeFilter:
    """The fields; `on_change` gets what they say together."""

    def __init__(self, times: Times, on_change: Callable[[Times], Awaitable[None]]) -> None:
        self._times = times
        self._on_change = on_change
        self._window = choice("within", WINDOWS, times.within, lambda value: self._set("within", value or ""))
        self._moments = {name: self._moment(name, label) for name, label in MOMENTS.items()}

    def _moment(self, name: str, label: str) -> ui.input:
        made = ui.input(f"{label} (UTC)", value=getattr(self._times, name)).classes("moment")
        made.props("type=datetime-local outlined dense stack-label debounce=600")
        made.on_value_change(lambda event: self._set(name, event.value or ""))
        return made

    async def _set(self, name: str, value: str) -> None:
        if value == getattr(self._times, name):
            return
        self._times = self._times.changed(name, value)
        self._window.value = self._times.within or None
        for each, field in self._moments.items():
            field.value = getattr(self._times, each)
        await self._on_change(self._times)
