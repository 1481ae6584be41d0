"""A bucket's policy sees whether a write is conditional.

Defect: with AUTH=true the key `s3:if-none-match` is never set: a bucket that takes conditional writes only takes none.
AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
"""

from typing import Any

from infra.local.ministack import iam_actions

HEADER = "if-none-match"

_stock_context = iam_actions._s3_object_context


def install() -> None:
    iam_actions._s3_object_context = object_context


def object_context(action: str, query: Any, path: str, headers: dict[str, str]) -> dict[str, Any]:
    asked = {f"s3:{HEADER}": headers[HEADER]} if headers.get(HEADER) else {}
    return {**_stock_context(action, query, path, headers), **asked}
