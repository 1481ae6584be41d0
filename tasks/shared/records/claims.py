"""Which execution may work on an asset: one at a time, and repeats of its event find the claim."""

from dataclasses import dataclass
from datetime import timedelta

from tasks.shared.records.model import Item
from tasks.shared.records.table import Table, now
from workflow.errors import DuplicateEvent
from workflow.limits import DEDUPE_WINDOW_SECONDS, EXECUTION_TIMEOUT_SECONDS
from workflow.shapes import Run


@dataclass(frozen=True)
class Claims:
    """A claim is held while the execution works, and kept for the dedupe window after it has ended well."""

    table: Table

    def take(self, asset_id: str, run: Run, *, delivery: bool) -> None:
        """Take the asset for this execution, or raise DuplicateEvent.

        It can be taken when nobody has it, when this execution has it already, or when a claim ran out. A person
        (not a `delivery` of an event) may also take one whose execution has ended well.
        """
        free = "attribute_not_exists(pk) OR execution = :execution OR expires_at < :now"
        if not delivery:
            free += " OR held = :ended"
        held_until = now() + timedelta(seconds=EXECUTION_TIMEOUT_SECONDS)
        taken = self.table.set(
            _key(asset_id),
            {"execution": run.name, "held": True, "expires_at": int(held_until.timestamp())},
            free,
            {":now": int(now().timestamp()), ":execution": run.name, **({} if delivery else {":ended": False})},
        )
        if not taken:
            raise DuplicateEvent(self._who_has(asset_id))

    def keep(self, asset_id: str, run: Run) -> None:
        """The work is done: repeats of the event stay recognisable for the dedupe window.

        A redriven execution works without a claim, as its failure has released it.
        """
        until = now() + timedelta(seconds=DEDUPE_WINDOW_SECONDS)
        self.table.set(
            _key(asset_id),
            {"execution": run.name, "held": False, "expires_at": int(until.timestamp())},
            "attribute_not_exists(pk) OR execution = :execution",
            {":execution": run.name},
        )

    def release(self, asset_id: str, execution: str, *, done: bool = False) -> None:
        """Whoever comes next may have the asset. With `done`, also one that was kept for work that seemed done."""
        self.table.delete(
            _key(asset_id),
            "execution = :execution AND held IN (:held, :kept)",
            {":execution": execution, ":held": True, ":kept": not done},
        )

    def holder(self, asset_id: str) -> str | None:
        """The execution that holds the asset at the moment."""
        claim = self.table.get(_key(asset_id)) or {}
        return claim["execution"] if claim.get("held") else None

    def taken_over(self, asset_id: str) -> DuplicateEvent:
        """Why an execution must stop: while it had failed, and before its redrive, another one took the asset."""
        return DuplicateEvent(self._who_has(asset_id))

    def _who_has(self, asset_id: str) -> str:
        claim = self.table.get(_key(asset_id)) or {}
        execution = claim.get("execution", "unknown")
        if claim.get("held"):
            return f"Execution {execution} is at work on this version (asset {asset_id}); nothing to do."
        return (
            f"Execution {execution} has already served this version (asset {asset_id}); nothing to do. "
            'To process it again all the same, add "force": true to the input.'
        )


def _key(asset_id: str) -> Item:
    return {"pk": f"asset#{asset_id}", "sk": "claim"}
