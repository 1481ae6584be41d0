"""A function's limits hold for its versions too."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.patches.stepfunctions_probe import function, invoke, machine, start


def published(cloud: Any) -> tuple[Any, str]:
    """A client, and the version of a function for which no concurrency is left."""
    client, arn = cloud.client("lambda"), function(cloud, "def handle(event, context): return 1")
    version = client.publish_version(FunctionName=arn)["FunctionArn"]
    client.invoke(FunctionName=version)
    client.put_function_concurrency(FunctionName=arn, ReservedConcurrentExecutions=0)
    return client, version


def test_reserved_concurrency_limits_every_version(stock: Any, patched: Any) -> None:
    client, version = published(stock)
    assert client.invoke(FunctionName=version)["StatusCode"] == 200

    client, version = published(patched)
    with pytest.raises(ClientError, match="TooManyRequestsException"):
        client.invoke(FunctionName=version)


def test_a_state_that_calls_a_version_is_throttled_too(patched: Any) -> None:
    _client, version = published(patched)
    execution = start(patched, machine(("Call", invoke(version))))
    assert execution.failure() == ("FAILED", "Lambda.TooManyRequestsException")
