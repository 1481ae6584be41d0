"""What starts the sweep: a schedule, with a role that may do nothing else.

A sweep that fails is not tried again, as the next one does the same; what could not be started ends in the queue.
"""

# The CDK's classes name parameters otherwise than the interfaces that they implement.
# pyright: reportArgumentType=false

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_scheduler as scheduler
from aws_cdk import aws_sqs as sqs

from infra.functions.permissions import LIVE, READ, RECORD, Needs, Resources, allow, tell_missing_versions
from infra.stages.settings import Settings
from workflow.names import resource_name

SWEEPER = "sweep"
SCHEDULER = "scheduler.amazonaws.com"
START_RETRIES = 10


def sweep_on_schedule(stack: cdk.Stack, settings: Settings, sweep: lambda_.Function, dead_letters: sqs.Queue) -> None:
    """The schedule `sluice-<stage>-sweep`."""
    sweep.configure_async_invoke(retry_attempts=0)
    role = _role(stack, sweep, dead_letters)
    minutes = settings.sweeper.every_minutes
    target = scheduler.CfnSchedule.TargetProperty(
        arn=sweep.function_arn,
        role_arn=role.role_arn,
        input="{}",
        retry_policy=scheduler.CfnSchedule.RetryPolicyProperty(
            maximum_event_age_in_seconds=minutes * 60, maximum_retry_attempts=START_RETRIES
        ),
        dead_letter_config=scheduler.CfnSchedule.DeadLetterConfigProperty(arn=dead_letters.queue_arn),
    )
    schedule = scheduler.CfnSchedule(
        stack,
        "SweepSchedule",
        name=resource_name(settings.stage, "sweep"),
        description="Starts the sweep, which finds what a crash or a lost event left undone",
        schedule_expression=f"rate({minutes} minute{'s' if minutes > 1 else ''})",
        flexible_time_window=scheduler.CfnSchedule.FlexibleTimeWindowProperty(mode="OFF"),
        target=target,
    )
    schedule.node.add_dependency(role)  # its policy, too: it is checked when the schedule is made


def _role(stack: cdk.Stack, sweep: lambda_.Function, dead_letters: sqs.Queue) -> iam.Role:
    """Only for schedules of this account, as AWS advises against the confused deputy."""
    ours = {"StringEquals": {"aws:SourceAccount": stack.account}}
    role = iam.Role(stack, "SweepScheduleRole", assumed_by=iam.ServicePrincipal(SCHEDULER, conditions=ours))
    role.add_to_policy(allow(["lambda:InvokeFunction"], sweep.function_arn))
    role.add_to_policy(allow(["sqs:SendMessage"], dead_letters.queue_arn))
    return role


def needs(resources: Resources) -> dict[str, Needs]:
    """What the sweep is given."""
    buckets = resources.environment("INGEST_BUCKET", "EXPANDED_BUCKET", "OPERATIONS_BUCKET")
    told = resources.environment("TABLE_NAME", "TOPIC_ARN", "OUTCOME_BUS", "SWEEP_OLDER_THAN_MINUTES", *LIVE)
    statements = [
        resources.read_live_settings(),
        allow(READ, *resources.originals),
        tell_missing_versions(resources.ingest, resources.expanded, resources.archive, resources.quarantine),
        allow(["s3:DeleteObjectVersion"], f"{resources.ingest}/*", f"{resources.expanded}/*"),
        allow(["s3:PutObject"], f"{resources.operations}/sweeps/*"),
        allow(["states:ListExecutions"], resources.machine),
        allow(["states:DescribeExecution", "states:GetExecutionHistory"], resources.executions),
        *resources.publish(),
        allow([*RECORD, "dynamodb:BatchGetItem", "dynamodb:DeleteItem"], resources.table),
        allow(["dynamodb:Query"], *resources.index("by_status")),
    ]
    return {SWEEPER: Needs(buckets | told, statements)}
