"""Puts a message into one of the emulator's queues, from inside it."""

from infra.local.ministack import sqs


def send(queue_arn: str, body: str, attributes: dict[str, str]) -> None:
    """`attributes` become String message attributes."""
    message = {
        "MessageBody": body,
        "MessageAttributes": {name: {"DataType": "String", "StringValue": text} for name, text in attributes.items()},
    }
    sqs._act_send_message(message, queue_arn.rpartition(":")[2])
