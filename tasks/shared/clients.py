"""The AWS clients, made once per process with strict timeouts; the endpoint and region come from the environment.

Every call to S3 says whose bucket it means: should one of ours be deleted, nobody else's of that name takes its place.
"""

import os
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_events import EventBridgeClient
    from mypy_boto3_glue import GlueClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_stepfunctions import SFNClient

_CONFIG = Config(connect_timeout=2, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 3})
_COPYING = _CONFIG.merge(Config(read_timeout=120, max_pool_connections=16))
"""CopyObject answers when the copy is done, which takes a while for gigabytes."""


@cache
def s3() -> "S3Client":
    return _owned(boto3.client("s3", config=_CONFIG))


@cache
def copying_s3() -> "S3Client":
    return _owned(boto3.client("s3", config=_COPYING))


@cache
def signing_s3() -> "S3Client":
    """Signs for the bucket's own region: a form cannot follow S3's redirect to it."""
    return boto3.client(
        "s3", config=_CONFIG.merge(Config(signature_version="s3v4", s3={"addressing_style": "virtual"}))
    )


@cache
def dynamodb() -> "DynamoDBClient":
    return boto3.client("dynamodb", config=_CONFIG)


@cache
def sns() -> "SNSClient":
    return boto3.client("sns", config=_CONFIG)


@cache
def sqs() -> "SQSClient":
    return boto3.client("sqs", config=_CONFIG)


@cache
def stepfunctions() -> "SFNClient":
    return boto3.client("stepfunctions", config=_CONFIG)


@cache
def glue() -> "GlueClient":
    return boto3.client("glue", config=_CONFIG)


@cache
def events() -> "EventBridgeClient":
    return boto3.client("events", config=_CONFIG)


@cache
def secretsmanager() -> "SecretsManagerClient":
    return boto3.client("secretsmanager", config=_CONFIG)


@cache
def ssm() -> "SSMClient":
    return boto3.client("ssm", config=_CONFIG)


def _owned(client: "S3Client") -> "S3Client":
    """Names the account BUCKET_OWNER, where it is set, wherever S3 takes the name of a bucket's owner."""
    if owner := os.environ.get("BUCKET_OWNER"):
        name_owner: Any = partial(_name_owner, owner)
        client.meta.events.register("provide-client-params.s3", name_owner)
    return client


def _name_owner(owner: str, params: dict[str, Any], model: Any, **_event: Any) -> dict[str, Any]:
    taken = {"ExpectedBucketOwner", "ExpectedSourceBucketOwner"} & set(model.input_shape.members)
    return dict.fromkeys(taken, owner) | params
