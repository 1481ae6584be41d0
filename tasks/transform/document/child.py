"""What the confined child does: opens the PDF, takes out what is not to be published, and reads the rest."""

import warnings
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from pikepdf import ObjectStreamMode, Pdf, StreamDecodeLevel, explicit_conversion

from tasks.shared.published.document import prove_document
from tasks.transform.document import facts
from tasks.transform.document.damage import damage_named, encrypted, is_cut_off, reason, truncated
from tasks.transform.document.fields import draw_fields
from tasks.transform.document.limits import MAX_OBJECTS, MAX_PAGES
from tasks.transform.document.pages import Pages, read_pages
from tasks.transform.document.sanitize import lacks_objects, sanitize
from workflow.errors import CorruptDocument, TooLarge, TooManyPages

WEB_FILE, TEXT_FILE, DRAWN_FILE = "web.pdf", "text.txt", "drawn.pdf"

_START_MARK, _START_BYTES = b"%PDF-", 1024
_MAX_DAMAGES = 20


def prepare(path: str, folder: str, publish_private: bool) -> dict[str, Any]:
    """Write the two files into the folder; `facts` and `technical` of the document."""
    original, web = Path(path), Path(folder, WEB_FILE)
    with warnings.catch_warnings(action="ignore"), damage_named(original):
        with _opened(original) as pdf:
            account, technical = _account(pdf, publish_private=publish_private)
            notes = [*_polyglot_notes(original), *facts.account_notes(pdf)]
            notes += facts.left_out_notes(sanitize(pdf, publish_private=publish_private))
            unit = facts.user_unit_of(pdf.pages[0].obj)
            _save(pdf, web)
            damages = [reason(finding) for finding in cast("list[Exception]", pdf.get_warnings())]
            drawn = draw_fields(pdf, Path(folder, DRAWN_FILE))
        if not publish_private:
            prove_document(web)
        pages = read_pages(drawn or web, Path(folder, TEXT_FILE))
    _check_readable(pages, account["pages"])
    notes += [*_damage_notes(damages), *facts.page_notes(pages)]
    return {
        "facts": account | facts.page_facts(pages, unit) | ({"notes": notes} if notes else {}),
        "technical": technical | {"pages": facts.page_list(pages), "damages": damages[:_MAX_DAMAGES]},
    }


@contextmanager
def _opened(path: Path) -> Generator[Pdf]:
    """The PDF with all of its pages, repaired where that is possible without loss, and within its limits."""
    with explicit_conversion(), Pdf.open(path) as pdf:
        if pdf.is_encrypted and not pdf.user_password_matched:
            raise encrypted()
        _check_limits(pdf)
        if is_cut_off(path) and lacks_objects(pdf) and pdf.get_warnings():
            raise truncated(path)
        yield pdf


def _check_limits(pdf: Pdf) -> None:
    if len(pdf.objects) > MAX_OBJECTS:
        raise TooLarge(
            f"The PDF is made of {len(pdf.objects):,} parts; up to {MAX_OBJECTS:,} are allowed. "
            "Split it, or print it to a new PDF, and upload that."
        )
    if len(pdf.pages) > MAX_PAGES:
        raise TooManyPages(
            f"The PDF has {len(pdf.pages):,} pages; up to {MAX_PAGES:,} are allowed. Split it and upload the parts."
        )
    if not len(pdf.pages):
        raise CorruptDocument("The PDF has no pages. Check the program that made it, and upload it again.")


def _check_readable(pages: Pages, count: int) -> None:
    """The second engine has to see what the first one wrote."""
    if not pages.sizes or len(pages.sizes) + pages.unread != count:
        raise CorruptDocument(
            f"Only {len(pages.sizes):,} of the PDF's {count:,} pages can be opened: it is damaged. "
            "Open it in a PDF viewer, print or save it as a new PDF, and upload that."
        )


def _account(pdf: Pdf, *, publish_private: bool) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the file says of itself, in brief and in full."""
    account = {"pages": len(pdf.pages)} | facts.account_facts(pdf, publish_private=publish_private)
    return account, {"properties": facts.properties(pdf)} if publish_private else {}


def _save(pdf: Pdf, web: Path) -> None:
    """Streams keep their encoding, so that none is unpacked; the same content gives the same file."""
    pdf.save(
        web,
        linearize=True,
        object_stream_mode=ObjectStreamMode.generate,
        stream_decode_level=StreamDecodeLevel.none,
        encryption=False,
        fix_metadata_version=False,
        deterministic_id=True,
    )


def _polyglot_notes(path: Path) -> Iterator[str]:
    with path.open("rb") as file:
        at = file.read(_START_BYTES + len(_START_MARK)).find(_START_MARK)
    if at > 0:
        yield f"the PDF begins behind {at:,} bytes of something else, which are not in the rendition"


def _damage_notes(damages: list[str]) -> Iterator[str]:
    if damages:
        yield f"it is damaged and was repaired as far as possible ({len(damages):,} findings)"
