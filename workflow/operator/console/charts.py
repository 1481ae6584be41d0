"""Options of the charts. Colours that must read on a light and on a dark page are chosen to do both."""

from collections.abc import Iterable, Sequence
from datetime import UTC, timedelta
from typing import Any

from workflow.operator.console.timeline import Bar
from workflow.operator.console.window import Figures, bar_length

COLORS = {
    "succeeded": "#2da65a", "rejected": "#d29a22", "failed": "#e5484d", "processing": "#3d8bfd", "discarded": "#8b95a1",
}  # fmt: skip
BAR_COLORS = {
    "waiting": "#a5b4c6", "working": "#3d8bfd", "failed": "#e5484d", "pausing": "#d29a22", "passing": "#8b95a1",
}  # fmt: skip
FONT = "system-ui, Segoe UI, Roboto, sans-serif"
TEXT = "#7d8896"
LINE = "rgba(125, 136, 150, 0.22)"
ROW_PIXELS = 26

# A bar from its start to its end in its row; dimensions are row, start, end.
_DRAW_BAR = """(params, api) => {
  const from = api.coord([api.value(1), api.value(0)]);
  const to = api.coord([api.value(2), api.value(0)]);
  const height = Math.min(16, api.size([0, 1])[1] * 0.6);
  return {
    type: 'rect',
    shape: {x: from[0], y: from[1] - height / 2, width: Math.max(2, to[0] - from[0]), height, r: 3},
    style: api.style(),
  };
}"""


DAY_AND_HOUR = "%d %b %H:%M"
_DAYS = {":interval": "(_, told) => told.endsWith('00:00')", ":formatter": "told => told.slice(0, 6)"}
"""Only the days stand at the axis; the hours are told by who points at a bar."""


def outcomes(figures: Figures, length: timedelta) -> dict[str, Any]:
    """How many ended how over time, and how long they took."""
    times = [bucket.start.astimezone(UTC).strftime(_form(length)) for bucket in figures.buckets]
    bars = [
        _bars(status, [bucket.counts[status] for bucket in figures.buckets])
        for status in ("succeeded", "rejected", "failed", "processing", "discarded")
        if figures.counts[status]
    ]
    lines = [
        _line("median, s", [bucket.p50 for bucket in figures.buckets], "solid"),
        _line("95th percentile, s", [bucket.p95 for bucket in figures.buckets], "dashed"),
    ]
    return {
        **_base(),
        "legend": {"bottom": 0, "itemWidth": 12, "itemHeight": 8, "textStyle": {"color": TEXT}},
        "grid": {"left": 44, "right": 44, "top": 24, "bottom": 56},
        "tooltip": {"trigger": "axis", "renderMode": "richText"},
        "xAxis": {
            "type": "category",
            "data": times,
            **_axis(),
            "axisTick": {"show": False},
            "axisLabel": {"color": TEXT, "hideOverlap": True, **(_DAYS if _form(length) == DAY_AND_HOUR else {})},
        },
        "yAxis": [
            {"type": "value", "name": "files", "minInterval": 1, **_axis()},
            {"type": "value", "name": "seconds", **_axis(), "splitLine": {"show": False}},
        ],
        "series": [*bars, *lines],
    }


def _form(length: timedelta) -> str:
    """How the beginning of a bar is told: the parts of it that differ from one bar to the next."""
    if length <= timedelta(days=1):
        return "%H:%M"
    return DAY_AND_HOUR if bar_length(length) < timedelta(days=1) else "%d %b"


def _bars(status: str, data: Sequence[int]) -> dict[str, Any]:
    return {
        "name": status, "type": "bar", "stack": "outcomes", "data": data, "itemStyle": {"color": COLORS[status]},
        "barMaxWidth": 22,
    }  # fmt: skip


def _line(name: str, data: Sequence[float | None], style: str) -> dict[str, Any]:
    return {
        "name": name, "type": "line", "yAxisIndex": 1, "data": data, "symbolSize": 4,
        "lineStyle": {"width": 1.5, "type": style}, "itemStyle": {"color": TEXT},
    }  # fmt: skip


def timeline(bars: Sequence[Bar]) -> dict[str, Any]:
    """A row for each visit of a state, in order; seconds since the start."""
    rows = [name for _, name in sorted({(bar.row, bar.state) for bar in bars})]
    return {
        **_base(),
        "grid": {"left": 120, "right": 24, "top": 8, "bottom": 52},
        "legend": {"bottom": 0, "itemWidth": 12, "itemHeight": 8, "textStyle": {"color": TEXT}},
        "tooltip": {"trigger": "item", "renderMode": "richText"},
        "xAxis": {"type": "value", "min": 0, **_axis(), "axisLabel": {"formatter": "{value} s", "color": TEXT}},
        "yAxis": {
            "type": "category", "data": rows, "inverse": True, **_axis(), "axisTick": {"show": False},
            "splitLine": {"show": False},
        },
        "series": [_stretches(kind, bars) for kind in BAR_COLORS if any(bar.kind == kind for bar in bars)],
    }  # fmt: skip


def _stretches(kind: str, bars: Iterable[Bar]) -> dict[str, Any]:
    return {
        "name": kind,
        "type": "custom",
        ":renderItem": _DRAW_BAR,
        "encode": {"x": [1, 2], "y": 0},
        "itemStyle": {"color": BAR_COLORS[kind]},
        "data": [
            {
                "name": bar.state,
                "value": [bar.row, bar.start, bar.end],
                "tooltip": {"formatter": f"{bar.state}: {kind} {bar.seconds:.3f} s"},
            }
            for bar in bars
            if bar.kind == kind
        ],
    }


def timeline_pixels(bars: Sequence[Bar]) -> int:
    return 72 + ROW_PIXELS * len({bar.row for bar in bars})


def waveform(peaks: Sequence[float], seconds: float) -> dict[str, Any]:
    """Loudness over time, above and below the middle."""
    step = seconds / max(1, len(peaks))
    points = [[round(at * step, 2), value] for at, value in enumerate(peaks)]
    mirrored = [[at, -value] for at, value in points]
    return {
        **_base(),
        "grid": {"left": 4, "right": 4, "top": 4, "bottom": 20},
        "xAxis": {
            "type": "value", "max": round(seconds, 2), **_axis(), "splitLine": {"show": False},
            "axisLabel": {"formatter": "{value} s", "color": TEXT},
        },
        "yAxis": {"type": "value", "show": False, "min": -1, "max": 1},
        "series": [_wave(points), _wave(mirrored)],
    }  # fmt: skip


def _wave(points: list[list[float]]) -> dict[str, Any]:
    return {
        "type": "line", "data": points, "symbol": "none", "lineStyle": {"width": 0}, "silent": True,
        "areaStyle": {"color": BAR_COLORS["working"], "opacity": 0.85},
    }  # fmt: skip


def place(latitude: float, longitude: float) -> dict[str, Any]:
    """A position on the net of meridians and parallels; nothing is fetched from a map server."""
    return {
        **_base(),
        "grid": {"left": 44, "right": 16, "top": 10, "bottom": 28},
        "xAxis": {"type": "value", "min": -180, "max": 180, "interval": 60, **_axis(), "axisLabel": _degrees()},
        "yAxis": {"type": "value", "min": -90, "max": 90, "interval": 30, **_axis(), "axisLabel": _degrees()},
        "series": [
            {
                "type": "scatter", "data": [[longitude, latitude]], "symbol": "pin", "symbolSize": 30,
                "itemStyle": {"color": COLORS["failed"]},
            }
        ],
    }  # fmt: skip


def _degrees() -> dict[str, str]:
    return {"formatter": "{value}°", "color": TEXT}


def _base() -> dict[str, Any]:
    return {"animationDuration": 250, "textStyle": {"fontFamily": FONT}, "aria": {"enabled": True}}


def _axis() -> dict[str, Any]:
    return {
        "axisLabel": {"color": TEXT}, "axisLine": {"lineStyle": {"color": LINE}}, "nameTextStyle": {"color": TEXT},
        "splitLine": {"lineStyle": {"color": LINE}},
    }  # fmt: skip
