"""Reads the pages of a sanitized PDF: their sizes, and their text into a file."""

import re
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from pypdfium2 import PdfDocument, PdfiumError, PdfPage, PdfTextPage

from tasks.shared.pdf_fonts import start_pdfium, undrawn_letters
from tasks.transform.document.limits import MAX_TEXT_CHARS, MAX_TEXT_SECONDS

PAGE_BREAK = "\f"

# PDFium marks a hyphen at the end of a line, behind which the word goes on, by one of these two.
_HYPHENS = re.compile("[\x02\ufffe]")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\uffff]+")


@dataclass
class Pages:
    """What was found. Sizes in points, as they are shown; `unread` pages could not be opened.

    The text of the pages from `text_ends_at` on was not read any more. `undrawn` are letters of the first page.
    """

    sizes: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])
    characters: int = 0
    words: int = 0
    with_text: int = 0
    unread: int = 0
    text_ends_at: int | None = None
    undrawn: str = ""


def read_pages(document: Path, text_file: Path) -> Pages:
    """Writes the text of all pages, a form feed between them, until there is more of it than anybody reads."""
    start_pdfium()
    found, deadline = Pages(), time.monotonic() + MAX_TEXT_SECONDS
    with closing(PdfDocument(document)) as pdf, text_file.open("w", encoding="utf-8", newline="\n") as file:
        for number, page in enumerate(_pages(pdf)):
            if page is None:
                found.unread += 1
                continue
            with closing(page):
                found.sizes.append(cast("tuple[float, float]", page.get_size()))
                if found.characters > MAX_TEXT_CHARS or time.monotonic() > deadline:
                    found.text_ends_at = number if found.text_ends_at is None else found.text_ends_at
                    continue
                with closing(page.get_textpage()) as written:
                    found.undrawn += "" if number else "".join(undrawn_letters(written))
                    text = _text_of(written)
            _count(found, text)
            file.write(f"{PAGE_BREAK if number else ''}{text}")
    return found


def _pages(pdf: PdfDocument) -> Iterator[PdfPage | None]:
    for number in range(len(pdf)):
        try:
            yield pdf[number]
        except PdfiumError:
            yield None


def _text_of(written: PdfTextPage) -> str:
    lines = str(written.get_text_range()).replace("\r\n", "\n").replace("\r", "\n")
    return _UNPRINTABLE.sub(" ", _HYPHENS.sub("", lines)).strip()


def _count(found: Pages, text: str) -> None:
    words = text.split()
    found.words += len(words)
    found.characters += len(text)
    found.with_text += bool(words)
