"""Lambda tasks fail by the names that Retry and Catch use on AWS, and give Lambda's whole answer."""

import json
from typing import Any

import pytest

from tests.integration.patches.stepfunctions_probe import function, invoke, machine, start

ECHO = "def handle(event, context): return event"
FAILS = """
    class Flaky(Exception):
        pass

    def handle(event, context):
        raise Flaky("again")
"""


def throttled(cloud: Any) -> str:
    arn = function(cloud, ECHO)
    cloud.client("lambda").put_function_concurrency(FunctionName=arn, ReservedConcurrentExecutions=0)
    return arn


def test_a_throttled_function_is_named_so(stock: Any, patched: Any) -> None:
    def error(cloud: Any) -> str | None:
        return start(cloud, machine(("Work", invoke(throttled(cloud))))).failure()[1]

    assert error(stock) == "Lambda.Unknown"
    assert error(patched) == "Lambda.TooManyRequestsException"


def plain(function_arn: str) -> dict[str, Any]:
    return {"Type": "Task", "Resource": function_arn}


@pytest.mark.parametrize("task", [invoke, plain])
def test_a_functions_own_error_keeps_its_name_and_payload(patched: Any, task: Any) -> None:
    described = start(patched, machine(("Work", task(function(patched, FAILS))))).ended()
    assert described["error"] == "Flaky"
    cause = json.loads(described["cause"])
    assert (cause["errorType"], cause["errorMessage"]) == ("Flaky", "again")
    assert "stackTrace" in cause


def test_an_unknown_function_is_not_found(patched: Any) -> None:
    error = start(patched, machine(("Work", invoke("no-such-function")))).failure()[1]
    assert error == "Lambda.ResourceNotFoundException"


def test_invoke_gives_lambdas_whole_answer(stock: Any, patched: Any) -> None:
    def answer(cloud: Any) -> dict[str, Any]:
        return start(cloud, machine(("Work", invoke(function(cloud, ECHO)))), {"a": 1}).output()

    assert answer(stock).keys() == {"StatusCode", "Payload"}
    given = answer(patched)
    assert (given["ExecutedVersion"], given["Payload"], given["StatusCode"]) == ("$LATEST", {"a": 1}, 200)
    assert given["SdkHttpMetadata"]["HttpStatusCode"] == 200


def test_invoke_runs_the_qualified_version(stock: Any, patched: Any) -> None:
    def executed(cloud: Any) -> str | None:
        arn = function(cloud, ECHO)
        version = cloud.client("lambda").publish_version(FunctionName=arn)["Version"]
        task = invoke(arn)
        task["Parameters"]["Qualifier"] = version
        return start(cloud, machine(("Work", task))).output().get("ExecutedVersion")

    assert executed(stock) is None
    assert executed(patched) == "1"


def test_a_plain_function_gives_its_payload(patched: Any) -> None:
    assert start(patched, machine(("Work", plain(function(patched, ECHO)))), {"a": 1}).output() == {"a": 1}
