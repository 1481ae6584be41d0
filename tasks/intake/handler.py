"""intake: starts executions for the messages of the request queue, as fast as Step Functions takes them.

What is not understood goes to the dead-letter queue at once, with the reason. What could not be started goes back into
the queue; names of executions follow from those of messages, so that a message that comes again starts nothing twice.
"""

from typing import Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from tasks.intake.messages import BadMessageError, Message
from tasks.shared import clients
from tasks.shared.executions import BusyError, Executions
from tasks.shared.observe import count, counting, logger
from tasks.shared.settings import from_environment


class Settings(msgspec.Struct, frozen=True):
    state_machine_arn: str
    dead_letters_url: str


class Attributes(msgspec.Struct, frozen=True, rename="pascal"):
    sender_id: str = "unknown"


class Record(msgspec.Struct, frozen=True, rename="camel"):
    """A message as Lambda hands it over."""

    message_id: str
    body: str
    attributes: Attributes

    @property
    def message(self) -> Message:
        return Message(f"sqs-{self.message_id}", f"sqs:{self.attributes.sender_id}", self.body).opened()


class Event(msgspec.Struct, frozen=True, rename="pascal"):
    records: list[Record]


settings = from_environment(Settings)
executions = Executions(clients.stepfunctions(), settings.state_machine_arn)


@counting()
def handle(event: Any, _context: Any) -> dict[str, Any]:
    """The messages that are to come again; Lambda deletes all others."""
    records = msgspec.convert(event, Event).records
    return {"batchItemFailures": [{"itemIdentifier": each.message_id} for each in not_taken(records)]}


def not_taken(records: list[Record]) -> list[Record]:
    """Those that could not be started. None is tried after Step Functions asked to slow down."""
    failed: list[Record] = []
    for position, record in enumerate(records):
        try:
            take(record)
        except BusyError as exc:
            logger.warning("slowing down", extra={"reason": str(exc), "messages": len(records) - position})
            return [*failed, *records[position:]]
        except (ClientError, BotoCoreError):
            logger.exception("failed", extra={"message_id": record.message_id})
            failed.append(record)
    return failed


def take(record: Record) -> None:
    """Start all that a message asks for, or set it aside where it is not understood."""
    message = record.message
    try:
        requests = message.requests()
    except BadMessageError as exc:
        set_aside(record, str(exc))
        return
    started = [executions.start(f"{message.id}-{number}", wanted) for number, wanted in enumerate(requests, start=1)]
    count("ExecutionsRequested", sum(started))
    logger.info("taken", extra={"message_id": record.message_id, "asked": len(started), "started": sum(started)})


def set_aside(record: Record, reason: str) -> None:
    logger.error("set aside", extra={"message_id": record.message_id, "reason": reason})
    clients.sqs().send_message(
        QueueUrl=settings.dead_letters_url,
        MessageBody=record.body,
        MessageAttributes={"reason": {"DataType": "String", "StringValue": reason}},
    )
