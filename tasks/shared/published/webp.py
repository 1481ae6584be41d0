"""What may be in a published WebP: pictures, transparency and times."""

from collections.abc import Iterator
from typing import BinaryIO

_PICTURE = frozenset({b"VP8 ", b"VP8L", b"ALPH"})
_CHUNKS = _PICTURE | {b"VP8X", b"ANIM", b"ANMF"}
_FRAME_BYTES = 16


def faults_of_webp(stream: BinaryIO) -> Iterator[str]:
    """One sentence's end for each thing that is not on the list."""
    data = stream.read()
    if not data.startswith(b"RIFF") or data[8:12] != b"WEBP":
        yield "no WebP"
        return
    if int.from_bytes(data[4:8], "little") + 8 != len(data):
        yield "more or less than the file says"
    yield from _chunk_faults(data[12:], _CHUNKS)


def _chunk_faults(data: bytes, allowed: frozenset[bytes]) -> Iterator[str]:
    at = 0
    while at + 8 <= len(data):
        name, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if name not in allowed:
            yield f"a chunk {name.decode('ascii', 'replace')!r}"
        elif name == b"ANMF":
            yield from _chunk_faults(data[at + 8 + _FRAME_BYTES : at + 8 + length], _PICTURE)
        at += 8 + length + length % 2
    if at != len(data):
        yield f"{len(data) - at:,} bytes behind the last chunk"
