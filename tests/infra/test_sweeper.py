"""The sweep's schedule, in every stage: when it fires, what it may do, and what becomes of what it cannot start."""

import pytest

from tests.infra.conftest import Stage, Template, statements
from tests.infra.variants import assert_refused


def sweep_of(pipeline: Template) -> tuple[str, dict]:
    """The function's logical id and properties."""
    (found,) = (
        (name, function["Properties"])
        for name, function in pipeline.of_type("Lambda::Function").items()
        if function["Properties"]["Handler"] == "tasks.sweep.handler.handle"
    )
    return found


def test_the_sweep_is_started_as_often_as_the_stage_says(stage: Stage) -> None:
    schedule = stage.pipeline.only("Scheduler::Schedule")
    assert schedule["Name"] == f"sluice-{stage.name}-sweep"
    assert schedule["ScheduleExpression"] == f"rate({stage.settings.sweeper.every_minutes} minutes)"
    assert schedule["FlexibleTimeWindow"] == {"Mode": "OFF"}
    name, function = sweep_of(stage.pipeline)
    assert schedule["Target"]["Arn"] == {"Fn::GetAtt": [name, "Arn"]}
    minutes = str(stage.settings.sweeper.older_than_minutes)
    assert function["Environment"]["Variables"]["SWEEP_OLDER_THAN_MINUTES"] == minutes


def test_one_minute_is_written_as_aws_wants_it(unusual: Stage) -> None:
    assert unusual.settings.sweeper.every_minutes == 1
    assert unusual.pipeline.only("Scheduler::Schedule")["ScheduleExpression"] == "rate(1 minute)"


def test_a_sweep_that_cannot_be_started_is_kept_before_the_next_is_due(stage: Stage) -> None:
    pipeline = stage.pipeline
    target = pipeline.only("Scheduler::Schedule")["Target"]
    assert target["RetryPolicy"]["MaximumEventAgeInSeconds"] == stage.settings.sweeper.every_minutes * 60
    queue = target["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0]
    assert queue.startswith("SweepsDlq")
    name, function = sweep_of(pipeline)
    assert function["DeadLetterConfig"]["TargetArn"]["Fn::GetAtt"][0] == queue
    retries = {
        each["Properties"]["FunctionName"]["Ref"]: each["Properties"]["MaximumRetryAttempts"]
        for each in pipeline.of_type("Lambda::EventInvokeConfig").values()
    }
    assert retries[name] == 0


def test_the_schedule_may_start_the_sweep_and_keep_what_failed_and_nothing_else(pipeline: Template) -> None:
    name, _ = sweep_of(pipeline)
    target = pipeline.only("Scheduler::Schedule")["Target"]
    policy = pipeline.only("IAM::Policy", "SweepScheduleRole")["PolicyDocument"]
    allowed = {action: each["Resource"] for each in statements(policy) for action in each["Action"]}
    assert allowed == {
        "lambda:InvokeFunction": [{"Fn::GetAtt": [name, "Arn"]}],
        "sqs:SendMessage": [target["DeadLetterConfig"]["Arn"]],
    }


def test_only_schedules_of_this_account_may_have_the_role(pipeline: Template) -> None:
    role = pipeline.only("IAM::Role", "SweepScheduleRole")
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": "scheduler.amazonaws.com"}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


@pytest.mark.parametrize("settings", [{"every_minutes": 0}, {"every_minutes": 1441}, {"older_than_minutes": 4}])
def test_a_sweep_is_neither_endless_nor_rare_nor_hasty(settings: dict[str, int]) -> None:
    assert_refused(next(iter(settings)), sweeper=settings)
