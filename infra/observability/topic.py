"""The topic that alarms and the budget speak through.

It has a key of its own, as neither CloudWatch nor AWS Budgets can publish under the account's key for SNS.
"""

# The CDK's classes name parameters otherwise than the interfaces that they implement.
# pyright: reportArgumentType=false

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from constructs import Construct

from infra.security import nag_rules
from infra.stages.settings import Settings


class AlarmTopic(Construct):
    """The topic, with the stage's `alarm_emails` as subscribers: each has to confirm once."""

    def __init__(self, scope: Construct, settings: Settings) -> None:
        super().__init__(scope, "Alarms")
        self._key = kms.Key(
            self,
            "Key",
            description="Alarms on their way to people",
            enable_key_rotation=True,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        display = f"Sluice {settings.stage} alarms"
        self.topic = sns.Topic(self, "Topic", display_name=display, master_key=self._key, enforce_ssl=True)
        self.let_publish("cloudwatch.amazonaws.com")
        for address in settings.observability.alarm_emails:
            nag_rules.acknowledge_mails(self.topic.add_subscription(subscriptions.EmailSubscription(address)))

    def let_publish(self, service: str) -> None:
        """On behalf of this account alone."""
        ours = {"StringEquals": {"aws:SourceAccount": cdk.Stack.of(self).account}}
        publisher = iam.ServicePrincipal(service, conditions=ours)
        self.topic.grant_publish(publisher)
