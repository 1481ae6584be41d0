"""Puts the files that a pure module made into the output bucket, under names that follow from the asset."""

from collections.abc import Iterable

from tasks.kinds import extension_of
from tasks.shared.objects import Objects
from tasks.work import Encoded
from workflow.shapes import MadeFile

CACHE_CONTROL = "private, max-age=86400"


def publish(files: Iterable[Encoded], bucket: str, folder: str, objects: Objects) -> tuple[MadeFile, ...]:
    """Write each file into the folder under its name; where they are, in the same order."""
    return tuple(
        _publish(file, bucket, f"{folder}/{file.name}{extension_of(file.content_type)}", objects) for file in files
    )


def _publish(file: Encoded, bucket: str, key: str, objects: Objects) -> MadeFile:
    sha256 = objects.put(bucket, key, file.data, file.content_type, cache_control=CACHE_CONTROL)
    return MadeFile(
        name=file.name,
        bucket=bucket,
        key=key,
        content_type=file.content_type,
        bytes=len(file.data),
        width=file.width,
        height=file.height,
        sha256=sha256,
    )
