"""Writes docs/kinds.md from the tables in the code: python -m tasks.kinds_page."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from tasks.kinds import IMAGE, KINDS, MAX_KEY_BYTES, MAX_NAME_BYTES, MEGAPIXEL, MIB, Format, Kind
from tasks.thumbnail.previews import BOXES_PX
from tasks.transform.image import JPEG_QUALITY, WEBP_QUALITY
from tasks.transform.image.decode import MAX_JPEG_SCANS
from tasks.work import Recipe
from workflow import errors
from workflow.limits import BY_KIND, FUNCTIONS

PAGE = Path(__file__).parents[1] / "docs" / "kinds.md"

_SEVERAL = {"": "–", "frames": "an animation stays one", "pages": "the first page is shown"}
_RECIPE = Recipe()


def page() -> str:
    """The whole page, in Markdown."""
    return "\n".join((*_introduction(), *(line for kind in KINDS.values() for line in _section(kind)), *_rejections()))


def _introduction() -> Iterator[str]:
    yield "# Kinds: what is accepted, and what becomes of it"
    yield ""
    yield "Written by `python -m tasks.kinds_page` from the tables in the code; a test compares the two."
    yield ""
    yield (
        "What a file is, its content tells; a name or a declared type that says otherwise is only noted. A name may "
        f"have up to {MAX_NAME_BYTES} bytes, with its folders {MAX_KEY_BYTES}."
    )
    yield ""


def _section(kind: Kind) -> Iterator[str]:
    yield f"## {kind.name}"
    yield ""
    yield from _table(("format", "content type", "names", *_FORMAT_COLUMNS[kind.name]), _rows(kind))
    yield ""
    yield from (f"* {fact}" for fact in _FACTS[kind.name]())
    yield ""
    yield from _table(("function", "memory MB", "seconds", "scratch MB"), _functions(kind))
    yield ""


def _rows(kind: Kind) -> Iterator[tuple[str, ...]]:
    return (_row(kind, found) for found in kind.formats.values())


def _row(kind: Kind, found: Format) -> tuple[str, ...]:
    megapixels, several = f"{found.max_pixels / MEGAPIXEL:,.0f}", _SEVERAL[found.several]
    more = {"megapixels": megapixels, "more than one picture": several}
    cells = (more[column] for column in _FORMAT_COLUMNS[kind.name])
    return found.label, found.media_type, " ".join(found.extensions), *cells


def _image_facts() -> Iterator[str]:
    boxes = ", ".join(map(str, BOXES_PX))
    yield (
        f"**Limits**: {IMAGE.max_bytes / MIB:,.0f} MiB, the megapixels above for each picture, {IMAGE.max_frames:,} "
        f"frames or pages, {IMAGE.max_total_pixels / MEGAPIXEL:,.0f} megapixels over all frames of an animation, "
        f"{MAX_JPEG_SCANS} layers of a progressive JPEG."
    )
    yield (
        f"**Rendition**: upright, sRGB, 8 bits, at most {_RECIPE.max_side_px:,} px a side and never scaled up; WebP "
        f"at quality {WEBP_QUALITY} or JPEG at {JPEG_QUALITY}, as the stage's `rendition_formats` say. Transparency is "
        "kept in WebP and white in JPEG."
    )
    yield (
        "**Animation**: animated WebP with its times and number of plays, scaled down until all frames together have "
        f"at most {_RECIPE.max_animation_pixels / MEGAPIXEL:,.0f} megapixels; in JPEG the first frame."
    )
    yield (
        f"**Thumbnails**: WebP that fits {boxes} px, a ThumbHash and the dominant color. Of an animation, the first "
        "frame that is not blank."
    )
    yield (
        "**Color**: an embedded profile, or what cICP, gAMA, cHRM or nclx announce, is converted and not relabelled; "
        "HDR curves (PQ, HLG) are not tone-mapped. Inks without a profile are converted by plain "
        "arithmetic, as browsers do: light × (1 - ink) × (1 - black)."
    )
    yield (
        "**Metadata**: none is in what is published. Camera, time and exposure go into the record, all tags into a "
        "sidecar; place, author, comments and serial numbers only where the stage's `keep_private` is set."
    )


_FORMAT_COLUMNS: Mapping[str, tuple[str, ...]] = MappingProxyType({"image": ("megapixels", "more than one picture")})
_FACTS: Mapping[str, Callable[[], Iterator[str]]] = MappingProxyType({"image": _image_facts})


def _functions(kind: Kind) -> Iterator[tuple[str, ...]]:
    for name in ("validate", *(f"{task}_{kind.name}" for task in BY_KIND)):
        limits = FUNCTIONS[name]
        yield name, f"{limits.memory_mb:,}", str(limits.timeout_seconds), f"{limits.scratch_mb:,}"


def _rejections() -> Iterator[str]:
    yield "## Reject codes"
    yield ""
    yield "What to do about each is in [operating.md](operating.md#reject-codes)."
    yield ""
    codes = errors.rejections()
    yield from _table(("code", "means"), ((code, (getattr(errors, code).__doc__ or "").strip()) for code in codes))
    yield ""


def _table(titles: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    for cells in (titles, ("---",) * len(titles), *rows):
        yield f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    PAGE.write_text(page())
