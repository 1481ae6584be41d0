"""CompleteMultipartUpload refuses parts that are none, too small, out of order, or without their checksum.

Defect: stock takes all of these. AWS: recorded in s3/test_s3, 21-02-2026: test_multipart_complete_multipart_too_small,
test_complete_multipart_parts_order, test_complete_multipart_parts_checksum_composite.
"""

from http import HTTPStatus
from typing import Any

from infra.local.ministack import s3
from infra.local.patches.s3.checksums import COMPOSITE, named_parts
from workflow.units import MIB

Response = tuple[int, dict[str, str], Any]
Headers = dict[str, str]
Upload = dict[str, Any]
Query = dict[str, Any]

MIN_BYTES = 5 * MIB
"""Of every part but the last."""
OUT_OF_ORDER = "The list of parts was not in ascending order. Parts must be ordered by part number."
TOO_SMALL = "Your proposed upload is smaller than the minimum allowed size"

_stock_complete = s3._complete_multipart_upload


def install() -> None:
    s3._complete_multipart_upload = complete


def complete(bucket: str, key: str, body: bytes, query: Query, headers: Headers | None = None) -> Response:
    upload_id = s3._qp(query, "uploadId")
    upload: Upload | None = s3._multipart_uploads.get(upload_id)
    named = named_parts(body)
    refusal = None if upload is None or named is None else refused(upload_id, upload, named)
    return refusal or _stock_complete(bucket, key, body, query, headers)


def refused(upload_id: str, upload: Upload, named: list[tuple[int, Any]]) -> Response | None:
    numbers = [number for number, _ in named]
    if not numbers:
        return _error("InvalidRequest", "You must specify at least one part")
    if numbers != sorted(set(numbers)):
        return _error("InvalidPartOrder", OUT_OF_ORDER, UploadId=upload_id)
    return _without_checksum(upload, named) or _too_small(upload, numbers)


def _without_checksum(upload: Upload, named: list[tuple[int, Any]]) -> Response | None:
    if upload.get("checksum_type") != COMPOSITE:
        return None
    algorithm: str = upload["checksum_algorithm"]
    for number, part in named:
        if not part.findtext(f"{{{s3.S3_NS}}}Checksum{algorithm}"):
            created = f"The upload was created using a {algorithm.lower()} checksum."
            needed = "The complete request must include the checksum for each part."
            return _error("InvalidRequest", f"{created} {needed} It was missing for part {number} in the request.")
    return None


def _too_small(upload: Upload, numbers: list[int]) -> Response | None:
    for number in numbers[:-1]:
        part = upload["parts"].get(number)
        if part is not None and part["size"] < MIN_BYTES:
            told = {
                "ETag": part["etag"].strip('"'),
                "MinSizeAllowed": str(MIN_BYTES),
                "PartNumber": str(number),
                "ProposedSize": str(part["size"]),
            }
            return _error("EntityTooSmall", TOO_SMALL, **told)
    return None


def _error(code: str, message: str, **named: str) -> Response:
    return s3._object_error(code, message, HTTPStatus.BAD_REQUEST, **named)
