"""Moves an original without ever being without it: copy, prove, let the caller write it down, only then remove."""

from collections.abc import Generator
from contextlib import contextmanager

from tasks.shared.naming import original_key
from tasks.shared.objects import Objects
from workflow.errors import ObjectNotFound
from workflow.shapes import Pointer


@contextmanager
def moved(
    source: Pointer, *, bucket: str, storage_class: str, key: str, asset_id: str, sha256: str | None, objects: Objects
) -> Generator[Pointer]:
    """Yield where the original's proven copy is; when the block ends well, the source version is removed.

    Run again after a crash anywhere, it takes the copy that is there already and finishes.
    """
    target = Pointer(bucket=bucket, key=original_key(key, asset_id), storage_class=storage_class)
    found = objects.head(source)
    if found is None:
        yield _moved_before(source, target, objects)
        return
    copy = objects.copy_verified(found, target, sha256)
    yield copy.at
    objects.delete_version(found.at)


def _moved_before(source: Pointer, target: Pointer, objects: Objects) -> Pointer:
    copy = objects.head(Pointer(bucket=target.bucket, key=target.key))
    if copy is None:
        raise ObjectNotFound(
            f"The original s3://{source.bucket}/{source.key} (version {source.version_id}) is gone, and "
            f"s3://{target.bucket}/{target.key} has no copy of it. Somebody else removed it."
        )
    return copy.at
