"""Makes the web rendition of a PDF: its pages without anything that acts or tells of persons; and its plain text.

The engines read hostile files only in a confined child: `child` is what that does.
"""

from tasks.shared.confined import ConfinedError, confined
from tasks.shared.work import Original, Recipe, Rendered, Written
from tasks.transform.document.child import TEXT_FILE, WEB_FILE, prepare
from tasks.transform.document.limits import CONFINES
from workflow.errors import CorruptDocument


def recipe_name(_original_name: str, recipe: Recipe) -> str:
    """Names everything that decides the output."""
    return "pdf-private" if recipe.publish_private else "pdf"


def transform(original: Original, recipe: Recipe) -> Rendered:
    """The sanitized PDF and, if there is any, its text; a RejectedError if the file is at fault."""
    try:
        made = confined(prepare, str(original.path), str(original.scratch), recipe.publish_private, confines=CONFINES)
    except ConfinedError as exc:
        raise CorruptDocument(
            f"The PDF cannot be read safely: it {exc}. Print it to a new PDF, or split it, and upload that."
        ) from exc
    web = Written("web", "application/pdf", original.scratch / WEB_FILE)
    text = Written("text", "text/plain; charset=utf-8", original.scratch / TEXT_FILE)
    return Rendered((web, text) if made["facts"]["has_text"] else (web,), made["facts"], made["technical"])
