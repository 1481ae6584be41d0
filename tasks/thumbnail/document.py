"""Draws the previews of a document: its first page, rendered in a confined child as hostile pages can crash PDFium."""

import tempfile
from contextlib import closing
from pathlib import Path
from typing import cast

from PIL import Image
from pypdfium2 import PdfBitmap, PdfDocument, PdfiumError, PdfPage

from tasks.shared.confined import ConfinedError, Confines, confined
from tasks.shared.pdf_fonts import start_pdfium
from tasks.shared.work import Drawn
from tasks.thumbnail.previews import BOXES_PX, previews_of
from workflow.errors import ThumbnailError

DRAWN_FROM = "web"
RENDERED_PX = 2 * BOXES_PX[-1]
"""The longest side of what is rendered: twice the largest preview, so that thin lines are not lost."""

CONFINES = Confines(memory_mb=1536, seconds=45, cpu_seconds=40)


def preview(path: Path) -> Drawn:
    """Previews of the first page, smallest first; ThumbnailError if it cannot be drawn."""
    with tempfile.TemporaryDirectory() as folder:
        pixels = Path(folder, "pixels")
        try:
            width, height = confined(render_first_page, str(path), str(pixels), confines=CONFINES)
        except ConfinedError as exc:
            raise ThumbnailError(f"The first page could not be drawn: it {exc}.") from exc
        return previews_of(Image.frombytes("RGB", (width, height), pixels.read_bytes()))


def render_first_page(path: str, pixels: str) -> tuple[int, int]:
    """Write its pixels, three bytes each; width and height."""
    start_pdfium()
    try:
        with closing(PdfDocument(path)) as pdf:
            pdf.init_forms()
            with closing(pdf[0]) as page:
                image = _rendered(page)
    except PdfiumError as exc:
        raise ThumbnailError(f"The first page could not be drawn ({exc}).") from exc
    Path(pixels).write_bytes(image.tobytes())
    return image.size


def _rendered(page: PdfPage) -> Image.Image:
    sides = cast("tuple[float, float]", page.get_size())
    with closing(cast("PdfBitmap", page.render(scale=cast("int", RENDERED_PX / max(sides))))) as bitmap:
        return bitmap.to_pil().convert("RGB")
