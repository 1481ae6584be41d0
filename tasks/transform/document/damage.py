"""Raises what the engines raise on damaged files, and there are many ways, as the reject code that people read."""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from pikepdf import PasswordError, PikepdfError

from workflow.errors import CorruptDocument, EncryptedFile, TruncatedFile

ENGINE_ERRORS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    PikepdfError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
)

_END_MARK, _END_BYTES = b"%%EOF", 2048
_MAX_REASON_CHARS = 120


@contextmanager
def damage_named(path: Path) -> Generator[None]:
    """Raise whatever an engine raises as EncryptedFile, TruncatedFile or CorruptDocument."""
    try:
        yield
    except ENGINE_ERRORS as exc:
        if isinstance(exc, PasswordError) or "encrypt" in str(exc).lower():
            raise encrypted() from exc
        if is_cut_off(path):
            raise truncated(path) from exc
        raise CorruptDocument(
            f"The PDF cannot be read: it is damaged beyond repair ({reason(exc)}). "
            "Open it in a PDF viewer, print or save it as a new PDF, and upload that."
        ) from exc


def is_cut_off(path: Path) -> bool:
    """Whether the mark is missing that ends every PDF, though other bytes may follow it."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _END_BYTES))
        return _END_MARK not in file.read()


def encrypted() -> EncryptedFile:
    """What is said of a file that only a password opens."""
    return EncryptedFile("The PDF opens with a password only. Save it without password protection and upload that.")


def truncated(path: Path) -> TruncatedFile:
    """What is said of a file that was cut off."""
    return TruncatedFile(
        f"The PDF ends before its content is complete ({path.stat().st_size:,} bytes are there). "
        "Most likely an upload or a copy was cut off: upload the complete file again."
    )


def reason(finding: object) -> str:
    """An engine's message without the path of the file, with which qpdf's begin."""
    return str(finding).rpartition(": ")[2].strip()[:_MAX_REASON_CHARS] or type(finding).__name__
