"""What `sluice versions`, `sluice rollback` and `sluice deploy` do to versions and executions."""

import json
import sys
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import typer

from tests.integration.patches.releases_probe import HELD, Release
from tests.integration.patches.stepfunctions_probe import Execution, ask, invoke, machine, queue, start_machine
from workflow.operator.cli import release as cli
from workflow.operator.releases import Releases, RollbackError

IN_A_MONTH = datetime.now(UTC) + timedelta(days=30)


class Waiting(Release):
    """A release whose executions wait, for as long as a test likes, and then call the function."""

    def __init__(self, cloud: Any) -> None:
        self.cloud = cloud
        super().__init__(cloud, machine(("Ask", ask(queue(cloud)[1])), ("Call", invoke("${function}"))))

    @property
    def machine(self) -> str:
        return self.alias.removesuffix(":live")

    @property
    def releases(self) -> Releases:
        names = SimpleNamespace(state_machine_arn=self.machine, state_machine_alias_arn=self.alias)
        clients = {name: self.cloud.client(name) for name in ("stepfunctions", "cloudformation")}
        return Releases(SimpleNamespace(stage=self.stage, stack=names, lambda_=self.cloud.client("lambda"), **clients))

    def stop(self, execution: Execution) -> None:
        execution.aws.stop_execution(executionArn=execution.arn)

    def deploy(self, answer: str) -> None:
        self.update(answer).settled("UPDATE_COMPLETE")

    def function_versions(self) -> list[str]:
        listed = self.cloud.client("lambda").list_versions_by_function(FunctionName=self.name)["Versions"]
        return [each["Version"] for each in listed if each["Version"] != "$LATEST"]


@pytest.fixture
def release(patched: Any) -> Waiting:
    return Waiting(patched)


def test_versions_tell_what_is_live_and_what_runs(release: Waiting) -> None:
    release.start()
    release.deploy("two")
    newest, first = release.releases.versions()
    assert [(each.number, each.share, each.running) for each in (newest, first)] == [(2, 100, 0), (1, 0, 1)]
    assert newest.live_since >= newest.created
    assert first.live_since is None


def test_a_rollback_gives_new_executions_to_the_version_before_and_leaves_those_at_work(release: Waiting) -> None:
    release.deploy("two")
    at_work = release.start()
    planned = release.releases.planned()
    assert release.shares() == {"2": 100}
    switch = release.releases.roll_back()
    assert switch == planned
    assert (switch.to, switch.shares_before, switch.staying) == (1, {2: 100}, 1)
    assert release.shares() == {"1": 100}
    assert at_work.status == "RUNNING"
    assert release.start().description["stateMachineVersionArn"] == f"{release.machine}:1"
    assert release.releases.roll_back(2).shares_before == {1: 100}


@pytest.mark.parametrize(("to", "problem"), [(None, "before 1; published are 1"), (7, "7; published are 1")])
def test_a_rollback_to_what_is_not_there_says_what_is(release: Waiting, to: int | None, problem: str) -> None:
    with pytest.raises(RollbackError, match=problem):
        release.releases.roll_back(to)


def test_a_deployment_is_followed_and_a_rollback_during_it_cancels_it(release: Waiting) -> None:
    releases, told = release.releases, []
    assert not releases.cancel_deployment()
    release.update("two", HELD)

    def tell(shares: dict[int, int]) -> None:
        told.append(shares)
        if len(shares) > 1:
            assert releases.cancel_deployment()

    releases.follow(release.in_progress, tell)
    assert told[-2:] == [{1: 90, 2: 10}, {1: 100}]
    release.settled("UPDATE_ROLLBACK_COMPLETE")


def test_a_rollback_to_a_version_does_not_race_a_deployment(release: Waiting) -> None:
    release.update("two", HELD)
    with pytest.raises(RollbackError, match="under way"):
        release.releases.roll_back(1)
    release.cancel()
    release.settled("UPDATE_ROLLBACK_COMPLETE")


def test_a_version_is_pruned_once_neither_executions_nor_redrives_nor_the_alias_need_it(release: Waiting) -> None:
    at_work = release.start()
    release.deploy("two")
    release.deploy("three")
    releases = release.releases
    assert releases.prune(datetime.now(UTC)).state_machine == []
    pruned = releases.prune(IN_A_MONTH)
    assert (pruned.state_machine, [arn.rpartition(":")[2] for arn in pruned.functions]) == ([2], ["2"])

    release.stop(at_work)
    assert releases.prune(datetime.now(UTC) + timedelta(days=13)).state_machine == []
    assert release.function_versions() == ["1", "3"]
    assert releases.prune(IN_A_MONTH).state_machine == [1]
    assert release.function_versions() == ["3"]


def test_code_is_kept_for_an_execution_that_was_started_without_a_version(release: Waiting) -> None:
    by_machine = start_machine(release.cloud, release.machine)
    release.deploy("two")
    assert release.releases.prune(IN_A_MONTH).state_machine == [1]
    assert release.function_versions() == ["1", "2"]
    release.stop(by_machine)
    assert release.releases.prune(IN_A_MONTH).functions == [f"{function_arn(release)}:1"]


def test_after_a_deployment_only_what_new_executions_call_is_kept_warm(release: Waiting) -> None:
    release.deploy("two")
    functions = release.cloud.client("lambda")
    for version in ("1", "2"):
        functions.put_provisioned_concurrency_config(
            FunctionName=release.name, Qualifier=version, ProvisionedConcurrentExecutions=2
        )
    assert release.releases.cool() == [f"{function_arn(release)}:1"]
    assert release.releases.cool() == []


def function_arn(release: Release) -> str:
    return f"arn:aws:lambda:us-east-1:000000000000:function:{release.name}"


@pytest.mark.parametrize(("exit_code", "deployed"), [(0, True), (1, False)])
def test_the_deploy_command_ends_as_the_cdk_does(
    release: Waiting,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    exit_code: int,
    deployed: bool,
) -> None:
    monkeypatch.setattr(cli, "_cdk", lambda *_, **__: [sys.executable, "-c", f"raise SystemExit({exit_code})"])
    monkeypatch.setattr(cli, "_change_indexes", lambda *_: True)
    monkeypatch.setattr(cli, "_releases", lambda *_: release.releases)
    with nullcontext() if deployed else pytest.raises(typer.Exit):
        cli.deploy_command(stage="dev", yes=True, json=True)
    assert json.loads(capfd.readouterr().out) == {"stage": "dev", "deployed": deployed, "shares": {"1": 100}}
