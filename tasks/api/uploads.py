"""Presigned POSTs. What S3 checks before it takes the file: the key, the content type, the size, and the time.

A form can do no more than the function's role may, and lives no longer than the role's session.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import quote

from tasks.api.problems import TooLarge, Unprocessable, UnsupportedType
from tasks.api.shapes import NewUpload, UploadForm
from workflow.kinds import KINDS, MAX_KEY_BYTES, MAX_NAME_BYTES, Kind, accepted_labels, kind_of
from workflow.units import GIB

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PREFIX = "uploads/"
"""All that the function's role may sign for."""
FORM_LIFETIME = timedelta(minutes=15)
MAX_POST_BYTES = 5 * GIB
"""S3 takes no more in one request."""
FILE_NAME_VARIABLE = "${filename}"
"""S3 would replace it by a name that nobody has checked."""
CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True)
class Uploads:
    """The ingest bucket, as callers may write to it."""

    s3: "S3Client"
    bucket: str
    refused: frozenset[str]

    def form(self, wanted: NewUpload) -> UploadForm:
        key = PREFIX + checked_key(wanted.key)
        kind = self._kind(wanted)
        smallest, largest = size_range(wanted, kind)
        signed = self.s3.generate_presigned_post(
            self.bucket,
            key,
            Fields={"Content-Type": wanted.content_type},
            Conditions=[{"Content-Type": wanted.content_type}, ["content-length-range", smallest, largest]],
            ExpiresIn=int(FORM_LIFETIME.total_seconds()),
        )
        return UploadForm(
            url=signed["url"],
            fields=signed["fields"],
            expires_at=datetime.now(UTC) + FORM_LIFETIME,
            bucket=self.bucket,
            key=key,
            kind=kind.name,
            max_bytes=largest,
            asset=f"/assets?key={quote(key, safe='')}",
        )

    def _kind(self, wanted: NewUpload) -> Kind:
        accepted = [kind for kind in KINDS.values() if kind.name not in self.refused]
        kind = kind_of(wanted.content_type.lower()) or kind_of_name(wanted.key)
        if kind not in accepted:
            raise UnsupportedType(
                f"No kind of file has the type {wanted.content_type}, nor a name like {wanted.key!r}. "
                f"Accepted are {accepted_labels(accepted)}."
            )
        return kind


def kind_of_name(key: str) -> Kind | None:
    """The kind by the name's ending, for callers who know no better type than application/octet-stream.

    Where two kinds share an ending, the one that takes the larger files: Validate decides by the content.
    """
    ending = PurePosixPath(key).suffix.lower()
    fitting = [kind for kind in KINDS.values() if any(ending in each.extensions for each in kind.formats.values())]
    return max(fitting, key=lambda kind: kind.max_bytes, default=None)


def checked_key(key: str) -> str:
    names = key.split("/")
    if {".", ".."} & set(names):
        raise Unprocessable("A key may not have the names . and .. in it.")
    if FILE_NAME_VARIABLE in key or CONTROL_CHARACTER.search(key):
        raise Unprocessable(f"A key may have neither control characters nor {FILE_NAME_VARIABLE} in it.")
    if len((PREFIX + key).encode()) > MAX_KEY_BYTES or len(names[-1].encode()) > MAX_NAME_BYTES:
        raise Unprocessable(
            f"A key may have up to {MAX_KEY_BYTES - len(PREFIX)} bytes, its last name up to {MAX_NAME_BYTES}."
        )
    return key


def size_range(wanted: NewUpload, kind: Kind) -> tuple[int, int]:
    """Smallest and largest size in bytes that S3 is to accept."""
    largest = min(kind.max_bytes, MAX_POST_BYTES)
    if wanted.size is None:
        return 1, largest
    if wanted.size > largest:
        raise TooLarge(
            f"The file has {wanted.size:,} bytes; up to {largest:,} are accepted of {kind.plural} in one form. "
            "Where the kind takes larger ones, upload them in parts, with credentials of your own."
        )
    return wanted.size, wanted.size
