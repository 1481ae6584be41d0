"""Writes what was measured: a table with the date and the machine in Markdown, and a plot of it."""

import os
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path

from tests.bench.race import Result
from tests.bench.rows import OURS, Row

BEGIN, END = "<!-- measured -->", "<!-- end of what was measured -->"
_WIDTH, _LEFT, _BAR, _GAP, _TOP, _LONGEST = 960, 400, 18, 8, 40, 3.0


@dataclass(frozen=True)
class Measured:
    """A row and what came of it, by the contestants' names."""

    row: Row
    results: Mapping[str, Result]

    def times(self, peer: str) -> float:
        """What ours takes of what the peer takes."""
        return self.results[OURS].median_ms / self.results[peer].median_ms

    @property
    def peers(self) -> list[str]:
        return [name for name in self.results if name != OURS]

    def is_met(self, peer: str) -> bool:
        return self.times(peer) <= self.row.goals[peer]


def line(measured: Measured) -> str:
    """One row of the table."""
    ratios = (f"{peer} {measured.times(peer):.2f} ×" for peer in measured.peers)
    goals = (f"{peer} {goal:g} ×" for peer, goal in measured.row.goals.items() if peer in measured.results)
    is_met = all(measured.is_met(peer) for peer in measured.row.goals if peer in measured.results)
    told = "" if not measured.row.goals or not measured.peers else "yes" if is_met else "**no**"
    cells = (measured.row.work, _seconds(measured.results[OURS].median_ms), "; ".join(ratios), "; ".join(goals), told)
    return f"| {' | '.join(cells)} |"


def _seconds(milliseconds: float) -> str:
    return f"{milliseconds / 1000:.1f} s" if milliseconds >= 1000 else f"{milliseconds:.0f} ms"


def section(measured: Sequence[Measured], missing: Iterable[str], turns: int) -> str:
    """What stands between the marks of docs/performance.md."""
    return "\n".join(_lines(measured, missing, turns))


def _lines(measured: Sequence[Measured], missing: Iterable[str], turns: int) -> Iterator[str]:
    yield f"{datetime.now(UTC):%Y-%m-%d}, {machine()}. Medians of {turns} turns."
    yield ""
    yield "| work | Sluice, CPU a file | is so much of the peer's | goal | met |"
    yield "| --- | --- | --- | --- | --- |"
    yield from map(line, measured)
    for each in missing:
        yield f"\nNot measured: {each}."
    yield "\n![CPU time in times of the peers'](performance.svg)"


def machine() -> str:
    names = {row.partition(":")[2].strip() for row in _cpu_lines() if row.startswith("model name")}
    cpu = next(iter(names), platform.machine())
    return f"{os.cpu_count()} cores ({cpu}), load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}"


def _cpu_lines() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []


def placed(document: str, what: str) -> str:
    """The document with what was measured between its marks."""
    before, _, rest = document.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{what}\n\n{END}{rest.partition(END)[2]}"


def plot(measured: Sequence[Measured]) -> str:
    """Bars of what ours takes of each peer; the line is the peer, a mark the goal."""
    bars = [(each, peer) for each in measured for peer in each.peers]
    height = _TOP + len(bars) * (_BAR + _GAP) + 10
    drawn = "\n".join(
        part for at, (each, peer) in enumerate(bars) for part in _bar(each, peer, _TOP + at * (_BAR + _GAP))
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" '
        f'font-family="sans-serif" font-size="12">\n'
        f'<rect width="{_WIDTH}" height="{height}" fill="white"/>\n'
        f'<text x="{_LEFT}" y="16">CPU time of Sluice, in times of the peer\'s; red is above the goal</text>\n{drawn}\n'
        f'<line x1="{_x(1)}" y1="{_TOP - 12}" x2="{_x(1)}" y2="{height}" stroke="black"/>\n</svg>\n'
    )


def _bar(each: Measured, peer: str, y: int) -> Iterator[str]:
    times, goal = each.times(peer), each.row.goals.get(peer)
    color = "#64748b" if goal is None else "#16a34a" if times <= goal else "#dc2626"
    yield f'<text x="{_LEFT - 8}" y="{y + 13}" text-anchor="end">{escape(each.row.work)}</text>'
    yield f'<rect x="{_LEFT}" y="{y}" width="{_x(times) - _LEFT}" height="{_BAR}" fill="{color}"/>'
    yield f'<text x="{_x(times) + 6}" y="{y + 13}">{times:.2f} × {escape(peer)}</text>'
    if goal is not None:
        at = _x(goal)
        yield f'<line x1="{at}" y1="{y - 2}" x2="{at}" y2="{y + _BAR + 2}" stroke="black" stroke-dasharray="3"/>'


def _x(times: float) -> float:
    return _LEFT + min(times, _LONGEST) / _LONGEST * (_WIDTH - _LEFT - 140)
