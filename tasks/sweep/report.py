"""What a sweep found, asset by asset, and what it did about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType


class Did(StrEnum):
    """What became of a finding; `trouble` is left for the next sweep."""

    STARTED = "started"
    SETTLED = "settled"
    MOVED = "moved"
    TROUBLE = "trouble"


METRICS: Mapping[Did, str] = MappingProxyType(
    {
        Did.STARTED: "UnprocessedUploads",
        Did.SETTLED: "RecordsSettled",
        Did.MOVED: "OriginalsInTwoPlaces",
        Did.TROUBLE: "SweeperErrors",
    }
)


@dataclass(frozen=True, kw_only=True)
class Finding:
    """An asset that was not as it should be. `execution` was started for it, or is the one that left it so."""

    did: Did
    because: str
    asset_id: str
    bucket: str
    key: str
    version_id: str
    execution: str | None = None


@dataclass(kw_only=True)
class Report:
    """`looked_at` counts assets. `complete` is False where the time ran out: the next sweep goes on."""

    at: str
    older_than_seconds: int
    looked_at: int = 0
    oldest_unprocessed_seconds: int = 0
    complete: bool = True
    findings: list[Finding] = field(default_factory=list[Finding])

    @property
    def counts(self) -> dict[Did, int]:
        return {did: sum(each.did == did for each in self.findings) for did in Did}
