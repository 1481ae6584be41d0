"""Streams of frames that begin behind something else: sound and broadcasts that were cut out of longer ones.

A mark of two bytes is found anywhere: several frames have to follow one another, each where the one before ends.
"""

import re
from collections.abc import Callable, Iterator
from types import MappingProxyType

_WANTED_FRAMES = 4
_MPEG_MARK = re.compile(rb"\xff[\xe2-\xff]")
_TS_MARK = ord("G")
_TS_BYTES = (188, 192, 204)
"""As broadcast; with a time in front, as cameras store it; and with the bytes that correct errors."""

_LAYER_3, _LAYER_2, _LAYER_1, _MPEG_1 = 1, 2, 3, 3
_KBITS_A_SECOND = MappingProxyType(
    {
        (True, _LAYER_1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
        (True, _LAYER_2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
        (True, _LAYER_3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
        (False, _LAYER_1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
        (False, _LAYER_2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
        (False, _LAYER_3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    }
)
"""ISO 11172-3 and 13818-3, by version and layer."""
_RATES_HZ = MappingProxyType({3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)})
_HEADER_BYTES, _AAC_HEADER_BYTES = 4, 7


def framed_type(head: bytes) -> str | None:
    """The content type, if frames of one kind follow one another somewhere in `head`."""
    if any(_is_transport_stream(head, length) for length in _TS_BYTES):
        return "video/mp2t"
    starts = [found.start() for found in _MPEG_MARK.finditer(head)]
    lengths: dict[str, Callable[[bytes], int]] = {"audio/mpeg": _mpeg_audio_bytes, "audio/aac": _aac_bytes}
    return next((kind for kind, length in lengths.items() if _follow(head, starts, length)), None)


def _is_transport_stream(head: bytes, length: int) -> bool:
    marks = (head[at::length] for at in range(min(length, len(head))))
    return any(len(each) > _WANTED_FRAMES and set(each[-_WANTED_FRAMES - 1 :]) == {_TS_MARK} for each in marks)


def _follow(head: bytes, starts: list[int], length: Callable[[bytes], int]) -> bool:
    return any(sum(1 for _ in _chain(head, start, length)) >= _WANTED_FRAMES for start in starts)


def _chain(head: bytes, at: int, length: Callable[[bytes], int]) -> Iterator[int]:
    """Where frames begin that follow one another, up to as many as are wanted."""
    for _ in range(_WANTED_FRAMES):
        step = length(head[at : at + _AAC_HEADER_BYTES])
        if not step:
            return
        yield at
        at += step


def _mpeg_audio_bytes(header: bytes) -> int:
    """The length of a frame of MPEG audio; 0 if it is none, or of a free rate."""
    if len(header) < _HEADER_BYTES or not _MPEG_MARK.match(header):
        return 0
    version, layer = header[1] >> 3 & 3, header[1] >> 1 & 3
    rate_at, bits_at, padding = header[2] >> 2 & 3, header[2] >> 4, header[2] >> 1 & 1
    if version not in _RATES_HZ or layer == 0 or rate_at == 3 or not 0 < bits_at < 15:  # noqa: PLR2004 - reserved
        return 0
    is_first = version == _MPEG_1
    bits = 1000 * _KBITS_A_SECOND[is_first, layer][bits_at - 1]
    rate = _RATES_HZ[version][rate_at]
    if layer == _LAYER_1:
        return (12 * bits // rate + padding) * 4
    return (144 if is_first or layer == _LAYER_2 else 72) * bits // rate + padding


def _aac_bytes(header: bytes) -> int:
    """The length of a frame of AAC with its own header (ADTS); 0 if it is none."""
    if len(header) < _AAC_HEADER_BYTES or header[0] != 0xFF or header[1] & 0xF6 != 0xF0:  # noqa: PLR2004 - its mark
        return 0
    length = (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5
    return length if length > _AAC_HEADER_BYTES else 0
