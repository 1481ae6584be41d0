"""For a stage with `big_files`: containers on Fargate, which run and are paid only while there is such a file.

The image is built from infra/pipeline/Dockerfile when the stage is deployed, and runs Transform's own code.
"""

# The CDK's classes name parameters otherwise than the interfaces that they implement.
# pyright: reportArgumentType=false

import aws_cdk as cdk
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_stepfunctions as sfn
from constructs import Construct

from infra.functions.permissions import Needs, allow
from infra.functions.sources import PROJECT_ROOT
from infra.functions.task_function import common_environment
from infra.functions.versions import KEPT
from infra.security import nag_rules
from infra.stages.settings import Settings
from workflow.big_file import CONTAINER_NAME
from workflow.limits import BIG_FILE
from workflow.names import resource_name

TASKS = "ecs-tasks.amazonaws.com"
FOLLOWING_RULE = "StepFunctionsGetEventsForECSTaskRule"
"""Step Functions' own, by which it learns that a task has ended."""
DOCKERFILE = "infra/pipeline/Dockerfile"
IMAGE_NEEDS = ["*", f"!{DOCKERFILE}", "!tasks", "!workflow", "**/__pycache__"]
"""As in a .dockerignore: nothing else of the tree is sent to where the image is built, or changes its name."""


class BigFiles(Construct):
    """The network, the cluster and the task; `substitutions` tell the definition of them."""

    def __init__(self, scope: Construct, settings: Settings, needs: Needs) -> None:
        super().__init__(scope, "BigFiles")
        self._settings = settings
        self._logs = self._make_logs("Logs", f"/sluice/{settings.stage}/big-files")
        vpc = self._make_network()
        group = ec2.SecurityGroup(self, "Outwards", vpc=vpc, allow_all_outbound=False, description="HTTPS to AWS only")
        group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "AWS, for data, image and logs")
        self._cluster = ecs.Cluster(self, "Cluster", vpc=vpc, container_insights_v2=ecs.ContainerInsights.ENABLED)
        self._task = self._make_task(needs)
        self._execution_role = self._task.obtain_execution_role()
        self._acknowledge()
        self.substitutions = {
            "big_files_cluster": self._cluster.cluster_arn,
            "big_files_task": self._task.task_definition_arn,
            "big_files_subnets": cdk.Fn.join(",", [subnet.subnet_id for subnet in vpc.public_subnets]),
            "big_files_security_group": group.security_group_id,
        }

    def let_run(self, machine: sfn.StateMachine) -> None:
        """What AWS documents for `ecs:runTask.sync`, with the family of tasks, the cluster and the roles named.

        Executions in flight run older revisions: those are kept as the functions' versions are.
        """
        stack = cdk.Stack.of(self)
        family = stack.format_arn(service="ecs", resource="task-definition", resource_name=f"{self._task.family}:*")
        tasks = stack.format_arn(service="ecs", resource="task", resource_name=f"{self._cluster.cluster_name}/*")
        following = stack.format_arn(service="events", resource="rule", resource_name=FOLLOWING_RULE)
        pass_roles = allow(["iam:PassRole"], self._task.task_role.role_arn, self._execution_role.role_arn)
        pass_roles.add_condition("StringEquals", {"iam:PassedToService": TASKS})
        statements = (
            allow(["ecs:RunTask"], family),
            allow(["ecs:StopTask", "ecs:DescribeTasks"], tasks),
            allow(["events:PutTargets", "events:PutRule", "events:DescribeRule"], following),
            pass_roles,
        )
        for statement in statements:
            machine.add_to_role_policy(statement)
            nag_rules.acknowledge_open_ends(machine, statement.resources)

    def _acknowledge(self) -> None:
        nag_rules.acknowledge_plain_environment(self._task)
        nag_rules.acknowledge_unnamed_service(self._task)

    def _make_network(self) -> ec2.Vpc:
        """Public subnets, as a NAT gateway is paid by the hour; nothing reaches in, and data of S3's stays inside."""
        vpc = ec2.Vpc(
            self,
            "Network",
            max_azs=2,
            nat_gateways=0,
            subnet_configuration=[ec2.SubnetConfiguration(name="Public", subnet_type=ec2.SubnetType.PUBLIC)],
        )
        vpc.add_gateway_endpoint("S3", service=ec2.GatewayVpcEndpointAwsService.S3)
        vpc.add_gateway_endpoint("DynamoDB", service=ec2.GatewayVpcEndpointAwsService.DYNAMODB)
        flows = self._make_logs("Flows", f"/sluice/{self._settings.stage}/big-files-network")
        vpc.add_flow_log("FlowLog", destination=ec2.FlowLogDestination.to_cloud_watch_logs(flows))
        return vpc

    def _make_logs(self, construct: str, name: str) -> logs.LogGroup:
        return logs.LogGroup(
            self,
            construct,
            log_group_name=name,
            retention=logs.RetentionDays(self._settings.observability.log_retention),
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )

    def _make_task(self, needs: Needs) -> ecs.FargateTaskDefinition:
        task = ecs.FargateTaskDefinition(
            self,
            "Task",
            family=resource_name(self._settings.stage, "big-file"),
            cpu=BIG_FILE.cpu_units,
            memory_limit_mib=BIG_FILE.memory_mb,
            ephemeral_storage_gib=BIG_FILE.scratch_gib,
            runtime_platform=ecs.RuntimePlatform(
                cpu_architecture=ecs.CpuArchitecture.X86_64, operating_system_family=ecs.OperatingSystemFamily.LINUX
            ),
            task_role=self._make_role(needs),
        )
        task.add_container(
            CONTAINER_NAME,
            image=ecs.ContainerImage.from_docker_image_asset(self._image()),
            environment=common_environment(self._settings, cdk.Stack.of(self).account) | dict(needs.environment),
            logging=ecs.LogDrivers.aws_logs(log_group=self._logs, stream_prefix=CONTAINER_NAME),
        )
        task.apply_removal_policy(KEPT)
        return task

    def _image(self) -> ecr_assets.DockerImageAsset:
        return ecr_assets.DockerImageAsset(
            self,
            "Image",
            directory=str(PROJECT_ROOT),
            file=DOCKERFILE,
            exclude=IMAGE_NEEDS,
            ignore_mode=cdk.IgnoreMode.DOCKER,
            platform=ecr_assets.Platform.LINUX_AMD64,
        )

    def _make_role(self, needs: Needs) -> iam.Role:
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal(TASKS))
        for statement in needs.statements:
            role.add_to_policy(statement)
            nag_rules.acknowledge_open_ends(role, statement.resources)
        return role
