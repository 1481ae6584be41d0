"""With AUTH=true, a bucket whose policy takes conditional writes only takes those, and no others."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.patches.test_secure_transport import users_client

ONLY_CONDITIONAL = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:PutObject",
            "Resource": "arn:aws:s3:::growing/*",
            "Condition": {"Null": {"s3:if-none-match": "true"}},
        }
    ],
}


@pytest.mark.parametrize(
    ("settings", "allowed"),
    [({}, {"conditional"}), ({"SLUICE_STOCK_AWS": "1"}, set[str]())],
    ids=["patched", "stock"],
)
def test_only_conditional_writes_are_taken(
    new_emulator: Callable[..., Any], settings: dict[str, str], allowed: set[str]
) -> None:
    cloud = new_emulator(settings={"AUTH": "true", **settings})
    root = cloud.client("s3")
    root.create_bucket(Bucket="growing")
    root.put_bucket_policy(Bucket="growing", Policy=json.dumps(ONLY_CONDITIONAL))
    s3 = users_client(cloud)

    def taken(key: str, **more: str) -> bool:
        try:
            s3.put_object(Bucket="growing", Key=key, Body=b"content", **more)
        except s3.exceptions.ClientError as exc:
            return "AccessDenied" not in str(exc)
        return True

    wanted: dict[str, dict[str, str]] = {"conditional": {"IfNoneMatch": "*"}, "plain": {}}
    assert {key for key, more in wanted.items() if taken(key, **more)} == allowed
