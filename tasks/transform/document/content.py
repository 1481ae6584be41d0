"""Cleans the programs that draw pages: photographs within them, texts about them, and comments of whoever wrote them.

Few have any of these, so that only those in which something looks like it are taken apart.
"""

import contextlib
import re
from collections.abc import Iterator

from pikepdf import (
    ContentStreamInlineImage,
    ContentStreamInstruction,
    Dictionary,
    Name,
    Object,
    PdfInlineImage,
    PikepdfError,
    StreamDecodeLevel,
    parse_content_stream,
    unparse_content_stream,
)

from tasks.transform.document.allowed import TEXTS, is_unknown
from tasks.transform.document.photographs import bare_photograph, is_photograph

_COMMENT = re.compile(rb"(?:^|[\r\n])[ \t]*%")
_TEXT = re.compile(rb"/([A-Za-z0-9_.:]+)\s*(?:\(|<[0-9A-Fa-f\s]*>)")
_PHOTOGRAPH = re.compile(rb"\bBI\b.{1,400}?/DCT(?:Decode)?\b", re.DOTALL)
_STRING = re.compile(rb"\((?:[^()\\]++|\\.|\((?:[^()\\]++|\\.)*+\))*+\)", re.DOTALL)
_INLINE = re.compile(rb"\bID\s.*?\sEI\b", re.DOTALL)
_ABOUT_THE_FILE = (b"<x:xmpmeta", b"<?xpacket")
_OF_OTHERS = frozenset({"/Length1", "/Width"})
_NOT_TEXT = (Name.Image, Name.Type1C, Name.CIDFontType0C, Name.OpenType)
_MARKS = frozenset({"BDC", "DP"})
_FORM_OR_PATTERN = frozenset({"/XObject", "/Pattern"})
_OF_OTHER_STREAMS = frozenset({"/Length1", "/Width", "/N", "/FunctionType", "/ShadingType", "/CMapName"})


def clean_content(stream: Object) -> bool:
    """Take out what is not allowed, where the stream draws something and has it; False if it tells of the file."""
    if stream.keys() & _OF_OTHERS or stream.get(Name.Subtype) in _NOT_TEXT:
        return True
    with contextlib.suppress(PikepdfError):
        data = stream.read_bytes(StreamDecodeLevel.specialized)
        if any(mark in data for mark in _ABOUT_THE_FILE) and any(mark in _unsaid(data) for mark in _ABOUT_THE_FILE):
            stream.write(b"")
            return False
        if _may_draw(stream) and _is_suspect(data):
            stream.write(b"\n".join(_rewritten(stream)))
    return True


def _may_draw(stream: Object) -> bool:
    kind = stream.get(Name.Type)
    is_other = (kind is not None and str(kind) not in _FORM_OR_PATTERN) or bool(stream.keys() & _OF_OTHER_STREAMS)
    return not is_other and stream.get(Name.Subtype) in (None, Name.Form)


def _is_suspect(data: bytes) -> bool:
    if _COMMENT.search(data) or _PHOTOGRAPH.search(data) or (b"%" in data and b"%" in _unsaid(data)):
        return True
    return any(f"/{found[1].decode()}" not in TEXTS for found in _TEXT.finditer(data))


def _unsaid(data: bytes) -> bytes:
    """Without the texts that are shown, and without pictures within."""
    return _INLINE.sub(b"", _STRING.sub(b"", data))


def _rewritten(stream: Object) -> Iterator[bytes]:
    waiting: list[ContentStreamInstruction] = []
    for each in parse_content_stream(stream):
        if isinstance(each, ContentStreamInlineImage):
            yield unparse_content_stream(waiting)
            yield _inline(each.iimage)
            waiting = []
        else:
            waiting.append(_clean_mark(each))
    yield unparse_content_stream(waiting)


def _clean_mark(instruction: ContentStreamInstruction) -> ContentStreamInstruction:
    said = instruction.operands[-1] if str(instruction.operator) in _MARKS and len(instruction.operands) else None
    if isinstance(said, Dictionary):
        for key in [key for key, value in said.items() if is_unknown(said, key, value)]:
            del said[key]
        return ContentStreamInstruction([*instruction.operands[:-1], said], instruction.operator)
    return instruction


def _inline(image: PdfInlineImage) -> bytes:
    entries = image.obj
    data = image.unparse().partition(b"\nID\n")[2].removesuffix(b"EI")
    if is_photograph(entries):
        photograph = bare_photograph(data, entries)
        data = photograph.data
        entries.Filter = photograph.packing
        if Name.DecodeParms in entries:
            del entries.DecodeParms
    said = entries.unparse().removeprefix(b"<<").removesuffix(b">>")
    return b"BI " + said + b" ID " + data + b"\nEI"
