"""DynamoDB's documented limits on writes, second by second.

A partition takes 1,000 units a second, and what it left unused in the last 300 ("Burst and adaptive capacity"). What
has one partition key is not spread while its sort keys grow; adaptive capacity gives each key its own partition at
best. An index whose partition is exhausted throttles the write to the table ("GSI write throttling and back pressure").
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

Item = Mapping[str, Mapping[str, Any]]

PARTITION_UNITS = 1000
BURST_SECONDS = 300


@dataclass
class Partitions:
    """A table and its indexes, each partition key with a partition of its own; `saved` seconds of each are unused."""

    saved_seconds: int = 0
    _left: dict[tuple[str, str], float] = field(init=False)

    def __post_init__(self) -> None:
        self._left = defaultdict(lambda: PARTITION_UNITS * (1 + min(self.saved_seconds, BURST_SECONDS)))

    def take(self, wanted: Iterable[tuple[str, str, int]]) -> bool:
        """All that a request needs, by index, partition key and units; or nothing, where one of them is exhausted."""
        needs: dict[tuple[str, str], int] = defaultdict(int)
        for index, key, units in wanted:
            needs[index, key] += units
        if any(self._left[where] < units for where, units in needs.items()):
            return False
        for where, units in needs.items():
            self._left[where] -= units
        return True

    def next_second(self) -> None:
        """What is left is saved, for as long as is documented."""
        most = PARTITION_UNITS * (1 + BURST_SECONDS)
        for where, left in self._left.items():
            self._left[where] = min(left + PARTITION_UNITS, most)


def taken(
    keys: Mapping[str, Sequence[str]], before: Item, after: Item, kilobytes: Callable[[Item], int]
) -> Iterator[tuple[str, str, int]]:
    """The units that a write takes: of the table (""), and of each index where the item comes to a place or leaves one.

    `keys` has the partition and the sort key of each. An index has keys alone, which are never longer than a kilobyte.
    """
    own = (after or before)[keys[""][0]]["S"]
    yield "", own, max(kilobytes(before), kilobytes(after), 1)
    for index, names in keys.items():
        was, now = (tuple(item.get(name, {}).get("S") for name in names) for item in (before, after))
        for place in (was, now) if index and was != now else ():
            if None not in place:
                yield index, str(place[0]), 1
