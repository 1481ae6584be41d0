"""What follows once an original has come out of Glacier."""

import hashlib

from tasks.shared.records.model import Listed, Restore
from workflow.shapes import ExecutionInput


def continuation(record: Listed, asked: Restore) -> tuple[str, ExecutionInput]:
    """The execution that an original was restored for: its name, the same for every repeat, and its input."""
    moment = hashlib.sha256(asked.asked_at.encode()).hexdigest()[:8]
    wanted = ExecutionInput(
        bucket=record.bucket,
        key=record.key,
        version_id=record.version_id,
        trigger="restore",
        by=asked.by,
        why=asked.why,
    )
    return f"restore-{record.asset_id}-{moment}", wanted
