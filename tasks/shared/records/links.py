"""Which asset an execution works on, for the steps and the people that see only the execution."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from tasks.shared.records.model import Item
from tasks.shared.records.table import Table, now
from workflow.shapes import Run

LINK_LIFETIME = timedelta(days=90)
"""As long as Step Functions keeps an ended execution's history."""


@dataclass(frozen=True)
class Links:
    """From an execution's name to the asset's id."""

    table: Table

    def add(self, run: Run, asset_id: str) -> None:
        """Remember what an execution works on."""
        expires = now() + LINK_LIFETIME
        self.table.set(_key(run.name), {"asset_id": asset_id, "expires_at": int(expires.timestamp())})

    def asset_of(self, execution: str) -> str | None:
        """The asset id that an execution works on."""
        item = self.table.get(_key(execution))
        return item["asset_id"] if item else None

    def assets_of(self, executions: Iterable[str]) -> dict[str, str]:
        """Asset ids by the executions that work on them; unknown ones are left out."""
        found = self.table.batch_get(map(_key, executions))
        return {item["pk"].partition("#")[2]: item["asset_id"] for item in found}


def _key(execution: str) -> Item:
    return {"pk": f"execution#{execution}", "sk": "asset"}
