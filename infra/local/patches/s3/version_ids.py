"""Version ids are 32 characters long, and one that S3 never gave is refused.

Defect: ids are UUIDs, and deleting by any other id succeeds. AWS: recorded in s3/test_s3_api::test_delete_object,
test_delete_object_versioned and test_get_object_with_version_unversioned_bucket, 21-02-2026. As S3 tells its own ids
from others, they carry a checksum here; a version that is gone may be removed again.
"""

import contextvars
import functools
import hashlib
import re
import secrets
import string
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from infra.local.ministack import s3

Response = tuple[int, dict[str, str], Any]

ALPHABET = string.ascii_letters + string.digits
RANDOM_CHARACTERS = 26
CHECK_CHARACTERS = 6
OF_EARLIER_STACKS = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

_versioning: contextvars.ContextVar[bool] = contextvars.ContextVar("versioning", default=False)
_stock_new_uuid = s3.new_uuid
_stock_dispatch = s3._dispatch


def install() -> None:
    s3.new_uuid = new_id
    s3._record_object_version = giving_versions(s3._record_object_version)
    s3._record_delete_marker = giving_versions(s3._record_delete_marker)
    s3._dispatch = dispatch


def giving_versions(record: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(record)
    def record_version(*given: Any) -> Any:
        token = _versioning.set(True)
        try:
            return record(*given)
        finally:
            _versioning.reset(token)

    return record_version


def new_id() -> str:
    return new_version_id() if _versioning.get() else _stock_new_uuid()


def new_version_id() -> str:
    drawn = "".join(secrets.choice(ALPHABET) for _ in range(RANDOM_CHARACTERS))
    return drawn + check_of(drawn)


def check_of(drawn: str) -> str:
    digest = hashlib.sha256(drawn.encode()).digest()
    return "".join(ALPHABET[byte % len(ALPHABET)] for byte in digest[:CHECK_CHARACTERS])


def is_version_id(text: str) -> bool:
    if text == "null" or OF_EARLIER_STACKS.fullmatch(text):
        return True
    return (
        len(text) == RANDOM_CHARACTERS + CHECK_CHARACTERS
        and check_of(text[:RANDOM_CHARACTERS]) == text[RANDOM_CHARACTERS:]
    )


def dispatch(
    method: str, bucket: str, key: str, headers: dict[str, str], body: bytes, query: dict[str, Any]
) -> Response:
    version: str = s3._qp(query, "versionId", "")
    if version and not is_version_id(version):
        named = {"ArgumentName": "versionId", "ArgumentValue": version}
        return s3._object_error("InvalidArgument", "Invalid version id specified", HTTPStatus.BAD_REQUEST, **named)
    return _stock_dispatch(method, bucket, key, headers, body, query)
