"""What may be in a published JPEG 2000: one picture, its size and its colors (ITU-T T.800, annexes A and I)."""

from collections.abc import Generator, Iterator

from tasks.shared.published.color_profile import faults_of_profile

_BOXES = frozenset({b"jP  ", b"ftyp", b"rreq", b"jp2h", b"jp2c"})
_IN_HEADER = frozenset({b"ihdr", b"bpcc", b"colr", b"pclr", b"cmap", b"cdef"})
_PROFILES, _PROFILE_AT = frozenset({b"\2", b"\3"}), 3

_START, _PART, _DATA, _END = 0xFF4F, 0xFF90, 0xFF93, 0xFFD9
_MARKERS = frozenset({0xFF50, 0xFF51, 0xFF52, 0xFF53, *range(0xFF5C, 0xFF62)})
_PART_BYTES, _PART_LENGTH_AT = 12, 6


def faults_of_jpeg2000(data: bytes) -> Iterator[str]:
    """One sentence's end for each thing that is not on the list."""
    if _number(data, 0) == _START:
        yield from _codestream_faults(data)
        return
    for kind, content in _boxes(data):
        if kind not in _BOXES:
            yield f"a box {kind.decode('latin-1')!r}"
        elif kind == b"jp2h":
            yield from _header_faults(content)
        elif kind == b"jp2c":
            yield from _codestream_faults(content)


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at < len(data):
        length, kind = _number(data, at, 4), data[at + 4 : at + 8]
        if not 8 <= length <= len(data) - at:  # noqa: PLR2004 - a box's own head
            yield b"", b""
            return
        yield kind, data[at + 8 : at + length]
        at += length


def _header_faults(header: bytes) -> Iterator[str]:
    for kind, content in _boxes(header):
        if kind not in _IN_HEADER:
            yield f"a box {kind.decode('latin-1')!r}"
        elif kind == b"colr" and content[:1] in _PROFILES:
            yield from faults_of_profile(content[_PROFILE_AT:])


def _codestream_faults(data: bytes) -> Iterator[str]:
    at = yield from _marker_faults(data, 2)
    while _number(data, at) == _PART:
        end = at + _number(data, at + _PART_LENGTH_AT, 4)
        inside = yield from _marker_faults(data, at + _PART_BYTES)
        if _number(data, inside) != _DATA or not inside < end <= len(data):
            break
        at = end
    if data[at:] != _END.to_bytes(2, "big"):
        yield "something else than its parts"


def _marker_faults(data: bytes, at: int) -> Generator[str, None, int]:
    """Ends with the place of the first marker that is no header's."""
    while (marker := _number(data, at)) not in {_PART, _DATA, _END} and at < len(data):
        if marker not in _MARKERS:
            yield f"a marker 0x{marker:04X}"
        at += 2 + _number(data, at + 2)
    return at


def _number(data: bytes, at: int, length: int = 2) -> int:
    return int.from_bytes(data[at : at + length], "big")
