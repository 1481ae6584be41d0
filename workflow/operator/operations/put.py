"""Uploads what is missing: a second run of the same files goes on where the first one ended."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass

from botocore.exceptions import BotoCoreError, ClientError

from tasks.shared.naming import asset_id
from tasks.shared.objects import Objects
from tasks.shared.records.model import Record
from workflow.errors import UnreadableRecord
from workflow.operator.client import UPLOADS_AT_ONCE, Sluice, Uploaded
from workflow.operator.uploads import Progress, Upload, digests
from workflow.shapes import Pointer


@dataclass(frozen=True)
class Put:
    """What became of a file: "uploaded", "there" already with the same bytes, or "failed"; then `problem` says why."""

    item: Upload
    how: str
    uploaded: Uploaded | None = None
    problem: str | None = None


def put_missing(sluice: Sluice, items: Sequence[Upload], progress: Progress, *, force: bool = False) -> Iterator[Put]:
    """Upload files, several at once, unless the newest version of their key has the same bytes; as they are done.

    With `force` each becomes a new version. A file that cannot be uploaded keeps no other from it. Whoever stops
    listening does not wait for those under way.
    """
    pool = ThreadPoolExecutor(UPLOADS_AT_ONCE)
    try:
        waiting = [pool.submit(_put, sluice, item, progress, force=force) for item in items]
        for done in as_completed(waiting):
            yield done.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _put(sluice: Sluice, item: Upload, progress: Progress, *, force: bool) -> Put:
    try:
        if not force and (known := there(sluice, item)):
            progress(item.path.stat().st_size)
            return Put(item, "there", known)
        return Put(item, "uploaded", sluice.put_one(progress, item))
    except (OSError, UnreadableRecord, ClientError, BotoCoreError) as exc:
        return Put(item, "failed", problem=str(exc))


def there(sluice: Sluice, item: Upload) -> Uploaded | None:
    """The newest version of a file's key, where it has the file's bytes: on its way in, or wherever it was moved to."""
    bucket, objects = sluice.buckets.ingest, Objects(sluice.aws.s3)
    size = item.path.stat().st_size
    waiting = objects.head(Pointer(bucket=bucket, key=item.key))
    if waiting and waiting.at.version_id:
        same = waiting.size == size and digests(item.path).fit(waiting)
        return _uploaded(item, bucket, waiting.at.version_id) if same else None
    record = sluice.records.assets.newest_of_key(bucket, item.key)
    if record is None or record.size != size or record.status == "discarded":
        return None
    return _uploaded(item, bucket, record.version_id) if _is_of(objects, record, item) else None


def _is_of(objects: Objects, record: Record, item: Upload) -> bool:
    """By the SHA-256 that processing took; else, such as of a rejected file, by what S3 tells of the original."""
    found = digests(item.path)
    if record.sha256:
        return record.sha256 == found.sha256
    original = objects.head(record.original)
    return original is not None and found.fit(original)


def _uploaded(item: Upload, bucket: str, version_id: str) -> Uploaded:
    return Uploaded(item, version_id, asset_id(bucket, item.key, version_id))
