"""Addresses of files for the browser, which fetches them from S3 itself, and uploads to S3 itself.

Only what the pipeline made, and only of types that carry no script, is shown in a page; everything else is a download.
"""

import json
import time
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlsplit

from workflow.operator.client import Sluice
from workflow.shapes import MadeFile, Pointer

INLINE = {"image/webp", "image/jpeg", "video/mp4", "audio/mp4", "application/pdf"}
GOOD_FOR_SECONDS = 3600
RENEWED_AFTER_SECONDS = 1800
"""A page that refreshes gets the same address again, so that the browser need not load the file again."""
TEXT_MAX_BYTES = 512 * 1024
POST_MAX_BYTES = 5 * 1024**3
"""S3's own limit of one POST."""


class Files:
    """The files of one stage."""

    def __init__(self, sluice: Sluice) -> None:
        self._sluice = sluice
        self._urls: dict[tuple[str, ...], tuple[float, str]] = {}

    @cached_property
    def _s3(self) -> Any:
        return self._sluice.aws.client("s3", signature_version="s3v4")

    @cached_property
    def origins(self) -> set[str]:
        """Where the browser is sent for files: what the page's policy must allow."""
        buckets = vars(self._sluice.buckets).values()
        urls = [self._presigned({"Bucket": bucket, "Key": "any"}) for bucket in buckets]
        return {f"{parts.scheme}://{parts.netloc}" for parts in map(urlsplit, [*urls, self.upload_form("any")["url"]])}

    def inline(self, file: MadeFile) -> str | None:
        """Where a page may show this file from; None where it must not."""
        if file.content_type not in INLINE:
            return None
        return self._presigned({"Bucket": file.bucket, "Key": file.key, "ResponseContentType": file.content_type})

    def download(self, pointer: MadeFile | Pointer, name: str) -> str:
        """Where to get the file from, always to be saved, never to be opened in the page's place."""
        wanted = {
            "Bucket": pointer.bucket,
            "Key": pointer.key,
            "ResponseContentType": "application/octet-stream",
            "ResponseContentDisposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        }
        version = pointer.version_id if isinstance(pointer, Pointer) else None
        return self._presigned(wanted | ({"VersionId": version} if version else {}))

    def text(self, file: MadeFile) -> str:
        """The beginning of a small file that the pipeline made."""
        found = self._s3.get_object(Bucket=file.bucket, Key=file.key, Range=f"bytes=0-{TEXT_MAX_BYTES - 1}")
        return found["Body"].read().decode(errors="replace")

    def json(self, file: MadeFile) -> Any:
        """A JSON file that the pipeline made; empty where it is too large for a page."""
        return json.loads(self.text(file)) if file.bytes <= TEXT_MAX_BYTES else {}

    def upload_form(self, key: str, content_type: str = "application/octet-stream") -> dict[str, Any]:
        """The address and the signed fields by which a browser may upload this key, and nothing else, for an hour."""
        return self._s3.generate_presigned_post(
            self._sluice.buckets.ingest,
            key,
            Fields={"Content-Type": content_type},
            Conditions=[{"Content-Type": content_type}, ["content-length-range", 0, POST_MAX_BYTES]],
            ExpiresIn=GOOD_FOR_SECONDS,
        )

    def _presigned(self, wanted: dict[str, Any]) -> str:
        known = tuple(f"{name}={value}" for name, value in sorted(wanted.items()))
        good_until, url = self._urls.get(known, (0.0, ""))
        if time.monotonic() >= good_until:
            url = self._s3.generate_presigned_url("get_object", Params=wanted, ExpiresIn=GOOD_FOR_SECONDS)
            self._urls[known] = (time.monotonic() + RENEWED_AFTER_SECONDS, url)
        return url
