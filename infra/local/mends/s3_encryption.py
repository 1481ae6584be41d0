"""Objects are encrypted with AES256 unless told otherwise, and say so; stock sends no encryption header.

AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html
"""

from typing import Any

from infra.local.stock import s3

DEFAULT = {"x-amz-server-side-encryption": "AES256"}

_stock_resolve = s3._resolve_sse_write_headers


def install() -> None:
    s3._resolve_sse_write_headers = resolve_sse_write_headers


def resolve_sse_write_headers(headers: dict[str, str], bucket: str) -> tuple[dict[str, str] | None, Any]:
    encryption, error = _stock_resolve(headers, bucket)
    return (encryption if error else encryption or dict(DEFAULT)), error
