"""SQS, SNS that delivers to it, EventBridge that takes everything, and Parameter Store."""

import hashlib
import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from tests.fakes.errors import AwsError

Answer = dict[str, Any]
ACCOUNT = "123456789012"
VISIBILITY_SECONDS = 30
_numbers = count(1)


@dataclass
class Message:
    """`hidden_until` is when it is seen again, in seconds of the monotonic clock."""

    body: str
    attributes: Mapping[str, Any]
    id: str = field(default_factory=lambda: f"message-{next(_numbers)}")
    receipt: str = ""
    hidden_until: float = 0
    received: int = 0
    sent: float = field(default_factory=time.time)

    @property
    def is_seen(self) -> bool:
        return self.hidden_until <= time.monotonic()


class Queues:
    """SQS's operations, by their names in AWS."""

    def __init__(self) -> None:
        self.messages: dict[str, list[Message]] = {}
        """By the queue's URL."""

    def CreateQueue(self, *, QueueName: str) -> Answer:
        url = f"https://sqs.us-east-1.amazonaws.com/{ACCOUNT}/{QueueName}"
        self.messages.setdefault(url, [])
        return {"QueueUrl": url}

    def DeleteQueue(self, *, QueueUrl: str) -> None:
        self._queue(QueueUrl)
        del self.messages[QueueUrl]

    def GetQueueAttributes(self, *, QueueUrl: str, AttributeNames: Iterable[str]) -> Answer:
        messages = self._queue(QueueUrl)
        seen = sum(message.is_seen for message in messages)
        known = {
            "QueueArn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:{QueueUrl.rpartition('/')[2]}",
            "ApproximateNumberOfMessages": str(seen),
            "ApproximateNumberOfMessagesNotVisible": str(len(messages) - seen),
        }
        return {"Attributes": {name: known[name] for name in AttributeNames}}

    def SendMessage(
        self,
        *,
        QueueUrl: str,
        MessageBody: str,
        MessageAttributes: Mapping[str, Any] | None = None,
    ) -> Answer:
        message = Message(MessageBody, MessageAttributes or {})
        self._queue(QueueUrl).append(message)
        return {"MessageId": message.id, "MD5OfMessageBody": _md5(MessageBody)}

    def ReceiveMessage(
        self,
        *,
        QueueUrl: str,
        MaxNumberOfMessages: int = 1,
        VisibilityTimeout: int = VISIBILITY_SECONDS,
        WaitTimeSeconds: int = 0,
        AttributeNames: Iterable[str] = (),
        MessageSystemAttributeNames: Iterable[str] = (),
        MessageAttributeNames: Iterable[str] = (),
    ) -> Answer:
        taken = [message for message in self._queue(QueueUrl) if message.is_seen][:MaxNumberOfMessages]
        for message in taken:
            message.receipt = f"receipt-{next(_numbers)}"
            message.hidden_until = time.monotonic() + VisibilityTimeout
            message.received += 1
        wanted = {*AttributeNames, *MessageSystemAttributeNames}
        shown = [_shown(message, wanted, bool([*MessageAttributeNames])) for message in taken]
        return {"Messages": shown} if shown else {}

    def DeleteMessage(self, *, QueueUrl: str, ReceiptHandle: str) -> None:
        self.messages[QueueUrl] = [each for each in self._queue(QueueUrl) if each.receipt != ReceiptHandle]

    def ChangeMessageVisibility(
        self,
        *,
        QueueUrl: str,
        ReceiptHandle: str,
        VisibilityTimeout: int,
    ) -> None:
        for message in self._queue(QueueUrl):
            if message.receipt == ReceiptHandle:
                message.hidden_until = time.monotonic() + VisibilityTimeout

    def _queue(self, url: str) -> list[Message]:
        if url not in self.messages:
            raise AwsError("AWS.SimpleQueueService.NonExistentQueue", "The specified queue does not exist.")
        return self.messages[url]


class Topics:
    """SNS's operations; subscribers are queues."""

    def __init__(self, queues: Queues) -> None:
        self._queues = queues
        self._subscribers: dict[str, list[str]] = {}

    def CreateTopic(self, *, Name: str) -> Answer:
        arn = f"arn:aws:sns:us-east-1:{ACCOUNT}:{Name}"
        self._subscribers.setdefault(arn, [])
        return {"TopicArn": arn}

    def DeleteTopic(self, *, TopicArn: str) -> None:
        self._subscribers.pop(TopicArn, None)

    def Subscribe(
        self,
        *,
        TopicArn: str,
        Protocol: str,
        Endpoint: str,
        Attributes: Mapping[str, str],
    ) -> Answer:
        if Protocol != "sqs" or Attributes:
            raise NotImplementedError(f"SNS: {Protocol} {Attributes}")
        url = f"https://sqs.us-east-1.amazonaws.com/{ACCOUNT}/{Endpoint.rpartition(':')[2]}"
        self._subscribers[TopicArn].append(url)
        return {"SubscriptionArn": f"{TopicArn}:{len(self._subscribers[TopicArn])}"}

    def Publish(
        self,
        *,
        TopicArn: str,
        Subject: str,
        Message: str,
        MessageAttributes: Mapping[str, Any],
    ) -> Answer:
        if TopicArn not in self._subscribers:
            raise AwsError("NotFound", "Topic does not exist", status=404)
        name = f"published-{next(_numbers)}"
        attributes = {
            key: {"Type": each["DataType"], "Value": each["StringValue"]} for key, each in MessageAttributes.items()
        }
        envelope = {"Type": "Notification", "MessageId": name, "TopicArn": TopicArn, "Subject": Subject}
        body = json.dumps({**envelope, "Message": Message, "MessageAttributes": attributes})
        for url in self._subscribers[TopicArn]:
            self._queues.SendMessage(QueueUrl=url, MessageBody=body)
        return {"MessageId": name}


class Events:
    """EventBridge's; nobody listens."""

    def PutEvents(self, *, Entries: list[Answer]) -> Answer:
        return {"FailedEntryCount": 0, "Entries": [{"EventId": f"event-{next(_numbers)}"} for _ in Entries]}


class Parameters:
    """Parameter Store's operations."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    def PutParameter(self, *, Name: str, Value: str, Type: str = "", Overwrite: bool = False) -> Answer:
        if Name in self._values and not Overwrite:
            raise AwsError("ParameterAlreadyExists", "The parameter already exists.")
        self._values[Name] = Value
        return {"Version": 1}

    def GetParameter(self, *, Name: str, WithDecryption: bool = False) -> Answer:
        if Name not in self._values:
            raise AwsError("ParameterNotFound", f"Parameter {Name} not found.")
        return {"Parameter": {"Name": Name, "Type": "String", "Value": self._values[Name], "Version": 1}}

    def DeleteParameter(self, *, Name: str) -> None:
        if self._values.pop(Name, None) is None:
            raise AwsError("ParameterNotFound", f"Parameter {Name} not found.")


def _shown(message: Message, wanted: set[str], with_attributes: bool) -> Answer:
    shown: Answer = {"MessageId": message.id, "ReceiptHandle": message.receipt, "Body": message.body}
    shown["MD5OfBody"] = _md5(message.body)
    system = {"ApproximateReceiveCount": str(message.received), "SentTimestamp": str(int(message.sent * 1000))}
    if wanted:
        shown["Attributes"] = system if "All" in wanted else {name: system[name] for name in wanted}
    if with_attributes and message.attributes:
        shown["MessageAttributes"] = dict(message.attributes)
    return shown


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
