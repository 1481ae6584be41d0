"""The reprocess state machine, and what its role may do: start ingest executions and its own children, and report."""

# The CDK's classes name parameters otherwise than the interfaces that they implement.
# pyright: reportArgumentType=false

import json

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_stepfunctions as sfn

from infra.functions.permissions import Needs, Resources, allow
from infra.pipeline.state_machine import executions_arn, machine_arn, machine_name, state_machine
from infra.release.versions import Live
from infra.security import nag_rules
from infra.stages.settings import Settings
from infra.storage.stack import Storage
from workflow.reprocess import reprocess

NAME = "reprocess"
REPORTER = "report_batch"
FOLLOWING_RULE = "StepFunctionsGetEventsForStepFunctionsExecutionRule"
"""Step Functions' own, by which it learns that an execution has ended that a state waits for."""


def reprocess_machine(
    stack: cdk.Stack, settings: Settings, storage: Storage, live: Live, report: lambda_.Function
) -> sfn.StateMachine:
    """The state machine `sluice-<stage>-reprocess`. It has no versions: a batch must understand what `live` starts."""
    definition = reprocess().to_json()
    substitutions = {"ingest": live.alias_arn, "report_batch": report.function_arn}
    machine = state_machine(stack, NAME, definition=definition, substitutions=substitutions, settings=settings)
    (label,) = (state["Label"] for state in json.loads(definition)["States"].values() if "Label" in state)
    statements = [
        allow(["lambda:InvokeFunction"], report.function_arn),
        *_manifest_and_results(storage),
        *_ingest(stack, settings, live),
        *_children(stack, settings, label),
    ]
    for statement in statements:
        machine.add_to_role_policy(statement)
        nag_rules.acknowledge_open_ends(machine, statement.resources)
    return machine


def _manifest_and_results(storage: Storage) -> list[iam.PolicyStatement]:
    batches = f"{storage.export_value(storage.operations.bucket_arn)}/reprocess/*"
    write = ["s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
    return [allow(["s3:GetObject", *write], batches)]


def _ingest(stack: cdk.Stack, settings: Settings, live: Live) -> list[iam.PolicyStatement]:
    """What AWS documents for `states:startExecution.sync:2`."""
    following = stack.format_arn(service="events", resource="rule", resource_name=FOLLOWING_RULE)
    started = executions_arn(stack, machine_name(settings, "ingest"))
    return [
        live.leave_to_start(),
        allow(["states:DescribeExecution", "states:StopExecution"], started),
        allow(["events:PutTargets", "events:PutRule", "events:DescribeRule"], following),
    ]


def _children(stack: cdk.Stack, settings: Settings, label: str) -> list[iam.PolicyStatement]:
    """What AWS documents for a Distributed Map and its redrive. By name: a role cannot refer to its own machine."""
    name = machine_name(settings, NAME)
    children = executions_arn(stack, f"{name}/{label}")
    return [
        allow(["states:StartExecution"], machine_arn(stack, name)),
        allow(["states:DescribeExecution", "states:StopExecution", "states:RedriveExecution"], children),
    ]


def needs(resources: Resources) -> dict[str, Needs]:
    """What the function is given that reports a batch."""
    write = ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"]
    return {
        REPORTER: Needs(
            resources.environment("TABLE_NAME"),
            [
                allow(write, f"{resources.operations}/reprocess/*"),
                allow(["dynamodb:BatchGetItem"], resources.table),
                allow(["states:DescribeExecution"], resources.executions),
            ],
        )
    }
