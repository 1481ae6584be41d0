"""The webhook and the live settings in the templates: who has what of them, and which addresses are refused."""

from typing import Any

import pytest

from tests.infra.conftest import Stage, Template, statements
from tests.infra.variants import STAGES, assert_refused, changed
from workflow.limits import FUNCTIONS

LOCAL = STAGES["local"]
ADDRESS = "https://hooks.example.com/sluice"


@pytest.fixture
def pipeline(stages: dict[str, Stage]) -> Template:
    return stages["unusual"].pipeline


def test_stage_without_a_webhook_has_nothing_of_it(stages: dict[str, Stage]) -> None:
    resources = stages["prod"].pipeline.body["Resources"]
    assert [name for name in resources if name.startswith("Webhook")] == []
    assert stages["prod"].pipeline.of_type("SecretsManager::Secret") == {}


def test_outcomes_of_this_stage_alone_reach_the_queue_from_its_bus(pipeline: Template) -> None:
    rule = pipeline.only("Events::Rule", "WebhookDelivery")
    assert rule["EventBusName"]["Ref"] in pipeline.of_type("Events::EventBus")
    assert rule["EventPattern"]["source"] == ["sluice"]
    sources = rule["EventPattern"]["detail"]["source"]
    assert [each["Fn::Join"][1][0] for each in sources] == ["/sluice/", "/sluice/"]
    (target,) = rule["Targets"]
    assert target["DeadLetterConfig"]["Arn"]["Fn::GetAtt"][0].startswith("WebhookDeliveryDeadLetters")
    assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185}


def test_only_a_paused_webhook_sends_nothing(stages: dict[str, Stage]) -> None:
    states = {
        name: stage.pipeline.only("Events::Rule", "WebhookDelivery")["State"]
        for name, stage in stages.items()
        if stage.settings.ways_out.webhook_url
    }
    assert states == {"local": "DISABLED", "dev": "DISABLED", "unusual": "ENABLED"}


def test_messages_wait_out_the_function_come_again_alone_and_end_as_dead_letters(pipeline: Template) -> None:
    queue = pipeline.only("SQS::Queue", "WebhookDeliveryQueue")
    assert queue["VisibilityTimeout"] >= 6 * FUNCTIONS["webhook"].timeout_seconds
    assert queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0].startswith("WebhookDeliveryDeadLetters")
    mapping = pipeline.only("Lambda::EventSourceMapping", "WebhookDelivery")
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def granted(pipeline: Template, action: str) -> dict[str, list[Any]]:
    """Resources by role, of those whose policy has the action."""
    policies = {name: found["Properties"]["PolicyDocument"] for name, found in pipeline.of_type("IAM::Policy").items()}
    return {
        name.partition("Role")[0]: each["Resource"]
        for name, policy in policies.items()
        for each in statements(policy)
        if action in each["Action"]
    }


def test_key_is_generated_and_only_the_webhook_can_read_it(pipeline: Template) -> None:
    (secret,) = pipeline.of_type("SecretsManager::Secret")
    assert granted(pipeline, "secretsmanager:GetSecretValue") == {"Webhook": [{"Ref": secret}]}
    generated = pipeline.only("SecretsManager::Secret")["GenerateSecretString"]
    assert generated == {"ExcludePunctuation": True, "PasswordLength": 44}


def test_only_who_goes_by_live_settings_can_read_them_and_nobody_can_change_them(stage: Stage) -> None:
    parameter = stage.pipeline.only("SSM::Parameter")
    assert (parameter["Name"], parameter["Value"]) == (f"/sluice/{stage.name}/settings", "{}")
    readers = granted(stage.pipeline, "ssm:GetParameter")
    assert set(readers) == {"Validate", "Sweep"}
    arns = [arn["Fn::Join"][1][-1] for resources in readers.values() for arn in resources]
    assert arns == [f":parameter/sluice/{stage.name}/settings"] * 2
    assert granted(stage.pipeline, "ssm:PutParameter") == {}


@pytest.mark.parametrize(
    "address",
    [
        "http://hooks.example.com/",
        "http://localhost:8080/",
        "https://localhost/",
        "https://127.0.0.1/",
        "https://169.254.169.254/latest/",
        "https://[::1]/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://metadata.google.internal/",
        "https://hooks",
        "https://user:word@hooks.example.com/",
        "https://hooks.example.com:0/",
        "https://hooks.example.com:99999/",
        "ftp://hooks.example.com/",
        "hooks.example.com",
    ],
)
def test_webhook_to_anything_but_a_public_name_by_https_is_refused(address: str) -> None:
    assert_refused("webhook_url must", ways_out={"webhook_url": address})


def test_webhook_on_a_laptop_may_stay_on_it() -> None:
    assert changed(LOCAL, ways_out={"webhook_url": "http://127.0.0.1:9000/hook"})
    assert changed(LOCAL, ways_out={"webhook_url": ADDRESS})
    assert_refused("webhook_url must", LOCAL, ways_out={"webhook_url": "http://192.168.0.7/hook"})


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"ways_out": {"outcome_bus": "", "webhook_url": ADDRESS}}, "needs an outcome_bus"),
        ({"ways_out": {"webhook_url": "", "webhook_paused": True}}, "webhook_paused needs a webhook_url"),
        ({"functions": {"live_settings_cache_ttl_seconds": 0}}, "live_settings_cache_ttl_seconds must"),
    ],
)
def test_settings_that_make_no_sense_are_refused(change: dict[str, Any], problem: str) -> None:
    assert_refused(problem, **change)
