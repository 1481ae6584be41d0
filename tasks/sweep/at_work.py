"""Which assets executions work on, or will as soon as they get to it: a sweep leaves those alone."""

from collections.abc import Set as AbstractSet
from functools import cached_property

from tasks.shared.executions import Executions
from tasks.shared.records.adapter import Records

MAX_WITHOUT_ASSET = 300
"""So many executions are asked for their input: DescribeExecution's burst in the smallest regions."""


class AtWork:
    """What runs, listed once when it is first asked for."""

    def __init__(self, executions: Executions, records: Records) -> None:
        self._executions = executions
        self._records = records

    def serves(self, execution: str) -> bool:
        """Asked anew where the list does not have it, as that lags behind."""
        if execution in self._names:
            return True
        found = self._executions.find(execution)
        return found is not None and found.lives

    def has(self, asset_id: str, bucket: str, key: str) -> bool:
        """Also where an execution for any version of the key has not come to Validate yet.

        When too many have not, functions are short of concurrency, and whatever is not begun counts as waiting.
        """
        return asset_id in self._assets or self._keys is None or (bucket, key) in self._keys

    @cached_property
    def _names(self) -> AbstractSet[str]:
        return set(self._executions.running())

    @cached_property
    def _asset_by_execution(self) -> dict[str, str]:
        return self._records.links.assets_of(self._names)

    @cached_property
    def _assets(self) -> AbstractSet[str]:
        return set(self._asset_by_execution.values())

    @cached_property
    def _keys(self) -> AbstractSet[tuple[str, str]] | None:
        without_asset = self._names - self._asset_by_execution.keys()
        if len(without_asset) > MAX_WITHOUT_ASSET:
            return None
        found = (self._executions.find(name) for name in without_asset)
        return {(each.wanted.bucket, each.wanted.key) for each in found if each and each.wanted}
