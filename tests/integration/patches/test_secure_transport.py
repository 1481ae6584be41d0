"""With AUTH=true, buckets that demand TLS can be used over the loopback interface."""

import json
from collections.abc import Callable
from typing import Any

import pytest

ONLY_TLS = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": ["arn:aws:s3:::private", "arn:aws:s3:::private/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    ],
}


def users_client(cloud: Any) -> Any:
    """S3 as a user who may do anything, but whom the bucket's policy binds, unlike the root user."""
    iam = cloud.client("iam")
    iam.create_user(UserName="user")
    allow = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    iam.put_user_policy(UserName="user", PolicyName="all", PolicyDocument=json.dumps(allow))
    key = iam.create_access_key(UserName="user")["AccessKey"]
    return cloud.client("s3", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"])


def create_private_bucket(cloud: Any) -> None:
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="private")
    s3.put_bucket_policy(Bucket="private", Policy=json.dumps(ONLY_TLS))


def test_the_stock_emulator_denies_its_own_requests(new_emulator: Callable[..., Any]) -> None:
    cloud = new_emulator(settings={"AUTH": "true", "SLUICE_STOCK_AWS": "1"})
    create_private_bucket(cloud)
    s3 = users_client(cloud)
    with pytest.raises(s3.exceptions.ClientError, match="AccessDenied"):
        s3.put_object(Bucket="private", Key="a", Body=b"content")


def test_a_bucket_that_demands_tls_takes_an_object(new_emulator: Callable[..., Any]) -> None:
    cloud = new_emulator(settings={"AUTH": "true"})
    create_private_bucket(cloud)
    s3 = users_client(cloud)
    s3.put_object(Bucket="private", Key="a", Body=b"content")
    assert s3.get_object(Bucket="private", Key="a")["Body"].read() == b"content"
