"""Tasks name the account whose buckets they mean, and S3 refuses any other's."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from tasks.shared import clients
from tests.integration.patches.conftest import REGION, Cloud

OURS, ANOTHERS = "000000000000", "111122223333"


@pytest.fixture(autouse=True)
def made_anew(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What is made here goes to an emulator of its own, with its keys."""
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    clients.copying_s3.cache_clear()
    yield
    clients.copying_s3.cache_clear()


def refused(cloud: Cloud, owner: str, monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Which of the calls that tasks make are refused to a task that takes `owner` for the bucket's."""
    cloud.client("s3").create_bucket(Bucket=f"owned-{owner}")
    cloud.client("s3").put_object(Bucket=f"owned-{owner}", Key="any", Body=b"any")
    environment = {"BUCKET_OWNER": owner, "AWS_ENDPOINT_URL": cloud.emulator.endpoint, "AWS_DEFAULT_REGION": REGION}
    for name, value in (environment | {name.upper(): value for name, value in cloud.root.items()}).items():
        monkeypatch.setenv(name, value)
    s3, at = clients.copying_s3(), {"Bucket": f"owned-{owner}", "Key": "any"}
    calls: dict[str, Any] = {
        "head": lambda: s3.head_object(**at),
        "get": lambda: s3.get_object(**at),
        "put": lambda: s3.put_object(**at, Body=b"any"),
        "copy": lambda: s3.copy_object(Bucket=at["Bucket"], Key="copy", CopySource=at),
        "copy from another's": lambda: s3.copy_object(
            Bucket=at["Bucket"], Key="copy", CopySource=at, ExpectedBucketOwner=OURS
        ),
        "delete": lambda: s3.delete_object(**at),
    }
    return {name for name, call in calls.items() if is_refused(s3, call)}


def is_refused(s3: Any, call: Any) -> bool:
    try:
        call()
    except s3.exceptions.ClientError as exc:
        return exc.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    return False


def test_the_stock_emulator_takes_no_notice_of_the_owner(stock: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    assert refused(stock, ANOTHERS, monkeypatch) == set()


def test_every_call_is_refused_where_a_bucket_is_not_ours(patched: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    assert refused(patched, ANOTHERS, monkeypatch) == {"head", "get", "put", "copy", "copy from another's", "delete"}


def test_our_own_buckets_are_used_as_before(patched: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    assert refused(patched, OURS, monkeypatch) == set()
