"""Records of the telemetry stream become an asset on the real local stack, and what is no JSON is set aside."""

import json
from typing import Any

import pytest

from tests.integration.conftest import LocalStack
from tests.waiting import until

READINGS = [{"device": f"d{number % 3}", "celsius": 20 + number} for number in range(20)]


@pytest.fixture(scope="module")
def outputs(stack: LocalStack) -> dict[str, str]:
    found = stack.connection.cloudformation.describe_stacks(StackName="sluice-local-pipeline")["Stacks"][0]
    return {each["OutputKey"]: each["OutputValue"] for each in found["Outputs"]}


def test_records_of_the_stream_end_as_parquet(stack: LocalStack, outputs: dict[str, str]) -> None:
    name = outputs["TelemetryStreamName"]
    data = [json.dumps(each).encode() for each in READINGS] + [b"no json"]
    records: list[Any] = [{"Data": each, "PartitionKey": "one"} for each in data]
    stack.connection.client("kinesis").put_records(StreamName=name, Records=records)

    def processed() -> Any:
        found = stack.json("assets", "--status", "succeeded", "--limit", "100")
        return [each for each in found if each["key"].startswith(f"telemetry/{name}/")]

    assets = until(processed)
    assert {each["kind"] for each in assets} == {"table"}
    sqs, rejects = stack.connection.client("sqs"), outputs["TelemetryDlqUrl"]
    (message,) = until(lambda: sqs.receive_message(QueueUrl=rejects, MessageAttributeNames=["All"]).get("Messages"))
    assert "Not a JSON object" in message["MessageAttributes"]["reason"]["StringValue"]
