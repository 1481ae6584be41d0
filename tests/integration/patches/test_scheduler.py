"""A schedule of a template starts its function."""

import json
import uuid
from datetime import UTC, datetime
from typing import Any

from tests.integration.patches.test_cloudformation import Stack
from tests.integration.patches.test_eventbridge_targets import REPORTER, new_function, new_queue

ROLE = "arn:aws:iam::000000000000:role/any"


def schedule(target: dict[str, Any]) -> dict[str, Any]:
    """A schedule whose moment has come."""
    return {
        "Name": f"s-{uuid.uuid4().hex}",
        "ScheduleExpression": f"at({datetime.now(UTC):%Y-%m-%dT%H:%M:%S})",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {"RoleArn": ROLE, **target},
    }


def test_a_schedule_starts_its_function_with_its_input(patched: Any) -> None:
    queue = new_queue(patched)
    function = new_function(patched, REPORTER, Timeout=20, Environment={"Variables": {"QUEUE": queue.url}})
    Stack(patched, "AWS::Scheduler::Schedule", schedule({"Arn": function, "Input": '{"look": "now"}'}))
    message = queue.receive()
    assert json.loads(message["Body"]) == {"look": "now"}


def test_what_a_schedule_cannot_start_ends_in_its_dead_letter_queue(patched: Any) -> None:
    queue = new_queue(patched)
    missing = "arn:aws:lambda:us-east-1:000000000000:function:missing"
    target = {"Arn": missing, "Input": '{"look": "now"}', "DeadLetterConfig": {"Arn": queue.arn}}
    Stack(patched, "AWS::Scheduler::Schedule", schedule(target))
    message = queue.receive()
    assert message["MessageAttributes"]["TARGET_ARN"]["StringValue"] == missing
