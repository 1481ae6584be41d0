"""Properties of a template become properties of the resource."""

import json
import uuid
from typing import Any

import pytest

from tests.waiting import until

KEY = {"AttributeName": "id", "KeyType": "HASH"}
INDEX = {
    "IndexName": "by-status",
    "KeySchema": [{"AttributeName": "status", "KeyType": "HASH"}],
    "Projection": {"ProjectionType": "ALL"},
}
TABLE = {
    "KeySchema": [KEY],
    "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name in ("id", "status")],
    "GlobalSecondaryIndexes": [INDEX],
    "BillingMode": "PAY_PER_REQUEST",
    "StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"},
    "TimeToLiveSpecification": {"AttributeName": "expires", "Enabled": True},
}
RECOVERY = {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}}
LIFECYCLE_RULE = {
    "Id": "tidy",
    "Status": "Enabled",
    "Prefix": "in/",
    "TagFilters": [{"Key": "keep", "Value": "no"}],
    "ObjectSizeGreaterThan": 1000,
    "ExpirationInDays": 30,
    "Transitions": [{"StorageClass": "GLACIER_IR", "TransitionInDays": 1}],
    "NoncurrentVersionExpiration": {"NoncurrentDays": 7, "NewerNoncurrentVersions": 2},
    "NoncurrentVersionTransitions": [{"StorageClass": "GLACIER", "TransitionInDays": 3}],
    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 2},
}


class Stack:
    """A stack of one resource; `resource` is its physical name."""

    def __init__(self, cloud: Any, resource_type: str, properties: dict[str, Any]) -> None:
        self._type = resource_type
        self._cloudformation = cloud.client("cloudformation")
        self.name = f"s-{uuid.uuid4().hex[:12]}"
        self._cloudformation.create_stack(StackName=self.name, TemplateBody=self._template(properties))
        self._wait("stack_create_complete")
        described = self._cloudformation.describe_stack_resource(StackName=self.name, LogicalResourceId="Resource")
        self.resource = described["StackResourceDetail"]["PhysicalResourceId"]

    def update(self, properties: dict[str, Any]) -> None:
        self._cloudformation.update_stack(StackName=self.name, TemplateBody=self._template(properties))
        self._wait("stack_update_complete")

    def _template(self, properties: dict[str, Any]) -> str:
        return json.dumps({"Resources": {"Resource": {"Type": self._type, "Properties": properties}}})

    def _wait(self, state: str) -> None:
        waiter = self._cloudformation.get_waiter(state)
        waiter.wait(StackName=self.name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 100})


def test_a_bucket_has_its_lifecycle_rules(stock: Any, patched: Any) -> None:
    properties = {"LifecycleConfiguration": {"Rules": [LIFECYCLE_RULE]}}
    behind = Stack(stock, "AWS::S3::Bucket", properties).resource
    s3 = stock.client("s3")
    with pytest.raises(s3.exceptions.ClientError, match="NoSuchLifecycleConfiguration"):
        s3.get_bucket_lifecycle_configuration(Bucket=behind)

    bucket = Stack(patched, "AWS::S3::Bucket", properties).resource
    (rule,) = patched.client("s3").get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    assert rule == {
        "ID": "tidy",
        "Status": "Enabled",
        "Filter": {"And": {"Prefix": "in/", "Tags": [{"Key": "keep", "Value": "no"}], "ObjectSizeGreaterThan": 1000}},
        "Expiration": {"Days": 30},
        "Transitions": [{"Days": 1, "StorageClass": "GLACIER_IR"}],
        "NoncurrentVersionExpiration": {"NoncurrentDays": 7, "NewerNoncurrentVersions": 2},
        "NoncurrentVersionTransitions": [{"NoncurrentDays": 3, "StorageClass": "GLACIER"}],
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 2},
    }


def test_lifecycle_rules_that_leave_the_template_leave_the_bucket(patched: Any) -> None:
    rule = {"Status": "Enabled", "ExpirationInDays": 1}
    stack = Stack(patched, "AWS::S3::Bucket", {"LifecycleConfiguration": {"Rules": [rule]}})
    s3 = patched.client("s3")
    (seen,) = s3.get_bucket_lifecycle_configuration(Bucket=stack.resource)["Rules"]
    assert (seen["Filter"], seen["Expiration"]) == ({"Prefix": ""}, {"Days": 1})
    stack.update({})
    with pytest.raises(s3.exceptions.ClientError, match="NoSuchLifecycleConfiguration"):
        s3.get_bucket_lifecycle_configuration(Bucket=stack.resource)


def test_a_bucket_has_its_encryption_and_tags(stock: Any, patched: Any) -> None:
    rule = {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "alias/ours"}}
    properties = {
        "BucketEncryption": {"ServerSideEncryptionConfiguration": [rule | {"BucketKeyEnabled": True}]},
        "Tags": [{"Key": "stage", "Value": "local"}],
    }
    s3 = stock.client("s3")
    with pytest.raises(s3.exceptions.ClientError, match="NoSuchTagSet"):
        s3.get_bucket_tagging(Bucket=Stack(stock, "AWS::S3::Bucket", properties).resource)

    bucket = {"Bucket": Stack(patched, "AWS::S3::Bucket", properties).resource}
    s3 = patched.client("s3")
    assert s3.get_bucket_tagging(**bucket)["TagSet"] == [{"Key": "stage", "Value": "local"}]
    (seen,) = s3.get_bucket_encryption(**bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert seen["ApplyServerSideEncryptionByDefault"] == rule["ServerSideEncryptionByDefault"]
    assert seen["BucketKeyEnabled"] is True


@pytest.mark.parametrize("configuration", [{}, {"EventBridgeEnabled": True}])
def test_a_bucket_tells_eventbridge(patched: Any, configuration: dict[str, bool]) -> None:
    notification = {"NotificationConfiguration": {"EventBridgeConfiguration": configuration}}
    bucket = Stack(patched, "AWS::S3::Bucket", notification).resource
    told = patched.client("s3").get_bucket_notification_configuration(Bucket=bucket)
    assert told["EventBridgeConfiguration"] == {}


@pytest.mark.parametrize(
    ("resource_type", "properties"),
    [
        ("AWS::DynamoDB::Table", TABLE | RECOVERY),
        ("AWS::DynamoDB::GlobalTable", TABLE | {"Replicas": [{"Region": "us-east-1", **RECOVERY}]}),
    ],
)
def test_a_table_expires_items_recovers_and_has_active_indexes(
    stock: Any, patched: Any, resource_type: str, properties: dict[str, Any]
) -> None:
    def settings(cloud: Any) -> tuple[Any, ...]:
        table = {"TableName": Stack(cloud, resource_type, properties).resource}
        dynamodb = cloud.client("dynamodb")
        described = dynamodb.describe_table(**table)["Table"]
        backups = dynamodb.describe_continuous_backups(**table)["ContinuousBackupsDescription"]
        return (
            dynamodb.describe_time_to_live(**table)["TimeToLiveDescription"].get("AttributeName"),
            backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"],
            described["GlobalSecondaryIndexes"][0].get("IndexStatus"),
        )

    assert settings(stock) == (None, "DISABLED", None)
    assert settings(patched) == ("expires", "ENABLED", "ACTIVE")


def test_a_table_has_its_stream(patched: Any) -> None:
    table = Stack(patched, "AWS::DynamoDB::Table", TABLE).resource
    described = patched.client("dynamodb").describe_table(TableName=table)["Table"]
    assert described["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}
    assert described["LatestStreamArn"]


def test_a_function_has_its_reserved_concurrency_and_dead_letter_queue(stock: Any, patched: Any) -> None:
    function = {
        "Runtime": "python3.13",
        "Handler": "index.handle",
        "Role": "arn:aws:iam::000000000000:role/any",
        "Code": {"ZipFile": "def handle(event, context): return 1"},
    }
    queue = {"TargetArn": "arn:aws:sqs:us-east-1:000000000000:dead"}
    limits = {"ReservedConcurrentExecutions": 3, "DeadLetterConfig": queue}
    behind = Stack(stock, "AWS::Lambda::Function", function | limits).resource
    assert "ReservedConcurrentExecutions" not in stock.client("lambda").get_function_concurrency(FunctionName=behind)

    stack = Stack(patched, "AWS::Lambda::Function", function | limits)
    name = {"FunctionName": stack.resource}
    client = patched.client("lambda")
    assert client.get_function_concurrency(**name)["ReservedConcurrentExecutions"] == 3
    assert client.get_function_configuration(**name)["DeadLetterConfig"] == queue
    stack.update(function)
    assert "ReservedConcurrentExecutions" not in client.get_function_concurrency(**name)


def test_a_generated_secret_has_the_characters_that_the_template_wants(stock: Any, patched: Any) -> None:
    def generated(cloud: Any, **wanted: Any) -> str:
        generate = {"GenerateSecretString": {"PasswordLength": 200, "ExcludePunctuation": True, **wanted}}
        secret = Stack(cloud, "AWS::SecretsManager::Secret", generate).resource
        return cloud.client("secretsmanager").get_secret_value(SecretId=secret)["SecretString"]

    assert not generated(stock).isalnum()
    assert generated(patched).isalnum()
    inside = json.loads(generated(patched, SecretStringTemplate='{"user": "ada"}', GenerateStringKey="password"))
    assert (inside["user"], inside["password"].isalnum()) == ("ada", True)


def test_a_secret_is_referred_to_by_its_arn_for_as_long_as_it_is_there(stock: Any, patched: Any) -> None:
    secret = {"Description": "one", "SecretString": "value"}
    assert not Stack(stock, "AWS::SecretsManager::Secret", secret).resource.startswith("arn:")
    stack = Stack(patched, "AWS::SecretsManager::Secret", secret)
    stack.update(secret | {"Description": "other"})
    client = patched.client("secretsmanager")
    found = client.describe_secret(SecretId=stack.resource)
    assert (found["ARN"], found["Description"]) == (stack.resource, "other")
    patched.client("cloudformation").delete_stack(StackName=stack.name)
    until(lambda: stack.resource not in {each["ARN"] for each in client.list_secrets()["SecretList"]})
