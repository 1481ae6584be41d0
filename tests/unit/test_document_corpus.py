"""The test documents of three PDF libraries: each is published without anything active, or rejected; nothing else.

They come from the source packages. Name a folder that may keep them in SLUICE_CORPUS, then: pytest -m corpus.
"""

import json
from collections import Counter
from pathlib import Path

import pytest
from PIL import ImageChops
from pypdfium2 import PdfDocument, PdfiumError

from tasks.shared.work import Original, Recipe
from tasks.thumbnail.document import preview
from tasks.transform.document import transform
from tests.unit.corpus import unpacked
from tests.unit.papers import active_parts
from workflow.errors import RejectedError

pytestmark = [pytest.mark.corpus, pytest.mark.enable_socket, pytest.mark.timeout(1800)]

PACKAGES = {"pypdf": "7.1.0", "pikepdf": "10.17.0", "pypdfium2": "5.15.2"}
MIN_RENDERED = {"pypdf": 60, "pikepdf": 55, "pypdfium2": 14}
FACTS_MAX_BYTES = 4096
COMPARED_PAGES = 5


@pytest.mark.parametrize("package", PACKAGES)
def test_every_document_is_published_safely_or_rejected(package, tmp_path):
    outcomes: Counter[str] = Counter()
    for path in documents(package):
        scratch = tmp_path / str(outcomes.total())
        scratch.mkdir()
        outcomes[outcome(path, scratch)] += 1
    print(package, dict(outcomes))
    assert outcomes["rendered"] >= MIN_RENDERED[package]


def outcome(path: Path, scratch: Path) -> str:
    try:
        rendered = transform(Original(path, path.name, "application/pdf", scratch), Recipe())
    except RejectedError as exc:
        return type(exc).__name__
    web = rendered.files[0].path
    assert len(json.dumps(rendered.facts, allow_nan=False)) < FACTS_MAX_BYTES, path
    assert not active_parts(web.read_bytes()), path
    assert looks_alike(path, web), path
    assert preview(web).files, path
    return "rendered"


def looks_alike(original: Path, web: Path) -> bool:
    with PdfDocument(original) as one, PdfDocument(web) as other:
        one.init_forms()
        other.init_forms()
        shown = range(min(len(other), COMPARED_PAGES))
        return len(one) == len(other) and not any(differs(one, other, page) for page in shown)


def differs(one: PdfDocument, other: PdfDocument, page: int) -> bool:
    try:
        pictures = [pdf[page].render(scale=1).to_pil().convert("RGB") for pdf in (one, other)]
    except PdfiumError:
        return False
    return ImageChops.difference(*pictures).getbbox() is not None


def documents(package: str) -> list[Path]:
    return sorted(unpacked(package, PACKAGES[package]).rglob("*.pdf"))
