"""What makes a deployment one that can be undone: published versions, and the alias `live` that chooses between them.

The definition names versions of functions, so an execution keeps the code and the definition that it started with.
Older versions leave the template but stay in the account, until `sluice versions --prune` finds that nothing can need
them.
"""

# The CDK's classes name parameters otherwise than the interfaces that they implement.
# pyright: reportArgumentType=false

import json
import shutil
import subprocess
from collections.abc import Sequence
from importlib import metadata

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.functions.permissions import allow
from infra.functions.sources import FIRST_PARTY, PROJECT_ROOT
from infra.functions.versions import KEPT
from infra.observability.runbook import alarm_name, described
from infra.release.settings import Rollout
from infra.security import nag_rules
from infra.stages.settings import Settings

LIVE = "live"


class Live(Construct):
    """A version of what `machine` is now, and the alias that `rollout` moves to it unless one of `alarms` goes off."""

    def __init__(
        self,
        scope: Construct,
        machine: sfn.StateMachine,
        *,
        rollout: Rollout,
        alarms: Sequence[cloudwatch.IAlarm],
        revision: str | None,
    ) -> None:
        super().__init__(scope, "Live")
        self.machine = machine
        version = sfn.CfnStateMachineVersion(
            self,
            "Version",
            state_machine_arn=machine.state_machine_arn,
            state_machine_revision_id=machine.state_machine_revision_id,
            description=revision,
        )
        version.apply_removal_policy(KEPT)
        alias = sfn.CfnStateMachineAlias(
            self,
            "Alias",
            name=LIVE,
            description="What every upload starts",
            deployment_preference=_deployment_preference(version.attr_arn, rollout, alarms),
        )
        self.alias_arn = alias.attr_arn

    def let_start(self, function: lambda_.Function) -> None:
        """Tell a function of the alias, and let it start executions."""
        function.add_environment("STATE_MACHINE_ARN", self.alias_arn)
        function.add_to_role_policy(self.leave_to_start())

    def leave_to_start(self) -> iam.PolicyStatement:
        """IAM looks at the state machine's own ARN, whichever version or alias is started.

        https://docs.aws.amazon.com/step-functions/latest/dg/auth-version-alias.html
        """
        return allow(["states:StartExecution"], self.machine.state_machine_arn)


def _deployment_preference(
    version_arn: str, rollout: Rollout, alarms: Sequence[cloudwatch.IAlarm]
) -> sfn.CfnStateMachineAlias.DeploymentPreferenceProperty:
    """By the alarms' names: AWS takes ARNs, and then does not roll back."""
    return sfn.CfnStateMachineAlias.DeploymentPreferenceProperty(
        state_machine_version_arn=version_arn,
        type=rollout.how.upper(),
        percentage=rollout.percentage if rollout.gradual else None,
        interval=rollout.interval_minutes if rollout.gradual else None,
        alarms=[alarm.alarm_name for alarm in alarms],
    )


def allow_versions(machine: sfn.StateMachine, functions: Sequence[lambda_.Function]) -> None:
    """Lets the state machine invoke every version: executions in flight and redrives go on with the older ones."""
    for function in functions:
        versions = f"{function.function_arn}:*"
        machine.add_to_role_policy(allow(["lambda:InvokeFunction"], versions))
        nag_rules.acknowledge_open_ends(machine, [versions])


def failures_alarm(scope: Construct, settings: Settings, recorded_in: logs.LogGroup) -> cloudwatch.Alarm:
    """Goes off when more executions fail than a deployment may let fail. A rejected file is no failure.

    Step Functions' own metric counts rejected files too; what `record_failure` logs tells them apart.
    """
    metric = logs.MetricFilter(
        scope,
        "Failures",
        log_group=recorded_in,
        filter_pattern=logs.FilterPattern.all(
            logs.FilterPattern.string_value("$.message", "=", "execution failed"),
            logs.FilterPattern.string_value("$.reason.state", "!=", "Rejected"),
        ),
        metric_namespace=f"Sluice/{settings.stage}",
        metric_name="ExecutionsFailed",
    ).metric(statistic="sum", period=cdk.Duration.minutes(5))
    return metric.create_alarm(
        scope,
        "ManyFailures",
        alarm_name=alarm_name(settings, "many-failures"),
        alarm_description=described("many-failures", "More executions fail than a deployment may let fail"),
        threshold=settings.rollout.max_failures,
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
        evaluation_periods=1,
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
    )


def stamped(definition: str, revision: str | None) -> str:
    """The definition with the revision in its comment, so that it changes whenever the version's description does."""
    if revision is None:
        return definition
    machine = json.loads(definition)
    return json.dumps(machine | {"Comment": f"{machine['Comment']} ({revision})"})


def source_revision() -> str:
    """The commit that last changed what is deployed, with a + for changes since; else Sluice's version."""
    git = shutil.which("git")
    commit = git and _said(git, "log", "-1", "--format=%h", "--", *FIRST_PARTY)
    if not git or not commit:
        return metadata.version("sluice")
    return f"{commit}+" if _said(git, "status", "--porcelain", "--", *FIRST_PARTY) else commit


def _said(*command: str) -> str:
    done = subprocess.run(command, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    return done.stdout.strip()
