"""Draws the previews of an archive: a sheet with its folders and files, as a file manager shows them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any

from PIL import Image, ImageDraw

from tasks.shared.work import Drawn
from tasks.thumbnail.fonts import font
from tasks.thumbnail.previews import BOXES_PX, previews_of
from workflow.errors import ThumbnailError

DRAWN_FROM = "contents"
WIDTH_PX, HEIGHT_PX = 1024, 768

PAPER, INK, FAINT, LINE, FOLDER = "#ffffff", "#1f2430", "#7a8292", "#e3e6ec", "#e0a63a"
_FAMILIES: Mapping[str, str] = MappingProxyType(
    {"image": "#3f8f5b", "video": "#8b4fb5", "audio": "#c2557a", "text": "#3b74c4", "application": "#4d5666"}
)

_MARGIN_PX, _TOP_PX, _ROW_PX, _INDENT_PX, _MARK_PX = 40, 128, 32, 28, 18
_TITLE_SIZE, _ROW_SIZE = 34, 22
_MAX_INDENTS = 8
_ROWS = (HEIGHT_PX - _TOP_PX - _MARGIN_PX) // _ROW_PX
_UNITS = ("bytes", "KB", "MB", "GB", "TB")
_THOUSAND = 1000
_END_CHARS, _MIN_CHARS = 10, 14


@dataclass(frozen=True)
class Row:
    """A line of the sheet."""

    depth: int
    name: str
    color: str
    size: str = ""


def preview(path: Path) -> Drawn:
    """Previews of the list that Transform made, smallest first."""
    try:
        contents: dict[str, Any] = json.loads(path.read_bytes())
        sheet = _draw(contents)
    except (KeyError, OSError, TypeError, ValueError) as exc:
        raise ThumbnailError(f"The list of the archive's files cannot be drawn ({exc}).") from exc
    return previews_of(sheet, (*BOXES_PX, WIDTH_PX))


def rows_of(entries: Sequence[Mapping[str, Any]]) -> Iterator[Row]:
    """Folders, each above what is in it, and files with their sizes, in the order of their names."""
    last: list[str] = []
    for entry in sorted(entries, key=lambda entry: [part.casefold() for part in entry["name"].split("/")]):
        *folders, name = entry["name"].split("/")
        same = next((at for at, (one, other) in enumerate(zip(folders, last, strict=False)) if one != other), None)
        known = min(len(folders), len(last)) if same is None else same
        yield from (Row(depth, folders[depth], FOLDER) for depth in range(known, len(folders)))
        yield Row(len(folders), name, _color(entry["type"]), human_size(entry["bytes"]))
        last = folders


def human_size(count: int) -> str:
    """In the largest unit that leaves a number of at least one, with at most three digits."""
    size, unit = float(count), 0
    while round(size) >= _THOUSAND and unit < len(_UNITS) - 1:
        size, unit = size / _THOUSAND, unit + 1
    return f"{size:.1f} {_UNITS[unit]}" if unit and size < _THOUSAND / 10 else f"{size:.0f} {_UNITS[unit]}"


def _color(media_type: str) -> str:
    return _FAMILIES.get(media_type.partition("/")[0], FAINT)


def _draw(contents: Mapping[str, Any]) -> Image.Image:
    sheet = Image.new("RGB", (WIDTH_PX, HEIGHT_PX), PAPER)
    draw = ImageDraw.Draw(sheet)
    _draw_heading(draw, contents)
    rows = list(islice(rows_of(contents["entries"]), _ROWS + 1))
    shown = rows if len(rows) <= _ROWS else rows[: _ROWS - 1]
    for at, row in enumerate(shown):
        _draw_row(draw, row, _TOP_PX + at * _ROW_PX)
    if len(shown) < len(rows):
        files = contents["files"] - sum(bool(row.size) for row in shown)
        _text(draw, (_MARGIN_PX, _TOP_PX + len(shown) * _ROW_PX), f"… and {files:,} more files", _ROW_SIZE, FAINT)
    return sheet


def _draw_heading(draw: ImageDraw.ImageDraw, contents: Mapping[str, Any]) -> None:
    count = contents["files"]
    told = f"{count:,} {'file' if count == 1 else 'files'}, {human_size(contents['bytes'])}"
    _text(draw, (_MARGIN_PX, _MARGIN_PX - 8), contents["archive"], _TITLE_SIZE, INK, WIDTH_PX - 2 * _MARGIN_PX)
    _text(draw, (_MARGIN_PX, _MARGIN_PX + _TITLE_SIZE), told, _ROW_SIZE, FAINT)
    draw.line((_MARGIN_PX, _TOP_PX - 14, WIDTH_PX - _MARGIN_PX, _TOP_PX - 14), LINE, 2)


def _draw_row(draw: ImageDraw.ImageDraw, row: Row, top: int) -> None:
    left = _MARGIN_PX + min(row.depth, _MAX_INDENTS) * _INDENT_PX
    mark = top + (_ROW_PX - _MARK_PX) // 2
    draw.rounded_rectangle((left, mark, left + _MARK_PX, mark + _MARK_PX), 4, row.color)
    size_px = draw.textlength(row.size, font(_ROW_SIZE))
    name_left = left + _MARK_PX + 12
    room = WIDTH_PX - _MARGIN_PX - size_px - 20 - name_left
    _text(draw, (name_left, top + 2), row.name, _ROW_SIZE, INK, room)
    _text(draw, (WIDTH_PX - _MARGIN_PX - size_px, top + 2), row.size, _ROW_SIZE, FAINT)


def _text(
    draw: ImageDraw.ImageDraw, at: tuple[float, float], text: str, size: int, color: str, room_px: float = WIDTH_PX
) -> None:
    """Text that is too long for its room loses its middle: ends of names tell versions and types."""
    used, shown = font(size), text
    kept = len(text)
    while draw.textlength(shown, used) > room_px and kept > _MIN_CHARS:
        kept -= 1
        shown = f"{text[: kept - _END_CHARS]}…{text[-_END_CHARS:]}"
    draw.text(at, shown, color, used)
