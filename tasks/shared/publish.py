"""Puts the files that a pure module made into the output bucket, under names that follow from the asset."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from tasks.shared.objects import Objects
from tasks.shared.work import Encoded, Written
from workflow.shapes import MadeFile

CACHE_CONTROL = "private, max-age=86400"

EXTENSIONS: Mapping[str, str] = MappingProxyType(
    {
        "image/webp": ".webp",
        "image/jpeg": ".jpg",
        "video/mp4": ".mp4",
        "audio/mp4": ".m4a",
        "application/pdf": ".pdf",
        "application/json": ".json",
        "application/x-ndjson": ".ndjson",
        "application/vnd.apache.parquet": ".parquet",
        "text/plain; charset=utf-8": ".txt",
        "text/vtt": ".vtt",
    }
)
"""Everything that is ever published, by its content type: nothing that a browser would run."""


def publish(files: Iterable[Encoded | Written], bucket: str, folder: str, objects: Objects) -> tuple[MadeFile, ...]:
    """Write each file into the folder under its name; where they are, in the same order."""
    return tuple(
        _publish(file, bucket, f"{folder}/{file.name}{EXTENSIONS[file.content_type]}", objects) for file in files
    )


def _publish(file: Encoded | Written, bucket: str, key: str, objects: Objects) -> MadeFile:
    if isinstance(file, Written):
        size = file.path.stat().st_size
        sha256 = objects.put_file(bucket, key, file.path, file.content_type, cache_control=CACHE_CONTROL)
    else:
        size = len(file.data)
        sha256 = objects.put(bucket, key, file.data, file.content_type, cache_control=CACHE_CONTROL)
    return MadeFile(
        name=file.name,
        bucket=bucket,
        key=key,
        content_type=file.content_type,
        bytes=size,
        sha256=sha256,
        width=file.width,
        height=file.height,
    )
