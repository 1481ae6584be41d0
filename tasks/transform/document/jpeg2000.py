"""Reduces a JPEG 2000 in a PDF to what shows its picture: boxes and markers that say anything else go.

ITU-T T.800, annexes A (markers of the codestream) and I (boxes of the file around it).
"""

from collections.abc import Iterator

from tasks.transform.document.icc import bare_profile

_SIGNATURE = b"\x00\x00\x00\x0cjP  \r\n\x87\n"
_CODESTREAM = b"\xff\x4f"
_BOXES = frozenset({b"jP  ", b"ftyp", b"rreq", b"jp2h", b"jp2c"})
_HEADER_BOXES = frozenset({b"ihdr", b"bpcc", b"colr", b"pclr", b"cmap", b"cdef"})

_PROFILES, _PROFILE_AT = frozenset({b"\2", b"\3"}), 3
"""Ways to say the colors, and where a profile begins."""

_SOT, _SOD, _EOC = 0xFF90, 0xFF93, 0xFFD9
_MARKERS = frozenset({0xFF50, 0xFF51, 0xFF52, 0xFF53, 0xFF5C, 0xFF5D, 0xFF5E, 0xFF5F, 0xFF60, 0xFF61})
"""Sizes, coding, quantization, regions, order, packed headers. Comments go, and lists of lengths that change then."""

_SOT_BYTES, _LENGTH_AT = 12, 6


def bare_jpeg2000(data: bytes) -> bytes:
    """The same picture; empty if there is none."""
    if data.startswith(_CODESTREAM):
        return _bare_codestream(data)
    if not data.startswith(_SIGNATURE):
        return b""
    kept: list[bytes] = []
    for kind, content in _boxes(data):
        if kind == b"jp2h":
            kept.append(_box(kind, b"".join(_box(*each) for each in _header_boxes(content))))
        elif kind == b"jp2c":
            picture = _bare_codestream(content)
            return b"".join([*kept, _box(kind, picture)]) if picture else b""
        elif kind in _BOXES:
            kept.append(_box(kind, content))
    return b""


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at + 8 <= len(data):
        length, kind, head = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8], 8
        if length == 1:
            length, head = int.from_bytes(data[at + 8 : at + 16], "big"), 16
        end = len(data) if length == 0 else at + length
        if end < at + head:
            return
        yield kind, data[at + head : end]
        at = end


def _header_boxes(header: bytes) -> Iterator[tuple[bytes, bytes]]:
    for kind, content in _boxes(header):
        if kind == b"colr" and content[:1] in _PROFILES:
            yield kind, content[:_PROFILE_AT] + bare_profile(content[_PROFILE_AT:])
        elif kind in _HEADER_BOXES:
            yield kind, content


def _box(kind: bytes, content: bytes) -> bytes:
    return (len(content) + 8).to_bytes(4, "big") + kind + content


def _bare_codestream(data: bytes) -> bytes:
    header, at = _header(data, 2)
    kept = [_CODESTREAM, header]
    while _marker(data, at) == _SOT and at + _SOT_BYTES <= len(data):
        part_bytes = int.from_bytes(data[at + _LENGTH_AT : at + _LENGTH_AT + 4], "big")
        end = min(at + part_bytes, len(data)) if part_bytes else _end_of_last(data)
        inner, body_at = _header(data, at + _SOT_BYTES)
        if _marker(data, body_at) != _SOD or end < body_at:
            break
        body = data[body_at:end]
        length = (_SOT_BYTES + len(inner) + len(body)).to_bytes(4, "big")
        sot = data[at : at + _LENGTH_AT] + length + data[at + _LENGTH_AT + 4 : at + _SOT_BYTES]
        kept.append(sot + inner + body)
        at = end
    return b"".join([*kept, _EOC.to_bytes(2, "big")]) if len(kept) > 2 else b""  # noqa: PLR2004 - a part of a picture


def _header(data: bytes, at: int) -> tuple[bytes, int]:
    """The allowed markers of a header, and where it ends: at the first of a tile-part, or at its data."""
    kept: list[bytes] = []
    while (marker := _marker(data, at)) not in {_SOT, _SOD, _EOC} and at + 4 <= len(data) and marker >> 8 == 0xFF:  # noqa: PLR2004
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if marker in _MARKERS:
            kept.append(data[at:end])
        at = end
    return b"".join(kept), at


def _marker(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 2], "big")


def _end_of_last(data: bytes) -> int:
    end = data.rfind(_EOC.to_bytes(2, "big"))
    return end if end > 0 else len(data)
