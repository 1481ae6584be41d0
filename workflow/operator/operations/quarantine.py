"""What a person decides about a rejected file: it is checked again, or it goes."""

from tasks.shared.objects import Objects
from tasks.shared.records.model import Record
from workflow.operator.client import Sluice
from workflow.operator.operations import NotPossibleError, start_again
from workflow.shapes import Pointer


def release(sluice: Sluice, record: Record, *, by: str, why: str) -> str:
    """Check and process a rejected file again, such as after a limit was raised; the execution's name."""
    if record.status != "rejected":
        raise _not_rejected(record, "released")
    return start_again(sluice, record, trigger="release", by=by, why=why)


def discard(sluice: Sluice, record: Record, *, by: str, why: str) -> None:
    """Let a rejected original go. Its version stays behind a delete marker, its reason beside it.

    Doing it again finishes what a crash interrupted.
    """
    original, asset_id = record.original, record.asset_id
    if record.status == "rejected" and original.bucket != sluice.buckets.quarantine:
        raise NotPossibleError(
            f"The original of {record.key} is in s3://{original.bucket}, not in quarantine: it was processed "
            "well before. Only files in quarantine can be discarded."
        )
    if not sluice.records.assets.discard(asset_id, by=by, why=why):
        now = sluice.records.assets.get(asset_id) or record
        if now.status != "discarded":
            raise _not_rejected(now, "discarded")
    if Objects(sluice.aws.s3).head(Pointer(bucket=original.bucket, key=original.key)):
        sluice.aws.s3.delete_object(Bucket=original.bucket, Key=original.key)


def _not_rejected(record: Record, done: str) -> NotPossibleError:
    return NotPossibleError(
        f"Asset {record.asset_id} ({record.key}) is {record.status}. Only a rejected one can be {done}."
    )
