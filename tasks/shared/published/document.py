"""What may be in a published PDF: the keys of a list, texts that are shown, and of pictures their colors alone.

It needs PDF's own engine, and so runs where that may: in the confined child.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from pikepdf import Array, Dictionary, Name, Object, Pdf, PikepdfError, Stream, StreamDecodeLevel, String

from tasks.shared.published.color_profile import faults_of_profile, is_profile
from tasks.shared.published.jbig2 import faults_of_jbig2
from tasks.shared.published.jpeg import faults_of_jpeg_data
from tasks.shared.published.jpeg2000 import faults_of_jpeg2000
from workflow.errors import ResultNotProven


def _keys(names: str) -> frozenset[str]:
    return frozenset(f"/{name}" for name in names.split())


_STREAM = _keys("Type Subtype Length Filter DecodeParms W Index Name OC StructParent")
_TRAILER = _STREAM | _keys("Root Size ID Prev")
_CATALOG = _STREAM | _keys(
    "Version Extensions Pages PageLabels Names Dests PageLayout PageMode Outlines Threads OpenAction AcroForm "
    "OCProperties OutputIntents ViewerPreferences StructTreeRoot MarkInfo Lang"
)
_NAMES = _STREAM | _keys("Dests")
_FORM_OF_FIELDS = _STREAM | _keys("Fields NeedAppearances CO DR DA Q")
_PAGE = _keys(
    "Type Parent Resources Contents Group B Dur Trans Annots AA StructParents Tabs TemplateInstantiated PresSteps "
    "SeparationInfo OutputIntents MediaBox CropBox BleedBox TrimBox ArtBox BoxColorInfo UserUnit Rotate"
)
_IMAGE = _STREAM | _keys(
    "Width Height ColorSpace BitsPerComponent Intent ImageMask Mask Decode Interpolate Alternates SMask SMaskInData "
    "Matte"
)
_DRAWING = _STREAM | _keys("FormType BBox Matrix Resources Group StructParents")
_ANNOTATION = _STREAM | _keys(
    "Rect Contents P F AP AS Border C BM ca CA Lang Dest A PA H QuadPoints BS BE IC InkList Vertices L LE LL LLE LLO "
    "Cap CP CO DA Q RC DS CL IT RD Sy Open Parent Popup IRT RT RO OverlayText Repeat MK FixedPrint Path "
    "FT Kids T TU TM Ff V DV AA DR Opt TI I MaxLen RV Lock"
)
_WHO_SAID_IT = _keys("T Subj")
_SHOWN_TEXTS = _keys(
    "Title Contents Lang Alt ActualText E OverlayText CA AC RC T TU TM V DV RV DA DS Opt Fields Dest D SD URI Names "
    "Limits Nums P Name Order NS ID Headers Summary Short Phoneme Registry Ordering CharSet FontFamily Panose "
    "OutputCondition OutputConditionIdentifier RegistryName"
)
"""Of pages, forms, bookmarks and layers; names that things are found by; fonts and inks."""

_PALETTES = frozenset({"/Indexed", "/I"})
_ATTACHED = _keys("EF RF")
_OF_SYSTEMS = _keys("F UF DOS Mac Unix")
_FILES = _keys("EmbeddedFile Metadata")
_PACKED: Mapping[str, Callable[[bytes], Iterator[str]]] = MappingProxyType(
    {
        "/DCTDecode": faults_of_jpeg_data,
        "/DCT": faults_of_jpeg_data,
        "/JPXDecode": faults_of_jpeg2000,
        "/JBIG2Decode": faults_of_jbig2,
    }
)
_FONTS = _keys("Type1C CIDFontType0C OpenType")
_MARKS = re.compile(rb"<x:xmpmeta|<\?xpacket|Exif\0\0|Photoshop 3\.0\0")
_STRING = re.compile(rb"\((?:[^()\\]|\\.)*\)", re.DOTALL)
_MAX_DEPTH = 8
_WITH_ENTRIES, _INNER = (Dictionary, Stream), (Array, Dictionary)


def prove_document(path: Path) -> None:
    """Raise ResultNotProven for what a published PDF should not tell."""
    with Pdf.open(path) as pdf:
        fault = next(_faults(pdf), None)
    if fault:
        raise ResultNotProven(f"The PDF was not published: there is {fault} in it.")


def _faults(pdf: Pdf) -> Iterator[str]:
    yield from _key_faults(pdf.trailer, _TRAILER, "the trailer")
    yield from _key_faults(pdf.Root, _CATALOG, "the catalog")
    yield from _key_faults(pdf.Root.get(Name.Names), _NAMES, "the names")
    yield from _key_faults(pdf.Root.get(Name.AcroForm), _FORM_OF_FIELDS, "the form")
    for each in pdf.objects:
        yield from _object_faults(each)
        if isinstance(each, Stream):
            yield from _stream_faults(each)


def _key_faults(holder: Object | None, allowed: frozenset[str], what: str) -> Iterator[str]:
    if isinstance(holder, _WITH_ENTRIES):
        yield from (f"an entry {key!r} of {what}" for key in sorted(holder.keys() - allowed))


def _object_faults(top: Object) -> Iterator[str]:
    """Of all that it holds directly, at any depth."""
    waiting = [top]
    while waiting:
        holder = waiting.pop()
        if isinstance(holder, _WITH_ENTRIES):
            entries = dict(holder.items())
            yield from _entry_faults(holder, entries)
            inner = list(entries.values())
        else:
            inner = list(holder) if isinstance(holder, Array) and b"<<" in holder.unparse(resolved=True) else []
        waiting += [each for each in inner if isinstance(each, _INNER) and not each.is_indirect]


def _entry_faults(holder: Object, entries: Mapping[str, Object]) -> Iterator[str]:
    kind, subtype, is_stream = str(entries.get("/Type")), str(entries.get("/Subtype")), isinstance(holder, Stream)
    if "/Rect" in entries and "/Subtype" in entries:
        allowed = _ANNOTATION if subtype == "/Widget" else _ANNOTATION - _WHO_SAID_IT
        yield from _key_faults(holder, allowed, "an annotation")
    elif is_stream and subtype in {"/Image", "/Form"}:
        yield from _key_faults(holder, _IMAGE if subtype == "/Image" else _DRAWING, "a picture")
    elif kind == "/Page":
        yield from _key_faults(holder, _PAGE, "a page")
    is_filled = is_stream and int(entries.get("/Length", 0)) > 0
    if (is_filled and (kind in _FILES or subtype == "/XML")) or any(map(_is_attached, map(entries.get, _ATTACHED))):
        yield "a file within"
    yield from (f"a text {key!r}" for key, value in entries.items() if key not in _SHOWN_TEXTS and _has_text(value))


def _is_attached(value: Object | None) -> bool:
    """Fonts and the like may be called anything; files have names of systems."""
    return isinstance(value, Dictionary) and bool(value.keys()) and value.keys() <= _OF_SYSTEMS


def _has_text(value: Object, depth: int = 0) -> bool:
    if isinstance(value, String):
        return True
    if not isinstance(value, Array) or depth > _MAX_DEPTH:
        return False
    written = value.unparse(resolved=True)
    if b"(" not in written and b"<" not in written.replace(b"<<", b""):
        return False
    items = list(value)
    is_palette = bool(items) and isinstance(items[0], Name) and str(items[0]) in _PALETTES
    return not is_palette and any(_has_text(item, depth + 1) for item in items)


def _stream_faults(stream: Object) -> Iterator[str]:
    said = stream.get(Name.Filter)
    filters = [str(each) for each in list(said)] if isinstance(said, Array) else [str(said)] if said else []
    packed = _PACKED.keys() & filters
    if packed:
        yield from _picture_faults(stream, filters)
    elif Name.Width not in stream and Name.Length1 not in stream and str(stream.get(Name.Subtype)) not in _FONTS:
        yield from _content_faults(stream)


def _picture_faults(stream: Object, filters: list[str]) -> Iterator[str]:
    data = stream.read_raw_bytes()
    if len(filters) > 1:
        yield "a photograph in several packings"
    elif data:
        yield from (f"a photograph with {fault}" for fault in _PACKED[filters[0]](data))
    numbers = stream.get(Name.DecodeParms)
    shared = numbers.get(Name.JBIG2Globals) if isinstance(numbers, Dictionary) else None
    if isinstance(shared, Stream):
        yield from faults_of_jbig2(shared.read_bytes(StreamDecodeLevel.specialized))


def _content_faults(stream: Object) -> Iterator[str]:
    """What shows on a page may be about metadata, too: its texts are not looked at."""
    try:
        data = stream.read_bytes(StreamDecodeLevel.specialized)
    except PikepdfError:
        return
    if is_profile(data):
        yield from faults_of_profile(data)
    elif _MARKS.search(data) and _MARKS.search(_STRING.sub(b"", _STRING.sub(b"", data))):
        yield "metadata in a stream"
