"""With AUTH=true, what S3 asks of a role beside the action itself: leave to list, and leave to tag."""

import json
from collections.abc import Callable
from typing import Any

import pytest

BUCKET = "guarded"
READ_AND_WRITE = ["s3:GetObject", "s3:GetObjectVersion", "s3:PutObject"]


def client_of_user(cloud: Any, *actions: str) -> Any:
    """S3 as a user who may do this to the bucket and its objects; the bucket has a tagged object."""
    s3, iam = cloud.client("s3"), cloud.client("iam")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="tagged", Body=b"any", Tagging="owner=ada")
    iam.create_user(UserName="user")
    on = [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"]
    statement = {"Effect": "Allow", "Action": [*READ_AND_WRITE, *actions], "Resource": on}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_user_policy(UserName="user", PolicyName="any", PolicyDocument=policy)
    key = iam.create_access_key(UserName="user")["AccessKey"]
    return cloud.client("s3", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])


def status_of_missing(s3: Any, **version: str) -> int:
    with pytest.raises(s3.exceptions.ClientError) as refused:
        s3.head_object(Bucket=BUCKET, Key="missing", **version)
    return refused.value.response["ResponseMetadata"]["HTTPStatusCode"]


def copy_is_allowed(s3: Any) -> bool:
    try:
        s3.copy_object(Bucket=BUCKET, Key="copy", CopySource={"Bucket": BUCKET, "Key": "tagged"})
    except s3.exceptions.ClientError:
        return False
    return True


def test_the_stock_emulator_asks_for_neither(new_emulator: Callable[..., Any]) -> None:
    s3 = client_of_user(new_emulator(settings={"AUTH": "true", "SLUICE_STOCK_AWS": "1"}))
    assert (status_of_missing(s3), copy_is_allowed(s3)) == (404, True)


def test_who_may_not_list_is_not_told_that_an_object_is_missing_nor_may_copy_its_tags(
    new_emulator: Callable[..., Any],
) -> None:
    s3 = client_of_user(new_emulator(settings={"AUTH": "true"}))
    assert (status_of_missing(s3), copy_is_allowed(s3)) == (403, False)


def test_who_may_is_told_and_copies_tags(new_emulator: Callable[..., Any]) -> None:
    more = ("s3:ListBucket", "s3:GetObjectTagging", "s3:PutObjectTagging")
    s3 = client_of_user(new_emulator(settings={"AUTH": "true"}), *more)
    assert (status_of_missing(s3), copy_is_allowed(s3)) == (404, True)
