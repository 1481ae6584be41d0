"""Many at once: what AWS throttles is asked again and nothing is done twice; one that fails keeps no other from it."""

import time
from collections import Counter
from types import SimpleNamespace

import pytest
import typer
from botocore.client import BaseClient
from botocore.exceptions import ReadTimeoutError

from tasks.shared.executions import BusyError
from tests.unit.cloud import ARCHIVE, INGEST
from tests.unit.images import sample
from workflow.operator.cli.bulk import for_each
from workflow.operator.cli.recovery import discard_command, redrive_command, release_command, restore_command
from workflow.operator.cli.recovery_views import Refused
from workflow.operator.cli.reprocess import reprocess_command
from workflow.operator.cli.stop import stop_command
from workflow.operator.patience import patiently

READABLE = 200
THROTTLED = "ThrottlingException"
NO_ANSWER = ReadTimeoutError(endpoint_url="https://aws.example")


@pytest.fixture
def asked(machine):
    """Counts what AWS is asked, and lets the next calls of an operation fail: by a code, or by no answer. None is fine.

    S3 says of every original that there is a readable copy of it.
    """
    calls, failing = Counter(), {}
    direct = BaseClient._make_api_call  # pyright: ignore[reportAttributeAccessIssue]

    def call(client, operation, parameters):
        calls[operation] += 1
        found = failing[operation].pop(0) if failing.get(operation) else None
        if isinstance(found, str):
            raise client.exceptions.from_code(found)({"Error": {"Code": found, "Message": "no"}}, operation)
        if found:
            raise found
        answer = direct(client, operation, parameters)
        return {"ResponseMetadata": {"HTTPStatusCode": READABLE}} if operation == "RestoreObject" else answer

    with pytest.MonkeyPatch.context() as patched:  # undone before the machine's own
        patched.setattr(BaseClient, "_make_api_call", call)
        patched.setattr("workflow.operator.patience.sleep", lambda _: None)
        patched.setattr("workflow.operator.cli.bulk.AT_ONCE", 1)
        patched.setattr("workflow.operator.operations.redrive.AT_ONCE", 1)
        patched.setattr("workflow.operator.operations.stop.AT_ONCE", 1)
        yield SimpleNamespace(calls=calls, failing=failing)


@pytest.fixture
def pauses(machine, monkeypatch):
    """The followers' pauses: executions go on by one step in each."""
    made = []

    def sleep(seconds):
        made.append(seconds)
        for execution in [each for each in machine.executions.values() if each.status == "RUNNING"]:
            execution.step()

    monkeypatch.setattr("workflow.operator.client.time", SimpleNamespace(sleep=sleep, monotonic=time.monotonic))
    return made


@pytest.fixture
def rejected(cloud, sluice, machine):
    """Asset ids of files that were rejected by a limit which has been raised since."""

    def reject(count):
        with pytest.MonkeyPatch.context() as stricter:
            stricter.setattr("tasks.validate.inspect.MAX_BYTES", 1)
            return [each.asset_id for each in processed(cloud, sluice, machine, count)]

    return reject


@pytest.fixture
def frozen(cloud, sluice, machine):
    """Asset ids of files whose originals are in Glacier."""

    def freeze(count):
        records = processed(cloud, sluice, machine, count)
        for each in records:
            at = {"Bucket": ARCHIVE, "Key": each.original.key}
            cloud.s3.copy_object(**at, CopySource=at, StorageClass="GLACIER")
        return [each.asset_id for each in records]

    return freeze


def processed(cloud, sluice, machine, count):
    return list(_processed(cloud, sluice, machine, count))


def _processed(cloud, sluice, machine, count):
    for number in range(count):
        cloud.upload(f"{number}.jpg", sample("JPEG"))
        execution = machine.run({"bucket": INGEST, "key": f"{number}.jpg", "trigger": "upload"})
        yield sluice.records.assets.get(sluice.records.links.asset_of(execution.name))


@pytest.fixture
def told(sluice):
    """What a command tells programs, and its exit code; what it shows people is drawn, too."""
    sluice.aws.sts = SimpleNamespace(get_caller_identity=lambda: {"Arn": "ada"})

    def run(command, **options):
        shown = []
        printer = SimpleNamespace(json=True, show=lambda facts, view: shown.append((facts, view())))
        try:
            command(sluice, printer, **options)
        except typer.Exit as exc:
            return shown[-1][0], exc.exit_code
        return shown[-1][0], 0

    return run


def test_release_that_is_throttled_while_it_is_followed_is_one_release(rejected, asked, pauses, told):
    (asset,) = rejected(1)
    asked.failing["StartExecution"] = [THROTTLED] * 2
    asked.failing["DescribeExecution"] = [THROTTLED, None, THROTTLED, THROTTLED]
    asked.calls.clear()
    ((found,), code) = told(release_command, assets=[asset], why="raised", wait=True)
    assert (found["asset_id"], found["outcome"], code) == (asset, "succeeded", 0)
    assert asked.calls["StartExecution"] == 3


def test_release_that_nothing_can_be_read_of_is_still_told_as_one(rejected, asked, told, machine):
    (asset,) = rejected(1)
    asked.failing["DescribeExecution"] = [NO_ANSWER]
    before = set(machine.executions)
    ((found,), code) = told(release_command, assets=[asset], why="raised", wait=True)
    assert ({found["execution"]}, code) == (set(machine.executions) - before, 1)
    assert "timeout" in found["problem"]


def test_who_follows_for_long_asks_ever_more_rarely(sluice, asked, pauses, rejected, told, machine):
    (asset,) = rejected(1)
    asked.calls.clear()
    told(release_command, assets=[asset], why="raised", wait=True)
    assert pauses == [0.25, 0.5, 1, 2, 3, 3][: len(pauses)]
    assert len(pauses) > 4
    assert asked.calls["DescribeExecution"] == len(pauses) + 1


def test_restore_whose_reprocess_has_to_wait_asks_s3_once(frozen, asked, told, machine):
    assets = frozen(3)
    asked.failing["StartExecution"] = [None, THROTTLED, "ExecutionLimitExceeded"]
    asked.calls.clear()
    found, code = told(restore_command, assets=assets, yes=True)
    assert ([each["state"] for each in found], code) == (["readable"] * 3, 0)
    assert all(each["execution"] in machine.executions for each in found)
    assert asked.calls["RestoreObject"] == 3


@pytest.mark.parametrize("operation", ["RestoreObject", "StartExecution"])
def test_restore_without_an_answer_is_told_beside_the_others(frozen, asked, told, operation):
    assets = frozen(3)
    asked.failing[operation] = [None, NO_ANSWER]
    found, code = told(restore_command, assets=assets, yes=True)
    assert (["problem" in each for each in found], code) == ([False, True, False], 1)


def test_restore_of_which_one_price_is_not_known_goes_on_with_the_others(frozen, asked, told):
    assets = frozen(2)
    asked.failing["HeadObject"] = [NO_ANSWER]
    found, code = told(restore_command, assets=assets, yes=True)
    assert ([each["state"] for each in found], code) == (["readable"] * 2, 0)


def test_discard_without_an_answer_is_told_beside_the_others(rejected, asked, told):
    assets = rejected(3)
    asked.failing["DeleteObject"] = [NO_ANSWER]
    found, code = told(discard_command, assets=assets, why="spam", yes=True)
    assert (["problem" in each for each in found], code) == ([True, False, False], 1)


def test_what_s3_throttles_waits_even_where_its_answer_has_no_words(rejected, asked, told):
    assets = rejected(2)
    asked.failing["HeadObject"] = ["503"] * 3
    asked.failing["DeleteObject"] = ["SlowDown"] * 3
    found, code = told(discard_command, assets=assets, why="spam", yes=True)
    assert ([each["status"] for each in found], code) == (["discarded"] * 2, 0)


def test_redrive_and_stop_without_an_answer_are_told_beside_the_others(cloud, machine, asked, told):
    names = []
    for number in range(2):
        cloud.upload(f"{number}.jpg", sample("JPEG"))
        names.append(machine.start({"bucket": INGEST, "key": f"{number}.jpg", "trigger": "upload"}).name)
        machine.executions[names[-1]].step()
    asked.failing["StopExecution"] = [NO_ANSWER]
    found, code = told(stop_command, executions=names, why="wrong", yes=True)
    assert ([each["how"] for each in found], code) == (["refused", "stopped"], 1)
    told(stop_command, executions=names, why="wrong", yes=True)
    for name in names:
        machine.report_end(machine.executions[name])
    asked.failing["RedriveExecution"] = [NO_ANSWER]
    found, code = told(redrive_command, executions=names)
    assert ([each["how"] for each in found], code) == (["refused", "redriven"], 1)


def test_reprocess_of_a_few_waits_for_its_turn_and_tells_which_was_not_started(
    cloud, sluice, machine, asked, pauses, told
):
    assets = [each.asset_id for each in processed(cloud, sluice, machine, 3)]
    asked.failing["StartExecution"] = [THROTTLED, None, NO_ANSWER]
    found, code = told(reprocess_command, assets=assets, yes=True)
    assert (found["count"], list(found["problems"]), code) == (2, assets[1:2], 1)
    assert all(name in machine.executions for name in found["executions"])


def test_reprocess_that_is_followed_tells_each_end_beside_what_was_in_the_way(
    cloud, sluice, machine, asked, pauses, told
):
    assets = [each.asset_id for each in processed(cloud, sluice, machine, 3)]
    asked.failing["StartExecution"] = [NO_ANSWER]
    asked.failing["DescribeExecution"] = [THROTTLED, NO_ANSWER]
    found, code = told(reprocess_command, assets=assets, yes=True, follow=True)
    assert ([each.get("outcome") for each in found], code) == ([None, "succeeded", None], 1)
    assert (found[2]["ref"], "timeout" in found[2]["problem"]) == (assets[0], True)


def test_one_that_step_functions_is_too_busy_for_keeps_no_other_from_it():
    def work(ref):
        if ref == "b":
            raise BusyError("Step Functions takes no more at the moment")
        return ref

    assert for_each("asking", ["a", "b", "c"], work) == [
        "a", Refused("b", "Step Functions takes no more at the moment"), "c"
    ]  # fmt: skip


def test_what_step_functions_is_too_busy_for_waits(monkeypatch):
    monkeypatch.setattr("workflow.operator.patience.sleep", lambda _: None)
    answers = [BusyError("Step Functions takes no more at the moment"), "done"]

    def work():
        answer = answers.pop(0)
        if isinstance(answer, BusyError):
            raise answer
        return answer

    assert patiently(work) == "done"
