"""A new version is deployed to the real local stack while the old one is at work, and taken back."""

import io
import json
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from infra.local import deploy
from tests.integration.conftest import LocalStack
from tests.integration.patches.stepfunctions_probe import Execution
from tests.waiting import until

MARK = """

_handle = handle

def handle(event, context):
    return {**_handle(event, context), "marked": "new code"}
"""
NOTIFY = "tasks/notify/handler.py"


@pytest.fixture
def deploy_new_code(stack: LocalStack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Deploys a tree in which notify has other code; in the end, the tree as it is."""
    tree = deploy._source_tree()

    def call() -> None:
        monkeypatch.setattr(deploy, "_source_tree", lambda: with_appended(tree, NOTIFY, MARK))
        deploy.deploy(stack.connection.client, stack.state_dir)

    yield call
    monkeypatch.undo()
    deploy.deploy(stack.connection.client, stack.state_dir)


def with_appended(package: bytes, name: str, code: str) -> bytes:
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(package)) as old, zipfile.ZipFile(changed, "w") as new:
        for entry in old.infolist():
            new.writestr(entry, old.read(entry) + (code.encode() if entry.filename == name else b""))
    return changed.getvalue()


def upload(stack: LocalStack, name: str) -> str:
    """A small table, whose bytes no other upload has; the asset's id."""
    file = stack.folder / name
    file.write_text(f"name,size\n{name},1\n")
    (uploaded,) = stack.json("put", str(file))
    return uploaded["asset_id"]


def execution_of(stack: LocalStack, asset: str) -> Execution:
    record = until(lambda: stack.client.records.assets.get(asset))
    return Execution(stack.connection.stepfunctions, record.execution_arn)


def notified_by(execution: Execution) -> tuple[str, bool]:
    """The version of notify that worked for an execution that has succeeded, and whether it was the new code."""
    assert execution.ended()["status"] == "SUCCEEDED"
    entered = next(e["id"] for e in execution.events if e.get("stateEnteredEventDetails", {}).get("name") == "Notify")
    succeeded = next(e for e in execution.events if e["type"] == "TaskSucceeded" and e["id"] > entered)
    output: dict[str, Any] = json.loads(succeeded["taskSucceededEventDetails"]["output"])
    return output["ExecutedVersion"], "marked" in output["Payload"]


def is_held(execution: Execution) -> bool:
    """Notify was called and took nobody; that it is merely slow would prove nothing."""
    failures = (event.get("taskFailedEventDetails", {}) for event in execution.events)
    return any(failure.get("error") == "Lambda.TooManyRequestsException" for failure in failures)


def live_version(stack: LocalStack) -> int:
    return next(each["number"] for each in stack.json("versions") if each["share"] == 100)


def test_executions_at_work_and_redrives_keep_the_old_code_and_a_rollback_brings_it_back(
    stack: LocalStack, deploy_new_code: Callable[[], None]
) -> None:
    old = live_version(stack)
    # Notify takes nobody, until the deployment lifts this limit with the others that are not in the template.
    stack.connection.lambda_.put_function_concurrency(
        FunctionName="sluice-local-notify", ReservedConcurrentExecutions=0
    )
    at_work, stopped = (execution_of(stack, upload(stack, f"{name}.csv")) for name in ("at-work", "stopped"))
    for execution in (at_work, stopped):
        until(lambda execution=execution: is_held(execution))
    stopped.aws.stop_execution(executionArn=stopped.arn)
    assert at_work.status == "RUNNING"

    deploy_new_code()
    assert live_version(stack) == old + 1
    fresh = execution_of(stack, upload(stack, "fresh.csv"))
    old_notify, marked = notified_by(at_work)
    assert not marked
    assert notified_by(stopped.redrive()) == (old_notify, False)
    new_notify, marked = notified_by(fresh)
    assert marked
    assert int(new_notify) > int(old_notify)

    assert stack.json("rollback", "--yes")["to"] == old
    assert notified_by(execution_of(stack, upload(stack, "after.csv"))) == (old_notify, False)
    assert f"version {old + 1}" in stack.run("rollback", "--to", str(old + 1), "--yes").stdout
