"""What an execution that ended badly leaves: a record that says why, subscribers who know, and a free asset."""

from dataclasses import dataclass

from tasks.shared.announce import Announcer
from tasks.shared.executions import Execution, Executions
from tasks.shared.observe import count, logger
from tasks.shared.records import Records

REJECTED_END = "Rejected"
"""The state in which an execution ends whose file was quarantined with all that belongs to it."""


@dataclass(frozen=True)
class Failures:
    """Settles executions that failed, timed out or were stopped. Doing it again does no harm."""

    executions: Executions
    records: Records
    announcer: Announcer

    def settle(self, execution: Execution, asset_id: str | None) -> None:
        """Write down and tell why the execution ended; `asset_id` is None where it never came to an asset."""
        run, error = execution.run, execution.error
        reason = {"code": error.error, "message": error.message, "state": self.executions.last_state(run)}
        logger.error("execution failed", extra={"reason": reason})
        count("ExecutionsFailed")
        if asset_id:
            self._record(asset_id, execution, reason)

    def _record(self, asset_id: str, execution: Execution, reason: dict[str, str]) -> None:
        """Tell the subscribers, mark the asset failed, free it for the next attempt; a rejected one says why.

        Told first: what is marked and was not told, nobody would look for.
        """
        run = execution.run
        known = self.records.get(asset_id)
        failed = known if known and known["execution"] == run.name and reason["state"] != REJECTED_END else None
        if failed:
            self.announcer.announce({**failed, "status": "failed", "reason": reason}, "failed")
            self.records.finish(asset_id, run, "failed", {"reason": reason}, redrives=execution.redrives)
        self.records.release_claim(asset_id, run.name, done=failed is not None)
