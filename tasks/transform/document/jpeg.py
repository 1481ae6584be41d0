"""Reduces a JPEG in a PDF to what shows its picture: its colors are told by the PDF, and all else by nobody.

What follows the end mark goes, too: phones put further pictures there, each with a place of its own.
"""

import re

_START, _END = b"\xff\xd8", b"\xff\xd9"
_SCAN, _JFIF, _ADOBE = 0xDA, 0xE0, 0xEE
_NOT_SHOWN = frozenset({0xC8, 0xD8})
_SHOWN = frozenset({*range(0xC0, 0xD0), *range(0xDA, 0xE0)}) - _NOT_SHOWN
"""Frames, tables, restarts and scans."""

_MARKER = re.compile(rb"\xff([^\x00\xff])")
_AFTER_SCAN = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])")
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
_JFIF_BYTES, _ADOBE_BYTES = 14, 12


def bare_jpeg(data: bytes) -> bytes:
    """The same picture from its first start mark to its end mark; empty if there is none."""
    at = data.find(_START)
    if at < 0:
        return b""
    kept = [_START]
    at += len(_START)
    while found := _MARKER.search(data, at):
        marker = found[1][0]
        at = found.end()
        if data[found.start() : at] == _END:
            break
        if marker in _WITHOUT_LENGTH:
            continue
        end = at + int.from_bytes(data[at : at + 2], "big")
        if marker == _SCAN:
            following = _AFTER_SCAN.search(data, end)
            end = following.start() if following else len(data)
        kept.append(_segment(marker, data[at + 2 : end], data[found.start() : end]))
        at = end
    return b"".join([*kept, _END]) if len(kept) > 1 else b""


def _segment(marker: int, payload: bytes, whole: bytes) -> bytes:
    """What stays of a segment. Decoders guess the colors by JFIF's and Adobe's, which end where their fields do."""
    if marker in _SHOWN:
        return whole
    if marker == _JFIF and payload.startswith(b"JFIF\0") and len(payload) >= _JFIF_BYTES:
        return _built(marker, payload[: _JFIF_BYTES - 2] + b"\0\0")
    if marker == _ADOBE and payload.startswith(b"Adobe") and len(payload) >= _ADOBE_BYTES:
        return _built(marker, payload[:_ADOBE_BYTES])
    return b""


def _built(marker: int, payload: bytes) -> bytes:
    return bytes([0xFF, marker]) + (len(payload) + 2).to_bytes(2, "big") + payload
