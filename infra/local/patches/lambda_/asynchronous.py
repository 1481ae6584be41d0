"""Asynchronous invocations wait out a throttle, and report success as well as failure.

Defect: a throttled attempt counts as one of three, so that a busy second loses the event; an OnSuccess destination gets
nothing; a dead-letter queue gets a destination's record, and nothing at all beside an OnFailure destination.
AWS: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
The delays are shorter here than AWS's.
"""

import json
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from infra.local.durable import pending
from infra.local.ministack import eventbridge, lambda_svc
from infra.local.patches import queues

Function = dict[str, Any]
Settings = dict[str, Any]

DEFAULT_RETRIES = 2
DEFAULT_AGE_SECONDS = 21_600
FIRST_DELAY_SECONDS = 1.0
THROTTLED_DELAY_SECONDS = 0.5
RETRIES_EXHAUSTED = "RetriesExhausted"
EVENT_AGE_EXCEEDED = "EventAgeExceeded"
SUCCESS = "Success"
PENDING = "invocation"


@dataclass(frozen=True)
class Policy:
    """A function's EventInvokeConfig and dead-letter queue."""

    retries: int
    age_seconds: int
    destinations: dict[str, str]
    dead_letter_target: str | None


@dataclass(frozen=True)
class Outcome:
    """How the last attempt ended, and why there is no other."""

    condition: str
    attempts: int
    payload: Any


def install() -> None:
    lambda_svc.invoke_async_with_retry = invoke_async
    pending.how_to_do(PENDING, invoke_queued)


def invoke_async(function: Function, event: Any) -> None:
    pending.do_later(PENDING, {"function": function["config"]["FunctionArn"], "event": event})


def invoke_queued(queued: dict[str, Any]) -> None:
    arn: str = queued["function"]
    function, config, name = lambda_svc._get_func_record_for_ref(arn)
    if not function or not config:
        lambda_svc.logger.error("An event was lost: there is no function %s any more", name)
        return
    invoked = lambda_svc._execution_record_for_config(function, config | {"FunctionArn": arn})
    lambda_svc._run_with_function_config_scope(invoked, invoke_and_report, invoked, queued["event"])


def invoke_and_report(function: Function, event: Any) -> None:
    policy = policy_of(function["config"])
    outcome = invoke_until_settled(function, event, policy)
    destination = policy.destinations.get("OnSuccess" if outcome.condition == SUCCESS else "OnFailure")
    if destination:
        send(destination, json.dumps(invocation_record(function["config"], event, outcome)), {})
    if policy.dead_letter_target and outcome.condition != SUCCESS:
        send(policy.dead_letter_target, json.dumps(event), error_attributes(outcome))


def policy_of(config: dict[str, Any]) -> Policy:
    settings = event_invoke_settings(config)
    destinations: dict[str, dict[str, str]] = settings.get("DestinationConfig") or {}
    dead_letters: dict[str, str] = config.get("DeadLetterConfig") or {}
    return Policy(
        retries=settings.get("MaximumRetryAttempts", DEFAULT_RETRIES),
        age_seconds=settings.get("MaximumEventAgeInSeconds", DEFAULT_AGE_SECONDS),
        destinations={name: place["Destination"] for name, place in destinations.items() if "Destination" in place},
        dead_letter_target=dead_letters.get("TargetArn"),
    )


def event_invoke_settings(config: Settings) -> Settings:
    """Those of the version or alias that was invoked; with neither, of $LATEST, which has two names here."""
    function = lambda_svc._functions[config["FunctionName"]]
    qualifiers = config["FunctionArn"].split(":")[7:] or ["$LATEST", None]
    found = (lambda_svc._event_invoke_config(function, qualifier) for qualifier in qualifiers)
    return next((settings for settings in found if settings), Settings())


def invoke_until_settled(function: Function, event: Any, policy: Policy) -> Outcome:
    started, failures = time.monotonic(), 0
    while True:
        result = lambda_svc._execute_function(function, event)
        if not result.get("error"):
            return Outcome(SUCCESS, failures + 1, result.get("body"))
        if result.get("throttle"):
            delay = THROTTLED_DELAY_SECONDS
        else:
            delay = FIRST_DELAY_SECONDS * 2**failures
            failures += 1
        if failures > policy.retries:
            return Outcome(RETRIES_EXHAUSTED, failures, result.get("body"))
        if time.monotonic() + delay - started > policy.age_seconds:
            return Outcome(EVENT_AGE_EXCEEDED, failures, result.get("body"))
        time.sleep(delay)


def send(target: str, body: str, attributes: dict[str, str]) -> None:
    service = target.split(":")[2]
    if service == "sqs":
        queues.send(target, body, attributes)
    elif service == "sns":
        eventbridge._dispatch_to_sns(target, body)
    elif service == "lambda":
        function, config, _name = lambda_svc._get_func_record_for_ref(target)
        invoke_async(lambda_svc._execution_record_for_config(function, config), json.loads(body))


def invocation_record(config: dict[str, Any], event: Any, outcome: Outcome) -> dict[str, Any]:
    """What a destination receives: lambda/latest/dg/invocation-async-retain-records.html"""
    failed = outcome.condition != SUCCESS
    version = config.get("Version", "$LATEST")
    return {
        "version": "1.0",
        "timestamp": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S.000Z}",
        "requestContext": {
            "requestId": str(uuid.uuid4()),
            "functionArn": config["FunctionArn"],
            "condition": outcome.condition,
            "approximateInvokeCount": outcome.attempts,
        },
        "requestPayload": event,
        "responseContext": {"statusCode": 200, "executedVersion": version}
        | ({"functionError": "Unhandled"} if failed else {}),
        "responsePayload": outcome.payload,
    }


def error_attributes(outcome: Outcome) -> dict[str, str]:
    message: str = outcome.payload.get("errorMessage") or "none"
    return {"RequestID": str(uuid.uuid4()), "ErrorCode": "200", "ErrorMessage": message[:1024]}
