"""StartExecution, StopExecution and what is told about executions, as the API reference has them.

Stock takes any name, any input and any size; refuses a repeated StartExecution that AWS answers with the same ARN;
runs the newest definition whichever version or alias was named; and names neither version, alias nor redrives in
DescribeExecution, ListExecutions and the status events.
"""

import json
import math
import random
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from infra.local.durable import pending
from infra.local.durable.executions import Conditions, moment_of
from infra.local.engine import distributed, executions, history
from infra.local.engine.api import (
    Members,
    RefusedError,
    action,
    checked,
    invalid_token,
    page_size,
    require_arn,
    require_execution_arn,
    required_execution,
)
from infra.local.engine.history import (
    DATA_LIMIT_BYTES,
    END_EVENTS,
    Record,
    append_event,
    end_execution,
    exceeds_limit,
)
from infra.local.engine.records import begin, machine_of, new_record
from infra.local.ministack import eventbridge, responses
from infra.local.ministack import stepfunctions as sf
from infra.local.patches.stepfunctions.logging import TRACING_OFF
from infra.local.patches.stepfunctions.machines import INITIAL

TYPE_NOT_SUPPORTED = "This operation is not supported by this type of state machine"
NAME_LIMIT_CHARACTERS = 80
NAME_FORBIDDEN = re.compile(r"[\s<>{}\[\]?*\"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f\ufffe\uffff\ud800-\udfff]")
BILLED_STEP_MS = 100
BILLED_STEP_MB = 64
REDRIVE_LIMIT_COUNT = 1000
REDRIVE_LIMIT_EVENTS = 24_999
REDRIVE_LIMIT_MS = 14 * 24 * 60 * 60 * 1000
EVENT_DATA_LIMIT_BYTES = 248 * 1024
LISTED_MEMBERS = (
    *("executionArn", "stateMachineArn", "stateMachineVersionArn", "stateMachineAliasArn", "mapRunArn", "name"),
    *("status", "startDate", "stopDate", "redriveCount", "redriveDate"),
)
FAILURE_MEMBERS = ("error", "cause")
PENDING = "status event"


@dataclass(frozen=True)
class Target:
    """What an ARN names: the machine or version to run, and the qualifiers it was reached by."""

    definition: str
    machine: dict[str, Any]
    version_arn: str | None = None
    alias_arn: str | None = None

    @property
    def revision(self) -> str | None:
        """A machine that never changed has none."""
        given = self.machine.get("stateMachineRevisionId") or self.machine.get("revisionId")
        return None if given == INITIAL else given

    def execution_arn(self, name: str) -> str:
        """Of an Express machine, executions of one name are told apart by their ARNs."""
        arn: str = self.machine["stateMachineArn"]
        if self.machine["type"] == "EXPRESS":
            return f"{arn.replace(':stateMachine:', ':express:')}:{name}:{sf.new_uuid()}"
        return f"{arn.replace(':stateMachine:', ':execution:')}:{name}"


def install() -> None:
    sf._start_execution = action(start_execution)
    sf._start_sync_execution = action(start_sync_execution)
    sf._stop_execution = action(stop_execution)
    sf._describe_execution = action(describe_execution)
    sf._get_execution_history = checked(require_execution_arn, sf._get_execution_history)
    sf._describe_state_machine_for_execution = action(describe_state_machine_for_execution)
    sf._list_executions = action(list_executions)
    history.status_listeners.append(status_event)
    pending.how_to_do(PENDING, put_status_event)
    sf.load_persisted_state = _then_end_interrupted(sf.load_persisted_state)


def start_execution(request: Members) -> Members:
    record = _record(request)
    running = begin(record)
    if running is not record:
        return _repeated_start(running, record)
    executions.run_in_background(record)
    return {"executionArn": record["executionArn"], "startDate": record["startDate"]}


def start_sync_execution(request: Members) -> Members:
    record = _record(request, silent=True)
    if record["type"] != "EXPRESS":
        raise RefusedError("StateMachineTypeNotSupported", TYPE_NOT_SUPPORTED)
    begin(record)
    executions.run(record)
    described = {name: value for name, value in _described(record).items() if not name.startswith("redrive")}
    return described | {"billingDetails": _billing(record)}


def _billing(record: Record) -> Members:
    """Time is billed in steps of 100 ms, memory in steps of 64 MB: here the least that there is."""
    duration_ms = _epoch_ms(record["stopDate"]) - _epoch_ms(record["startDate"])
    steps = max(1, math.ceil(duration_ms / BILLED_STEP_MS))
    return {"billedDurationInMilliseconds": steps * BILLED_STEP_MS, "billedMemoryUsedInMB": BILLED_STEP_MB}


def stop_execution(request: Members) -> Members:
    record = required_execution(request)
    if record["status"] not in ("RUNNING", "ABORTED"):
        raise RefusedError("ValidationException", f"Execution is {record['status']} and cannot be stopped")
    end_execution(record, "ABORTED", error=request.get("error"), cause=request.get("cause"), previous=0)
    return {"stopDate": record["stopDate"]}


def describe_execution(request: Members) -> Members:
    return _described(required_execution(request))


def _described(record: Record) -> Members:
    described = _given(record, LISTED_MEMBERS + FAILURE_MEMBERS)
    described |= {"input": record["input"], "inputDetails": {"included": True}}
    if record["output"] is not None:
        described |= {"output": record["output"], "outputDetails": {"included": True}}
    if reason := why_not_redrivable(record):
        return described | {"redriveStatus": "NOT_REDRIVABLE", "redriveStatusReason": reason}
    return described | {"redriveStatus": "REDRIVABLE"}


def why_not_redrivable(record: Record) -> str | None:
    """The API reference's reason, or None for an execution that can be redriven."""
    if record["status"] in ("RUNNING", "SUCCEEDED"):
        return f"Execution is {record['status']} and cannot be redriven"
    if record["type"] == "EXPRESS" or record["mapRunArn"] is not None:
        return "Execution is of an Express workflow or of a Map Run and cannot be redriven by itself"
    if len(record["events"]) >= REDRIVE_LIMIT_EVENTS:
        return "Execution history event limit exceeded"
    if record["redriveCount"] >= REDRIVE_LIMIT_COUNT:
        return "Execution redrive limit exceeded"
    if _epoch_ms(sf.now_iso()) - _epoch_ms(record["stopDate"]) > REDRIVE_LIMIT_MS:
        return "Execution redrivable period exceeded"
    return None


def describe_state_machine_for_execution(request: Members) -> Members:
    record = required_execution(request)
    arn = record["stateMachineArn"]
    machine = sf._state_machines.get(machine_of(arn))
    if machine is None:
        raise RefusedError("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}'")
    revision = {"revisionId": record["revisionId"]} if record.get("revisionId") else {}
    return {
        **revision,
        "stateMachineArn": arn,
        "name": machine["name"],
        "definition": record["definition"],
        "roleArn": record["roleArn"],
        "updateDate": machine["creationDate"],
        "loggingConfiguration": machine["loggingConfiguration"],
        "tracingConfiguration": machine.get("tracingConfiguration", TRACING_OFF),
        "encryptionConfiguration": record["encryptionConfiguration"] or sf._default_encryption(),
    }


def list_executions(request: Members) -> Members:
    """Newest first: a running execution counts by its start or redrive, an ended one by its end."""
    if arn := request.get("stateMachineArn"):
        require_arn(arn)
        if _resolve(arn).machine["type"] == "EXPRESS":
            raise RefusedError("StateMachineTypeNotSupported", TYPE_NOT_SUPPORTED)
    size = page_size(request)
    start = _page_start(request.get("nextToken"))
    wanted = sf._executions._data.listed(_conditions(request), start, size + 1)
    page = {"executions": [_given(record, LISTED_MEMBERS) for record in wanted[:size]]}
    return page | ({"nextToken": _page_token(wanted[size - 1])} if len(wanted) > size else {})


def status_event(record: Record) -> Callable[[], None]:
    """What tells EventBridge of a Standard execution's new status; Express executions tell nothing."""
    if record["silent"] or record["type"] == "EXPRESS":
        return nothing_to_tell
    return pending.take_on(PENDING, {"execution": record["executionArn"], "detail": _event_detail(record)})


def nothing_to_tell() -> None:
    pass


def put_status_event(told: Members) -> None:
    entry = {
        "Source": "aws.states",
        "DetailType": "Step Functions Execution Status Change",
        "Detail": json.dumps(told["detail"]),
        "Resources": [told["execution"]],
    }
    eventbridge._put_events({"Entries": [entry]}, allow_aws_source=True)


def _event_detail(record: Record) -> Members:
    reason = why_not_redrivable(record)
    detail = {name: record[name] for name in LISTED_MEMBERS + FAILURE_MEMBERS if name != "mapRunArn"}
    dates = {name: _epoch_ms(record[name]) for name in ("startDate", "stopDate", "redriveDate")}
    detail |= dates | _event_data(record, "input") | _event_data(record, "output")
    status = "NOT_REDRIVABLE" if reason else "REDRIVABLE"
    return detail | {"redriveStatus": status, "redriveStatusReason": reason}


def _event_data(record: Record, name: str) -> Members:
    """The input or output; left out, and said so, when it is too large for an event."""
    text = record[name]
    if text is None:
        return {name: None, f"{name}Details": None}
    included = len(json.dumps(text)) <= EVENT_DATA_LIMIT_BYTES
    return {name: text if included else None, f"{name}Details": {"included": included}}


def _record(request: Members, **members: Any) -> Record:
    arn, _, test_case = request.get("stateMachineArn", "").partition("#")
    require_arn(arn)
    target = _resolve(arn)
    name = request.get("name") or sf.new_uuid()
    _require_name(name)
    text = request.get("input", "{}")
    _require_input(text)
    qualifiers = {"stateMachineVersionArn": target.version_arn, "stateMachineAliasArn": target.alias_arn}
    members |= qualifiers | {"testCase": test_case, "revisionId": target.revision}
    return new_record(target.execution_arn(name), name, target.machine, target.definition, text, **members)


def _resolve(arn: str) -> Target:
    if machine := sf._state_machines.get(arn):
        return Target(machine["definition"], machine)
    if alias := sf._state_machine_aliases.get(arn):
        routes = alias["routingConfiguration"]
        version = random.choices(routes, [route["weight"] for route in routes])[0]["stateMachineVersionArn"]  # noqa: S311
        return _resolve_version(version, arn)
    return _resolve_version(arn)


def _resolve_version(arn: str, alias_arn: str | None = None) -> Target:
    version = sf._state_machine_versions.get(arn)
    if version is None:
        raise RefusedError("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{alias_arn or arn}'")
    return Target(version["definition"], version, arn, alias_arn)


def _require_name(name: str) -> None:
    if not 1 <= len(name) <= NAME_LIMIT_CHARACTERS or NAME_FORBIDDEN.search(name):
        raise RefusedError("InvalidName", f"Invalid Name: '{name}'")


def _require_input(text: str) -> None:
    if not text:
        raise RefusedError("InvalidExecutionInput", "Invalid State Machine Execution Input: 'Invalid execution input.'")
    if exceeds_limit(text):
        cause = f"the input is longer than {DATA_LIMIT_BYTES} bytes of UTF-8"
        raise RefusedError("InvalidExecutionInput", f"Invalid State Machine Execution Input: '{cause}'")
    try:
        json.loads(text)
    except ValueError as exc:
        raise RefusedError("InvalidExecutionInput", f"Invalid State Machine Execution Input: '{exc}'") from exc


def _repeated_start(running: Record, repeated: Record) -> Members:
    if running["status"] == "RUNNING" and running["input"] == repeated["input"]:
        return {"executionArn": running["executionArn"], "startDate": running["startDate"]}
    raise RefusedError("ExecutionAlreadyExists", f"Execution Already Exists: '{running['executionArn']}'")


def _given(record: Record, names: tuple[str, ...]) -> Members:
    return {name: record[name] for name in names if record[name] is not None}


def _conditions(request: Members) -> Conditions:
    """Of the table of executions: which are asked for."""
    account, region = sf.get_account_id(), sf.get_region()
    found: Conditions = {"account = ?": [account], "region = ?": [region]}
    if machine := request.get("stateMachineArn"):
        found["? IN (machine, version, alias)"] = [machine]
    if status := request.get("statusFilter"):
        found["status = ?"] = [status]
    if map_run := request.get("mapRunArn"):
        found["map_run = ?"] = [map_run]
    if redriven := request.get("redriveFilter"):
        found["(redrives > 0) = ?"] = [redriven == "REDRIVEN"]
    return found


def _page_token(record: Record) -> str:
    age = moment_of(record), record["executionArn"]
    return sf.base64.urlsafe_b64encode(json.dumps(age).encode()).decode()


def _page_start(token: str | None) -> tuple[str, str] | None:
    if token is None:
        return None
    start = sf._decode_execution_token(token)
    if start is None:
        raise invalid_token()
    return start


def _epoch_ms(timestamp: str | None) -> Any:
    return sf._iso_to_epoch_ms(timestamp)


def _then_end_interrupted(load: Callable[[Members], None]) -> Callable[[Members], None]:
    """Ends histories and Map Runs that a restart interrupted; their executions the emulator marks FAILED on loading.

    EventBridge hears of them once the emulator serves: a rule's target may be a function, which calls it.
    """

    def load_and_end(state: Members) -> None:
        load(state)
        for (account, region, _arn), record in list(state["executions"]._data.items()):
            ended = record["events"][-1]["type"] in END_EVENTS.values()
            if record["error"] == "States.ServiceRestart" and not ended:
                append_event(record, "ExecutionFailed", {"error": record["error"], "cause": record["cause"]})
            with responses.request_scope(account, region):
                status_event(record)
        distributed.end_interrupted()

    return load_and_end
