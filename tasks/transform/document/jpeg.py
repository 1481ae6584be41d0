"""Takes the metadata out of a JPEG photograph without touching its picture."""

_START, _SCAN = b"\xff\xd8", 0xDA
_PRIVATE_SEGMENTS = frozenset({0xE1, *range(0xE3, 0xEE), 0xEF, 0xFE})
"""EXIF and XMP, IPTC, makers' own and comments; kept are JFIF, color profile and Adobe's, which says how to decode."""

_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})


def without_metadata(data: bytes) -> bytes:
    """The same JPEG without its private segments; unchanged where it is not built as one."""
    kept, at = [_START], 2
    while data.startswith(_START) and data[at : at + 1] == b"\xff" and at + 4 <= len(data):
        marker = data[at + 1]
        if marker == _SCAN:
            return b"".join([*kept, data[at:]])
        end = at + 2 + (0 if marker in _WITHOUT_LENGTH else int.from_bytes(data[at + 2 : at + 4], "big"))
        if marker not in _PRIVATE_SEGMENTS:
            kept.append(data[at:end])
        at = end
    return data
