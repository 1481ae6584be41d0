"""For a stage that sends long videos to AWS Elemental MediaConvert: a role for the job, and leave to start it."""

# The CDK's classes name parameters otherwise than the interfaces that they implement.
# pyright: reportArgumentType=false

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_stepfunctions as sfn

from infra.functions.permissions import FIND, allow
from infra.security import nag_rules
from infra.storage.stack import Storage
from tasks.shared.naming import WORK

SERVICE = "mediaconvert.amazonaws.com"
FOLLOWING_RULE = "StepFunctionsGetEventsForMediaConvertJobRule"
"""Step Functions' own, by which it learns that a job has ended."""


def conversion_role(stack: cdk.Stack, storage: Storage) -> iam.Role:
    """Lets the service read originals, and write what it makes of them."""
    role = iam.Role(stack, "ConversionRole", assumed_by=iam.ServicePrincipal(SERVICE))
    originals = [
        f"{storage.export_value(bucket.bucket_arn)}/*"
        for bucket in (storage.ingest, storage.expanded, storage.archive, storage.quarantine)
    ]
    work = f"{storage.export_value(storage.output.bucket_arn)}/{WORK}*"
    for statement in (allow(FIND, *originals), allow(["s3:PutObject"], work)):
        role.add_to_policy(statement)
        nag_rules.acknowledge_open_ends(role, statement.resources)
    return role


def allow_conversion(machine: sfn.StateMachine, role: iam.Role) -> None:
    """What AWS documents for `mediaconvert:createJob.sync`, with the role to be passed named."""
    stack = cdk.Stack.of(machine)
    following = stack.format_arn(service="events", resource="rule", resource_name=FOLLOWING_RULE)
    pass_role = allow(["iam:PassRole"], role.role_arn)
    pass_role.add_condition("StringEquals", {"iam:PassedToService": SERVICE})
    statements = (
        allow(["mediaconvert:CreateJob", "mediaconvert:GetJob", "mediaconvert:CancelJob"], "*"),
        allow(["events:PutTargets", "events:PutRule", "events:DescribeRule"], following),
        pass_role,
    )
    for statement in statements:
        machine.add_to_role_policy(statement)
