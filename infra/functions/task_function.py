"""One Lambda function as each of ours has it: own role, own log group, limits from the table."""

# The CDK's classes name parameters otherwise than the interfaces that they implement.
# pyright: reportArgumentType=false

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from infra.functions.permissions import Needs, allow
from infra.functions.versions import version_options
from infra.security import nag_rules
from infra.stages.settings import Settings
from workflow.limits import FUNCTIONS, task_of
from workflow.names import function_name, stage_name

METRICS_NAMESPACE = "Sluice"


class TaskFunction(Construct):
    """The function `sluice-<stage>-<function>`; `dead_letters` takes the events that an asynchronous one gave up."""

    def __init__(
        self,
        scope: Construct,
        function: str,
        *,
        settings: Settings,
        code: lambda_.Code,
        needs: Needs,
        dead_letters: sqs.IQueue | None = None,
    ) -> None:
        super().__init__(scope, "".join(word.capitalize() for word in function.split("_")))
        name = function_name(settings.stage, function)
        self.log_group = self._make_log_group(name, settings)
        limits = FUNCTIONS[function]
        self.function = lambda_.Function(
            self,
            "Function",
            function_name=name,
            runtime=lambda_.Runtime.PYTHON_3_13,
            architecture=lambda_.Architecture.ARM_64,
            handler=f"tasks.{task_of(function)[0]}.handler.handle",
            code=code,
            memory_size=limits.memory_mb,
            timeout=cdk.Duration.seconds(limits.timeout_seconds),
            ephemeral_storage_size=cdk.Size.mebibytes(limits.scratch_mb),
            environment=common_environment(settings, cdk.Stack.of(self).account) | dict(needs.environment),
            role=self._make_role(needs, self.log_group),
            log_group=self.log_group,
            tracing=lambda_.Tracing.ACTIVE,
            reserved_concurrent_executions=settings.functions.concurrency.get(function),
            dead_letter_queue=dead_letters,
            current_version_options=version_options(settings),
        )
        nag_rules.acknowledge_function(self, has_dead_letters=dead_letters is not None)

    def _make_log_group(self, function_name: str, settings: Settings) -> logs.LogGroup:
        """Goes with the stack in every stage: its fixed name, retained, would block the next deployment."""
        return logs.LogGroup(
            self,
            "Logs",
            log_group_name=f"/aws/lambda/{function_name}",
            retention=logs.RetentionDays(settings.observability.log_retention),
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )

    def _make_role(self, needs: Needs, log_group: logs.LogGroup) -> iam.Role:
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        write_logs = allow(["logs:CreateLogStream", "logs:PutLogEvents"], log_group.log_group_arn)
        for statement in [write_logs, *needs.statements]:
            role.add_to_policy(statement)
            nag_rules.acknowledge_open_ends(role, statement.resources)
        nag_rules.acknowledge_unnamed_service(role)
        return role


def service_name(settings: Settings) -> str:
    """By which a stage's metrics differ from those of other stages in the same account."""
    return stage_name(settings.stage)


def common_environment(settings: Settings, account: str) -> dict[str, str]:
    return {
        "BUCKET_OWNER": account,
        "POWERTOOLS_SERVICE_NAME": service_name(settings),
        "POWERTOOLS_METRICS_NAMESPACE": METRICS_NAMESPACE,
        "POWERTOOLS_LOG_LEVEL": settings.observability.log_level,
    }
