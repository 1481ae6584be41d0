"""AWS::DynamoDB::Table and GlobalTable: expiry, point-in-time recovery, and indexes that say that they are active.

Stock leaves TimeToLiveSpecification and PointInTimeRecoverySpecification out, and DescribeTable gives an index no
IndexStatus, for which a deployment or a waiter would wait for ever.
"""

from infra.local.ministack import dynamodb
from infra.local.patches.cloudformation.provisioning import Properties, after_provisioning, require


def install() -> None:
    after_provisioning("AWS::DynamoDB::Table", apply)
    after_provisioning("AWS::DynamoDB::GlobalTable", apply)


def apply(name: str, properties: Properties) -> None:
    expiry = properties.get("TimeToLiveSpecification")
    if expiry:
        require(dynamodb._update_ttl({"TableName": name, "TimeToLiveSpecification": expiry}))
    recovery = recovery_specification(properties)
    if recovery:
        require(dynamodb._update_continuous_backups({"TableName": name, "PointInTimeRecoverySpecification": recovery}))
    table = dynamodb._tables[name]
    for index in table["GlobalSecondaryIndexes"]:
        index.setdefault("IndexStatus", "ACTIVE")
        index.setdefault("IndexArn", f"{table['TableArn']}/index/{index['IndexName']}")


def recovery_specification(properties: Properties) -> Properties | None:
    """A global table has it in each of its replicas."""
    replicas: list[Properties] = properties.get("Replicas") or [properties]
    return replicas[0].get("PointInTimeRecoverySpecification")
