"""Draws onto the pages what stands in form fields and notes, as viewers show it, so that its text is read, too."""

from pathlib import Path

from pikepdf import Array, Dictionary, Name, Pdf

_WITHOUT_TEXT = frozenset({"/Link", "/Popup"})


def draw_fields(pdf: Pdf, drawn: Path) -> Path | None:
    """Make them part of the pages, and write that to `drawn`; None where there are none. The PDF is another then."""
    if not any(_has_fields(page.obj.get(Name.Annots)) for page in pdf.pages):
        return None
    pdf.generate_appearance_streams()
    pdf.flatten_annotations("screen")
    pdf.save(drawn)
    return drawn


def _has_fields(annotations: object) -> bool:
    if not isinstance(annotations, Array):
        return False
    kinds = (each.get(Name.Subtype) for each in annotations if isinstance(each, Dictionary))
    return any(str(kind) not in _WITHOUT_TEXT for kind in kinds)
