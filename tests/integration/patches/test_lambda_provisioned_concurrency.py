"""Which versions of a function are kept warm can be listed."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.patches.stepfunctions_probe import function


def warmed(cloud: Any) -> tuple[Any, str]:
    """A client, and a version that is kept warm."""
    client, arn = cloud.client("lambda"), function(cloud, "def handle(event, context): return 1")
    version = client.publish_version(FunctionName=arn)
    client.put_provisioned_concurrency_config(
        FunctionName=arn, Qualifier=version["Version"], ProvisionedConcurrentExecutions=2
    )
    return client, version["FunctionArn"]


def listed(client: Any, version: str) -> list[tuple[str, int]]:
    found = client.list_provisioned_concurrency_configs(FunctionName=version.rpartition(":")[0])
    configs = found["ProvisionedConcurrencyConfigs"]
    return [(each["FunctionArn"], each["RequestedProvisionedConcurrentExecutions"]) for each in configs]


def test_versions_that_are_kept_warm_are_listed(stock: Any, patched: Any) -> None:
    client, version = warmed(stock)
    with pytest.raises(ClientError, match="ProvisionedConcurrencyConfigNotFound"):
        listed(client, version)

    client, version = warmed(patched)
    assert listed(client, version) == [(version, 2)]
    client.delete_provisioned_concurrency_config(
        FunctionName=version.rpartition(":")[0], Qualifier=version.rpartition(":")[2]
    )
    assert listed(client, version) == []
