"""Cleans what is inside of a PDF's streams: photographs, color profiles, drawings, and texts about the file."""

import contextlib

from pikepdf import Name, Object, PikepdfError, StreamDecodeLevel

from tasks.transform.document import active
from tasks.transform.document.content import clean_content
from tasks.transform.document.icc import bare_profile
from tasks.transform.document.jbig2 import bare_jbig2
from tasks.transform.document.photographs import bare_photograph, is_packed_as_allowed, is_photograph, shared_part


def clean_stream(stream: Object) -> str:
    """Change the content of a stream to what may be published; why it had to be left out, if it had."""
    if stream.get(Name.Subtype) == Name.XML or stream.get(Name.Type) == Name.Metadata:
        stream.write(b"")
        return active.PRIVATE
    if not is_packed_as_allowed(stream):
        stream.write(b"")
        return active.UNREADABLE
    if is_photograph(stream):
        return _clean_photograph(stream)
    _clean_profile(stream)
    return "" if clean_content(stream) else active.PRIVATE


def _clean_photograph(stream: Object) -> str:
    shared = shared_part(stream)
    if shared is not None:
        shared.write(bare_jbig2(shared.read_bytes(StreamDecodeLevel.specialized)))
    raw = stream.read_raw_bytes()
    photograph = bare_photograph(raw, stream)
    if not photograph.packed_alike(raw, stream):
        stream.write(photograph.data, filter=photograph.packing, decode_parms=photograph.parameters)
    return "" if photograph.data else active.UNREADABLE


def _clean_profile(stream: Object) -> None:
    if Name.N not in stream or Name.Type in stream or Name.Subtype in stream:
        return
    with contextlib.suppress(PikepdfError):
        bare = bare_profile(stream.read_bytes(StreamDecodeLevel.specialized))
        if bare:
            stream.write(bare)
