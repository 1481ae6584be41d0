"""What the record says of a document: what it is by its own account, what its pages are, and what became of it."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, cast

from pikepdf import Array, Boolean, Dictionary, Integer, Name, Object, Pdf, Real, String

from tasks.transform.document import active
from tasks.transform.document.damage import ENGINE_ERRORS
from tasks.transform.document.pages import Pages

MAX_FACT_CHARS = 200
MAX_PROPERTIES = 50
MAX_LETTERS_TOLD = 12
MAX_PAGES_LISTED = 1000
MM_PER_POINT = 25.4 / 72
MAX_USER_UNIT = 75_000
MAX_SIDE_POINTS = 1e9
"""Longer ones are nonsense, or no numbers at all."""

_PRIVATE_PROPERTIES: Mapping[str, str] = MappingProxyType(
    {"author": "/Author", "subject": "/Subject", "creator": "/Creator", "producer": "/Producer"}
)
_MOMENTS: Mapping[str, str] = MappingProxyType({"created": "/CreationDate", "modified": "/ModDate"})
_DATE = re.compile(r"(?:D:)?(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:([-+])(\d\d)'?(\d\d)?|(Z))?")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")


def account_facts(pdf: Pdf, *, publish_private: bool) -> dict[str, Any]:
    """What the file says of itself; only what is there and makes sense."""
    said = properties(pdf)
    facts: dict[str, Any] = {"title": said.get("/Title") or _title_in_xmp(pdf)}
    facts |= {name: moment(said.get(key, "")) for name, key in _MOMENTS.items()}
    facts |= {name: said.get(key) for name, key in _PRIVATE_PROPERTIES.items() if publish_private}
    facts |= {
        "pdf_version": pdf.pdf_version,
        "language": _text_at(pdf.Root, Name.Lang),
        "tagged": _is_tagged(pdf.Root),
        "linearized": pdf.is_linearized,
        "form_fields": _field_count(pdf.Root),
    }
    return {name: fact for name, fact in facts.items() if fact not in {None, ""}}


def account_notes(pdf: Pdf) -> Iterator[str]:
    """What a person should know of a file that is going to be rewritten."""
    form = pdf.Root.get(Name.AcroForm)
    if pdf.is_encrypted:
        yield "it is protected by an owner password; the rendition is not"
    if isinstance(form, Dictionary) and Name.XFA in form:
        yield "it is an XFA form; what only such forms show is not in the rendition"
    if Name.Collection in pdf.Root:
        yield "it is a portfolio; only its cover is in the rendition"


def left_out_notes(left_out: set[str]) -> Iterator[str]:
    """One sentence for everything that the rendition lacks, but for metadata, which it never has."""
    if active.SIGNATURES in left_out:
        yield "it is signed; the rendition is a changed copy, which the signature does not cover"
    told = sorted(left_out - {active.SIGNATURES, active.PRIVATE})
    if told:
        yield f"left out of the rendition: {', '.join(told)}"


def page_facts(pages: Pages, user_unit: float) -> dict[str, Any]:
    """Numbers of the pages; the size is of the first one. `user_unit` is its points per unit."""
    size: dict[str, Any] = {}
    if pages.sizes:
        width, height = (_millimetres(side * user_unit) for side in pages.sizes[0])
        size = {"page_width_mm": width, "page_height_mm": height, "page_sizes": len(set(_rounded(pages)))}
    return size | {
        "has_text": pages.words > 0,
        "pages_with_text": pages.with_text,
        "words": pages.words,
        "characters": pages.characters,
    }


def page_notes(pages: Pages) -> Iterator[str]:
    """What of the pages could not be read."""
    if pages.unread:
        yield f"{pages.unread:,} pages are damaged and cannot be shown"
    if pages.text_ends_at is not None:
        yield f"the text is that of the first {pages.text_ends_at:,} pages"
    if pages.undrawn:
        some = " ".join(dict.fromkeys(pages.undrawn[:MAX_LETTERS_TOLD]))
        yield f"the preview lacks {len(pages.undrawn):,} letters, whose font is not in the file: {some}"


def page_list(pages: Pages) -> list[dict[str, float | None]]:
    """The first pages' sizes."""
    listed = pages.sizes[:MAX_PAGES_LISTED]
    return [{"width_mm": _millimetres(width), "height_mm": _millimetres(height)} for width, height in listed]


def properties(pdf: Pdf) -> dict[str, str]:
    """The document information, bounded in number and length."""
    info = pdf.trailer.get(Name.Info)
    if not isinstance(info, Dictionary):
        return {}
    return {text_of(key): _text_at(info, Name(key)) for key in sorted(info.keys())[:MAX_PROPERTIES]}


def _text_at(holder: Object, key: Name) -> str:
    """Empty where there is none, or something else."""
    said = holder.get(key)
    return text_of(str(said)) if isinstance(said, String) else ""


def text_of(value: str | None) -> str:
    """As it can be shown on one line."""
    return _UNPRINTABLE.sub(" ", value or "").strip()[:MAX_FACT_CHARS]


def moment(date: str) -> str | None:
    """PDF's D:YYYYMMDDHHmmSSOHH'mm' in ISO 8601, with the offset from UTC where it is given."""
    parts = _DATE.match(date)
    if not parts:
        return None
    year, month, day, hour, minute, second, sign, hours, minutes, zulu = parts.groups()
    offset = "+00:00" if zulu else f"{sign}{hours}:{minutes or '00'}" if sign else ""
    try:
        return datetime.fromisoformat(
            f"{year}-{month or '01'}-{day or '01'}T{hour or '00'}:{minute or '00'}:{second or '00'}{offset}"
        ).isoformat()
    except ValueError:
        return None


def user_unit_of(page: Object) -> float:
    """What the page's sizes are to be multiplied with to be points."""
    said = page.get(Name.UserUnit)
    unit = float(said) if isinstance(said, Integer | Real) else 1.0
    return unit if 0 < unit <= MAX_USER_UNIT else 1.0


def _title_in_xmp(pdf: Pdf) -> str:
    """PDF 2.0 names a document there alone."""
    try:
        said = cast("dict[str, Any]", pdf.open_metadata())
        return text_of(str(said.get("dc:title", "")))
    except ENGINE_ERRORS:
        return ""


def _is_tagged(catalog: Object) -> bool:
    mark = catalog.get(Name.MarkInfo)
    return isinstance(mark, Dictionary) and isinstance(said := mark.get(Name.Marked), Boolean) and bool(said)


def _field_count(catalog: Object) -> int:
    form = catalog.get(Name.AcroForm)
    fields = form.get(Name.Fields) if isinstance(form, Dictionary) else None
    return len(fields) if isinstance(fields, Array) else 0


def _millimetres(points: float) -> float | None:
    return round(points * MM_PER_POINT, 1) if 0 <= points < MAX_SIDE_POINTS else None


def _rounded(pages: Pages) -> Iterator[tuple[float | None, float | None]]:
    return ((_millimetres(width), _millimetres(height)) for width, height in pages.sizes)
