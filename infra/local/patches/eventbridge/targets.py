"""Rule targets honour RetryPolicy and DeadLetterConfig.

Defect: an event that a state machine or function does not take is only logged. AWS retries it with growing delays, 185
times within a day unless the target says otherwise, and then sends it to the target's dead-letter queue; what cannot
succeed goes there at once: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html
The delays are shorter here than AWS's.
"""

import contextvars
import json
import time
from dataclasses import asdict, dataclass, replace
from http import HTTPStatus
from typing import Any

from infra.local.durable import pending
from infra.local.ministack import eventbridge, lambda_svc, stepfunctions
from infra.local.patches import queues

DEFAULT_RETRIES = 185
DEFAULT_AGE_SECONDS = 86_400
FIRST_DELAY_SECONDS = 0.5
MAX_DELAY_SECONDS = 30.0
NO_RESOURCE = "NO_RESOURCE"
# Step Functions' errors, and what EventBridge calls them in a dead-letter message; all others are ERROR_FROM_TARGET.
ERROR_CODES = {
    "StateMachineDoesNotExist": NO_RESOURCE,
    "StateMachineDeleting": NO_RESOURCE,
    "ResourceNotFound": NO_RESOURCE,
    "AccessDeniedException": "NO_PERMISSIONS",
    "InvalidExecutionInput": "INVALID_JSON",
    "ExecutionLimitExceeded": "RESOURCE_LIMIT_EXCEEDED",
    "ThrottlingException": "THROTTLING",
}
NOT_RETRIED = {NO_RESOURCE, "NO_PERMISSIONS", "INVALID_JSON"}
PENDING = "delivery"


class DeliveryError(Exception):
    """The target did not take the event; `code` is EventBridge's error code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Delivery:
    """One event on its way to one target of one rule, which got `payload` and refused it at first."""

    target: dict[str, Any]
    rule_arn: str
    event: str
    payload: str = ""
    code: str = ""
    message: str = ""
    since: float = 0.0
    """Seconds of the epoch, as deliveries outlive the process."""

    @property
    def retries(self) -> int:
        return self.target.get("RetryPolicy", {}).get("MaximumRetryAttempts", DEFAULT_RETRIES)

    @property
    def age_seconds(self) -> int:
        return self.target.get("RetryPolicy", {}).get("MaximumEventAgeInSeconds", DEFAULT_AGE_SECONDS)

    @property
    def dead_letter_queue(self) -> str | None:
        return self.target.get("DeadLetterConfig", {}).get("Arn")


_current: contextvars.ContextVar[Delivery] = contextvars.ContextVar("delivery")
_stock_invoke_target = eventbridge._invoke_target


def install() -> None:
    eventbridge._invoke_target = invoke_target
    eventbridge._dispatch_to_stepfunctions = deliver
    eventbridge._dispatch_to_lambda = deliver
    pending.how_to_do(PENDING, retry_delivery)


def invoke_target(target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: Any = None) -> None:
    view = view or eventbridge._pattern_event_view(event)
    token = _current.set(Delivery(target, rule["Arn"], json.dumps(view.event_with_detail())))
    try:
        _stock_invoke_target(target, event, rule, view)
    finally:
        _current.reset(token)


def deliver(arn: str, payload: str) -> None:
    """Hands an event over to the target at an ARN: once in this thread, and if need be again and again in another."""
    try:
        hand_over(arn, payload)
    except DeliveryError as exc:
        told = {"payload": payload, "code": exc.code, "message": str(exc), "since": time.time()}
        pending.do_later(PENDING, asdict(replace(_current.get(), **told)))


def hand_over(arn: str, payload: str) -> None:
    give = start_execution if arn.split(":")[2] == "states" else invoke_function
    give(arn, payload)


def retry_delivery(refused: dict[str, Any]) -> None:
    delivery = Delivery(**refused)
    error = DeliveryError(delivery.code, delivery.message)
    for retry in range(delivery.retries):
        delay = min(FIRST_DELAY_SECONDS * 2**retry, MAX_DELAY_SECONDS)
        if error.code in NOT_RETRIED or time.time() + delay - delivery.since > delivery.age_seconds:
            break
        time.sleep(delay)
        try:
            return hand_over(delivery.target["Arn"], delivery.payload)
        except DeliveryError as exc:
            error = exc
    return bury(delivery, error)


def start_execution(arn: str, payload: str) -> None:
    status, _headers, body = stepfunctions._start_execution({"stateMachineArn": arn, "input": payload})
    if status >= HTTPStatus.BAD_REQUEST:
        refusal = json.loads(body)
        name = refusal.get("__type", "").rpartition("#")[2]
        raise DeliveryError(ERROR_CODES.get(name, "ERROR_FROM_TARGET"), refusal.get("message", name))


def invoke_function(arn: str, payload: str) -> None:
    """Lambda queues the event; what becomes of it then is Lambda's own business: retries, destination, queue."""
    function, config, name = lambda_svc._get_func_record_for_ref(arn)
    if not function or not config:
        raise DeliveryError(NO_RESOURCE, f"Function not found: {name}")
    record = lambda_svc._execution_record_for_config(function, config | {"FunctionArn": arn})
    lambda_svc.invoke_async_with_retry(record, json.loads(payload))


def bury(delivery: Delivery, error: DeliveryError) -> None:
    queue = delivery.dead_letter_queue
    if queue is None:
        eventbridge.logger.error("An event was lost: %s refused it: %s", delivery.target["Arn"], error)
        return
    attributes = {
        "RULE_ARN": delivery.rule_arn,
        "TARGET_ARN": delivery.target["Arn"],
        "ERROR_CODE": error.code,
        "ERROR_MESSAGE": str(error),
    }
    queues.send(queue, delivery.event, attributes)
