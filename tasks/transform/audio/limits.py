"""What one audio file may ask for: time, memory, and what its picture may weigh."""

from dataclasses import dataclass
from datetime import timedelta

from workflow.units import MIB


@dataclass(frozen=True)
class Limits:
    """`max_samples` counts those of all channels: it bounds the work where rates and channels are many."""

    max_bytes: int = 4096 * MIB
    max_length: timedelta = timedelta(hours=6)
    max_samples: int = 8_000_000_000
    min_rate_hz: int = 2_000
    max_rate_hz: int = 768_000
    max_damaged_share: float = 0.1
    max_cover_bytes: int = 16 * MIB
    max_cover_pixels: int = 25_000_000


LIMITS = Limits()
