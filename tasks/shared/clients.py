"""The AWS clients, made once per process with strict timeouts; the endpoint and region come from the environment."""

from functools import cache
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_glue import GlueClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_stepfunctions import SFNClient

_CONFIG = Config(connect_timeout=2, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 3})
_COPYING = _CONFIG.merge(Config(read_timeout=120, max_pool_connections=16))
"""CopyObject answers when the copy is done, which takes a while for gigabytes."""


@cache
def s3() -> "S3Client":
    return boto3.client("s3", config=_CONFIG)


@cache
def copying_s3() -> "S3Client":
    return boto3.client("s3", config=_COPYING)


@cache
def dynamodb() -> "DynamoDBClient":
    return boto3.client("dynamodb", config=_CONFIG)


@cache
def sns() -> "SNSClient":
    return boto3.client("sns", config=_CONFIG)


@cache
def stepfunctions() -> "SFNClient":
    return boto3.client("stepfunctions", config=_CONFIG)


@cache
def glue() -> "GlueClient":
    return boto3.client("glue", config=_CONFIG)
