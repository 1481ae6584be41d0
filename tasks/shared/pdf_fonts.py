"""Fonts for what a PDF does not bring along: Noto's for East Asian letters, PDFium's own for all others.

PDFium takes fonts when it starts: before a file is opened, and in a child of its own.
"""

import typing
import unicodedata
from collections.abc import Iterator
from ctypes import POINTER, c_char, c_char_p, cast
from functools import cache
from typing import Any

import noto_cjk_sans_otc
from pypdfium2 import PdfTextPage, raw

PDFIUM: Any = raw
"""Written by a program, without types."""

_LETTERS_LOOKED_AT = 20_000
_FLAT = 0.004
"""The box of a glyph that draws nothing: a thousandth of its letter's size in one direction."""

_UNSEEN = frozenset({"Cc", "Cf", "Cn", "Co", "Mn", "Zl", "Zp", "Zs"})


@cache
def start_pdfium() -> None:
    """With these fonts, and none that the machine has: a file looks the same wherever it is drawn."""
    folder = c_char_p(str(noto_cjk_sans_otc.FONT_PATH).removesuffix(noto_cjk_sans_otc.FONT_FILE).encode())
    folders = (POINTER(c_char) * 2)(cast(folder, POINTER(c_char)), None)
    PDFIUM.FPDF_DestroyLibrary()
    PDFIUM.FPDF_InitLibraryWithConfig(PDFIUM.FPDF_LIBRARY_CONFIG(version=2, m_pUserFontPaths=folders))


def undrawn_letters(text: PdfTextPage) -> Iterator[str]:
    """Letters that are to be seen, but for which neither the file nor PDFium has a glyph."""
    for at in range(min(PDFIUM.FPDFText_CountChars(text), _LETTERS_LOOKED_AT)):
        letter = chr(PDFIUM.FPDFText_GetUnicode(text, at))
        if unicodedata.category(letter) not in _UNSEEN and _is_flat(text, at) and _is_shown_by_another_font(text, at):
            yield letter


def _is_flat(text: PdfTextPage, at: int) -> bool:
    left, bottom, right, top = typing.cast("tuple[float, float, float, float]", text.get_charbox(at))
    low, high = sorted((right - left, top - bottom))
    return low < _FLAT * high


def _is_shown_by_another_font(text: PdfTextPage, at: int) -> bool:
    """Scanned pages have invisible letters above their pictures."""
    shown = PDFIUM.FPDFText_GetTextObject(text, at)
    if not shown or PDFIUM.FPDFTextObj_GetTextRenderMode(shown) == PDFIUM.FPDF_TEXTRENDERMODE_INVISIBLE:
        return False
    return not PDFIUM.FPDFFont_GetIsEmbedded(PDFIUM.FPDFTextObj_GetFont(shown))
