"""Undoes an overwrite that a crash cut short, so that no version ever has another one's bytes.

Defect: the emulator keeps the old version's bytes aside, writes the new ones to the object's file, and then the facts
about them to a second file. Killed between the two, it later serves the new bytes under the old version's id and ETag.
AWS overwrites all or nothing. Mended at the start: where the current version's bytes were put aside, they come back.
"""

import os
import shutil

from infra.local.stock import s3


def install() -> None:
    if s3.S3_PERSIST:
        undo_half_done_overwrites()


def undo_half_done_overwrites() -> None:
    for (account, bucket), content in s3._buckets._data.items():
        for key, record in content["objects"].items():
            version = record.get("version_id") or "null"
            if s3._version_file_exists(bucket, key, version, account):
                kept_aside = s3._version_disk_path(bucket, key, version, account)
                put_back(kept_aside, s3._object_disk_path(bucket, key, account))


def put_back(kept_aside: str, object_file: str) -> None:
    unfinished = f"{object_file}.tmp"
    shutil.copyfile(kept_aside, unfinished)
    os.replace(unfinished, object_file)  # noqa: PTH105 - the emulator's paths are text
