"""What a video may have, and what converting it costs: measured on shared cores, by the pixels that go in and out."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

MEGAPIXEL = 1_000_000


@dataclass(frozen=True)
class Limits:
    """`max_cpu_seconds` is what one function takes on: a third of what its 900 s on 1.7 cores can do.

    `max_whole_bytes` leaves the rest of its disk to the rendition; what is larger is read in parts, and never on disk.
    The rendition of `max_seconds` at its highest rate fits the 10 GB of disk that a function may have.
    """

    max_seconds: float = 4 * 3600
    max_pixels: int = 17 * MEGAPIXEL
    max_cpu_seconds: float = 500
    max_whole_bytes: int = 7 * 1024**3
    max_parts: int = 400
    min_part_seconds: float = 10
    max_part_seconds: float = 120
    part_cpu_seconds: float = 150
    max_lost_share: float = 0.1
    min_played_share: float = 0.5


LIMITS = Limits()

MIN_FRAME_RATE, MAX_FRAME_RATE = 30.0, 60.0
"""What a file is taken to have where it says less, which need not be true; and what is kept of more."""

# CPU milliseconds for each megapixel that is decoded, deinterlaced and scaled, and for each that is encoded.
_DECODED_MS: Mapping[str, float] = MappingProxyType({"h264": 6, "hevc": 8, "av1": 8, "vp9": 6})
_DECODED_OTHERWISE_MS = 10.0
_ENCODED_MS = 12.0
_TONE_MAPPED_MS = 15.0
SOUND_CPU_SHARE = 0.02


def picture_cpu_share(
    codec: str, stored: tuple[int, int], target: tuple[int, int], frame_rate: float, *, is_hdr: bool
) -> float:
    """CPU seconds for a second of video: an estimate, rather too high than too low."""
    decoded_ms = _DECODED_MS.get(codec, _DECODED_OTHERWISE_MS) * stored[0] * stored[1] * frame_rate
    a_picture_ms = _ENCODED_MS + (_TONE_MAPPED_MS if is_hdr else 0)
    encoded_ms = a_picture_ms * target[0] * target[1] * min(frame_rate, MAX_FRAME_RATE)
    return (decoded_ms + encoded_ms) / MEGAPIXEL / 1000
