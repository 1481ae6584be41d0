"""Who may not list a bucket is not told that an object is missing.

Defect: with AUTH=true the answer is 404 for everyone. AWS answers 403 to a caller without s3:ListBucket:
https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html. It does not say what is asked for a version; here
that is s3:ListBucketVersions, too, so that a role which passes has both.
"""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from infra.local.ministack import app, iam_evaluator, router, s3

Response = tuple[int, dict[str, str], Any]
Headers = dict[str, str]


def install() -> None:
    handle: Callable[..., Awaitable[Response]] = s3.handle_request

    async def handle_request(
        method: str, path: str, headers: Headers, body: bytes, query: dict[str, Any], **more: Any
    ) -> Response:
        response = await handle(method, path, headers, body, query, **more)
        if app.AUTH and is_missing_object(method, path, response) and not may_list(path, headers, query):
            return s3._error("AccessDenied", "Access Denied", HTTPStatus.FORBIDDEN, path)
        return response

    s3.handle_request = handle_request


def is_missing_object(method: str, path: str, response: Response) -> bool:
    _bucket, _, key = path.strip("/").partition("/")
    return method in {"GET", "HEAD"} and bool(key) and response[0] == HTTPStatus.NOT_FOUND


def may_list(path: str, headers: Headers, query: dict[str, Any]) -> bool:
    bucket = f"arn:aws:s3:::{path.strip('/').partition('/')[0]}"
    caller = router.extract_access_key_id(headers, query)
    actions = ["s3:ListBucket", *(["s3:ListBucketVersions"] if "versionId" in query else [])]
    return not any(iam_evaluator.enforce(caller, action, "s3", "", resource_arn=bucket) for action in actions)
