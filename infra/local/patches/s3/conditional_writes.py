"""Writes, copies and completed uploads on condition, as S3 judges them, and a bucket's policy sees the condition.

Defects: CopyObject ignores If-Match and If-None-Match; a completed upload does not notice that its key was written or
deleted since it was begun; with AUTH=true the key `s3:if-none-match` is never set, so that a bucket that takes
conditional writes only takes none. AWS: recorded in s3/test_s3_api, 21-02-2026: test_copy_object_if_*,
test_multipart_if_*; https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
"""

from http import HTTPStatus
from typing import Any

from infra.local.ministack import iam_actions, s3

Response = tuple[int, dict[str, str], Any]
Headers = dict[str, str]

NONE_MATCH, MATCH = "if-none-match", "if-match"
TITLES = {NONE_MATCH: "If-None-Match", MATCH: "If-Match"}
FAILED = "At least one of the pre-conditions you specified did not hold"
CONFLICT = "The conditional request cannot succeed due to a conflicting operation against this resource."
IDENTITY = ("etag", "last_modified", "version_id")

_stock_context = iam_actions._s3_object_context
_stock_copy_object = s3._copy_object
_stock_create_multipart_upload = s3._create_multipart_upload
_stock_complete_multipart_upload = s3._complete_multipart_upload


def install() -> None:
    iam_actions._s3_object_context = object_context
    s3._check_put_preconditions = unmet
    s3._copy_object = copy_object
    s3._create_multipart_upload = create_multipart_upload
    s3._complete_multipart_upload = complete_multipart_upload


def object_context(action: str, query: Any, path: str, headers: Headers) -> dict[str, Any]:
    asked = {f"s3:{NONE_MATCH}": headers[NONE_MATCH]} if headers.get(NONE_MATCH) else {}
    return {**_stock_context(action, query, path, headers), **asked}


def unmet(headers: Headers, current: dict[str, Any] | None, **named: str) -> Response | None:
    """The refusal of a write whose condition does not hold for the current object."""
    if headers.get(MATCH) and current is None:
        return s3._object_error("NoSuchKey", "The specified key does not exist.", HTTPStatus.NOT_FOUND, **named)
    holds = {
        NONE_MATCH: current is None or not is_met(headers.get(NONE_MATCH, ""), current),
        MATCH: not headers.get(MATCH) or is_met(headers[MATCH], current or {}),
    }
    for condition in (name for name in holds if not holds[name]):
        failed = {"Condition": TITLES[condition]}
        return s3._object_error("PreconditionFailed", FAILED, HTTPStatus.PRECONDITION_FAILED, **failed)
    return None


def is_met(wanted: str, current: dict[str, Any]) -> bool:
    return wanted.strip() == "*" or wanted.strip(' "') == current["etag"].strip('"')


def copy_object(bucket: str, key: str, headers: Headers) -> Response:
    return unmet(headers, current_object(bucket, key), Key=key) or _stock_copy_object(bucket, key, headers)


def create_multipart_upload(bucket: str, key: str, headers: Headers) -> Response:
    status, answer, content = _stock_create_multipart_upload(bucket, key, headers)
    if status == HTTPStatus.OK:
        upload = s3._multipart_uploads[s3.fromstring(content).findtext(f"{{{s3.S3_NS}}}UploadId")]
        upload["begun_over"] = identity(bucket, key)
    return status, answer, content


def complete_multipart_upload(
    bucket: str, key: str, body: bytes, query: dict[str, Any], headers: Headers | None = None
) -> Response:
    upload: dict[str, Any] | None = s3._multipart_uploads.get(s3._qp(query, "uploadId"))
    conditions = [name for name in TITLES if (headers or {}).get(name)]
    if upload is not None and conditions:
        if refusal := unmet(headers or {}, current_object(bucket, key), Key=key):
            return refusal
        if upload.get("begun_over", (now := identity(bucket, key))) != now:
            told = {"Condition": TITLES[conditions[0]], "Key": key}
            return s3._object_error("ConditionalRequestConflict", CONFLICT, HTTPStatus.CONFLICT, **told)
    return _stock_complete_multipart_upload(bucket, key, body, query, headers)


def current_object(bucket: str, key: str) -> dict[str, Any] | None:
    found: dict[str, Any] = s3._ensure_bucket(bucket) or {"objects": {}}
    return found["objects"].get(key)


def identity(bucket: str, key: str) -> list[str | None] | None:
    """Tells the object that is there from any other that was or will be."""
    current = current_object(bucket, key)
    return None if current is None else [current.get(name) for name in IDENTITY]
