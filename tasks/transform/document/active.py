"""What in a PDF acts, is hidden or is private, told by what it is and not by where it is found.

Names of resources are free: a font may be called /AA or /EF. So a key counts only together with the kind of its value.
Viewers take the dictionary of a stream wherever they want a dictionary, so both are looked at alike.
"""

from collections.abc import Mapping
from types import MappingProxyType

from pikepdf import Array, Dictionary, Name, Object, Stream, String

from tasks.transform.document.allowed import is_unknown, names_a_user

SCRIPTS = "scripts"
ACTIONS = "actions that start programs, open other files or send data"
AUTOMATISMS = "actions that happen without a click"
LINKS = "links to other things than websites and mail addresses"
ATTACHMENTS = "attached files"
MEDIA = "sound, video or 3D models"
OUTSIDE = "parts that are stored outside of the file"
SIGNATURES = "digital signatures"
COMMENTS = "comments"
PRIVATE = "metadata"
UNREADABLE = "parts that cannot be unpacked"

_FORBIDDEN_ACTIONS: Mapping[str, str] = MappingProxyType(
    {
        "/JavaScript": SCRIPTS,
        "/Launch": ACTIONS,
        "/ImportData": ACTIONS,
        "/SubmitForm": ACTIONS,
        "/GoToR": ACTIONS,
        "/GoToE": ACTIONS,
        "/GoToDp": ACTIONS,
        "/Rendition": MEDIA,
        "/RichMediaExecute": MEDIA,
        "/GoTo3DView": MEDIA,
        "/Movie": MEDIA,
        "/Sound": MEDIA,
    }
)
_HARMLESS_ACTIONS = frozenset(
    {"/GoTo", "/URI", "/Named", "/Hide", "/ResetForm", "/SetOCGState", "/Thread", "/Trans", "/NOP"}
)
_ACTION_KEYS = frozenset({"/A", "/Next", "/PA", "/OpenAction"})
_FILE_NAMES = frozenset({"/F", "/UF", "/DOS", "/Mac", "/Unix"})
_OF_RESOURCES = frozenset({"/BBox", "/Width", "/PatternType", "/ShadingType", "/FunctionType"})
"""What streams have that a page can use under any name, be it /Metadata."""

_PRIVATE_KEYS = frozenset({"/PieceInfo", "/Thumb", "/LastModified"})
_OUTSIDE_KEYS = frozenset({"/F", "/OPI", "/Ref"})
_LINK_SCHEMES = frozenset({"http", "https", "mailto"})

INERT_ANNOTATIONS: Mapping[str, str] = MappingProxyType(
    {
        "/FileAttachment": ATTACHMENTS,
        "/Movie": MEDIA,
        "/RichMedia": MEDIA,
        "/Screen": MEDIA,
        "/Sound": MEDIA,
        "/3D": MEDIA,
    }
)
_MARKS = frozenset({"/Highlight", "/Underline", "/Squiggly", "/StrikeOut", "/Redact", "/Stamp", "/Caret", "/Ink"})
_SHAPES = frozenset({"/Line", "/Square", "/Circle", "/Polygon", "/PolyLine"})
COMMENT_ANNOTATIONS = frozenset({"/Text", "/Popup", "/FreeText"}) | _MARKS | _SHAPES


def why_not(holder: Object, key: str, value: Object, *, publish_private: bool) -> str:
    """Why an entry of a dictionary or of a stream's is left out; empty if it stays."""
    if isinstance(holder, Stream) and key in _OUTSIDE_KEYS and isinstance(value, String | Dictionary | Stream):
        return OUTSIDE
    if not publish_private and _is_private(key, value):
        return PRIVATE
    acts = _why_it_acts(key, value)
    return PRIVATE if not acts and not publish_private and is_unknown(holder, key, value) else acts


def _why_it_acts(key: str, value: Object) -> str:
    if isinstance(value, Dictionary | Stream):
        return why_no_action(value, key) or _why_no_dictionary(key, value) or _why_no_stream(key, value)
    return _why_no_data(key, value)


def why_no_action(value: Object, key: str = "") -> str:
    """Why a value that may be an action is left out; empty if it stays, or is none."""
    name = value.get(Name.S) if isinstance(value, Dictionary | Stream) else None
    if not isinstance(name, Name):
        return ""
    if name == Name.URI and Name.URI in value:
        return "" if _is_harmless_link(value.get(Name.URI)) else LINKS
    unknown = key in _ACTION_KEYS and str(name) not in _HARMLESS_ACTIONS
    return _FORBIDDEN_ACTIONS.get(str(name), ACTIONS if unknown else "")


def is_annotation(holder: Object) -> bool:
    """Whether a dictionary has what only annotations have."""
    return (
        isinstance(holder, Dictionary | Stream) and Name.Rect in holder and isinstance(holder.get(Name.Subtype), Name)
    )


def _why_no_dictionary(key: str, value: Object) -> str:
    if key == "/AA" and any(isinstance(part, Dictionary | Stream) and Name.S in part for _, part in value.items()):
        return AUTOMATISMS
    if key in {"/EF", "/RF"} and isinstance(value, Dictionary) and value.keys() <= _FILE_NAMES:
        return ATTACHMENTS
    if key == "/V" and (Name.ByteRange in value or value.get(Name.Type) in (Name.Sig, Name.DocTimeStamp)):
        return SIGNATURES
    return ATTACHMENTS if key == "/AF" and _is_file(value) else ""


def _why_no_data(key: str, value: Object) -> str:
    if key == "/JS" and isinstance(value, String):
        return SCRIPTS
    is_files = key == "/AF" and isinstance(value, Array) and all(_is_file(item) for item in list(value))
    return ATTACHMENTS if is_files else ""


def _why_no_stream(key: str, value: Object) -> str:
    if not isinstance(value, Stream):
        return ""
    if key == "/JS" and Name.Subtype not in value:
        return SCRIPTS
    if value.get(Name.Type) == Name.EmbeddedFile:
        return ATTACHMENTS
    return ACTIONS if Name.PS in (value.get(Name.Subtype), value.get(Name.Subtype2)) else ""


def _is_private(key: str, value: Object) -> bool:
    is_metadata = key == "/Metadata" and isinstance(value, Stream) and not value.keys() & _OF_RESOURCES
    return is_metadata or key in _PRIVATE_KEYS or names_a_user(key, value)


def _is_file(value: Object) -> bool:
    has_entries = isinstance(value, Dictionary | Stream)
    return has_entries and (Name.EF in value or value.get(Name.Type) in (Name.Filespec, Name.F))


def _is_harmless_link(target: Object | None) -> bool:
    """Viewers take a target without scheme for a website; not one that begins like a path to a file server."""
    if not isinstance(target, String):
        return False
    shown = "".join(str(target).split()).lower()
    scheme, colon, _ = shown.partition(":")
    if colon and not set(scheme) & set("/?#"):
        return scheme in _LINK_SCHEMES
    return not shown.startswith(("/", "\\"))
