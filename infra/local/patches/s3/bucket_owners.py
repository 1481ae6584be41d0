"""Who says whose bucket is meant is refused when it is somebody else's.

Defect: stock takes no notice of the owner that is expected.
AWS: https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html
"""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from infra.local.ministack import responses, s3

Response = tuple[int, dict[str, str], Any]
Headers = dict[str, str]

EXPECTED = ("x-amz-expected-bucket-owner", "x-amz-source-expected-bucket-owner")


def install() -> None:
    handle: Callable[..., Awaitable[Response]] = s3.handle_request

    async def handle_request(
        method: str, path: str, headers: Headers, body: bytes, query: dict[str, Any], **more: Any
    ) -> Response:
        if expects_another_owner(headers):
            return s3._error("AccessDenied", "Access Denied", HTTPStatus.FORBIDDEN, path)
        return await handle(method, path, headers, body, query, **more)

    s3.handle_request = handle_request


def expects_another_owner(headers: Headers) -> bool:
    """Every bucket here is of the account that the request is for."""
    return any(headers.get(name, owner) != owner for owner in [responses.get_account_id()] for name in EXPECTED)
