"""Takes out of a PDF whatever acts, is hidden or tells of persons, and leaves its pages as they look.

Every object of the file is looked at, reachable or not; pikepdf's own sanitizer goes to the usual places only.
"""

from collections.abc import Iterator

from pikepdf import Array, Dictionary, Name, Object, Pdf, Stream

from tasks.transform.document import active
from tasks.transform.document.streams import clean_stream

_CATALOG_PAGES = frozenset(
    {"/Type", "/Version", "/Extensions", "/Pages", "/PageLabels", "/Names", "/Dests", "/PageLayout", "/PageMode"}
)
_CATALOG_MORE = frozenset({"/Outlines", "/Threads", "/OpenAction", "/AcroForm", "/OCProperties", "/OutputIntents"})
_CATALOG_SAID = frozenset({"/ViewerPreferences", "/StructTreeRoot", "/MarkInfo", "/Lang"})
_CATALOG = _CATALOG_PAGES | _CATALOG_MORE | _CATALOG_SAID
_FORM = frozenset({"/Fields", "/NeedAppearances", "/CO", "/DR", "/DA", "/Q"})
_TRAILER = frozenset({"/Root", "/Size", "/ID", "/Prev", "/XRefStm"})
_OF_STREAMS = frozenset({"/Type", "/W", "/Index", "/Length", "/Filter", "/DecodeParms"})
_INERT = frozenset({"/Type", "/Subtype", "/Rect", "/AP", "/AS", "/F", "/P", "/OC"})
_COMMENT = frozenset({"/T", "/Contents", "/RC", "/Subj"})
_HIDDEN = 2
"""The annotation flag of that name."""


def sanitize(pdf: Pdf, *, publish_private: bool) -> set[str]:
    """Change the open PDF; what was left out."""
    left_out: set[str] = set()
    for holder in _holders(pdf):
        if isinstance(holder, Array):
            left_out.update(_clean_array(holder))
        else:
            left_out.update(_clean_entries(holder, publish_private=publish_private))
    left_out.update(_clean_catalog(pdf, publish_private=publish_private))
    _clean_trailer(pdf, publish_private=publish_private)
    return left_out


def lacks_objects(pdf: Pdf) -> bool:
    """Whether something is referred to that is not in the file."""
    return any(child is None for holder in _holders(pdf) for child in _values(holder))


def _holders(pdf: Pdf) -> Iterator[Object]:
    """Every array, dictionary and stream of the file; what one holds directly is asked for after it was cleaned."""
    for top in (pdf.trailer, *pdf.objects):
        waiting = [top]
        while waiting:
            holder = waiting.pop()
            if isinstance(holder, Array | Dictionary | Stream):
                yield holder
                inner = (value for value in _values(holder) if isinstance(value, Array | Dictionary))
                waiting += [value for value in inner if not value.is_indirect]


def _values(holder: Object) -> list[Object | None]:
    return list(holder) if isinstance(holder, Array) else [value for _, value in holder.items()]


def _clean_array(holder: Object) -> Iterator[str]:
    """Items make way for null, so that those of a name tree keep their places."""
    for at, item in enumerate(list(holder)):
        reason = active.why_no_action(item)
        if reason:
            holder[at] = None
            yield reason


def _clean_entries(holder: Object, *, publish_private: bool) -> Iterator[str]:
    for key, value in list(holder.items()):
        reason = active.why_not(holder, key, value, publish_private=publish_private)
        if reason:
            del holder[key]
            yield reason
    if active.is_annotation(holder):
        yield from _clean_annotation(holder, publish_private=publish_private)
    if isinstance(holder, Stream) and not publish_private and (reason := clean_stream(holder)):
        yield reason


def _clean_annotation(holder: Object, *, publish_private: bool) -> Iterator[str]:
    kind = str(holder[Name.Subtype])
    if kind in active.INERT_ANNOTATIONS:
        _make_inert(holder)
        yield active.INERT_ANNOTATIONS[kind]
    elif kind in active.COMMENT_ANNOTATIONS and not publish_private:
        yield from _clean_comment(holder)
    elif kind != "/Widget" and not publish_private:
        _keep_only(holder, holder.keys() - {"/T"})


def _make_inert(annotation: Object) -> None:
    """A picture of what it was; a stamp without a picture of its own would get one from the viewer."""
    _keep_only(annotation, _INERT | _OF_STREAMS if isinstance(annotation, Stream) else _INERT)
    annotation[Name.Subtype] = Name.Stamp
    if Name.AP not in annotation:
        annotation[Name.F] = _HIDDEN


def _clean_comment(annotation: Object) -> Iterator[str]:
    """The marks stay; what was said and who said it goes, unless it is written on the page itself."""
    is_on_page = annotation[Name.Subtype] == Name.FreeText
    said = {"/T", "/Subj"} if is_on_page else _COMMENT
    if not is_on_page and str(annotation.get(Name.Contents, "")):
        yield active.COMMENTS
    for key in annotation.keys() & said:
        del annotation[key]


def _clean_catalog(pdf: Pdf, *, publish_private: bool) -> Iterator[str]:
    catalog = pdf.Root
    _keep_only(catalog, _CATALOG | {"/Metadata"} if publish_private else _CATALOG)
    opening = catalog.get(Name.OpenAction)
    if isinstance(opening, Dictionary | Stream) and opening.get(Name.S) != Name.GoTo:
        del catalog[Name.OpenAction]
        yield active.AUTOMATISMS
    _keep_only(catalog.get(Name.Names), _OF_STREAMS | {"/Dests"})
    _keep_only(catalog.get(Name.AcroForm), _OF_STREAMS | _FORM)


def _clean_trailer(pdf: Pdf, *, publish_private: bool) -> None:
    """qpdf writes the right number of objects, but only in place of one: without it the file would be damaged."""
    kept = _TRAILER | _OF_STREAMS
    _keep_only(pdf.trailer, kept | {"/Info"} if publish_private else kept)
    pdf.trailer[Name.Size] = len(pdf.objects) + 1


def _keep_only(holder: Object | None, kept: frozenset[str] | set[str]) -> None:
    if isinstance(holder, Dictionary | Stream):
        for key in holder.keys() - kept:
            del holder[key]
