"""Compares what was made of a file with what is known of it: a JSON file beside its folder says `checks` by name."""

import io
import re
from collections.abc import Iterator
from typing import Any

import duckdb
from PIL import Image

from tasks.shared.work import Encoded, Rendered

MARKS_OF_METADATA = (b"Exif\0\0", b"http://ns.adobe.com/xap", b"Photoshop 3.0")


def faults(checks: dict[str, Any], rendered: Rendered, names: list[str]) -> list[str]:
    """One sentence for each thing that is not so."""
    if checks.get("status") == "rejected":
        return ["should be rejected"]
    found = [*text_faults(checks, rendered, names)]
    if any(file.content_type.startswith("image/") for file in rendered.files[:1]) and checks:
        found += picture_faults(checks, rendered)
    if rendered.technical.get("tables") and checks:
        found += table_faults(checks, rendered)
    return found


def is_to_be_looked_at(checks: dict[str, Any], rendered: Rendered) -> bool:
    """Whether nothing is said of a file that should be right, which only a person can tell, or told of."""
    return bool(checks.get("loud") and not rendered.facts.get("notes") and not rendered.facts.get("bad_rows"))


def content(rendered: Rendered, name: str = "") -> bytes:
    files = (file for file in rendered.files if file.name.startswith(name))
    return next((file.data if isinstance(file, Encoded) else file.path.read_bytes() for file in files), b"")


def text_faults(checks: dict[str, Any], rendered: Rendered, names: list[str]) -> Iterator[str]:
    text = content(rendered, "text").decode("utf-8", "replace") if "text" in checks else ""
    yield from (f"text {wanted!r} is missing" for wanted in checks.get("text", []) if wanted not in text)
    for wanted in checks.get("names", []):
        if not any(name.endswith(wanted) for name in names):
            yield f"no {wanted!r} among {names}"
    if checks.get("leak"):
        made = content(rendered)
        yield from (f"{mark!r} is in what is published" for mark in MARKS_OF_METADATA if mark in made)
    note = checks.get("note")
    if note is True and not rendered.facts.get("notes"):
        yield "there is no note"
    if isinstance(note, str) and note not in str(rendered.facts):
        yield f"{note!r} is not told"


def picture_faults(checks: dict[str, Any], rendered: Rendered) -> Iterator[str]:
    picture = Image.open(io.BytesIO(content(rendered)))
    if "size" in checks and list(picture.size) != checks["size"]:
        yield f"it has {picture.size} pixels"
    if "loop" in checks and picture.info.get("loop") != checks["loop"]:
        yield f"it plays {picture.info.get('loop')} times"
    yield from pixel_faults(picture, checks.get("px", []), "")
    if "spread" in checks:
        low, high = picture.convert("L").resize((32, 24)).getextrema()
        if high - low < checks["spread"]:
            yield f"its grays go from {low} to {high}"
    durations = []
    for at in range(getattr(picture, "n_frames", 1)):
        picture.seek(at)
        picture.load()
        durations.append(picture.info.get("duration"))
        yield from pixel_faults(picture, checks.get("fpx", {}).get(str(at), []), f"frame {at}: ")
    if checks.get("durations", durations) != durations:
        yield f"frames take {durations} ms"


def pixel_faults(picture: Image.Image, points: list[Any], where: str) -> Iterator[str]:
    colors = picture.convert("RGBA")
    for x, y, wanted, tolerance in points:
        found = colors.getpixel((x, y))
        if any(want != -1 and abs(got - want) > tolerance for got, want in zip(found, wanted, strict=False)):
            yield f"{where}({x}, {y}) is {found}, not {wanted}"


def table_faults(checks: dict[str, Any], rendered: Rendered) -> Iterator[str]:
    paths = [str(file.path) for file in rendered.files if file.name.startswith("tables/")]
    relation = duckdb.sql("FROM read_parquet($1, union_by_name = true)", params=[paths])
    columns, types = relation.columns, dict(zip(relation.columns, map(str, relation.types), strict=True))
    rows = relation.project("COLUMNS(*)::VARCHAR").fetchall()
    for name, found in {"cols": columns, "rows": len(rows), "ncols": len(columns)}.items():
        if checks.get(name, found) != found:
            yield f"{name} are {found}, not {checks[name]}"
    for name, at in (("first", 0), ("last", -1)):
        if name in checks and (not rows or not all(map(is_same, rows[at], checks[name]))):
            yield f"the {name} row is {rows[at] if rows else None}, not {checks[name]}"
    for column, wanted in checks.get("types", {}).items():
        if types.get(column) != wanted:
            yield f"{column!r} is {types.get(column)}, not {wanted}"
    yield from letter_faults(checks, str(columns) + str(rows))
    if checks.get("bad", rendered.facts["bad_rows"]) != rendered.facts["bad_rows"]:
        yield f"{rendered.facts['bad_rows']} rows are bad, not {checks['bad']}"


def letter_faults(checks: dict[str, Any], told: str) -> Iterator[str]:
    missing = [word for word in re.findall(r"\w+", checks.get("letters", "")) if word not in told]
    if missing:
        yield f"letters are missing: {missing}"


def is_same(found: str | None, wanted: Any) -> bool:
    return found == wanted or str(found) == str(wanted)
