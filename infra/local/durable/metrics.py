"""CloudWatch's metrics: a row for each metric and hour, saved half a minute late, as nothing is computed from them.

Points of one minute with the same value become one with a count, which all statistics, percentiles too, give the same.
"""

import time
from collections.abc import Iterator
from operator import itemgetter
from typing import Any

from infra.local.durable.journal import GONE, Watched
from infra.local.durable.store import Change, Store, encode, key_of, key_text
from infra.local.ministack import cloudwatch

AREA = "cloudwatch/points"
SAVE_SECONDS = 30.0
MINUTE = 60
HOUR = 3600

Point = dict[str, Any]


class Metrics:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._dirty: set[Any] = set()
        self._hours: dict[Any, int] = {}
        """The last hour that was saved of each metric: older ones do not change any more."""
        self._due = 0.0
        cloudwatch._metrics._data = self._data = Watched(cloudwatch._metrics._data, self._dirty.add)

    def restore(self) -> None:
        for text, points in self._store.values(AREA):
            *metric, hour = key_of(text)
            key = tuple(metric)
            self._data.setdefault(key, []).extend(points)
            self._hours[key] = max(hour, self._hours.get(key, hour))
        for points in self._data.values():
            points.sort(key=itemgetter("Timestamp"))
        self._dirty.clear()

    def save(self, *, now: bool = False) -> None:
        if not now and time.monotonic() < self._due:
            return
        self._due = time.monotonic() + SAVE_SECONDS
        keys = list(self._dirty)
        self._dirty.difference_update(keys)
        self._store.write([change for key in keys for change in self._changes(key)])

    def _changes(self, key: Any) -> Iterator[Change]:
        points: Any = self._data.peek(key)
        if points is GONE:
            return
        complete = len(points)
        points[:complete] = merged(points[:complete])
        hours: dict[int, list[Point]] = {}
        for point in points:
            hours.setdefault(int(point["Timestamp"] // HOUR), []).append(point)
        last = self._hours.get(key, 0)
        for hour, content in hours.items():
            if hour >= last:
                yield AREA, key_text([*key, hour]), encode(content)
        self._hours[key] = max([last, *hours])


def merged(points: list[Point]) -> list[Point]:
    """Of points that have a value: one for each value in a minute."""
    found: dict[object, Point] = {}
    for number, point in enumerate(points):
        if "_stat" in point:
            found[number] = point
            continue
        same = (int(point["Timestamp"] // MINUTE), point["Value"], point["Unit"])
        if same in found:
            found[same] = found[same] | {"Count": found[same].get("Count", 1.0) + point.get("Count", 1.0)}
        else:
            found[same] = point
    return list(found.values())
