"""Which kind of text a file holds, and whether markup in it could act when it is opened.

Hostile text must not make a pattern slow: repetitions are bounded wherever two of them could share characters.
"""

import codecs
import re
from pathlib import PurePosixPath
from types import MappingProxyType

from tasks.sniffing.columns import ROW_COUNT, RULE, column_spans
from tasks.sniffing.logs import are_entries, is_log

_BYTE_ORDER_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_CONTROL_BYTES = bytes([*range(1, 9), 11, *range(14, 27), *range(28, 32), 127])
_END_OF_TEXT = b"\x1a"
"""As CP/M and DOS wrote it."""

LOG = "text/x-log"
TEXT_TABLES = frozenset({"text/csv", "text/tab-separated-values", "application/json", "application/x-ndjson", LOG})
_MAX_CONTROL_SHARE, _MAX_NUL_SHARE, _FEW_NULS = 0.002, 0.05, 2
_DELIMITERS = {",": "text/csv", ";": "text/csv", "|": "text/csv", "\t": "text/tab-separated-values"}
_NAMED_TEXTS = MappingProxyType(
    {
        **dict.fromkeys((".csv", ".psv", ".dsv"), "text/csv"),
        **dict.fromkeys((".tsv", ".tab"), "text/tab-separated-values"),
        **dict.fromkeys((".ndjson", ".jsonl", ".ldjson"), "application/x-ndjson"),
        ".json": "application/json",
    }
)
_MIN_UTF16_CHARS = 4
_TABLE_LINES, _ALIGNED_LINES = 50, 500
_MAX_ODD_LINES_SHARE = 0.1
_MIN_TABLE_ROWS, _MIN_ROWS_UNDER_TITLES, _MIN_COMMAS_UNDER_TITLES = 2, 3, 2
_MARKUP_SEARCH_CHARS = 4096

_HTML_START = re.compile(r"<(?:!doctype\s+html|html|head|body|script|iframe|title|meta|style)\b", re.IGNORECASE)
_SVG_ELEMENT = re.compile(r"<(?:\w+:)?svg\b", re.IGNORECASE)
_JSON_START = re.compile(
    r'[\[{]\s*(?:"|\{|\[|\]|\}|true\b|false\b|null\b)'
    r"|\[\s*-?\d[\d.eE+-]{0,400}\s*[,\]]\s*(?:[-\d\[{\"\]tfn]|$)"  # and not a log line after its "[12]"
)
_QUOTED = re.compile(r'"[^"]*"')

_ACTIVE_MARKUP = re.compile(
    rb"<\s{0,9}(?:\w{1,40}:)?(?:script|foreignobject|iframe|embed|object|handler)\b"  # elements that run or embed
    rb"|\bon[a-z]{3,30}\s{0,9}="  # event handlers
    rb"|(?:javascript|vbscript)\s{0,9}:"
    rb"|<!ENTITY"
    rb"|(?:href|src)\s{0,9}=\s{0,9}[\"']?\s{0,9}(?:https?:|ftp:|file:|//|data:text)"  # fetches from elsewhere
    rb"|url\(\s{0,9}[\"']?\s{0,9}(?:https?:|//)|@import",
    re.IGNORECASE,
)
_PLAIN_LINK = re.compile(rb"<(?:\w{1,40}:)?a\b[^<>]{0,2000}>", re.IGNORECASE)
_LINK_ADDRESS = re.compile(rb"href\s{0,9}=\s{0,9}([\"'])\s{0,9}https?:", re.IGNORECASE)


def text_type(head: bytes, *, whole: bool, name: str = "") -> str | None:
    """The content type if `head` is text; `whole` says that nothing follows it.

    The file's name is asked only which text it is that could be several: one column of words, a header without rows.
    """
    text = _decode(head)
    if text is None:
        return None
    start = text.lstrip("\ufeff \t\r\n")
    told = _markup_type(start) or _json_type(start) or _log_type(text, whole=whole) or _table_type(text, whole=whole)
    return told or _NAMED_TEXTS.get(PurePosixPath(name).suffix.lower(), "text/plain")


def is_active_markup(content: bytes) -> bool:
    """Whether SVG or other markup carries script, event handlers, foreign objects or references to elsewhere."""
    readable = content.replace(b"\0", b"")  # so that UTF-16 hides nothing
    return _ACTIVE_MARKUP.search(_PLAIN_LINK.sub(_without_address, readable)) is not None


def _without_address(link: re.Match[bytes]) -> bytes:
    """A plain link may lead to a web page: nothing is fetched until a person follows it."""
    return _LINK_ADDRESS.sub(rb"href=\1#", link[0])


def _decode(head: bytes) -> str | None:
    for mark, encoding in _BYTE_ORDER_MARKS:
        if head.startswith(mark):
            return head.decode(encoding, "replace")
    if _alternates_with_zeros(head[::2], head[1::2]):
        return head.decode("utf-16-le", "replace")
    if _alternates_with_zeros(head[1::2], head[::2]):
        return head.decode("utf-16-be", "replace")
    head = head.removesuffix(_END_OF_TEXT)
    controls = len(head) - len(head.translate(None, _CONTROL_BYTES))
    nuls = head.count(0)
    if controls > len(head) * _MAX_CONTROL_SHARE or nuls > max(_FEW_NULS, len(head) * _MAX_NUL_SHARE):
        return None
    return _decode_unmarked(head)


def _decode_unmarked(head: bytes) -> str | None:
    try:
        return head.decode()
    except UnicodeDecodeError as exc:
        is_cut_character = exc.start >= len(head) - 3
        return head[: exc.start].decode() if is_cut_character and exc.start else _decode_latin(head)


def _decode_latin(head: bytes) -> str | None:
    """Text of the days before UTF-8 is mostly ASCII, or lines in which there is no control byte at all."""
    ascii_bytes = len(head) - len(head.translate(None, bytes(range(128))))
    is_text = ascii_bytes > len(head) * 0.7 or (b"\n" in head and head.translate(None, _CONTROL_BYTES + b"\0") == head)
    return head.decode("cp1252", "replace") if is_text else None


def _alternates_with_zeros(low: bytes, high: bytes) -> bool:
    """The two bytes of UTF-16 letters, nearly all of which are ASCII's."""
    return len(high) > _MIN_UTF16_CHARS and high.count(0) > len(high) * 0.4 and low.count(0) == 0


def _markup_type(start: str) -> str | None:
    if _HTML_START.match(_without_comments(start)):
        return "text/html"
    if not start.startswith("<"):
        return None
    if _SVG_ELEMENT.search(start[:_MARKUP_SEARCH_CHARS]):
        return "image/svg+xml"
    if "<html" in start[:_MARKUP_SEARCH_CHARS].lower():
        return "text/html"
    return "application/xml" if start.startswith(("<?xml", "<!")) else None


def _without_comments(start: str) -> str:
    at = 0
    while start.startswith("<!--", at):
        end = start.find("-->", at)
        if end < 0:
            break
        at = end + len("-->")
        at += len(start[at : at + 1000]) - len(start[at : at + 1000].lstrip())
    return start[at:]


def _json_type(start: str) -> str | None:
    first, _, rest = start.partition("\n")
    if first.startswith("{") and first.rstrip().endswith("}") and rest.lstrip().startswith("{"):
        return "application/x-ndjson"
    return "application/json" if _JSON_START.match(start) else None


def _log_type(text: str, *, whole: bool) -> str | None:
    lines = text.removeprefix("\ufeff").splitlines()
    return LOG if is_log(lines if whole or len(lines) == 1 else lines[:-1]) else None


def _table_type(text: str, *, whole: bool) -> str | None:
    """Quotes may hold line ends; where they do not close, each line is looked at by itself."""
    if are_entries(text.splitlines()):
        return None
    text = _below_comments(text)
    by_line = "\n".join(_QUOTED.sub("", line) for line in text.splitlines())
    for unquoted in (_QUOTED.sub("", text), by_line):
        lines = unquoted.splitlines() if whole else unquoted.splitlines()[:-1]
        rows = [line for line in lines if line.strip() and not _is_drawing(line.strip())][:_TABLE_LINES]
        found = next((kind for delimiter, kind in _DELIMITERS.items() if _is_table(rows, delimiter)), None)
        if found:
            return found
    lines = text.splitlines() if whole else text.splitlines()[:-1]
    return "text/csv" if column_spans([line for line in lines if line.strip()][:_ALIGNED_LINES]) else None


def _below_comments(text: str) -> str:
    """But for the last of the lines that begin with "#", which may name columns."""
    lines = text.splitlines(keepends=True)
    first = next((at for at, line in enumerate(lines) if line.strip() and not line.startswith("#")), 0)
    return "".join(lines[max(0, first - 1) :])


def _is_drawing(line: str) -> bool:
    return RULE.fullmatch(line) is not None or ROW_COUNT.fullmatch(line) is not None


def _is_table(rows: list[str], delimiter: str) -> bool:
    """At least two rows, each with the delimiter, nearly all with it equally often; under titles, more is asked."""
    counts = [row.count(delimiter) for row in rows]
    usual = max(set(counts), key=counts.count, default=0)
    if not usual:
        return False
    titles = counts.index(usual)
    counts = counts[titles:]
    if titles and (len(counts) < _MIN_ROWS_UNDER_TITLES or usual < _MIN_COMMAS_UNDER_TITLES):
        return False
    is_regular = counts.count(usual) >= len(counts) * (1 - _MAX_ODD_LINES_SHARE)
    return len(counts) >= _MIN_TABLE_ROWS and min(counts) > 0 and is_regular
