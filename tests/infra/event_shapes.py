"""What AWS's events have: facts of its documentation, against which rules and their input transformers are held.

A pattern that names a member which an event lacks never matches; a transformer leaves its value out.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from tests.infra.deployed import Deployed

ENVELOPE = frozenset({"version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail"})
"""https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html"""
OBJECT = {f"object.{each}" for each in ("key", "size", "etag", "version-id")}
DETAILS: Mapping[tuple[str, str], frozenset[str]] = {
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
    ("aws.s3", "Object Created"): frozenset(
        {
            *("version", "bucket.name", *OBJECT, "object.sequencer"),
            *("request-id", "requester", "source-ip-address", "reason"),
        }
    ),
    ("aws.s3", "Object Restore Completed"): frozenset(
        {"version", "bucket.name", *OBJECT, "request-id", "requester", "restore-expiry-time", "source-storage-class"}
    ),
    # https://docs.aws.amazon.com/step-functions/latest/dg/eventbridge-integration.html
    ("aws.states", "Step Functions Execution Status Change"): frozenset(
        {
            *("executionArn", "stateMachineArn", "stateMachineVersionArn", "stateMachineAliasArn", "name", "status"),
            *("startDate", "stopDate", "input", "inputDetails", "output", "outputDetails", "error", "cause"),
            *("redriveCount", "redriveDate", "redriveStatus", "redriveStatusReason"),
        }
    ),
}
STATUSES = frozenset({"RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "PENDING_REDRIVE"})


def unheard_of(stack: Deployed) -> Iterator[str]:
    """What a rule on AWS's own events asks for and they do not have."""
    for kind, name, properties in stack.resources:
        pattern = properties.get("EventPattern", {})
        if kind == "Events::Rule" and any(source.startswith("aws.") for source in pattern.get("source", [])):
            yield from (f"{name}: {problem}" for problem in _problems(pattern, properties["Targets"]))


def _problems(pattern: Mapping[str, Any], targets: list[Mapping[str, Any]]) -> Iterator[str]:
    for source in pattern["source"]:
        for detail_type in pattern["detail-type"]:
            details = DETAILS.get((source, detail_type))
            if details is None:
                yield f"{source} sends no {detail_type}"
                continue
            known = ENVELOPE | {f"detail.{each}" for each in details}
            asked = {path for path in (*_paths(pattern), *_transformed(targets)) if path not in known}
            yield from (f"{detail_type} has no {path}" for path in sorted(asked))
    yield from (f"no execution is {each}" for each in pattern["detail"].get("status", []) if each not in STATUSES)


def _paths(pattern: Mapping[str, Any], within: str = "") -> Iterator[str]:
    for name, value in pattern.items():
        if isinstance(value, dict):
            yield from _paths(value, f"{within}{name}.")
        else:
            yield f"{within}{name}"


def _transformed(targets: list[Mapping[str, Any]]) -> Iterator[str]:
    for target in targets:
        for path in target.get("InputTransformer", {}).get("InputPathsMap", {}).values():
            yield path.removeprefix("$.")
