"""The table's four parts together, as those who need more than one of them hold them."""

from functools import cached_property
from typing import TYPE_CHECKING

from tasks.shared.records.assets import Assets
from tasks.shared.records.claims import Claims
from tasks.shared.records.current import Current
from tasks.shared.records.filing import Filing
from tasks.shared.records.links import Links
from tasks.shared.records.table import Table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class Records:
    """The DynamoDB adapter, for one table. `old_indexes` is the stage's setting; "" where it has none."""

    def __init__(self, dynamodb: "DynamoDBClient", table: str, old_indexes: str = "") -> None:
        self._table = Table(dynamodb, table)
        self._old_indexes = old_indexes

    @cached_property
    def assets(self) -> Assets:
        return Assets(self._table, self.claims, from_old_indexes=self._old_indexes == "read")

    @cached_property
    def claims(self) -> Claims:
        return Claims(self._table)

    @cached_property
    def filing(self) -> Filing | None:
        """Where the stage is on its way from the table's first layout."""
        return Filing(self._table, self.assets.leave_out) if self._old_indexes else None

    @cached_property
    def links(self) -> Links:
        return Links(self._table)

    @cached_property
    def current(self) -> Current:
        return Current(self._table)
