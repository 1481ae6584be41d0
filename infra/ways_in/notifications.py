"""The topic on which S3 buckets and partners tell of objects; what it says goes through the request queue.

It has a key of its own: S3 and other accounts cannot publish to a topic under the account's key for SNS.
"""

# The CDK's classes name parameters otherwise than the interfaces that they implement.
# pyright: reportArgumentType=false

from collections.abc import Sequence

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.ways_in.request_queue import RequestQueue


class Notifications(Construct):
    """The topic. S3 may publish for this account's buckets, and every principal of the accounts `partners`."""

    def __init__(self, scope: Construct, requests: RequestQueue, *, partners: Sequence[str]) -> None:
        super().__init__(scope, "Notifications")
        key = kms.Key(
            self,
            "Key",
            description="Messages on their way in",
            enable_key_rotation=True,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        self.topic = sns.Topic(self, "Topic", master_key=key, enforce_ssl=True)
        for publisher in _publishers(cdk.Stack.of(self).account, partners):
            self.topic.grant_publish(publisher)
        self.topic.add_subscription(
            subscriptions.SqsSubscription(requests.queue, dead_letter_queue=requests.dead_letters)
        )


def _publishers(account: str, partners: Sequence[str]) -> list[iam.PrincipalBase]:
    s3 = iam.ServicePrincipal("s3.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": account}})
    return [s3, *(iam.AccountPrincipal(partner) for partner in partners)]
