"""How files move through the storage classes, month by month, with the same number uploaded in every month.

A month's files are uploaded evenly over it: each moves on its own day. Lifecycle rules move what is 128 KB or larger.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from workflow import prices
from workflow.limits import SMALLEST_COLD_BYTES
from workflow.operator.cost.measured import MEGABYTE, measured
from workflow.operator.cost.mix import Mix

DAYS_PER_MONTH = 30.4375
GIGABYTE = 1024**3
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
    """What of a stage's settings costs money by the file; `quarantine_days` 0 keeps rejected originals."""

    archive_class: str
    archive: Tiers
    output: Tiers
    quarantine_days: int
    further_formats: tuple[str, ...] = ()
    """Of images: the others than the first, which is what was measured."""
    audit_trail: bool = False


@dataclass(frozen=True)
class Held:
    """Objects of one size that arrive in every month."""

    count: float
    bytes: float
    first: str = "STANDARD"
    tiers: Tiers = ()
    kept_days: int = 0
    told: bool = False
    """EventBridge hears of each move."""

    @property
    def stays(self) -> Iterator[tuple[str, float, float]]:
        """The classes that it passes through, each with the days of its age from which and up to which it is there."""
        moves = self.tiers if self.bytes >= SMALLEST_COLD_BYTES else ()
        end = self.kept_days or math.inf
        starts = [(0, self.first), *((after, name) for after, name in moves if after < end)]
        for (after, name), until in zip(starts, [*(after for after, _ in starts[1:]), end], strict=True):
            yield name, after, until


@dataclass(frozen=True)
class Month:
    """GB-months by class, the objects that arrived in and that moved to a cold class, and the events of moves."""

    gigabytes: Mapping[str, float]
    arrived: Mapping[str, float]
    moved: Mapping[str, float]
    told: float

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
        arrives = plan.archive_class if size >= SMALLEST_COLD_BYTES else "STANDARD"
        found.append(Held(succeeded, size, arrives, plan.archive, told=True))
        found.append(Held(succeeded, size * sample.rendition_bytes / sample.bytes, tiers=plan.output))
        found += [Held(succeeded, other, tiers=plan.output) for other in sample.other_bytes]
        further = plan.further_formats if kind == "image" else ()
        per_byte = size / sample.bytes
        found += [Held(succeeded, per_byte * measured().formats[name].bytes, tiers=plan.output) for name in further]
        found.append(Held(rejected, size, kept_days=plan.quarantine_days))
    return found


def months(everything: Iterable[Held], count: int) -> list[Month]:
    kept = list(everything)
    return [_month(kept, at) for at in range(count)]


def _month(everything: Iterable[Held], at: int) -> Month:
    gigabytes: dict[str, float] = defaultdict(float)
    moved: dict[str, float] = defaultdict(float)
    arrived: dict[str, float] = defaultdict(float)
    told = 0.0
    for each in everything:
        if each.first != "STANDARD":
            arrived[each.first] += each.count
        for month in range(at + 1):
            for name, after, until in each.stays:
                share = share_between(month, after / DAYS_PER_MONTH, until / DAYS_PER_MONTH)
                for charged, size in _weights(each, name) if share else ():
                    gigabytes[charged] += each.count * size / GIGABYTE * share
                if after and (moving := share_reaching(month, after / DAYS_PER_MONTH)):
                    moved[name] += each.count * moving
                    told += each.count * moving * each.told
    return Month(_warmest_first(gigabytes), _warmest_first(arrived), _warmest_first(moved), told)


def share_reaching(month: int, age: float) -> float:
    """Of files uploaded evenly over a month: how many reach an age, in months, during the month that is so much later.

    Over the later month their ages are spread as a triangle: most are as old as the months are apart.
    """
    return max(0.0, 1 - abs(age - month))


def share_between(month: int, youngest: float, oldest: float) -> float:
    """The time, in months, that such a file spends between two ages during the later month: the triangle's area."""

    def younger_than(age: float) -> float:
        apart = min(1.0, max(-1.0, age - month))
        return (1 + apart) ** 2 / 2 if apart < 0 else 1 - (1 - apart) ** 2 / 2

    return younger_than(oldest) - younger_than(youngest)


def _warmest_first(found: Mapping[str, float]) -> dict[str, float]:
    return {name: found[name] for name in STORED if name in found}


def _weights(each: Held, name: str) -> list[tuple[str, float]]:
    if name in {"GLACIER", "DEEP_ARCHIVE"}:
        return [(name, each.bytes + INDEX_BYTES), ("STANDARD", NAME_BYTES)]
    return [(name, each.bytes)]
