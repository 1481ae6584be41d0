"""A bucket that only grows: it refuses what would replace an object or remove one, whoever asks."""

# The CDK's classes name parameters otherwise than the interfaces that they implement.
# pyright: reportArgumentType=false

from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3


def let_only_grow(bucket: s3.Bucket) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html"""
    _refuse(bucket, ["s3:DeleteObject", "s3:DeleteObjectVersion"])
    _refuse(bucket, ["s3:PutObject"], {"Null": {"s3:if-none-match": "true"}})


def _refuse(bucket: s3.Bucket, actions: list[str], conditions: dict[str, object] | None = None) -> None:
    bucket.add_to_resource_policy(
        iam.PolicyStatement(
            effect=iam.Effect.DENY,
            principals=[iam.AnyPrincipal()],
            actions=actions,
            resources=[bucket.arn_for_objects("*")],
            conditions=conditions,
        )
    )
