"""webhook: posts each outcome to the stage's receiver, signed; what is not taken comes again, later and later.

A message has the id of its outcome, however often it is sent: a crash after the receiver's answer sends it once more.
"""

import random
import time
from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from tasks.shared import clients
from tasks.shared.observe import count, counting, logger
from tasks.shared.settings import from_environment
from tasks.webhook.keys import SigningKeys
from tasks.webhook.post import TIMEOUT_SECONDS, NotTakenError, post
from tasks.webhook.signature import signed_headers

LAST_POST_MS = 4 * TIMEOUT_SECONDS * 1000
"""What one request may take; with less time left, none is begun."""
FIRST_DELAY_SECONDS, MAX_DELAY_SECONDS = 5, 900
CONTENT = {"content-type": "application/cloudevents+json; charset=utf-8", "user-agent": "sluice"}


class Settings(msgspec.Struct, frozen=True):
    webhook_url: str
    webhook_secret_arn: str
    webhook_queue_url: str


class Attributes(msgspec.Struct, frozen=True, rename="pascal"):
    approximate_receive_count: int


class Record(msgspec.Struct, frozen=True, rename="camel"):
    """A message as Lambda hands it over: its body is EventBridge's event."""

    message_id: str
    receipt_handle: str
    body: str
    attributes: Attributes


class Event(msgspec.Struct, frozen=True, rename="pascal"):
    records: list[Record]


class OutcomeEvent(msgspec.Struct, frozen=True):
    """EventBridge's; `detail` is the CloudEvents message, which is sent on as it is."""

    detail: msgspec.Raw


class Outcome(msgspec.Struct, frozen=True):
    id: str


settings = from_environment(Settings)
keys = SigningKeys(clients.secretsmanager(), settings.webhook_secret_arn, time.monotonic)


@counting()
def handle(event: Any, context: Any) -> dict[str, Any]:
    """The messages that are to come again; Lambda deletes all others."""
    records = msgspec.convert(event, Event, strict=False).records
    failed = [record for record in records if not delivered(record, context.get_remaining_time_in_millis())]
    for record in failed:
        postpone(record)
    return {"batchItemFailures": [{"itemIdentifier": each.message_id} for each in failed]}


def delivered(record: Record, left_ms: int) -> bool:
    """Whether the receiver has taken it; what there is no time for was not asked."""
    if left_ms < LAST_POST_MS:
        return False
    try:
        send(msgspec.json.decode(record.body, type=OutcomeEvent).detail)
    except (NotTakenError, msgspec.DecodeError) as exc:
        receives = record.attributes.approximate_receive_count
        logger.warning("not taken", extra={"reason": str(exc), "message_id": record.message_id, "receives": receives})
        count("WebhooksNotTaken")
        return False
    count("WebhooksTaken")
    return True


def send(outcome: msgspec.Raw) -> None:
    body = bytes(outcome)
    outcome_id = msgspec.json.decode(body, type=Outcome).id
    post(settings.webhook_url, CONTENT | signed_headers(keys.now(), outcome_id, int(time.time()), body), body)
    logger.info("taken", extra={"outcome": outcome_id})


def postpone(record: Record) -> None:
    """Without this, the message comes again when the queue's own time is over."""
    seconds = delay_seconds(record.attributes.approximate_receive_count)
    try:
        clients.sqs().change_message_visibility(
            QueueUrl=settings.webhook_queue_url, ReceiptHandle=record.receipt_handle, VisibilityTimeout=seconds
        )
    except (ClientError, BotoCoreError):
        logger.exception("not postponed", extra={"message_id": record.message_id})


def delay_seconds(receives: int) -> int:
    """Twice as long each time, up to a quarter of an hour; somewhat less, so that not all come at once."""
    longest = min(FIRST_DELAY_SECONDS * 2 ** (receives - 1), MAX_DELAY_SECONDS)
    return round(longest * random.uniform(0.5, 1))  # noqa: S311 - nobody gains by guessing it
