"""The audit trail and the event of a file on the real local stack."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.local.samples import FOLDER
from tests.integration.conftest import LocalStack
from tests.waiting import until

PICTURE = FOLDER / "fig-cut-out.png"


@pytest.fixture(scope="module")
def bucket(stack: LocalStack) -> str:
    outputs = stack.connection.cloudformation.describe_stacks(StackName="sluice-local-storage")["Stacks"][0]["Outputs"]
    return next(each["OutputValue"] for each in outputs if each["OutputKey"] == "AuditBucket")


def trail(stack: LocalStack, bucket: str, asset_id: str) -> list[Any]:
    """The entries of an asset, in the order of their keys."""
    s3 = stack.connection.client("s3")
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=f"changes/{asset_id}/").get("Contents", [])
    return [json.loads(s3.get_object(Bucket=bucket, Key=each["Key"])["Body"].read()) for each in listed]


@pytest.fixture(scope="module")
def entries(stack: LocalStack, bucket: str) -> list[Any]:
    """Those of a file that was processed, once its end is among them."""
    (put,) = stack.json("put", "--wait", str(PICTURE), "--prefix", "audited/")

    def finished() -> list[Any]:
        found = trail(stack, bucket, put["asset_id"])
        return found if any(each["after"].get("status") == "succeeded" for each in found) else []

    return until(finished)


def test_trail_tells_the_story_of_an_asset_in_order(entries):
    assert [each["what"] for each in entries] == ["created", *["changed"] * (len(entries) - 1)]
    assert entries[0]["after"]["status"] == "processing"
    assert {each["who"]["trigger"] for each in entries} == {"upload"}
    state: dict[str, Any] = {}
    for entry in entries:
        assert {name: state.get(name) for name in entry["before"]} == entry["before"]
        state = {name: value for name, value in state.items() if name not in entry["before"]} | entry["after"]
    assert state["status"] == "succeeded"


def test_nobody_replaces_or_removes_an_entry(stack, bucket, entries):
    s3 = stack.connection.client("s3")
    key = s3.list_objects_v2(Bucket=bucket, Prefix=f"changes/{entries[0]['asset_id']}/")["Contents"][0]["Key"]
    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"{}", IfNoneMatch="*")


# the event


def test_outcome_is_an_event_on_the_bus_with_the_id_that_the_topic_carries(stack):
    events, sqs = stack.connection.client("events"), stack.connection.client("sqs")
    queue = sqs.create_queue(QueueName="outcomes")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"source": ["sluice"], "detail-type": ["sluice.asset.succeeded"]}
    pattern |= {"detail": {"subject": [{"prefix": "evented/"}]}}
    events.put_rule(Name="outcomes", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="outcomes", Targets=[{"Id": "queue", "Arn": arn}])
    (put,) = stack.json("put", "--wait", str(PICTURE), "--prefix", "evented/")
    (message,) = until(lambda: sqs.receive_message(QueueUrl=queue).get("Messages"))
    event = json.loads(message["Body"])
    assert event["detail-type"] == "sluice.asset.succeeded"
    assert event["detail"]["data"]["asset_id"] == put["asset_id"]
    announced = stack.json("asset", put["asset_id"])["announced"]
    assert announced == dict.fromkeys(("succeeded", "succeeded on bus"), event["detail"]["id"])
