"""Shows a rendition: picture, video, sound, PDF, table or archive. Only what the pipeline made is shown in the page."""

import re
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from nicegui import ui

from tasks.shared.records.model import Record
from workflow.operator.console import charts
from workflow.operator.console.files import Files
from workflow.operator.console.live import Part, ask
from workflow.operator.console.widgets import box, button, code, empty, plain_table, size
from workflow.shapes import MadeFile

WAVE_POINTS = 400
MEMBERS_SHOWN = 200
COLUMNS_SHOWN = 60
FRAME_PIXELS = 120
PROFILE = ("name", "type", "nulls", "distinct", "min", "max", "mean")
SPARKS = "▁▂▃▄▅▆▇█"
CAPTIONS = "text/vtt"
LARGEST = ("1024", "512", "256", "128")

_CUE = re.compile(r"(?P<start>[\d:.]+) --> [\d:.]+\n(?P<file>[^\n#]*)#xywh=(?P<x>\d+),(?P<y>\d+),(?P<w>\d+),(?P<h>\d+)")


def view(files: Files, record: Record) -> None:
    """The rendition, as its kind is best seen; what is not there yet is said."""
    made = {each.name: each for each in record.renditions}
    draw = VIEWERS.get(record.kind or "")
    if not made or draw is None:
        empty("No preview", "There is no rendition: " + _why_none(record))
        return
    draw(files, record, made)


def _why_none(record: Record) -> str:
    if record.status == "processing":
        return "it is being made."
    return "the file was not converted; the reason stands on this page."


def _thumbnail(files: Files, record: Record) -> str | None:
    made = {each.name: each for each in record.thumbnails}
    return next((files.inline(made[name]) for name in LARGEST if name in made), None)


def _picture(files: Files, record: Record, made: Mapping[str, MadeFile]) -> None:
    with box("viewer checks" if record.facts.get("has_alpha") else "viewer"):
        _image(files.inline(made["web"]) or _thumbnail(files, record), record.key)


def _image(source: str | None, description: str) -> None:
    if source:
        image = ui.element("img")
        image.props["src"], image.props["alt"] = source, description


def _video(files: Files, record: Record, made: Mapping[str, MadeFile]) -> None:
    source = files.inline(made["web"])
    if source is None:
        return
    with box("viewer"):
        # An element of its own, as NiceGUI's has no place for captions.
        player = ui.element("video").props("controls preload=metadata")
        player.props["src"], player.props["poster"] = source, _thumbnail(files, record)
    for name, file in made.items():
        if file.content_type == CAPTIONS:
            _later(partial(files.text, file), partial(_captions, player, name.removeprefix("captions-")))
    previews = {each.name: each for each in record.thumbnails}
    if "storyboard" in previews and "storyboard-index" in previews:
        _later(
            lambda: files.text(previews["storyboard-index"]), partial(_frames, files, previews["storyboard"], player)
        )


def _captions(player: ui.element, language: str, said: str) -> None:
    """Within the page's own address, as a player takes no captions from another origin that is not asked by CORS."""
    with player:
        track = ui.element("track").props("kind=captions")
        track.props["src"] = f"data:{CAPTIONS};base64,{b64encode(said.encode()).decode()}"
        track.props["srclang"] = track.props["label"] = language


def _frames(files: Files, sheet: MadeFile, player: ui.element, index: str) -> None:
    """The storyboard as buttons: each leads to its moment."""
    source = files.inline(sheet)
    with box("frames").props('role=group aria-label="Storyboard"'):
        for cue in _CUE.finditer(index):
            seconds, x, y, w, h = _seconds(cue["start"]), *(int(cue[name]) for name in "xywh")
            scale = FRAME_PIXELS / w
            frame = ui.element("button").props(f'aria-label="Go to {seconds:.0f} seconds"')
            frame.style(
                f"width: {FRAME_PIXELS}px; height: {h * scale:.0f}px; background: url('{source}') "
                f"-{x * scale:.0f}px -{y * scale:.0f}px / {(sheet.width or 0) * scale:.0f}px auto"
            )
            frame.on("click", js_handler=f"() => {{ getHtmlElement({player.id}).currentTime = {seconds} }}")


def _seconds(clock: str) -> float:
    total = 0.0
    for part in clock.split(":"):
        total = total * 60 + float(part)
    return total


def _sound(files: Files, record: Record, made: Mapping[str, MadeFile]) -> None:
    if "cover" in made:
        with box("viewer"):
            _image(files.inline(made["cover"]), "Cover")
    if "peaks" in made:
        _later(lambda: files.json(made["peaks"]), partial(_wave, record.facts.get("duration_seconds") or 1.0))
    source = files.inline(made["web"])
    if source:
        ui.audio(source).classes("full-width").props('preload=metadata aria-label="Player"')


def _wave(seconds: float, peaks: Any) -> None:
    if peaks:
        chart = ui.echart(charts.waveform(loudness(peaks), seconds)).classes("full-width").style("height: 130px")
        chart.props('role=img aria-label="Waveform"')


def loudness(peaks: Any) -> list[float]:
    """At most WAVE_POINTS values, the largest of each stretch; 1 is the loudest, so that quiet sound is seen, too."""
    values = [abs(each) for each in peaks["data"]]
    full = max(values, default=0) or 1
    step = max(1, -(-len(values) // WAVE_POINTS))
    return [round(max(values[at : at + step]) / full, 3) for at in range(0, len(values), step)]


def _paper(files: Files, record: Record, made: Mapping[str, MadeFile]) -> None:
    place = box("viewer")
    source = files.inline(made["web"])
    with place:
        _image(_thumbnail(files, record), "First page")
    if source:
        button("Open the PDF here", "description", on_click=lambda: _open_paper(place, source))
    if "text" in made:
        with ui.expansion("Text").classes("full-width").props("dense"):
            _later(lambda: files.text(made["text"]), lambda said: code(said, "Text of the document"))


def _open_paper(place: ui.element, source: str) -> None:
    """From S3's own origin: what it can do there does not reach this page."""
    place.clear()
    with place:
        paper = ui.element("iframe").props('title="The document" referrerpolicy=no-referrer')
        paper.props["src"] = source


def _table(files: Files, record: Record, made: Mapping[str, MadeFile]) -> None:
    with box("viewer"):
        _image(_thumbnail(files, record), "First rows")
    if "profile" in made:
        _later(lambda: files.json(made["profile"]), _profile)


def _profile(profile: Any) -> None:
    tables: list[Any] = profile.get("tables", [])
    for table in tables:
        _columns(table)


def _columns(table: Any) -> None:
    columns = table["columns"][:COLUMNS_SHOWN]
    rows = [(*(_told(column.get(name)) for name in PROFILE), sparks(column.get("histogram", []))) for column in columns]
    plain_table(f"{table['name']}: {table['rows']:,} rows", (*PROFILE, "spread"), rows)
    if first := table.get("first_rows"):
        names = [column["name"] for column in columns]
        plain_table("First rows", names, [[_told(cell) for cell in row[: len(names)]] for row in first])


def sparks(histogram: Sequence[int]) -> str:
    """A histogram in block characters, one for each of its bars."""
    most = max(histogram, default=0)
    return "".join(SPARKS[round(count / most * (len(SPARKS) - 1))] for count in histogram) if most else ""


def _told(value: Any) -> str:
    return "" if value is None else f"{value:,.2f}" if isinstance(value, float) else str(value)


def _contents(files: Files, record: Record, made: Mapping[str, MadeFile]) -> None:
    with box("viewer"):
        _image(_thumbnail(files, record), "Contents")
    _later(lambda: files.json(made["contents"]), _members)


def _members(contents: Any) -> None:
    members: list[Any] = contents.get("entries", [])
    rows = [(each["name"], each.get("type", ""), size(each["bytes"])) for each in members[:MEMBERS_SHOWN]]
    plain_table(f"{len(rows):,} of {len(members):,} files", ("name", "type", "size"), rows)


def _later(load: Callable[[], Any], draw: Callable[[Any], None]) -> None:
    """Draw here once it has come; the page does not wait for it."""
    part = Part()

    async def look() -> None:
        part.show(await ask(load), draw)

    ui.timer(0, look, once=True)


VIEWERS: Mapping[str, Callable[[Files, Record, Mapping[str, MadeFile]], None]] = {
    "image": _picture,
    "video": _video,
    "audio": _sound,
    "document": _paper,
    "table": _table,
    "archive": _contents,
}
