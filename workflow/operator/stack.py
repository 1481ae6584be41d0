"""Finds a deployed Sluice by its stacks' outputs: the same on AWS and on the embedded AWS."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from infra.local import access
from infra.local.access import LocalAccess, NotThereError
from infra.stages.nearest import nearest, working_folder
from workflow.names import LOCAL, resource_name

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_ssm import SSMClient
    from mypy_boto3_stepfunctions import SFNClient
    from mypy_boto3_sts import STSClient

OWN_STATE_DIR = Path(".sluice")


def find_state_dir(folder: Path) -> Path:
    """The state of the local stack: what SLUICE_STATE_DIR names, or `.sluice`, in the folder or the nearest above."""
    if named := os.environ.get("SLUICE_STATE_DIR"):
        return Path(named)
    found = nearest(OWN_STATE_DIR, folder, Path.is_dir)
    return found if found and found.parent != folder else OWN_STATE_DIR


STATE_DIR = find_state_dir(working_folder())
LOCAL_REGION = "us-east-1"
DEAD_LETTERS = "DlqUrl"
"""What the names of outputs that are URLs of dead-letter queues end with."""
SOURCES: Mapping[str, str] = MappingProxyType({"requests": "RequestQueueUrl", "webhook": "WebhookQueueUrl"})
"""The outputs that have the queues which some dead-letter queues are behind."""
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


@dataclass(frozen=True)
class Buckets:
    """Where an object can be; `operations` has what is written about many of them."""

    ingest: str
    output: str
    archive: str
    quarantine: str
    expanded: str
    operations: str


@dataclass(frozen=True)
class Stack:
    """Where one stage runs, and the names of its resources. The alias starts executions, the machine lists them.

    `outcome_bus` is "" where the stage has none. `dead_letters` are the URLs of the queues for what could not be done,
    by what that was; `sources` those of the queues that some of these are behind, by the same names.
    """

    stage: str
    endpoint: str | None
    region: str
    state_machine_arn: str
    state_machine_alias_arn: str
    reprocess_machine_arn: str
    table: str
    topic: str
    outcome_bus: str
    buckets: Buckets
    dead_letters: Mapping[str, str]
    sources: Mapping[str, str]
    old_indexes: str = ""


class _Outputs(dict[str, str]):
    def __missing__(self, name: str) -> str:
        raise NotThereError(f"The stage has no output {name}: an older Sluice deployed it. Deploy it again.")


class Connection:
    """Clients for one stage. On the laptop they speak to the embedded AWS, elsewhere to the caller's account."""

    def __init__(
        self,
        stage: str = LOCAL,
        *,
        profile: str | None = None,
        region: str | None = None,
        local: LocalAccess | None = None,
    ) -> None:
        """`local` is the embedded AWS of another folder than the one that we are in."""
        self.stage = stage
        self.profile = profile if stage != LOCAL else None
        self.local = local or access.read(STATE_DIR) if stage == LOCAL else None
        if self.local:
            keys = (self.local.access_key_id, self.local.secret_access_key)
            self._session = boto3.Session(*keys, region_name=LOCAL_REGION)
        else:
            _refuse_local_environment(stage)
            self._session = boto3.Session(profile_name=profile, region_name=region)

    @property
    def endpoint(self) -> str | None:
        """None for AWS's own."""
        return self.local.endpoint if self.local else None

    def client(self, service: Any, **settings: Any) -> Any:
        """A client; `settings` are botocore's, beside those that all have."""
        config = Config(retries={"mode": "standard", "total_max_attempts": 5}, max_pool_connections=32, **settings)
        session: Any = self._session
        return session.client(service, endpoint_url=self.endpoint, config=config)

    @cached_property
    def s3(self) -> "S3Client":
        return self.client("s3")

    @cached_property
    def dynamodb(self) -> "DynamoDBClient":
        return self.client("dynamodb")

    @cached_property
    def stepfunctions(self) -> "SFNClient":
        return self.client("stepfunctions")

    @cached_property
    def lambda_(self) -> "LambdaClient":
        return self.client("lambda")

    @cached_property
    def logs(self) -> "CloudWatchLogsClient":
        return self.client("logs")

    @cached_property
    def sns(self) -> "SNSClient":
        return self.client("sns")

    @cached_property
    def sqs(self) -> "SQSClient":
        return self.client("sqs")

    @cached_property
    def ssm(self) -> "SSMClient":
        return self.client("ssm")

    @cached_property
    def sts(self) -> "STSClient":
        return self.client("sts")

    @cached_property
    def cloudformation(self) -> "CloudFormationClient":
        return self.client("cloudformation")

    @cached_property
    def stack(self) -> Stack:
        """The stage's resources, by the outputs of its two stacks."""
        both = (self._outputs(resource_name(self.stage, part)) for part in ("storage", "pipeline"))
        outputs = _Outputs(pair for found in both for pair in found.items())
        return Stack(
            stage=self.stage,
            endpoint=self.endpoint,
            region=self._session.region_name or "",
            state_machine_arn=outputs["StateMachineArn"],
            state_machine_alias_arn=outputs["StateMachineAliasArn"],
            reprocess_machine_arn=outputs["ReprocessStateMachineArn"],
            table=outputs["TableName"],
            topic=outputs["TopicArn"],
            outcome_bus=outputs.get("OutcomeBusName", ""),
            buckets=Buckets(
                ingest=outputs["IngestBucket"],
                output=outputs["OutputBucket"],
                archive=outputs["ArchiveBucket"],
                quarantine=outputs["QuarantineBucket"],
                expanded=outputs["ExpandedBucket"],
                operations=outputs["OperationsBucket"],
            ),
            dead_letters={
                name.removesuffix(DEAD_LETTERS).lower(): url
                for name, url in outputs.items()
                if name.endswith(DEAD_LETTERS)
            },
            sources={name: outputs[output] for name, output in SOURCES.items() if output in outputs},
            old_indexes=outputs.get("OldIndexes", ""),
        )

    def _outputs(self, stack_name: str) -> dict[str, str]:
        try:
            found = self.cloudformation.describe_stacks(StackName=stack_name)["Stacks"][0]
        except ClientError as exc:
            if "does not exist" not in str(exc):
                raise
            command = "`sluice up`" if self.stage == LOCAL else f"`cdk deploy -c stage={self.stage} --all`"
            raise NotThereError(f"There is no stack {stack_name}. Deploy it with {command}.") from exc
        return {item.get("OutputKey", ""): item.get("OutputValue", "") for item in found.get("Outputs", [])}


def _refuse_local_environment(stage: str) -> None:
    """What `sluice env` has set for the laptop's stack would lead the calls for another stage there, too."""
    endpoint = os.environ.get("AWS_ENDPOINT_URL", "")
    if urlsplit(endpoint).hostname in LOOPBACK:
        raise NotThereError(
            f"This shell's AWS_ENDPOINT_URL is {endpoint}, as `sluice env` sets it for the local stack: stage {stage} "
            "is not there. Use another shell, or: unset AWS_ENDPOINT_URL AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY"
        )
