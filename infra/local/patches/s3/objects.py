"""What is kept and told of an object: its type, its tags, and its size to whoever asks beyond it.

Defects: an object without a type is application/octet-stream; one that is overwritten keeps its tags; HeadObject does
not count them. AWS: recorded in s3/test_s3_api, 21-02-2026 and 23-02-2026: test_get_object_range,
test_object_tags_delete_or_overwrite_object, test_head_object_with_tags.
"""

from http import HTTPStatus
from typing import Any

from infra.local.ministack import s3

Response = tuple[int, dict[str, str], Any]
Headers = dict[str, str]
Query = dict[str, Any]

NO_TYPE = {"content-type": "binary/octet-stream"}

_stock_put_object = s3._put_object
_stock_copy_object = s3._copy_object
_stock_create_multipart_upload = s3._create_multipart_upload
_stock_complete_multipart_upload = s3._complete_multipart_upload
_stock_get_object = s3._get_object
_stock_head_object = s3._head_object


def install() -> None:
    s3._put_object = put_object
    s3._copy_object = copy_object
    s3._create_multipart_upload = create_multipart_upload
    s3._complete_multipart_upload = complete_multipart_upload
    s3._get_object = get_object
    s3._head_object = head_object


def put_object(bucket: str, key: str, body: bytes, headers: Headers) -> Response:
    response = _stock_put_object(bucket, key, body, NO_TYPE | headers)
    if response[0] == HTTPStatus.OK and not headers.get("x-amz-tagging"):
        forget_tags(bucket, key)
    return response


def copy_object(bucket: str, key: str, headers: Headers) -> Response:
    return _stock_copy_object(bucket, key, NO_TYPE | headers)


def create_multipart_upload(bucket: str, key: str, headers: Headers) -> Response:
    return _stock_create_multipart_upload(bucket, key, NO_TYPE | headers)


def complete_multipart_upload(
    bucket: str, key: str, body: bytes, query: Query, headers: Headers | None = None
) -> Response:
    upload: dict[str, Any] | None = s3._multipart_uploads.get(s3._qp(query, "uploadId"))
    response = _stock_complete_multipart_upload(bucket, key, body, query, headers)
    if response[0] == HTTPStatus.OK and upload is not None and not upload.get("tags"):
        forget_tags(bucket, key)
    return response


def forget_tags(bucket: str, key: str) -> None:
    """Those of the object that was there before: a new version has none of its own."""
    record: dict[str, Any] = s3._buckets[bucket]["objects"][key]
    if s3._object_tags.pop((bucket, key, record.get("version_id")), None):
        s3._persist_version_state(bucket, key, s3._buckets[bucket])


def get_object(bucket: str, key: str, headers: Headers, query: Query | None = None) -> Response:
    status, answer, content = _stock_get_object(bucket, key, headers, query)
    if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        size = answer["Content-Range"].rpartition("/")[2]
        told = {"RangeRequested": headers["range"], "ActualObjectSize": size}
        return s3._object_error("InvalidRange", "The requested range is not satisfiable", status, **told)
    return status, answer, content


def head_object(bucket: str, key: str, headers: Headers | None = None, query: Query | None = None) -> Response:
    status, answer, content = _stock_head_object(bucket, key, headers, query)
    if status == HTTPStatus.OK:
        version = answer.get("x-amz-version-id")
        answer |= s3._object_tagging_count_header(bucket, key, None if version == "null" else version)
    return status, answer, content
