"""Drops the bytes of an object's version from memory once they are on disk.

Defect: with S3_PERSIST the emulator still keeps every version's bytes in memory: a versioned bucket of 5 GB takes 5 GB
of memory until the next start. Mended by letting go of what a file holds, which the emulator then reads.
"""

from typing import Any

from infra.local.stock import s3

_stock_persist_object = s3._persist_object


def install() -> None:
    if s3.S3_PERSIST:
        s3._persist_object = persist_object


def persist_object(bucket: str, key: str, record: dict[str, Any]) -> None:
    _stock_persist_object(bucket, key, record)
    if record["body"] is not None:
        return
    for entry in s3._object_versions.get((bucket, key), []):
        entry["data"] = None
