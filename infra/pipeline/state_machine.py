"""One state machine as each of ours has it: Standard, traced, with a log group of its own."""

# The CDK's classes name parameters otherwise than the interfaces that they implement.
# pyright: reportArgumentType=false

from collections.abc import Mapping

import aws_cdk as cdk
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.security import nag_rules
from infra.stages.settings import Settings
from workflow.names import resource_name


def state_machine(
    scope: Construct, name: str, *, definition: str, substitutions: Mapping[str, str], settings: Settings
) -> sfn.StateMachine:
    """The state machine `sluice-<stage>-<name>`; `substitutions` replace the `${…}` of its definition."""
    full_name = machine_name(settings, name)
    machine = sfn.StateMachine(
        scope,
        name.capitalize(),
        state_machine_name=full_name,
        state_machine_type=sfn.StateMachineType.STANDARD,
        definition_body=sfn.DefinitionBody.from_string(definition),
        definition_substitutions=substitutions,
        logs=_logs(scope, name, full_name, settings),
        tracing_enabled=True,
    )
    nag_rules.acknowledge_unnamed_service(machine)
    return machine


def machine_name(settings: Settings, name: str) -> str:
    return resource_name(settings.stage, name)


def machine_arn(stack: cdk.Stack, machine: str) -> str:
    """By name: for those that the state machine itself refers to."""
    return stack.format_arn(
        service="states", resource="stateMachine", resource_name=machine, arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME
    )


def executions_arn(stack: cdk.Stack, machine: str, executions: str = "*") -> str:
    """The executions of a state machine; those of a Distributed Map are called `<machine>/<label>:<name>`."""
    return stack.format_arn(
        service="states",
        resource="execution",
        resource_name=f"{machine}:{executions}",
        arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
    )


def _logs(scope: Construct, name: str, full_name: str, settings: Settings) -> sfn.LogOptions:
    """All events in every stage: they cost a tenth of the transitions that they tell of.

    The name's prefix keeps the account's log resource policy from growing with every state machine.
    """
    log_group = logs.LogGroup(
        scope,
        f"{name.capitalize()}Logs",
        log_group_name=f"/aws/vendedlogs/states/{full_name}",
        retention=logs.RetentionDays(settings.observability.log_retention),
        removal_policy=cdk.RemovalPolicy.DESTROY,
    )
    return sfn.LogOptions(destination=log_group, level=sfn.LogLevel.ALL, include_execution_data=True)
