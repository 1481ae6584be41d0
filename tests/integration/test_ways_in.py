"""The HTTP API, the request queue and the topic on the embedded AWS: what reaches the pipeline through each of them."""

import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote

import pytest
import requests
import schemathesis
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from infra.functions.sources import PROJECT_ROOT
from infra.local.samples import FOLDER
from tests.integration.conftest import LocalStack
from tests.waiting import until
from workflow.operator.stack import LOCAL_REGION

PICTURE = FOLDER / "fig-cut-out.png"
SECONDS = 60
EXAMPLES = 15
"""Requests of each kind that schemathesis makes up for each operation."""

description = schemathesis.openapi.from_path(str(PROJECT_ROOT / "docs" / "openapi.json"))


@dataclass(frozen=True)
class WaysIn:
    """The addresses that the stack published, and signed requests to the first of them."""

    stack: LocalStack

    @cached_property
    def outputs(self) -> dict[str, str]:
        found = self.stack.connection.cloudformation.describe_stacks(StackName="sluice-local-pipeline")["Stacks"][0]
        return {each["OutputKey"]: each["OutputValue"] for each in found["Outputs"]}

    @property
    def url(self) -> str:
        """The emulator's own form, for machines that cannot resolve names below localhost."""
        api = self.outputs["ApiUrl"].split("//")[1].partition(".")[0]
        return f"{self.stack.connection.endpoint}/_aws/execute-api/{api}/$default"

    def signed(self, method: str, path: str, body: bytes = b"") -> dict[str, str]:
        request = AWSRequest(method, self.url + path, {"content-type": "application/json"}, body)
        local = self.stack.connection.local
        assert local
        credentials = Credentials(local.access_key_id, local.secret_access_key)
        SigV4Auth(credentials, "execute-api", LOCAL_REGION).add_auth(request)
        return dict(request.headers)

    def call(self, method: str, path: str, wanted: Any = None, *, expect: int, **headers: str) -> Any:
        body = json.dumps(wanted).encode() if wanted is not None else b""
        headers |= self.signed(method, path, body)
        answered = requests.request(method, self.url + path, data=body, headers=headers, timeout=SECONDS)
        assert answered.status_code == expect, answered.text
        return answered.json()

    def ended(self, execution: str) -> Any:
        """The execution as the API shows it, once it has ended."""
        return until(lambda: self._ended(execution))

    def _ended(self, execution: str) -> Any:
        found = self.call("GET", f"/executions/{execution}", expect=200)
        return found if found["status"] != "RUNNING" else None


@pytest.fixture(scope="module")
def ways_in(stack: LocalStack) -> WaysIn:
    return WaysIn(stack)


def post(form: dict[str, Any], content: bytes, **changed: str) -> requests.Response:
    """What a browser sends."""
    files = {"file": ("any name.png", content)}
    return requests.post(form["url"], data=form["fields"] | changed, files=files, timeout=SECONDS)


# the HTTP API


@pytest.fixture(scope="module")
def uploaded(ways_in: WaysIn) -> dict[str, Any]:
    """The list's entry of a file that was uploaded by a form."""
    wanted = {"key": "by form/größe 1.png", "content_type": "image/png", "size": PICTURE.stat().st_size}
    form = ways_in.call("POST", "/uploads", wanted, expect=201)
    version = post(form, PICTURE.read_bytes()).headers["x-amz-version-id"]

    def processed() -> Any:
        found = ways_in.call("GET", form["asset"], expect=200)["assets"]
        ended = (each for each in found if each["version_id"] == version and each["status"] != "processing")
        return next(ended, None)

    def is_put_away() -> bool:
        whole = ways_in.call("GET", f"/assets/{found['asset_id']}", expect=200)
        return whole["status"] != "processing" and "outcome" in whole["attempts"][-1]

    found = until(processed)
    until(is_put_away)
    return found


def test_file_uploaded_by_a_form_is_processed(ways_in, uploaded):
    assert (uploaded["status"], uploaded["key"]) == ("succeeded", "uploads/by form/größe 1.png")
    whole = ways_in.call("GET", f"/assets/{uploaded['asset_id']}", expect=200)
    assert [file["content_type"] for file in whole["renditions"]] == ["image/webp"]
    listed = ways_in.call("GET", "/assets?status=succeeded&kind=image&limit=100", expect=200)
    assert uploaded["asset_id"] in [each["asset_id"] for each in listed["assets"]]


def test_s3_refuses_what_the_form_was_not_made_for(ways_in):
    wanted = {"key": "refused.png", "content_type": "image/png", "size": 5}
    form = ways_in.call("POST", "/uploads", wanted, expect=201)
    refusals = [
        post(form, b"12345", **{"Content-Type": "text/html"}),
        post(form, b"12345", key="uploads/other.png"),
        post(form, b"123456"),
    ]
    assert [each.status_code for each in refusals] == [403, 403, 400]


def test_asset_is_processed_again_once_and_remembers_who_asked(ways_in, uploaded):
    wanted = {"asset_id": uploaded["asset_id"], "why": "a test"}
    once = {"Idempotency-Key": uploaded["asset_id"]}
    first, again = (ways_in.call("POST", "/executions", wanted, expect=202, **once) for _ in range(2))
    assert first == again
    ended = ways_in.ended(first["execution"])
    assert (ended["status"], ended["asset_id"]) == ("SUCCEEDED", uploaded["asset_id"])
    assert [state["name"] for state in ended["states"]] == [
        "Validate", "Transform", "Thumbnail", "StoreMetadata", "Notify", "Archive",
    ]  # fmt: skip
    attempt = ways_in.call("GET", f"/assets/{uploaded['asset_id']}", expect=200)["attempts"][-1]
    assert (attempt["trigger"], attempt["why"]) == ("reprocess", "a test")
    assert attempt["by"].startswith("arn:aws:iam::")


def test_nobody_is_let_in_without_a_signature(ways_in):
    for path in ("/assets", "/openapi.json", "/nowhere"):
        assert requests.get(ways_in.url + path, timeout=SECONDS).status_code == 403


def test_description_is_served_as_it_is_published(ways_in):
    assert ways_in.call("GET", "/openapi.json", expect=200) == description.raw_schema


# What is well-formed may still name a foreign bucket, a type that no kind accepts, or a token of another list.
REFUSABLE = [positive_data_acceptance]


@description.parametrize()
@settings(max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_api_does_what_its_description_says(case, ways_in):
    """Also that it refuses what the description does not allow, and that no request breaks it."""
    authorization = {"Authorization": ways_in.signed("GET", "")["Authorization"]}
    case.call_and_validate(base_url=ways_in.url, headers=authorization, excluded_checks=REFUSABLE)


# the queue and the topic


def test_messages_start_executions_and_what_is_not_understood_is_set_aside(stack, ways_in, uploaded):
    sqs, queue = stack.connection.client("sqs"), ways_in.outputs["RequestQueueUrl"]
    object_ = {"bucket": uploaded["bucket"], "key": uploaded["key"]}
    sent = sqs.send_message(QueueUrl=queue, MessageBody=json.dumps({"requests": [object_]}))
    sqs.send_message(QueueUrl=queue, MessageBody="what is this?")

    def started() -> Any:
        listed = stack.client.executions(limit=200)
        return next((each for each in listed if each.name == f"sqs-{sent['MessageId']}-1"), None)

    assert ways_in.ended(until(started).name)["asset_id"] == uploaded["asset_id"]

    def set_aside() -> Any:
        return sqs.receive_message(QueueUrl=ways_in.outputs["RequestsDlqUrl"], MessageAttributeNames=["All"]).get(
            "Messages"
        )

    (message,) = until(set_aside)
    assert message["Body"] == "what is this?"
    assert "not understood" in message["MessageAttributes"]["reason"]["StringValue"]


def test_s3_s_notification_on_the_topic_counts_as_the_upload_that_it_tells_of(stack, ways_in, uploaded):
    whole = ways_in.call("GET", f"/assets/{uploaded['asset_id']}", expect=200)
    entity = {
        "bucket": {"name": whole["bucket"]},
        "object": {"key": quote(whole["key"]).replace("%20", "+"), "versionId": whole["version_id"]},
    }
    notification = {"Records": [{"eventName": "ObjectCreated:Post", "s3": entity}]}
    topic = ways_in.outputs["NotificationTopicArn"]
    sent = stack.connection.client("sns").publish(TopicArn=topic, Message=json.dumps(notification))

    def started() -> Any:
        listed = stack.client.executions(limit=200)
        return next((each for each in listed if each.name == f"sns-{sent['MessageId']}-1"), None)

    ended = ways_in.ended(until(started).name)
    assert [state["name"] for state in ended["states"]] == ["Validate", "Duplicate"]
