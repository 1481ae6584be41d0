"""A state machine's versions and alias come from a template, and a deployment moves the alias as it is told."""

import json
from collections import Counter
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.patches.releases_probe import HELD, SUCCEED, Release, versions_of
from tests.integration.patches.stepfunctions_probe import (
    Execution,
    ask,
    create,
    invoke,
    machine,
    next_token,
    queue,
)
from tests.waiting import until


def version_of(execution: Execution) -> str:
    return execution.description["stateMachineVersionArn"].rpartition(":")[2]


def test_the_stock_emulator_has_neither_versions_nor_aliases_in_templates(stock: Any) -> None:
    cloudformation = stock.client("cloudformation")
    resource = versions_of("StepFunctions::StateMachineVersion", StateMachineArn=create(stock, SUCCEED))
    with pytest.raises(ClientError, match="Unrecognized resource types"):
        cloudformation.create_stack(StackName="release", TemplateBody=json.dumps({"Resources": {"Version": resource}}))


def test_executions_keep_the_code_that_they_started_with_also_when_they_are_redriven(patched: Any) -> None:
    sqs, url = queue(patched)
    answer = patched.client("stepfunctions").send_task_success
    release = Release(patched, machine(("Ask", ask(url)), ("Call", invoke("${function}", OutputPath="$.Payload"))))

    running, running_token = release.start(), next_token(sqs, url)
    failed = release.start()
    patched.client("stepfunctions").send_task_failure(taskToken=next_token(sqs, url), error="Broken")
    failed.ended()
    release.update("two").settled("UPDATE_COMPLETE")
    fresh, fresh_token = release.start(), next_token(sqs, url)
    for token in (running_token, fresh_token):
        answer(taskToken=token, output="{}")
    failed.redrive()
    answer(taskToken=next_token(sqs, url), output="{}")

    assert [each.output() for each in (running, failed, fresh)] == ["one", "one", "two"]
    assert [version_of(each) for each in (running, failed, fresh)] == ["1", "1", "2"]
    assert fresh.description["stateMachineAliasArn"] == release.alias
    assert fresh.description["stateMachineArn"] == release.alias.removesuffix(":live")
    assert fresh.arn.split(":")[-2] == release.name


def test_an_unchanged_definition_publishes_nothing(patched: Any) -> None:
    release = Release(patched)
    release.update("one", HELD).settled("UPDATE_COMPLETE")
    assert release.shares() == {"1": 100}


def test_a_canary_gets_its_share_while_the_update_goes_on(patched: Any) -> None:
    release = Release(patched).update("two", HELD)
    until(lambda: release.shares() == {"1": 90, "2": 10})
    # That 200 executions all run the same one of the two versions happens once in a thousand million times.
    started = Counter(version_of(release.start()) for _ in range(200))
    assert started.keys() == {"1", "2"}
    assert started["1"] > started["2"]
    release.set_alarm("ALARM")
    release.settled("UPDATE_ROLLBACK_COMPLETE")


@pytest.mark.parametrize(
    "preference",
    [{"Type": "CANARY", "Percentage": 10, "Interval": 1}, {"Type": "LINEAR", "Percentage": 40, "Interval": 1}],
    ids=["canary", "linear"],
)
def test_a_quiet_deployment_ends_with_all_executions_on_the_new_version(
    patched: Any, preference: dict[str, Any]
) -> None:
    release = Release(patched).update("two", preference)
    release.settled("UPDATE_COMPLETE")
    assert release.shares() == {"2": 100}


@pytest.mark.parametrize("undo", ["alarm", "cancel"])
def test_an_alarm_or_a_cancelled_update_gives_all_executions_back(patched: Any, undo: str) -> None:
    release = Release(patched).update("two", HELD)
    until(lambda: release.shares() == {"1": 90, "2": 10})
    release.set_alarm("ALARM") if undo == "alarm" else release.cancel()
    release.settled("UPDATE_ROLLBACK_COMPLETE")
    assert release.shares() == {"1": 100}
    release.set_alarm("OK")
    release.update("three").settled("UPDATE_COMPLETE")
    assert list(release.shares().values()) == [100]
    assert "1" not in release.shares()


def test_an_alarm_that_rings_already_stops_a_deployment_at_once(patched: Any) -> None:
    release = Release(patched)
    release.set_alarm("ALARM")
    release.update("two").settled("UPDATE_ROLLBACK_COMPLETE")
    assert release.shares() == {"1": 100}


def test_a_revision_is_published_once(stock: Any, patched: Any) -> None:
    def published(cloud: Any) -> list[str]:
        aws, arn = cloud.client("stepfunctions"), create(cloud, SUCCEED)
        return [aws.publish_state_machine_version(stateMachineArn=arn)["stateMachineVersionArn"] for _ in range(2)]

    assert len(set(published(stock))) == 2
    assert len(set(published(patched))) == 1


def test_versions_are_listed_in_pages_newest_first(patched: Any) -> None:
    aws, arn = patched.client("stepfunctions"), create(patched, SUCCEED)
    for number in range(3):
        definition = json.dumps({**SUCCEED, "Comment": str(number)})
        aws.update_state_machine(stateMachineArn=arn, definition=definition, publish=True)
    first = aws.list_state_machine_versions(stateMachineArn=arn, maxResults=2)
    second = aws.list_state_machine_versions(stateMachineArn=arn, maxResults=2, nextToken=first["nextToken"])
    listed = [each["stateMachineVersionArn"] for page in (first, second) for each in page["stateMachineVersions"]]
    assert listed == [f"{arn}:{number}" for number in (3, 2, 1)]
    assert "nextToken" not in second
