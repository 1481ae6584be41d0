"""A function's environment writes all of its invocations to one log stream, the one that its context names.

Defect: every invocation gets a log stream of its own, whose name the function does not know.
AWS: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs.html
"""

import contextvars
import time
import uuid
from datetime import UTC, datetime
from typing import Any

from infra.local.ministack import cloudwatch_logs, lambda_svc

Function = dict[str, Any]
Stream = dict[str, Any]

current_stream: contextvars.ContextVar[str | None] = contextvars.ContextVar("current_stream", default=None)
"""The log stream of the environment that served the invocation in this context."""
listener: contextvars.ContextVar[list[str] | None] = contextvars.ContextVar("listener", default=None)
"""Takes what an invocation logs, as CloudWatch Logs has it; also from copies of the context."""

_stock_emit = lambda_svc._emit_lambda_logs


def install() -> None:
    lambda_svc._emit_lambda_logs = emit


def new_stream_name(version: str) -> str:
    return f"{datetime.now(UTC):%Y/%m/%d}/[{version}]{uuid.uuid4().hex}"


def group_name(config: dict[str, Any]) -> str:
    logging: dict[str, str] = config.get("LoggingConfig") or {}
    return logging.get("LogGroup") or f"/aws/lambda/{config['FunctionName']}"


def emit(
    function: Function, request_id: str, text: str, error: bool, duration_ms: int, *, log_source: str | None = None
) -> None:
    stream_name = current_stream.get()
    if stream_name is None:
        _stock_emit(function, request_id, text, error, duration_ms, log_source=log_source)
        return
    config = function.get("config") or function
    group, now_ms = group_name(config), int(time.time() * 1000)
    logged = lines(config, request_id, text, duration_ms)
    if (heard := listener.get()) is not None:
        heard += logged
    events = [{"timestamp": now_ms, "message": line} for line in logged]
    stored = [event | {"ingestionTime": now_ms} for event in events]
    cloudwatch_logs._append_log_events(log_stream(group, stream_name), stored)
    cloudwatch_logs._fanout_to_subscription_filters(group, stream_name, events)


def lines(config: dict[str, Any], request_id: str, text: str, duration_ms: int) -> list[str]:
    """What the function wrote, within the lines that Lambda itself adds."""
    report = f"Duration: {duration_ms} ms\tBilled Duration: {duration_ms} ms\tMemory Size: {config['MemorySize']} MB"
    return [
        f"START RequestId: {request_id} Version: {config.get('Version', '$LATEST')}",
        *text.splitlines(),
        f"END RequestId: {request_id}",
        f"REPORT RequestId: {request_id}\t{report}",
    ]


def log_stream(group: str, name: str) -> Stream:
    if group not in cloudwatch_logs._log_groups:
        cloudwatch_logs._create_log_group({"logGroupName": group})
    streams: dict[str, Stream] = cloudwatch_logs._log_groups[group]["streams"]
    if name not in streams:
        cloudwatch_logs._create_log_stream({"logGroupName": group, "logStreamName": name})
    return streams[name]
