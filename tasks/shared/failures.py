"""What an execution that ended badly leaves: a record that says why, subscribers who know, and a free asset."""

from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError
from msgspec.structs import replace

from tasks.shared.announce import Announcer, is_owed
from tasks.shared.executions import Execution, Executions
from tasks.shared.observe import count, logger
from tasks.shared.records.adapter import Records
from tasks.shared.records.attempts import latest
from tasks.shared.records.model import Reason, Record, plain
from workflow.errors import TransientError

REJECTED_END = "Rejected"
"""The state in which an execution ends whose file was quarantined with all that belongs to it."""


def denies_failure(record: Record) -> bool:
    """What a record says whose execution ended badly when nobody has recorded that.

    Those of rejected files end so, too, after all were told; and one whose success was complete lacks nothing that the
    sweeper does not do.
    """
    if record.status == "succeeded":
        last = latest(record.attempts, record.execution)
        return last is None or last.is_open
    return record.status == "processing" or (record.status == "rejected" and is_owed(record))


@dataclass(frozen=True)
class Failures:
    """Settles executions that failed, timed out or were stopped. Doing it again does no harm."""

    executions: Executions
    records: Records
    announcer: Announcer

    def settle(self, execution: Execution, asset_id: str | None) -> None:
        """Write down, then tell why the execution ended; `asset_id` is None where it never came to an asset."""
        run, reason = execution.run, self.executions.reason(execution)
        failed = self._record(asset_id, execution, reason) if asset_id else None
        logger.error("execution failed", extra={"reason": plain(reason)})
        count("ExecutionsFailed")
        if failed:
            self._tell(failed)
        if asset_id:
            self.records.claims.release(asset_id, run.name, done=failed is not None)

    def _record(self, asset_id: str, execution: Execution, reason: Reason) -> Record | None:
        """Mark the asset failed; its record, or None where it is rejected, which says why, or no longer ours."""
        run = execution.run
        known = self.records.assets.get(asset_id)
        if known is None or known.execution != run.name or reason.state == REJECTED_END:
            return None
        self.records.assets.finish(asset_id, run, "failed", reason=reason, redrives=execution.redrives)
        return replace(known, status="failed", reason=reason)

    def _tell(self, failed: Record) -> None:
        """What cannot be told now is owed: the record shows it, and the sweeper pays."""
        try:
            self.announcer.announce(failed, "failed")
        except (TransientError, ClientError, BotoCoreError):
            logger.exception("not told")
