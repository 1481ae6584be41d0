"""How files move through the storage classes, month by month, with the same number uploaded in every month.

A month's files are taken as one, uploaded in its middle; lifecycle rules move what is 128 KB or larger.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from workflow import prices
from workflow.operator.cost.measured import MEGABYTE, measured
from workflow.operator.cost.mix import Mix

DAYS_PER_MONTH = 30.4375
GIGABYTE = 1024**3
SMALLEST_MOVED_BYTES = 128 * 1024
"""Standard-IA and Glacier Instant Retrieval charge for as much even where an object is smaller."""
INDEX_BYTES, NAME_BYTES = 32 * 1024, 8 * 1024
"""Charged beside each object in Glacier Flexible Retrieval or Deep Archive: in its own class, and in Standard."""

STORED: Mapping[str, prices.Price] = MappingProxyType(
    {
        "STANDARD": prices.S3_STANDARD,
        "STANDARD_IA": prices.S3_STANDARD_IA,
        "GLACIER_IR": prices.S3_GLACIER_IR,
        "GLACIER": prices.S3_GLACIER,
        "DEEP_ARCHIVE": prices.S3_DEEP_ARCHIVE,
    }
)
MOVED: Mapping[str, prices.Price] = MappingProxyType(
    {
        "STANDARD": prices.S3_WRITE,
        "STANDARD_IA": prices.S3_TO_STANDARD_IA,
        "GLACIER_IR": prices.S3_TO_GLACIER_IR,
        "GLACIER": prices.S3_TO_GLACIER,
        "DEEP_ARCHIVE": prices.S3_TO_DEEP_ARCHIVE,
    }
)
Tiers = tuple[tuple[int, str], ...]
"""After how many days an object moves to which class."""


@dataclass(frozen=True)
class Plan:
    """A stage's lifecycle rules; `quarantine_days` 0 keeps rejected originals."""

    archive_class: str
    archive: Tiers
    output: Tiers
    quarantine_days: int


@dataclass(frozen=True)
class Held:
    """Objects of one size that arrive in every month."""

    count: float
    bytes: float
    first: str = "STANDARD"
    tiers: Tiers = ()
    kept_days: int = 0

    def class_at(self, age_days: float) -> str | None:
        """None once it expired."""
        if self.kept_days and age_days >= self.kept_days:
            return None
        reached = [name for after, name in self.tiers if age_days >= after and self.bytes >= SMALLEST_MOVED_BYTES]
        return (self.first, *reached)[-1]


@dataclass(frozen=True)
class Month:
    """GB-months by class, and how many objects moved into which class."""

    gigabytes: Mapping[str, float]
    moved: Mapping[str, float]

    @property
    def stored_dollars(self) -> dict[str, float]:
        return {name: gb * STORED[name] for name, gb in self.gigabytes.items()}

    @property
    def moved_dollars(self) -> float:
        return sum(count * MOVED[name] for name, count in self.moved.items())


def held(files: float, mix: Mix, plan: Plan) -> list[Held]:
    """What a month's files leave behind, in all buckets."""
    found: list[Held] = []
    for kind, share in mix.kinds.items():
        sample, size = measured().kinds[kind], share.megabytes * MEGABYTE
        succeeded, rejected = (files * share.share * part for part in (1 - mix.rejected, mix.rejected))
        found.append(Held(succeeded, size, plan.archive_class, plan.archive))
        found.append(Held(succeeded, size * sample.rendition_bytes / sample.bytes, tiers=plan.output))
        found += [Held(succeeded, other, tiers=plan.output) for other in sample.other_bytes]
        found.append(Held(rejected, size, kept_days=plan.quarantine_days))
    return found


def months(everything: Iterable[Held], count: int) -> list[Month]:
    kept = list(everything)
    return [_month(kept, at) for at in range(count)]


def _month(everything: Iterable[Held], at: int) -> Month:
    gigabytes: dict[str, float] = defaultdict(float)
    moved: dict[str, float] = defaultdict(float)
    for each in everything:
        for age in range(at + 1):
            now = each.class_at(age * DAYS_PER_MONTH)
            for name, size in _weights(each, now):
                gigabytes[name] += each.count * size / GIGABYTE * (1 if age else 0.5)
            if age and now and now != each.class_at((age - 1) * DAYS_PER_MONTH):
                moved[now] += each.count
    return Month(_warmest_first(gigabytes), _warmest_first(moved))


def _warmest_first(found: Mapping[str, float]) -> dict[str, float]:
    return {name: found[name] for name in STORED if name in found}


def _weights(each: Held, now: str | None) -> list[tuple[str, float]]:
    if now in {"GLACIER", "DEEP_ARCHIVE"}:
        return [(now, each.bytes + INDEX_BYTES), ("STANDARD", NAME_BYTES)]
    return [(now, each.bytes)] if now else []
