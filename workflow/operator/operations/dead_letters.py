"""Sends again what a rule or a function gave up; a message is deleted only after it was taken."""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

import msgspec
from botocore.exceptions import ClientError

from tasks.shared.records import Item
from workflow.errors import InputError
from workflow.events import OBJECT_CREATED, RESTORE_COMPLETED, STATUS_CHANGE, upload_input
from workflow.operator.client import Sluice

HIDDEN_SECONDS = 300
"""How long nobody else sees a message that we have received."""
PATIENCE_SECONDS = 1
"""A look without patience asks only some of the queue's servers."""
AT_ONCE = 10
"""SQS's maximum."""
FUNCTIONS = {STATUS_CHANGE: "record_failure", RESTORE_COMPLETED: "continue_restored"}
"""The function that an event was meant for."""


def dead_letters(sluice: Sluice) -> dict[str, int]:
    """About how many messages each queue has."""
    name = "ApproximateNumberOfMessages"
    return {
        queue: int(sluice.aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name])
        for queue, url in asdict(sluice.stack.dead_letters).items()
    }


def redrive_dead_letters(sluice: Sluice, *, by: str, on_progress: Callable[[], None] = lambda: None) -> list[Item]:
    """Send every message of every queue again; what became of each. `kept` says why one stayed in its queue."""
    found: list[Item] = []
    for queue, url in asdict(sluice.stack.dead_letters).items():
        for sent in _drain(sluice, url, by):
            found.append({"queue": queue, **sent})
            on_progress()
    return found


def _drain(sluice: Sluice, url: str, by: str) -> Iterator[Item]:
    """What stays is hidden until the queue is through, and then given back."""
    kept: dict[str, str] = {}
    try:
        while messages := _receive(sluice, url):
            for message in messages:
                sent = _send_again(sluice, message["Body"], by)
                if "kept" in sent:
                    kept[message["MessageId"]] = message["ReceiptHandle"]
                else:
                    sluice.aws.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                yield {"message_id": message["MessageId"], **sent, **_given_up(message)}
    finally:
        for handle in kept.values():
            sluice.aws.sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)


def _receive(sluice: Sluice, url: str) -> list[Any]:
    answer = sluice.aws.sqs.receive_message(
        QueueUrl=url,
        MaxNumberOfMessages=AT_ONCE,
        WaitTimeSeconds=PATIENCE_SECONDS,
        VisibilityTimeout=HIDDEN_SECONDS,
        MessageAttributeNames=["All"],
    )
    return answer.get("Messages", [])


def _send_again(sluice: Sluice, body: str, by: str) -> Item:
    try:
        event = msgspec.json.decode(body, type=dict[str, Any])
    except msgspec.DecodeError as exc:
        return {"event": None, "about": None, "kept": f"It cannot be read: {exc}"}
    told: Item = {"event": event.get("detail-type"), "about": _about(event)}
    try:
        return told | {"sent_to": _send(sluice, event, body, by)}
    except InputError as exc:
        return told | {"kept": str(exc)}
    except ClientError as exc:
        return told | {"kept": f"AWS did not take it: {exc}"}


def _send(sluice: Sluice, event: dict[str, Any], body: str, by: str) -> str:
    """To where its rule sent it: a new execution, or a function's queue."""
    kind = event.get("detail-type")
    if kind == OBJECT_CREATED:
        return sluice.start(msgspec.structs.replace(upload_input(event), by=by))
    if kind in FUNCTIONS:
        return _invoke(sluice, FUNCTIONS[kind], body)
    raise InputError("It is no event that Sluice listens to.")


def _about(event: dict[str, Any]) -> str | None:
    detail = event.get("detail", {})
    return detail.get("name") or detail.get("object", {}).get("key")


def _invoke(sluice: Sluice, function: str, event: str) -> str:
    """As the rule does: Lambda queues the event, tries it three times, and returns it here if none succeeds."""
    name = sluice.function_name(function)
    sluice.aws.lambda_.invoke(FunctionName=name, InvocationType="Event", Payload=event.encode())
    return name


def _given_up(message: Any) -> Item:
    """Why the rule or Lambda gave it up: both say so in attributes of the same names."""
    attributes = message.get("MessageAttributes", {})
    told = {"error": "ERROR_CODE", "message": "ERROR_MESSAGE"}
    by_lambda = {"error": "ErrorCode", "message": "ErrorMessage"}
    found = {name: attributes.get(told[name], attributes.get(by_lambda[name], {})).get("StringValue") for name in told}
    return {"gave_up": {name: text for name, text in found.items() if text}}
