"""EventBridge's events that start work, and the execution input that follows from an upload."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, cast

from workflow.shapes import UPLOAD, ExecutionInput, parse

OBJECT_CREATED = "Object Created"
RESTORE_COMPLETED = "Object Restore Completed"
STATUS_CHANGE = "Step Functions Execution Status Change"
ENDED_BADLY = ("FAILED", "TIMED_OUT", "ABORTED")
"""Every status of an execution that came to its end without success."""

INPUT_PATHS: Mapping[str, str] = MappingProxyType(
    {
        "bucket": "$.detail.bucket.name",
        "key": "$.detail.object.key",
        "version_id": "$.detail.object.version-id",
        "size": "$.detail.object.size",
        "etag": "$.detail.object.etag",
        "sequencer": "$.detail.object.sequencer",
        "event_id": "$.id",
    }
)
"""The execution input, from S3's event. Whole values only: EventBridge escapes nothing inside a string."""


def upload_input(event: Mapping[str, Any]) -> ExecutionInput:
    """What the rule's input transformer makes of an event; an InputError says what the event lacks."""
    found = {name: _at(event, path) for name, path in INPUT_PATHS.items()}
    return parse({**found, "trigger": UPLOAD}, ExecutionInput)


def _at(event: Any, path: str) -> Any:
    for name in path.removeprefix("$.").split("."):
        event = cast("dict[str, Any]", event).get(name) if isinstance(event, dict) else None
    return event
