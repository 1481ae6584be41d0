"""From the table's first layout to the present one: where a record is filed follows from what it says.

Only an older version of Sluice, in an execution that started on it, leaves a record where it does not belong.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import get_args

from tasks.shared.indexes import FILED, OLD_INDEXES, filed
from tasks.shared.records.model import Item, Status
from tasks.shared.records.table import Table

READ = ("pk", "sk", "asset_id", "status", "updated_at", "kind", "sha256", "recipe", "reused_from", *FILED)


@dataclass(frozen=True)
class Filing:
    """Reads the old index by status, which all versions keep right."""

    table: Table

    def renew(self, *, since: str = "") -> Iterator[str]:
        """File anew what is not where it belongs, of all that changed its status `since`; the ids, as it is done.

        It may be stopped, repeated and done by several: what changes meanwhile is left to whoever changes it.
        """
        for status in get_args(Status):
            yield from (str(item["asset_id"]) for item in self._of(status, since) if self._moved(item))

    def _of(self, status: str, since: str) -> Iterator[Item]:
        index = OLD_INDEXES["by_status"]
        return self.table.query_all(
            index.name,
            f"#{index.partition} = :status AND #{index.sort} >= :since",
            {":status": status, ":since": since or " "},
            at_once=None,
            columns=READ,
        )

    def _moved(self, item: Item) -> bool:
        places = filed(item)
        if all(item.get(name) == place for name, place in places.items()):
            return False
        key = {"pk": item["pk"], "sk": item["sk"]}
        return self.table.set(key, places, "updated_at = :seen", {":seen": item["updated_at"]})
