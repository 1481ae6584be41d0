"""Has a function read a stream, in order. What it cannot take after all retries is told to a queue, and passed by."""

# The CDK's classes name parameters otherwise than the interfaces that they implement.
# pyright: reportArgumentType=false

from typing import Any, cast

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.functions.permissions import allow
from infra.security import nag_rules

RETRIES = 20
"""With Lambda's growing delays about a quarter of an hour; that long S3 may be away."""
DEAD_LETTERS_KEPT_DAYS = 14


class StreamReader(Construct):
    """The mapping from `stream_arn` to `function`, and `dead_letters`: they name the records, which the stream keeps.

    `more` is for lambda.EventSourceMapping. What the function needs to read the stream, the caller allows.
    """

    def __init__(self, scope: Construct, name: str, function: lambda_.Function, stream_arn: str, **more: Any) -> None:
        super().__init__(scope, name)
        self.dead_letters = sqs.Queue(
            self,
            "DeadLetters",
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            retention_period=cdk.Duration.days(DEAD_LETTERS_KEPT_DAYS),
        )
        nag_rules.acknowledge_dead_letters(self.dead_letters)
        function.add_to_role_policy(allow(["sqs:SendMessage"], self.dead_letters.queue_arn))
        mapping = lambda_.EventSourceMapping(
            self,
            "Mapping",
            target=function,
            event_source_arn=stream_arn,
            starting_position=lambda_.StartingPosition.TRIM_HORIZON,
            retry_attempts=RETRIES,
            **more,
        )
        mapping.node.add_dependency(function.role)
        _tell(mapping, self.dead_letters)


def _tell(mapping: lambda_.EventSourceMapping, queue: sqs.Queue) -> None:
    """The CDK's own way would also let the function read the queue's attributes."""
    resource = cast("lambda_.CfnEventSourceMapping", mapping.node.default_child)
    resource.destination_config = lambda_.CfnEventSourceMapping.DestinationConfigProperty(
        on_failure=lambda_.CfnEventSourceMapping.OnFailureProperty(destination=queue.queue_arn)
    )
