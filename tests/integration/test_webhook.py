"""The webhook on the real local stack: a receiver on this machine that fails first, and verifies with its library."""

from typing import Any

import pytest
from standardwebhooks import Webhook

from infra.local.samples import FOLDER
from tasks.webhook.post import NotTakenError, post
from tests.integration.conftest import LocalStack
from tests.receiver import opened_webhook, receiving
from tests.waiting import until

PICTURE = FOLDER / "fig-cut-out.png"


@pytest.fixture(scope="module")
def outputs(stack: LocalStack) -> dict[str, str]:
    found = stack.connection.cloudformation.describe_stacks(StackName="sluice-local-pipeline")["Stacks"][0]
    return {each["OutputKey"]: each["OutputValue"] for each in found["Outputs"]}


def left(sqs: Any, url: str) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    told = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
    return sum(map(int, told.values()))


def test_outcome_that_the_receiver_does_not_take_at_first_is_sent_again_until_it_does(
    stack: LocalStack, outputs: dict[str, str]
) -> None:
    aws = stack.connection
    with receiving((503, {})) as receiver, opened_webhook(aws.lambda_, aws.client("events"), receiver.url):
        stack.run("put", str(PICTURE), "--prefix", "webhook/", "--wait")
        until(lambda: len(receiver.got) > 1)
    key = aws.client("secretsmanager").get_secret_value(SecretId=outputs["WebhookSecretArn"])["SecretString"]
    first, again = (Webhook(key).verify(each.body, each.headers) for each in receiver.got)
    assert first == again
    assert (first["subject"], first["type"]) == (f"webhook/{PICTURE.name}", "sluice.asset.succeeded")
    assert {each.headers["webhook-id"] for each in receiver.got} == {first["id"]}
    queue = aws.lambda_.get_function_configuration(FunctionName="sluice-local-webhook")["Environment"]["Variables"]
    until(lambda: left(aws.sqs, queue["WEBHOOK_QUEUE_URL"]) == 0)
    assert left(aws.sqs, outputs["WebhookDlqUrl"]) == 0


@pytest.mark.parametrize("status", [302, 307, 410, 500])
def test_what_is_not_said_to_be_taken_is_not_taken_and_no_redirect_is_followed(status: int) -> None:
    with receiving() as elsewhere, receiving((status, {"location": elsewhere.url})) as receiver:
        with pytest.raises(NotTakenError, match=f"127.0.0.1 answered {status}"):
            post(receiver.url, {}, b"{}")
        assert ([each.path for each in receiver.got], elsewhere.got) == (["/sluice"], [])


def test_receiver_that_is_down_or_that_a_public_name_hides_is_not_reached() -> None:
    with receiving() as receiver:
        url = receiver.url
        with pytest.raises(NotTakenError, match="was not reached"):
            post(url.replace("http:", "https:"), {}, b"{}")
    with pytest.raises(NotTakenError, match="was not reached"):
        post(url, {}, b"{}")
