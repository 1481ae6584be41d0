"""HTTP API, request queue and topic: in the stages that switch them on, and who may use them."""

import json
from typing import Any

import pytest

from tasks.api.endpoints import ANY_OTHER, ENDPOINTS
from tests.infra.conftest import Stage, Template, denies_plain_http, statements
from tests.infra.variants import STAGES, UNUSUAL, assert_refused
from workflow.limits import FUNCTIONS

DEV = STAGES["dev"]


def routes(pipeline: Template) -> list[dict[str, Any]]:
    return [route["Properties"] for route in pipeline.of_type("ApiGatewayV2::Route").values()]


def topics(pipeline: Template) -> list[str]:
    """Logical ids of those on which others may publish."""
    return [name for name in pipeline.of_type("SNS::Topic") if name.startswith("Notifications")]


def policy_of(pipeline: Template, kind: str, member: str, logical_id: str) -> dict[str, Any]:
    """The resource policy of one queue or topic."""
    policies = [policy["Properties"] for policy in pipeline.of_type(kind).values()]
    (found,) = (policy["PolicyDocument"] for policy in policies if policy[member] == [{"Ref": logical_id}])
    return found


# the HTTP API


def test_every_endpoint_has_its_route_and_whatever_else_is_asked_for_is_answered_by_us(pipeline: Template) -> None:
    assert {route["RouteKey"] for route in routes(pipeline)} == {*ENDPOINTS, ANY_OTHER}


def test_no_route_is_open(pipeline: Template) -> None:
    assert {route["AuthorizationType"] for route in routes(pipeline)} == {"AWS_IAM"}


def test_stage_can_know_callers_by_their_tokens(unusual: Stage) -> None:
    assert {route["AuthorizationType"] for route in routes(unusual.pipeline)} == {"JWT"}
    authorizer = unusual.pipeline.only("ApiGatewayV2::Authorizer")
    api = UNUSUAL.ways_in.http_api
    assert api
    assert authorizer["JwtConfiguration"] == {"Issuer": api.jwt_issuer, "Audience": list(api.jwt_audiences)}


def test_api_is_throttled_logged_and_without_cors(stage: Stage) -> None:
    made = stage.pipeline.only("ApiGatewayV2::Stage")
    api = stage.settings.ways_in.http_api
    assert api
    assert made["DefaultRouteSettings"] == {
        "ThrottlingRateLimit": api.requests_per_second,
        "ThrottlingBurstLimit": api.burst,
    }
    log = stage.pipeline.body["Resources"][made["AccessLogSettings"]["DestinationArn"]["Fn::GetAtt"][0]]
    assert log["Properties"]["LogGroupName"] == f"/aws/vendedlogs/apis/sluice-{stage.name}"
    assert {"by_iam", "by_jwt", "route", "status"} <= set(json.loads(made["AccessLogSettings"]["Format"]))
    assert "CorsConfiguration" not in stage.pipeline.only("ApiGatewayV2::Api")


# the request queue


def test_queue_s_messages_wait_out_six_runs_of_the_function_and_end_as_dead_letters(pipeline: Template) -> None:
    queue = pipeline.only("SQS::Queue", "RequestsQueue")
    assert queue["VisibilityTimeout"] == 6 * FUNCTIONS["intake"].timeout_seconds
    assert queue["RedrivePolicy"]["deadLetterTargetArn"]["Fn::GetAtt"][0].startswith("RequestsDeadLetters")


def test_function_reports_which_messages_failed_and_runs_no_more_often_than_the_stage_says(stage: Stage) -> None:
    mapping = stage.pipeline.only("Lambda::EventSourceMapping", "Requests")
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert mapping["ScalingConfig"] == {"MaximumConcurrency": stage.settings.ways_in.request_queue_concurrency}


# the topic


def test_s3_may_publish_for_this_account_only_and_partners_by_their_account(unusual: Stage) -> None:
    (topic,) = topics(unusual.pipeline)
    policy = policy_of(unusual.pipeline, "SNS::TopicPolicy", "Topics", topic)
    allowed = [s for s in statements(policy) if s["Effect"] == "Allow"]
    assert {json.dumps(s["Action"]) for s in allowed} == {'["sns:Publish"]'}
    s3, partner = sorted(allowed, key=lambda statement: "Condition" not in statement)
    assert s3["Principal"] == {"Service": "s3.amazonaws.com"}
    assert s3["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}
    assert UNUSUAL.ways_in.notification_partners[0] in json.dumps(partner["Principal"])
    assert denies_plain_http(policy)


def test_who_may_publish_may_use_the_topic_s_own_key(unusual: Stage) -> None:
    topic, key = (unusual.pipeline.only(kind, "Notifications") for kind in ("SNS::Topic", "KMS::Key"))
    assert topic["KmsMasterKeyId"]["Fn::GetAtt"][0].startswith("NotificationsKey")
    policy = key["KeyPolicy"]
    users = [s for s in statements(policy) if "kms:Decrypt" in s["Action"]]
    assert {action for s in users for action in s["Action"]} == {"kms:Decrypt", "kms:GenerateDataKey*"}
    assert len(users) == 1 + len(UNUSUAL.ways_in.notification_partners)


def test_only_the_topic_may_send_to_the_queue_from_outside(stages: dict[str, Stage]) -> None:
    pipeline = stages["dev"].pipeline
    (topic,) = topics(pipeline)
    (queue,) = (name for name in pipeline.of_type("SQS::Queue") if name.startswith("RequestsQueue"))
    (send,) = (
        s for s in statements(policy_of(pipeline, "SQS::QueuePolicy", "Queues", queue)) if s["Effect"] == "Allow"
    )
    assert (send["Principal"], send["Action"]) == ({"Service": "sns.amazonaws.com"}, ["sqs:SendMessage"])
    assert send["Condition"] == {"ArnEquals": {"aws:SourceArn": {"Ref": topic}}}


def test_stage_without_the_setting_has_no_topic(stages: dict[str, Stage]) -> None:
    assert not STAGES["prod"].ways_in.notification_topic
    assert topics(stages["prod"].pipeline) == []


# settings


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"http_api": {"jwt_issuer": "https://issuer.example"}}, "both jwt_issuer and jwt_audiences"),
        ({"http_api": {"jwt_issuer": "issuer.example", "jwt_audiences": ["a"]}}, "https address"),
        ({"http_api": {"requests_per_second": 0}}, "requests_per_second must be a whole number >= 1"),
        ({"http_api": {"requests_per_second": 50, "burst": 10}}, "needs a burst of 50 or more"),
        ({"request_queue_concurrency": 1}, "must be 0 for no queue, or 2 or more"),
        ({"request_queue_concurrency": -1}, ">= 0, not -1.*0 for no queue"),
        ({"request_queue_concurrency": 1001}, "must be a whole number <= 1000"),
        ({"request_queue_concurrency": 0, "notification_topic": True}, "needs a request_queue_concurrency"),
        ({"notification_topic": False, "notification_partners": ["111122223333"]}, "need a notification_topic"),
        ({"notification_partners": ["partner"]}, "accounts of 12 digits"),
    ],
)
def test_mistake_in_the_settings_is_found_before_aws_finds_it(changed: dict[str, Any], problem: str) -> None:
    assert_refused(problem, ways_in=changed)
