"""Objects are encrypted with AES256 unless told otherwise, and say so; `aws:kms` alone means the account's own key.

Stock sends no encryption header, and refuses `aws:kms` without a key id, as `cdk deploy` uploads its assets.
AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-encryption-faq.html and UsingKMSEncryption.html
"""

from typing import Any

from infra.local.ministack import s3

ENCRYPTION, KEY_ID = "x-amz-server-side-encryption", "x-amz-server-side-encryption-aws-kms-key-id"
ACCOUNTS_OWN_KEY = "alias/aws/s3"

_stock_resolve = s3._resolve_sse_write_headers


def install() -> None:
    s3._resolve_sse_write_headers = resolve_sse_write_headers


def resolve_sse_write_headers(headers: dict[str, str], bucket: str) -> tuple[dict[str, str] | None, Any]:
    if headers.get(ENCRYPTION) == "aws:kms" and not headers.get(KEY_ID):
        headers = {**headers, KEY_ID: ACCOUNTS_OWN_KEY}
    encryption, error = _stock_resolve(headers, bucket)
    return (encryption if error else encryption or {ENCRYPTION: "AES256"}), error
