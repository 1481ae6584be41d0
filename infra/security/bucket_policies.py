"""What a bucket refuses whatever the caller's own policy allows: other accounts, and removing what was archived.

A Deny counts more than any Allow, also than one that somebody adds by mistake. Lifecycle rules are not callers.
"""

# The CDK's classes name parameters otherwise than the interfaces that they implement.
# pyright: reportArgumentType=false

from collections.abc import Mapping, Sequence
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3

REMOVE = ("s3:DeleteObject", "s3:DeleteObjectVersion")


def keep_within_account(bucket: s3.Bucket) -> None:
    """AWS's own services, such as the one that writes access logs, have no account: hence their exception."""
    others = {
        "StringNotEqualsIfExists": {"aws:PrincipalAccount": cdk.Stack.of(bucket).account},
        "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
    }
    refuse(bucket, ["s3:*"], others, resources=[bucket.bucket_arn, bucket.arn_for_objects("*")])


def keep_for_good(bucket: s3.Bucket) -> None:
    """Nobody removes an object, whoever asks: who must do so changes the bucket's policy first, and is seen to."""
    refuse(bucket, [*REMOVE, "s3:BypassGovernanceRetention"])


def let_only_grow(bucket: s3.Bucket) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html"""
    refuse(bucket, REMOVE)
    refuse(bucket, ["s3:PutObject"], {"Null": {"s3:if-none-match": "true"}})


def refuse(
    bucket: s3.Bucket,
    actions: Sequence[str],
    conditions: Mapping[str, Any] | None = None,
    *,
    resources: Sequence[str] = (),
) -> None:
    """To everyone; on all objects unless `resources` are named."""
    bucket.add_to_resource_policy(
        iam.PolicyStatement(
            effect=iam.Effect.DENY,
            principals=[iam.AnyPrincipal()],
            actions=list(actions),
            resources=list(resources) or [bucket.arn_for_objects("*")],
            conditions=conditions,
        )
    )
