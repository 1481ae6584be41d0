"""From the table's first layout to the present one: where a record is filed follows from what it says.

Only an older version of Sluice, in an execution that started on it, leaves a record where it does not belong.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import get_args

from tasks.shared.indexes import FILED, OLD_INDEXES, filed
from tasks.shared.records.model import Item, Shape, Status, decoded, id_of
from tasks.shared.records.table import Table
from workflow.errors import UnreadableRecord


class Says(Shape, frozen=True, kw_only=True):
    """What of a record says where it is filed."""

    asset_id: str
    status: Status
    updated_at: str
    kind: str | None = None
    sha256: str | None = None
    recipe: str | None = None
    reused_from: str | None = None


READ = ("pk", "sk", "bucket", "key", "version_id", *(set(Says.__struct_fields__) - {"later"}), *FILED)


@dataclass(frozen=True)
class Look:
    """A record that was looked at, and whether it was `filed` anew."""

    asset_id: str
    filed: bool


@dataclass(frozen=True)
class Filing:
    """Reads the old index by status, which all versions keep right. Those of which nobody can say where they belong
    are told to `leave_out`.
    """

    table: Table
    leave_out: Callable[[Item, UnreadableRecord], None]

    def renew(self, *, since: str = "") -> Iterator[Look]:
        """File anew what is not where it belongs, of all that changed its status `since`; each record, as it is done.

        It may be stopped, repeated and done by several: what changes meanwhile is left to whoever changes it.
        """
        return map(self._renewed, self._all(since))

    def first_left(self) -> str | None:
        """An asset that `renew` has something to do for, or cannot read; None where nothing is left to do."""
        return next((id_of(item) for item in self._all("") if not _is_in_place(item)), None)

    def _all(self, since: str) -> Iterator[Item]:
        for status in get_args(Status):
            yield from self._of(status, since)

    def _of(self, status: str, since: str) -> Iterator[Item]:
        index = OLD_INDEXES["by_status"]
        return self.table.query_all(
            index.name,
            f"#{index.partition} = :status AND #{index.sort} >= :since",
            {":status": status, ":since": since or " "},
            at_once=None,
            columns=READ,
        )

    def _renewed(self, item: Item) -> Look:
        try:
            moved = self._moved(item)
        except UnreadableRecord as exc:
            self.leave_out(item, exc)
            moved = False
        return Look(id_of(item), filed=moved)

    def _moved(self, item: Item) -> bool:
        places = _misses(item)
        key = {"pk": item["pk"], "sk": item["sk"]}
        return bool(places) and self.table.set(key, places, "updated_at = :seen", {":seen": item["updated_at"]})


def is_gone(exc: Exception) -> bool:
    """Whether it says that the old index is no more: it goes before the functions are told that they need none."""
    return "does not have the specified index" in str(exc)


def _is_in_place(item: Item) -> bool:
    try:
        return not _misses(item)
    except UnreadableRecord:
        return False


def _misses(item: Item) -> dict[str, str]:
    """The places where a record belongs and is not yet."""
    decoded(item, Says)
    return {name: place for name, place in filed(item).items() if item.get(name) != place}
