"""A stage's own KMS key: what it encrypts, which services may use it, and each role's share of it.

A role's share follows from what else it may do, so that nothing here names a function: who may read objects may
decrypt through S3, and nowhere else.
"""

# The CDK's classes name parameters otherwise than the interfaces that they implement.
# pyright: reportArgumentType=false

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from types import MappingProxyType
from typing import Any, cast

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sqs as sqs

from infra.stages.settings import Settings

DECRYPT, GENERATE = "kms:Decrypt", "kms:GenerateDataKey"
ASKED_FOR: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "s3:GetObject": (DECRYPT,),
        "s3:GetObjectVersion": (DECRYPT,),
        "s3:PutObject": (GENERATE,),
        "dynamodb:*": (DECRYPT,),
        "sqs:ReceiveMessage": (DECRYPT,),
        "sqs:SendMessage": (DECRYPT, GENERATE),
        "sns:Publish": (DECRYPT, GENERATE),
    }
)
"""What a service asks KMS for in the caller's name. Who uploads in parts decrypts as well; all of ours read, too."""
LOGGING = ["kms:Encrypt*", "kms:Decrypt*", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:Describe*"]
"""https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/encrypt-log-data-kms.html"""
DELIVERING = ("events.amazonaws.com", "sns.amazonaws.com")
"""They send to our queues in nobody's name: dead letters of rules, and what is published to the notification topic."""


def customer_key(stack: cdk.Stack, settings: Settings) -> kms.Key:
    """Kept where the data is: without it nothing can be read."""
    key = kms.Key(
        stack,
        "Key",
        description=f"All that Sluice {settings.stage} keeps",
        enable_key_rotation=True,
        removal_policy=cdk.RemovalPolicy.RETAIN if settings.storage.retain_data else cdk.RemovalPolicy.DESTROY,
    )
    for service in DELIVERING:
        ours = {"StringEquals": {"aws:SourceAccount": stack.account}}
        _let_service(key, service, [DECRYPT, GENERATE], ours)
    _let_service(key, f"logs.{stack.region}.amazonaws.com", LOGGING, _log_groups(stack))
    return key


def encrypt(stack: cdk.Stack, key: kms.Key, *, but: Sequence[s3.Bucket] = ()) -> None:
    """All of the stack's buckets `but` those that only take access logs, and its tables, queues and logs.

    S3 delivers access logs to no bucket under a customer's key:
    https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html
    """
    left = {f"{bucket.node.path}/Resource" for bucket in but}
    for resource in stack.node.find_all():
        if resource.node.path not in left:
            _encrypt(resource, key.key_arn)


def share(stack: cdk.Stack, key: kms.Key) -> None:
    """Give every role of the stack what its other permissions ask for; call it when they are all there."""
    for role in stack.node.find_all():
        if isinstance(role, iam.Role):
            for action, services in _asked_for(role):
                role.add_to_policy(_through(services, action, key))


def _through(services: Sequence[str], action: str, key: kms.Key) -> iam.PolicyStatement:
    hosts = [f"{service}.{cdk.Stack.of(key).region}.amazonaws.com" for service in services]
    return iam.PolicyStatement(
        actions=[action], resources=[key.key_arn], conditions={"StringEquals": {"kms:ViaService": hosts}}
    )


def _encrypt(resource: Any, key_arn: str) -> None:
    match resource:
        case s3.CfnBucket():
            resource.bucket_encryption = _bucket_encryption(key_arn)
        case dynamodb.CfnTable():
            resource.sse_specification = dynamodb.CfnTable.SSESpecificationProperty(
                sse_enabled=True, sse_type="KMS", kms_master_key_id=key_arn
            )
        case sqs.CfnQueue():
            resource.sqs_managed_sse_enabled = None
            resource.kms_master_key_id = key_arn
        case logs.CfnLogGroup():
            resource.kms_key_id = key_arn
        case _:
            pass


def _bucket_encryption(key_arn: str) -> s3.CfnBucket.BucketEncryptionProperty:
    """With a bucket key, which saves S3 nearly all of its requests to KMS."""
    by_default = s3.CfnBucket.ServerSideEncryptionByDefaultProperty(sse_algorithm="aws:kms", kms_master_key_id=key_arn)
    rule = s3.CfnBucket.ServerSideEncryptionRuleProperty(
        bucket_key_enabled=True, server_side_encryption_by_default=by_default
    )
    return s3.CfnBucket.BucketEncryptionProperty(server_side_encryption_configuration=[rule])


def _asked_for(role: iam.Role) -> Iterator[tuple[str, list[str]]]:
    """KMS's actions, each with the services through which the role needs it."""
    allowed = list(_actions(role))
    for wanted in (DECRYPT, GENERATE):
        asking = [pattern for pattern, asked in ASKED_FOR.items() if wanted in asked]
        services = {action.partition(":")[0] for action in allowed if any(fnmatchcase(action, each) for each in asking)}
        if services:
            yield wanted, sorted(services)


def _actions(role: iam.Role) -> Iterator[str]:
    """All that the role's own policy allows."""
    policy = cast("iam.Policy | None", role.node.try_find_child("DefaultPolicy"))
    document: dict[str, Any] = cdk.Stack.of(role).resolve(policy.document.to_json()) if policy else {}
    for statement in document.get("Statement", []):
        actions: str | list[str] = statement["Action"]
        yield from [actions] if isinstance(actions, str) else actions


def _log_groups(stack: cdk.Stack) -> dict[str, Any]:
    """The account's own: which of them are under the key, those say who make them. A list of names would miss some."""
    arn = stack.format_arn(
        service="logs", resource="log-group", resource_name="*", arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME
    )
    return {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": arn}}


def _let_service(key: kms.Key, service: str, actions: list[str], conditions: dict[str, Any]) -> None:
    key.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal(service)], actions=actions, resources=["*"], conditions=conditions
        )
    )
