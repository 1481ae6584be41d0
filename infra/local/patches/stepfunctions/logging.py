"""CloudWatch Logs and tracing settings of state machines: checked, kept, described, and the logs written.

Stock keeps LoggingConfiguration and writes nothing, drops TracingConfiguration, and takes both wrong from
CloudFormation. AWS writes each event that the level covers to the log group, as JSON.
https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
"""

import contextvars
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any, cast

from infra.local.engine.api import Members, RefusedError, Response
from infra.local.engine.history import Event, Record, event_listeners
from infra.local.engine.records import machine_of
from infra.local.ministack import cloudwatch_logs, provisioners
from infra.local.ministack import stepfunctions as sf

FATAL_EVENTS = frozenset({"ExecutionAborted", "ExecutionFailed", "ExecutionTimedOut"})
ERROR_ENDINGS = ("Failed", "TimedOut", "Aborted")
DATA_MEMBERS = frozenset({"input", "output", "inputDetails", "outputDetails", "parameters"})
LOG_GROUP_END = ":*"
LOGGING_OFF = {"level": "OFF", "includeExecutionData": False}
TRACING_OFF = {"enabled": False}
RESOURCE = "AWS::StepFunctions::StateMachine"

# One thread, so that the events of an execution stay in order.
_writer = ThreadPoolExecutor(max_workers=1)


def install() -> None:
    sf._create_state_machine = _configured(sf._create_state_machine)
    sf._update_state_machine = _configured(sf._update_state_machine)
    handlers = provisioners._RESOURCE_HANDLERS[RESOURCE]
    handlers["create"] = _created_from_template(handlers["create"])
    handlers["update"] = _updated_from_template(handlers["update"])
    event_listeners.append(log_event)


def log_event(record: Record, event: Event) -> None:
    """Has the event written by another thread: the log group may have subscribers that take their time."""
    settings = _logging_of(record)
    if is_logged(event["type"], settings["level"]):
        group = settings["destinations"][0]["cloudWatchLogsLogGroup"]["logGroupArn"]
        message = log_message(record, event, with_data=settings.get("includeExecutionData", False))
        name = group.removesuffix(LOG_GROUP_END).partition(":log-group:")[2]
        _writer.submit(contextvars.copy_context().run, _put, name, record, message)


def is_logged(event_type: str, level: str) -> bool:
    if level == "ERROR":
        return event_type.endswith(ERROR_ENDINGS) or event_type == "FailStateEntered"
    return level == "ALL" or (level == "FATAL" and event_type in FATAL_EVENTS)


def log_message(record: Record, event: Event, *, with_data: bool) -> Members:
    details = next((cast("Members", value) for key, value in event.items() if key.endswith("EventDetails")), Members())
    if not with_data:
        details = {name: value for name, value in details.items() if name not in DATA_MEMBERS}
    return {
        "id": str(event["id"]),
        "type": event["type"],
        "details": details,
        "redrive_count": str(record["redriveCount"]),
        "previous_event_id": str(event["previousEventId"]),
        "event_timestamp": str(sf._iso_to_epoch_ms(event["timestamp"])),
        "execution_arn": record["executionArn"],
    }


def _logging_of(record: Record) -> Members:
    version = sf._state_machine_versions.get(record["stateMachineVersionArn"])
    machine: Members = version or sf._state_machines.get(machine_of(record["stateMachineArn"])) or {}
    return machine.get("loggingConfiguration", LOGGING_OFF)


def _put(group: str, record: Record, message: Members) -> None:
    started = record["startDate"]
    machine = record["stateMachineArn"].rpartition(":")[2]
    stream = f"states/{machine}/{started[:10]}-{started[11:13]}-{started[14:16]}/{record['name']}"
    cloudwatch_logs._create_log_stream({"logGroupName": group, "logStreamName": stream})
    event = {"timestamp": int(message["event_timestamp"]), "message": json.dumps(message)}
    cloudwatch_logs._put_log_events({"logGroupName": group, "logStreamName": stream, "logEvents": [event]})


def _configured(handle: Callable[[Members], Response]) -> Callable[[Members], Response]:
    def configure(request: Members) -> Response:
        try:
            require_valid(request.get("loggingConfiguration") or LOGGING_OFF)
        except RefusedError as refusal:
            return refusal.response()
        response = handle(request)
        if response[0] == HTTPStatus.OK and "tracingConfiguration" in request:
            _keep_tracing(_arn(request, response), request["tracingConfiguration"])
        return response

    return configure


def require_valid(settings: Members) -> None:
    destinations: list[Members] = settings.get("destinations") or []
    arns: list[str] = [one.get("cloudWatchLogsLogGroup", {}).get("logGroupArn", "") for one in destinations]
    if settings.get("level", "OFF") != "OFF" and len(arns) != 1:
        raise RefusedError("InvalidLoggingConfiguration", "A level other than OFF needs exactly one log destination.")
    for arn in arns:
        if not arn.endswith(LOG_GROUP_END):
            raise RefusedError("InvalidLoggingConfiguration", f"The log group ARN must end with ':*': {arn}")


def _arn(request: Members, response: Response) -> str:
    return request.get("stateMachineArn") or json.loads(response[2])["stateMachineArn"]


def _keep_tracing(arn: str, settings: Members) -> None:
    sf._state_machines[arn]["tracingConfiguration"] = settings


def _created_from_template(create: Callable[..., Any]) -> Callable[..., Any]:
    def create_configured(logical_id: str, properties: Members, stack: str) -> Any:
        created = create(logical_id, with_api_names(properties), stack)
        _keep_tracing(created[0], tracing_of(properties))
        return created

    return create_configured


def _updated_from_template(update: Callable[..., Any]) -> Callable[..., Any]:
    def update_configured(arn: str, old: Members, new: Members, stack: str, logical_id: str | None = None) -> Any:
        updated = update(arn, with_api_names(old), with_api_names(new), stack, logical_id)
        _keep_tracing(updated[0], tracing_of(new))
        return updated

    return update_configured


def with_api_names(properties: Members) -> Members:
    """The template's properties with LoggingConfiguration as the API spells it."""
    if "LoggingConfiguration" not in properties:
        return properties
    settings = _api_spelling(properties["LoggingConfiguration"])
    settings["includeExecutionData"] = _is_true(settings.get("includeExecutionData", False))
    require_valid(settings)
    return {**properties, "LoggingConfiguration": LOGGING_OFF | settings}


def tracing_of(properties: Members) -> Members:
    return {"enabled": _is_true((properties.get("TracingConfiguration") or TRACING_OFF).get("Enabled", False))}


def _is_true(value: object) -> bool:
    return str(value).lower() == "true"


def _api_spelling(value: Any) -> Any:
    if isinstance(value, list):
        return [_api_spelling(item) for item in cast("list[Any]", value)]
    if isinstance(value, dict):
        members = cast("Members", value)
        return {f"{key[0].lower()}{key[1:]}": _api_spelling(item) for key, item in members.items()}
    return value
