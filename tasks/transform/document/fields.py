"""Draws onto the pages what stands in form fields and notes, as viewers show it, so that its text is read, too."""

from pathlib import Path

from pikepdf import Array, Dictionary, Name, Pdf

_WITHOUT_TEXT = frozenset({"/Link", "/Popup"})


def with_fields_drawn(web: Path, drawn: Path) -> Path:
    """A copy of the PDF in which they belong to the pages; the PDF itself where there are none."""
    with Pdf.open(web) as pdf:
        if not any(_has_fields(page.obj.get(Name.Annots)) for page in pdf.pages):
            return web
        pdf.generate_appearance_streams()
        pdf.flatten_annotations("screen")
        pdf.save(drawn)
    return drawn


def _has_fields(annotations: object) -> bool:
    if not isinstance(annotations, Array):
        return False
    kinds = (each.get(Name.Subtype) for each in annotations if isinstance(each, Dictionary))
    return any(str(kind) not in _WITHOUT_TEXT for kind in kinds)
