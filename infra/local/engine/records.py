"""What the emulator keeps of an execution, how it begins, and what its states see of it."""

import json
import threading
from collections.abc import Callable
from typing import Any

from infra.local.engine.history import Record, append_event, status_changed
from infra.local.engine.scope import new_frame
from infra.local.ministack import stepfunctions as sf

_names = threading.Lock()
"""Held while it is seen whether a name is free, as the states of executions start others side by side."""

DESCRIBED_FIELDS = (
    *("executionArn", "input", "output", "name", "startDate", "stateMachineArn", "status", "stopDate"),
    *("error", "cause"),
)


def new_record(arn: str, name: str, machine: dict[str, Any], definition: str, text: str, **members: Any) -> Record:
    """A started execution; of a `silent` one, EventBridge does not hear.

    All members are there from the start, because the record is saved while it is written.
    """
    return {
        "executionArn": arn,
        "stateMachineArn": machine["stateMachineArn"],
        "stateMachineVersionArn": None,
        "stateMachineAliasArn": None,
        "name": name,
        "type": machine["type"],
        "definition": definition,
        "roleArn": machine["roleArn"],
        "status": "RUNNING",
        "startDate": sf.now_iso(),
        "stopDate": None,
        "input": text,
        "inputDetails": {"included": True},
        "output": None,
        "outputDetails": {"included": True},
        "error": None,
        "cause": None,
        "redriveCount": 0,
        "redriveDate": None,
        "redriveToken": None,
        "progress": new_frame(json.loads(definition)["StartAt"], json.loads(text), {}),
        "testCase": "",
        "mockAttempts": {},
        "encryptionConfiguration": machine.get("encryptionConfiguration"),
        "events": [],
        "mapRunArn": None,
        "itemCount": None,
        "silent": False,
        **members,
    }


def machine_of(arn: str) -> str:
    """The ARN of the state machine itself, also for the ARN that the children of a Map Run have."""
    return arn.partition("/")[0]


def begin(record: Record) -> Record:
    """Stores a new execution as started, and returns it: or else the one that has its name already."""
    with _names:
        if existing := sf._executions.get(record["executionArn"]):
            return existing
        _store(record)
        told = status_changed(record)
    for tell in told:
        tell()
    return record


def _store(record: Record) -> None:
    details = {"input": record["input"], "inputDetails": {"truncated": False}, "roleArn": record["roleArn"]}
    for qualifier in ("stateMachineVersionArn", "stateMachineAliasArn"):
        if record[qualifier] is not None:
            details[qualifier] = record[qualifier]
    append_event(record, "ExecutionStarted", details)
    sf._executions[record["executionArn"]] = record


def renew(record: Record, token: str | None) -> list[Callable[[], None]]:
    """Sets an ended execution running again, as redriven; returns what tells of it."""
    count = record["redriveCount"] + 1
    append_event(record, "ExecutionRedriven", {"redriveCount": count})
    again = {"status": "RUNNING", "stopDate": None, "error": None, "cause": None}
    record.update(again | {"redriveCount": count, "redriveDate": sf.now_iso(), "redriveToken": token})
    return status_changed(record)


def context_object(record: Record, definition: dict[str, Any]) -> dict[str, Any]:
    """The context object, with what the emulator's helpers keep beside it."""
    execution = {
        "Id": record["executionArn"],
        "Input": json.loads(record["input"]),
        "Name": record["name"],
        "RoleArn": record["roleArn"],
        "StartTime": record["startDate"],
        "RedriveCount": record["redriveCount"],
    }
    if record["redriveDate"] is not None:
        execution["RedriveTime"] = record["redriveDate"]
    arn = record["stateMachineArn"]
    return {
        "QueryLanguage": definition.get("QueryLanguage", "JSONPath"),
        "Execution": execution,
        "StateMachine": {"Id": arn, "Name": arn.rpartition(":")[2]},
    }


def described(record: Record, *, as_json: bool = False) -> dict[str, Any]:
    """An execution as a Task or a result file shows it; `as_json` gives its data as JSON and not as text."""
    members = {field: record[field] for field in DESCRIBED_FIELDS if record[field] is not None}
    members |= {f"{data}Details": {"Included": True} for data in ("input", "output") if data in members}
    if as_json:
        members |= {data: json.loads(members[data]) for data in ("input", "output") if data in members}
    return {f"{name[0].upper()}{name[1:]}": value for name, value in members.items()}
