"""What a published PDF may say, by the standard's own words (ISO 32000-2): all other keys and texts go.

Programs write into a file who made it where from which files, under keys of their own: none of that shows on a page.
"""

from pikepdf import Array, Dictionary, Name, Object, Stream, String


def _keys(names: str) -> frozenset[str]:
    return frozenset(f"/{name}" for name in names.split())


_PAGE = _keys(
    "Type Parent Resources Contents Group B Dur Trans Annots AA StructParents Tabs TemplateInstantiated PresSteps "
    "SeparationInfo OutputIntents MediaBox CropBox BleedBox TrimBox ArtBox BoxColorInfo UserUnit Rotate"
)
_OF_STREAMS = _keys("Length Filter DecodeParms Type Subtype Name OC StructParent")
_IMAGE = _OF_STREAMS | _keys(
    "Width Height ColorSpace BitsPerComponent Intent ImageMask Mask Decode Interpolate Alternates SMask SMaskInData "
    "Matte"
)
_FORM = _OF_STREAMS | _keys("FormType BBox Matrix Resources Group StructParents")
_FIELD = _keys("FT Kids T TU TM Ff V DV AA DR Opt TI I MaxLen RV Lock")
_ANNOTATION = (_OF_STREAMS | _FIELD) | _keys(
    "Rect Contents P F AP AS Border C BM ca CA Lang Dest A PA H QuadPoints BS BE IC InkList Vertices L LE LL LLE LLO "
    "Cap CP CO DA Q RC DS CL IT RD Sy Open Parent Popup IRT RT RO OverlayText Repeat MK FixedPrint Path"
)

TEXTS = _keys(
    "Title Contents Lang Alt ActualText E OverlayText CA AC RC T TU TM V DV RV DA DS Opt Fields "
    "Dest D SD URI Names Limits Nums P Name Order NS ID Headers Summary Short Phoneme "
    "Registry Ordering CharSet FontFamily Panose OutputCondition OutputConditionIdentifier RegistryName"
)
"""What is read on pages, in forms, bookmarks, layers and aloud; names that things are found by; fonts and inks."""

_OF_OBJECTS = _keys("Kids Annots K Differences Widths W")
"""Long arrays of other objects, which are looked at by themselves, and of numbers."""

_PALETTES = frozenset({"/Indexed", "/I"})
_MAX_DEPTH = 8


def is_unknown(holder: Object, key: str, value: Object) -> bool:
    """Whether an entry is none that the standard has for its holder, or a text where it has none."""
    known = _known_keys(holder)
    return (known is not None and key not in known) or (key not in TEXTS and _is_said(value, key))


def _known_keys(holder: Object) -> frozenset[str] | None:
    """None where a dictionary does not say what it is, or its keys are names that somebody gave."""
    kind = holder.get(Name.Subtype)
    if isinstance(kind, Name) and Name.Rect in holder:
        return _ANNOTATION
    if isinstance(holder, Stream):
        return _IMAGE if kind == Name.Image else _FORM if kind == Name.Form else None
    return _PAGE if holder.get(Name.Type) == Name.Page else None


def _is_said(value: Object | None, key: str = "", depth: int = 0) -> bool:
    if isinstance(value, String):
        return True
    if not isinstance(value, Array) or depth > _MAX_DEPTH or _is_plain(value, key):
        return False
    items = list(value)
    is_palette = bool(items) and isinstance(items[0], Name) and str(items[0]) in _PALETTES
    return not is_palette and any(_is_said(item, depth=depth + 1) for item in items)


def _is_plain(array: Array, key: str) -> bool:
    """Whether its written form shows that no text is in it: that is a look at bytes, whatever its length."""
    written = array.unparse(resolved=True)
    is_with_others = b" R" in written and key not in _OF_OBJECTS
    return not is_with_others and not (b"(" in written or b"<" in written.replace(b"<<", b""))


def names_a_user(key: str, value: Object) -> bool:
    """Whether it is whom a layer is for."""
    return key == "/User" and isinstance(value, Dictionary) and value.get(Name.Type) in (Name.Ind, Name.Ttl, Name.Org)
