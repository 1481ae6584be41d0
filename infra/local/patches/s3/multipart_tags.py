"""The tags given to CreateMultipartUpload are the finished object's tags, as AWS documents; stock ignores them."""

from typing import Any
from urllib.parse import parse_qsl

from infra.local.ministack import s3

Response = tuple[int, dict[str, str], Any]
Headers = dict[str, str]
OK = 200

_stock_create = s3._create_multipart_upload
_stock_complete = s3._complete_multipart_upload


def install() -> None:
    s3._create_multipart_upload = create
    s3._complete_multipart_upload = complete


def create(bucket: str, key: str, headers: Headers) -> Response:
    status, answer, content = _stock_create(bucket, key, headers)
    if status == OK and "x-amz-tagging" in headers:
        upload_id = s3.fromstring(content).findtext(f"{{{s3.S3_NS}}}UploadId")
        s3._multipart_uploads[upload_id]["tags"] = dict(parse_qsl(headers["x-amz-tagging"], keep_blank_values=True))
    return status, answer, content


def complete(bucket: str, key: str, body: bytes, query: dict[str, Any], headers: Headers | None = None) -> Response:
    tags = s3._multipart_uploads.get(s3._qp(query, "uploadId"), {}).get("tags")
    response = _stock_complete(bucket, key, body, query, headers)
    if response[0] == OK and tags:
        record = s3._buckets[bucket]["objects"][key]
        s3._object_tags[bucket, key, record.get("version_id")] = tags
        s3._persist_version_state(bucket, key, s3._buckets[bucket])
    return response
