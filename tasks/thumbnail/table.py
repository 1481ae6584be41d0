"""Draws a table from its profile: name, size, and each column's type, gaps and distribution over its first rows.

Letters that the font lacks, such as Kanji, are drawn as blocks: their amount shows, they cannot be read.
"""

import json
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from types import MappingProxyType
from typing import Any

from PIL import Image, ImageDraw

from tasks.shared.work import Drawn
from tasks.thumbnail.fonts import font
from tasks.thumbnail.previews import previews_of
from workflow.errors import ThumbnailError

DRAWN_FROM = "profile"
BOXES_PX = (128, 256, 512, 1024)
MAX_COLUMNS = 5

WIDTH, HEIGHT, MARGIN, GAP = 1024, 768, 40, 12
TITLE_PX, NAME_PX, TEXT_PX, SMALL_PX, TINY_PX = 46, 27, 23, 20, 17
HEAD_TOP, CHART_TOP, CHART_HEIGHT, ROWS_TOP, ROW_HEIGHT = 156, 240, 120, 410, 38
PADDING = 12
MAX_BARS, DASH_PX = 4, 18

PAPER, CARD, INK, FAINT, LINE = "#f8fafc", "#ffffff", "#0f172a", "#64748b", "#e2e8f0"

_NO_LETTER = "\uffff"

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Style:
    """How a family of types is called and colored."""

    label: str
    strong: str
    light: str


NUMBER, TEXT = Style("number", "#2563eb", "#bfdbfe"), Style("text", "#b45309", "#fde68a")
TIME, TRUTH = Style("time", "#7c3aed", "#ddd6fe"), Style("yes / no", "#047857", "#a7f3d0")
NESTED = Style("nested", "#475569", "#cbd5e1")
_STYLES: tuple[tuple[tuple[str, ...], Style], ...] = (
    (("STRUCT", "MAP", "UNION", "JSON", "VARIANT"), NESTED),
    (("DATE", "TIME"), TIME),
    (("BOOLEAN",), TRUTH),
    (("BIGINT", "INT", "SMALLINT", "TINYINT", "U", "HUGEINT", "DOUBLE", "FLOAT", "DECIMAL"), NUMBER),
)
_LABELS: Mapping[str, str] = MappingProxyType(
    {"BIGINT": "whole number", "DATE": "date", "TIMESTAMP": "date and time", "TIMESTAMP WITH TIME ZONE": "time, UTC"}
)


def preview(path: Path) -> Drawn:
    """Previews of the first table of a profile; ThumbnailError if it cannot be read."""
    try:
        profile = json.loads(path.read_text(encoding="utf-8"))
        image = draw_table(profile)
    except (OSError, ValueError, KeyError, TypeError, IndexError) as exc:
        raise ThumbnailError(f"The profile cannot be read, so no previews were drawn ({exc!r}).") from exc
    return previews_of(image, BOXES_PX)


def draw_table(profile: Mapping[str, Any]) -> Image.Image:
    """The picture that the previews are made of."""
    table = profile["tables"][0]
    image = Image.new("RGB", (WIDTH, HEIGHT), PAPER)
    pen = Pen(ImageDraw.Draw(image))
    pen.write((MARGIN, 34), profile["title"], TITLE_PX, INK, WIDTH - 2 * MARGIN)
    pen.write((MARGIN, 96), _summary(profile), NAME_PX, FAINT, WIDTH - 2 * MARGIN)
    shown = min(MAX_COLUMNS, len(table["columns"]))
    width = (WIDTH - 2 * MARGIN - GAP * (shown - 1)) / shown
    for at, column in enumerate(table["columns"][:shown]):
        left = MARGIN + at * (width + GAP)
        cells = [row[at] if at < len(row) else None for row in table["first_rows"]]
        _draw_column(pen, left, width, column, cells)
    return image


def _summary(profile: Mapping[str, Any]) -> str:
    table, more = profile["tables"][0], len(profile["tables"]) - 1
    said = [_several(table["rows"], "row"), _several(table["columns_total"], "column")]
    if table["columns_total"] > MAX_COLUMNS:
        said[1] += f", {MAX_COLUMNS} shown"
    if table["bad_rows"]:
        said.append(_several(table["bad_rows"], "bad row"))
    if more:
        said.append(f"the first of {more + 1} tables")
    return "  ·  ".join(said)


def _several(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _draw_column(pen: "Pen", left: float, width: float, column: Mapping[str, Any], cells: Sequence[str | None]) -> None:
    style, inner = _style(column["type"]), (left + PADDING, left + width - PADDING)
    pen.card((left, HEAD_TOP, left + width, HEIGHT - MARGIN / 2))
    pen.fill((left, HEAD_TOP, left + width, HEAD_TOP + 5), style.strong)
    pen.write((inner[0], HEAD_TOP + 16), column["name"], NAME_PX, INK, inner[1] - inner[0])
    kind, room = _type_line(column, style), inner[1] - inner[0]
    kind_px = next((size for size in (SMALL_PX, TINY_PX) if pen.width(kind, size) <= room), TINY_PX)
    pen.write((inner[0], HEAD_TOP + 52), kind, kind_px, style.strong, room)
    _draw_distribution(pen, (inner[0], CHART_TOP, inner[1], CHART_TOP + CHART_HEIGHT), column, style)
    _draw_range(pen, inner, column)
    pen.fill((left, ROWS_TOP - 10, left + width, ROWS_TOP - 9), LINE)
    for at, cell in enumerate(cells[: int((HEIGHT - MARGIN - ROWS_TOP) // ROW_HEIGHT)]):
        _draw_cell(pen, inner, ROWS_TOP + at * ROW_HEIGHT, cell, style)


def _style(kind: str) -> Style:
    if kind.endswith("]"):
        return NESTED
    return next((style for names, style in _STYLES if kind.startswith(names) and kind != "UUID"), TEXT)


def _type_line(column: Mapping[str, Any], style: Style) -> str:
    label = _LABELS.get(column["type"], style.label)
    rows = column.get("count", 0) + column.get("nulls", 0)
    empty = column.get("nulls", 0) / rows if rows else 0
    return f"{label} · {_share(empty)} empty" if empty else label


def _share(share: float) -> str:
    return f"{share:.0%}" if share >= 0.01 else "<1%"  # noqa: PLR2004 - less rounds to nothing


def _draw_distribution(pen: "Pen", box: Box, column: Mapping[str, Any], style: Style) -> None:
    if any(column.get("histogram") or ()):
        _draw_histogram(pen, box, column["histogram"], style)
    elif column.get("top"):
        _draw_bars(pen, box, column["top"][:MAX_BARS], column["count"], style)
    else:
        pen.write((box[0], (box[1] + box[3]) / 2 - SMALL_PX), _distinct(column), SMALL_PX, FAINT, box[2] - box[0])


def _distinct(column: Mapping[str, Any]) -> str:
    if not column.get("count"):
        return "no values" if "count" in column else ""
    return f"{column['distinct']:,} different" if "distinct" in column else _several(column["count"], "value")


def _draw_histogram(pen: "Pen", box: Box, counts: Sequence[int], style: Style) -> None:
    step = (box[2] - box[0]) / len(counts)
    for at, count in enumerate(counts):
        height = max(2.0 if count else 0.0, (box[3] - box[1]) * count / max(counts))
        pen.fill((box[0] + at * step, box[3] - height, box[0] + (at + 1) * step - 1.5, box[3]), style.strong)
    pen.fill((box[0], box[3], box[2], box[3] + 1), LINE)


def _draw_bars(pen: "Pen", box: Box, top: Sequence[Mapping[str, Any]], count: int, style: Style) -> None:
    """The most frequent values, their shares as the lengths of bars behind them."""
    height = (box[3] - box[1]) / MAX_BARS
    for at, entry in enumerate(top):
        y, share = box[1] + at * height, entry["count"] / count
        pen.fill((box[0], y, box[0] + max(3.0, (box[2] - box[0]) * share), y + height - 3), style.light)
        said = _share(share)
        said_width = pen.width(said, SMALL_PX)
        pen.write((box[0] + 5, y + 3), entry["value"], SMALL_PX, INK, box[2] - box[0] - said_width - 14)
        pen.write((box[2] - said_width, y + 3), said, SMALL_PX, FAINT, said_width)


def _draw_range(pen: "Pen", inner: tuple[float, float], column: Mapping[str, Any]) -> None:
    if not column.get("histogram"):
        return
    y, half = CHART_TOP + CHART_HEIGHT + 6, (inner[1] - inner[0]) / 2 - 4
    ends = (str(column["min"]), str(column["max"]))
    forms = [form for form in _forms(*ends) if all(pen.width(end, SMALL_PX) <= half for end in form)]
    low, high = (pen.fitted(end, SMALL_PX, half) for end in (forms or list(_forms(*ends)))[0])
    pen.write((inner[0], y), low, SMALL_PX, FAINT, half)
    pen.write((inner[1] - pen.width(high, SMALL_PX), y), high, SMALL_PX, FAINT, half)


def _forms(low: str, high: str) -> Iterator[tuple[str, str]]:
    """Both ends in ever shorter forms: numbers in four digits or so, dates without what they share or their days."""
    try:
        yield _compact(float(low)), _compact(float(high))
    except ValueError:
        yield low[:10], high[:10]
        if low[:10] == high[:10]:
            yield low[11:16], high[11:16]
        if low[:4] == high[:4]:
            yield low[5:10], high[5:10]
        yield low[:7], high[:7]
        yield low[:4], high[:4]


def _compact(number: float) -> str:
    is_short_whole = abs(number) < 1e6 and number == round(number)  # noqa: PLR2004 - with its commas
    return f"{number:,.0f}" if is_short_whole else f"{number:.4g}"


def _draw_cell(pen: "Pen", inner: tuple[float, float], y: float, cell: str | None, style: Style) -> None:
    room = inner[1] - inner[0]
    if cell is None:
        x = inner[1] - DASH_PX if style is NUMBER else inner[0]
        pen.fill((x, y + TEXT_PX / 2, x + DASH_PX, y + TEXT_PX / 2 + 2), LINE)
        return
    text = pen.fitted(" ".join(cell.split()), TEXT_PX, room)
    x = inner[1] - pen.width(text, TEXT_PX) if style is NUMBER else inner[0]
    pen.write((x, y), text, TEXT_PX, INK, room)


@dataclass(frozen=True)
class Pen:
    """Writes and fills on one picture; sizes and places in pixels."""

    draw: ImageDraw.ImageDraw

    def fill(self, box: Box, color: str) -> None:
        """A rectangle, of at least a pixel."""
        left, top, right, bottom = box
        self.draw.rectangle((left, top, max(left, right - 1), max(top, bottom - 1)), color)

    def card(self, box: Box) -> None:
        """White, with rounded corners and a hairline around it."""
        self.draw.rounded_rectangle(box, 6, CARD, LINE)

    def write(self, at: tuple[float, float], text: str, size_px: int, color: str, room: float) -> None:
        """A line of text that is cut to `room`."""
        x, y = at
        for is_drawn, piece in _pieces(self.fitted(text, size_px, room)):
            if is_drawn:
                self.draw.text((x, y), piece, color, font(size_px))
            else:
                self._write_blocks((x, y), len(piece), size_px)
            x += _piece_width(piece, size_px, is_drawn=is_drawn)

    def width(self, text: str, size_px: int) -> float:
        """Of a line of text."""
        return sum(_piece_width(piece, size_px, is_drawn=is_drawn) for is_drawn, piece in _pieces(text))

    def fitted(self, text: str, size_px: int, room: float) -> str:
        """The text, or its beginning and an ellipsis."""
        text = "".join(letter if letter.isprintable() else " " for letter in text[:200])
        if self.width(text, size_px) <= room:
            return text
        lengths = range(len(text) - 1, 0, -1)
        return next((cut for at in lengths if self.width(cut := f"{text[:at]}…", size_px) <= room), "")

    def _write_blocks(self, at: tuple[float, float], count: int, size_px: int) -> None:
        step, top = _block_width(size_px), at[1] + size_px * 0.28
        for number in range(count):
            x = at[0] + number * step
            self.draw.rounded_rectangle((x, top, x + step - 3, top + size_px * 0.6), 2, "#94a3b8")


def _pieces(text: str) -> list[tuple[bool, str]]:
    """The text in runs that the font has, and has not; marks that take no room are left out."""
    letters = (letter for letter in text if not unicodedata.combining(letter) and unicodedata.category(letter) != "Mn")
    return [(is_drawn, "".join(run)) for is_drawn, run in groupby(letters, _is_in_font)]


def _piece_width(piece: str, size_px: int, *, is_drawn: bool) -> float:
    return font(size_px).getlength(piece) if is_drawn else len(piece) * _block_width(size_px)


def _block_width(size_px: int) -> float:
    return size_px * 0.7


@cache
def _is_in_font(letter: str) -> bool:
    return letter.isspace() or _drawn(letter) != _drawn(_NO_LETTER)


def _drawn(letter: str) -> bytes:
    image = Image.new("L", (2 * TEXT_PX, 2 * TEXT_PX))
    ImageDraw.Draw(image).text((0, 0), letter, "white", font(TEXT_PX))
    return image.tobytes()
