"""When an original has come out of Glacier, S3 says so by an event; this rule lets a function go on from there."""

# The CDK's classes name parameters otherwise than the interfaces that they implement.
# pyright: reportArgumentType=false

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs

from infra.functions.event_delivery import FUNCTION_RETRIES, delivered
from infra.functions.permissions import RECORD, Needs, Resources, allow
from infra.storage.stack import Storage
from workflow.events import RESTORE_COMPLETED

CONTINUER = "continue_restored"


def continue_restored(
    stack: cdk.Stack, storage: Storage, function: lambda_.Function, dead_letters: sqs.Queue
) -> events.Rule:
    """Calls `function` for every original that was restored. Restores take up to 48 hours; nothing waits meanwhile."""
    function.configure_async_invoke(retry_attempts=FUNCTION_RETRIES)
    return events.Rule(
        stack,
        "OnRestored",
        description="Goes on with originals that came out of Glacier",
        event_pattern=events.EventPattern(
            source=["aws.s3"],
            detail_type=[RESTORE_COMPLETED],
            detail={"bucket": {"name": [storage.archive.bucket_name]}},
        ),
        targets=[targets.LambdaFunction(function, **delivered(dead_letters))],
    )


def needs(resources: Resources) -> dict[str, Needs]:
    """What the function is given."""
    return {CONTINUER: Needs(resources.environment("TABLE_NAME"), [allow(RECORD, resources.table)])}
