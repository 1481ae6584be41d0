"""What may be in a published PDF: no word about the file, and of photographs their pictures alone.

It needs PDF's own engine, and so runs where that may: in the confined child.
"""

from collections.abc import Iterator
from pathlib import Path

from pikepdf import Array, Dictionary, Name, Object, Pdf, PikepdfError, Stream, StreamDecodeLevel

from tasks.shared.published.jpeg import faults_of_jpeg_data
from workflow.errors import ResultNotProven

_TRAILER = frozenset({"/Root", "/Size", "/ID", "/Prev", "/Type", "/W", "/Index", "/Length", "/Filter", "/DecodeParms"})
_ABOUT_THE_FILE = frozenset({"/Metadata", "/PieceInfo", "/AF", "/Collection", "/Perms", "/Legal", "/SpiderInfo"})
_ABOUT_A_PAGE = frozenset({"/Metadata", "/PieceInfo", "/LastModified", "/Thumb", "/VP", "/AF"})
_MARKS = (b"<x:xmpmeta", b"<?xpacket", b"Exif\0\0", b"Photoshop 3.0\0")
_MAX_READ_BYTES = 256 * 1024
_JPEG_2000_BOXES = frozenset({b"jP  ", b"ftyp", b"rreq", b"jp2h", b"jp2c"})
_NOT_READ = frozenset({"/Width", "/Length1", "/FunctionType", "/ShadingType", "/N"})


def prove_document(path: Path) -> None:
    """Raise ResultNotProven for what a published PDF should not tell."""
    with Pdf.open(path) as pdf:
        fault = next(_faults(pdf), None)
    if fault:
        raise ResultNotProven(f"The PDF was not published: there is {fault} in it.")


def _faults(pdf: Pdf) -> Iterator[str]:
    if pdf.trailer.keys() - _TRAILER:
        yield "an entry about the file"
    if pdf.Root.keys() & _ABOUT_THE_FILE:
        yield "metadata"
    for each in pdf.objects:
        if isinstance(each, Stream):
            yield from _stream_faults(each)
        elif isinstance(each, Dictionary) and each.get(Name.Type) == Name.Page and each.keys() & _ABOUT_A_PAGE:
            yield "something about a page that is not shown"


def _stream_faults(stream: Object) -> Iterator[str]:
    said = stream.get(Name.Filter)
    filters = [str(each) for each in said] if isinstance(said, Array) else [str(said)] if said else []
    if {"/DCTDecode", "/DCT"} & {*filters}:
        yield from _photograph_faults(stream, filters)
    elif "/JPXDecode" in filters:
        yield from _jpeg_2000_faults(stream.read_raw_bytes())
    elif not stream.keys() & _NOT_READ and int(stream.get(Name.Length, 0)) <= _MAX_READ_BYTES:
        yield from _mark_faults(stream)


def _photograph_faults(stream: Object, filters: list[str]) -> Iterator[str]:
    data = stream.read_raw_bytes()
    if len(filters) > 1:
        yield "a photograph in several packings"
    elif data:
        yield from (f"a photograph with {fault}" for fault in faults_of_jpeg_data(data))


def _jpeg_2000_faults(data: bytes) -> Iterator[str]:
    at = 0
    while data[4:8] == b"jP  " and at + 8 <= len(data):
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if kind not in _JPEG_2000_BOXES:
            yield f"a photograph with a box {kind.decode('latin-1')!r}"
        at += max(length, 8)


def _mark_faults(stream: Object) -> Iterator[str]:
    try:
        data = stream.read_bytes(StreamDecodeLevel.specialized)
    except PikepdfError:
        return
    if any(mark in data for mark in _MARKS):
        yield "metadata in a stream"
