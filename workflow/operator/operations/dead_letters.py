"""Dead letters of every queue: looked at, sent again to where each was meant to go, or discarded.

A message is deleted only after it was taken, or kept in the operations bucket; what dies in between does it again.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import cached_property, partial
from itertools import islice
from types import MappingProxyType
from typing import Any, cast

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from tasks.shared.nesting import decode_json
from tasks.shared.records.model import Discarded, plain
from workflow.errors import InputError
from workflow.events import OBJECT_CREATED, RESTORE_COMPLETED, STATUS_CHANGE, upload_input
from workflow.operator.client import Sluice
from workflow.operator.operations.stream_letters import hand_over
from workflow.operator.operations.sweep import SweepFailedError, sweep
from workflow.operator.patience import PROBLEMS, patiently
from workflow.operator.stack import NotThereError

HIDDEN_SECONDS = 300
"""How long nobody else sees a message that we have received."""
PATIENCE_SECONDS = 1
"""A look without patience asks only some of the queue's servers."""
AT_ONCE = 10
"""SQS's maximum."""
FUNCTIONS = {STATUS_CHANGE: "record_failure", RESTORE_COMPLETED: "continue_restored"}
"""The function that an event was meant for."""
REDRIVES: Mapping[str, str] = MappingProxyType(
    {
        "events": "starts an execution for each upload",
        "failures": "has each failure recorded",
        "restores": "goes on with each restored original",
        "sweeps": "sweeps now, which does what was not done",
        "requests": "puts each back into the request queue",
        "webhook": "puts each back into the webhook's queue",
        "audit": "reads the changes from the table's stream again, and keeps them in the trail",
        "telemetry": "reads the records from the data stream again, and puts them into the ingest bucket",
    }
)
"""What sending a queue's messages again does."""
STREAMS = frozenset({"audit", "telemetry"})
"""Queues whose messages say where something is in a stream; the functions that read these have their names."""
ALARMS: Mapping[str, str] = MappingProxyType(
    {
        **{name: f"dead-letters-{name}" for name in ("events", "failures", "restores", "sweeps", "requests")},
        "audit": "dead-letters-audit-trail",
        "telemetry": "dead-letters-telemetry-stream-reader",
        "webhook": "dead-letters-webhook-delivery",
    }
)
"""By queue; each is a heading of the runbook, too."""
GAVE_UP = {"error": ("ERROR_CODE", "ErrorCode"), "message": ("ERROR_MESSAGE", "ErrorMessage", "reason")}
"""The attributes in which a rule, Lambda and our own functions say why."""
OF_GIVING_UP = frozenset(
    {"RULE_ARN", "TARGET_ARN", "RequestID", "EXHAUSTED_RETRY_CONDITION", "RETRY_ATTEMPTS"}.union(*GAVE_UP.values())
)
"""All attributes that are not the sender's."""


@dataclass(frozen=True, kw_only=True)
class Queue:
    """A dead-letter queue with about how many messages, or the `problem` why nobody can tell.

    `redrive` says what sending them again does, or where it is said how a person does it.
    """

    name: str
    url: str
    messages: int | None
    redrive: str
    problem: str | None = None


@dataclass(frozen=True, kw_only=True)
class Letter:
    """A message of a queue: what it is about, and why it was given up.

    Then what was done with it: `sent_to`, `kept_as` of one that was discarded, or `kept`, why it stayed.
    """

    queue: str
    message_id: str
    sent_at: str | None
    event: str | None
    about: str | None
    gave_up: dict[str, str]
    body: str
    sent_to: str | None = None
    kept: str | None = None
    kept_as: str | None = None

    def facts(self) -> dict[str, Any]:
        done = {"sent_to", "kept", "kept_as"}
        return {name: value for name, value in asdict(self).items() if value is not None or name not in done}


def queues(sluice: Sluice) -> list[Queue]:
    """All that the stage has; one that is gone keeps no other from being told."""
    return [_queue(sluice, name, url) for name, url in sluice.stack.dead_letters.items()]


def runbook(queue: str) -> str:
    """Where it is said what a person does about a queue's messages."""
    return f"docs/runbook.md#{ALARMS[queue]}" if queue in ALARMS else "docs/runbook.md"


def _queue(sluice: Sluice, name: str, url: str) -> Queue:
    redrive = REDRIVES.get(name) or f"see {runbook(name)}"
    attribute = "ApproximateNumberOfMessages"
    try:
        found = sluice.aws.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[attribute])["Attributes"]
    except (ClientError, BotoCoreError) as exc:
        return Queue(name=name, url=url, messages=None, redrive=redrive, problem=str(exc))
    return Queue(name=name, url=url, messages=int(found[attribute]), redrive=redrive)


def look(sluice: Sluice, queue: str, *, limit: int = AT_ONCE) -> list[Letter]:
    """Some messages of a queue as they are, each with what it is about and why it was given up; all stay."""
    return list(islice(_through(sluice, queue, partial(_told, queue), keep=True), limit))


def redrive_dead_letters(
    sluice: Sluice,
    queue: str | None = None,
    *,
    by: str,
    ids: Collection[str] | None = None,
    on_progress: Callable[[], None] = lambda: None,
) -> list[Letter]:
    """Send every message of a queue, or of all, again; what became of each. `kept` says why one stayed in its queue.

    `ids` are those of the only messages that are meant.
    """
    found: list[Letter] = []
    for name in [queue] if queue else sluice.stack.dead_letters:
        sender = _Sender(sluice, name, by)
        for sent in _through(sluice, name, _only(ids, sender.send)):
            found.append(sent)
            on_progress()
    return found


def discard_dead_letters(
    sluice: Sluice,
    queue: str,
    *,
    by: str,
    why: str,
    ids: Collection[str] | None = None,
    on_progress: Callable[[], None] = lambda: None,
) -> list[Letter]:
    """Take messages out of a queue without doing what they ask for.

    `kept_as` is where each has a copy, `kept` why one stayed.
    """
    found: list[Letter] = []

    def discard(message: Any) -> Letter:
        told = _told(queue, message)
        try:
            copy = patiently(partial(_put_away, sluice, told, Discarded(by=by, why=why, at=_now())))
        except PROBLEMS as exc:
            return replace(told, kept=f"It could not be copied: {exc}")
        return replace(told, kept_as=copy)

    for gone in _through(sluice, queue, _only(ids, discard)):
        found.append(gone)
        on_progress()
    return found


def _put_away(sluice: Sluice, letter: Letter, discarded: Discarded) -> str:
    key = f"dead-letters/{letter.queue}/{letter.message_id}.json"
    told = json.dumps({**letter.facts(), "discarded": plain(discarded)}).encode()
    sluice.aws.s3.put_object(Bucket=sluice.buckets.operations, Key=key, Body=told, ContentType="application/json")
    return f"s3://{sluice.buckets.operations}/{key}"


def _now() -> str:
    return datetime.now(UTC).isoformat()


# reading a queue


def _only(ids: Collection[str] | None, work: Callable[[Any], Letter]) -> Callable[[Any], Letter | None]:
    return lambda message: work(message) if ids is None or message["MessageId"] in ids else None


def _through(
    sluice: Sluice, queue: str, work: Callable[[Any], Letter | None], *, keep: bool = False
) -> Iterator[Letter]:
    """What `work` tells of each message, which is deleted unless it has `kept`; None is for those that are not meant.

    What stays is hidden until the queue is through, and then given back.
    """
    sqs, url = sluice.aws.sqs, _url(sluice, queue)
    kept: dict[str, str] = {}
    try:
        while fresh := _receive(sluice, url, kept):
            kept |= {each["MessageId"]: each["ReceiptHandle"] for each in fresh}
            for message in fresh:
                told = work(message)
                if told is not None and told.kept is None and not keep:
                    told = _deleted(sluice, url, told, kept[message["MessageId"]])
                    if told.kept is None:
                        del kept[message["MessageId"]]
                if told is not None:
                    yield told
    finally:
        for handle in kept.values():
            with suppress(*PROBLEMS):  # it is seen again after a while, as after a crash
                sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=handle, VisibilityTimeout=0)


def _deleted(sluice: Sluice, url: str, told: Letter, handle: str) -> Letter:
    try:
        patiently(partial(sluice.aws.sqs.delete_message, QueueUrl=url, ReceiptHandle=handle))
    except PROBLEMS as exc:
        return replace(told, kept=f"It is done, but could not be deleted: {exc}")
    return told


def _url(sluice: Sluice, queue: str) -> str:
    known = sluice.stack.dead_letters
    if queue not in known:
        raise NotThereError(f"There are no dead letters of {queue!r}; this stage has those of {', '.join(known)}.")
    return known[queue]


def _receive(sluice: Sluice, url: str, known: Collection[str]) -> list[Any]:
    """Those that come for the first time; a queue that takes long to go through may show some again."""
    receive = partial(
        sluice.aws.sqs.receive_message,
        QueueUrl=url,
        MaxNumberOfMessages=AT_ONCE,
        WaitTimeSeconds=PATIENCE_SECONDS,
        VisibilityTimeout=HIDDEN_SECONDS,
        MessageAttributeNames=["All"],
        AttributeNames=["SentTimestamp"],
    )
    answer: Any = patiently(receive)
    messages: list[Any] = answer.get("Messages", [])
    return [each for each in messages if each["MessageId"] not in known]


def _told(queue: str, message: Any) -> Letter:
    """What a message is about, and why it was given up."""
    try:
        event = _event(message)
    except msgspec.DecodeError:
        event = {}
    return Letter(
        queue=queue,
        message_id=message["MessageId"],
        sent_at=_sent_at(message),
        event=event.get("detail-type"),
        about=_about(event),
        gave_up=_given_up(message),
        body=message["Body"],
    )


def _sent_at(message: Any) -> str | None:
    sent_ms = message.get("Attributes", {}).get("SentTimestamp")
    return datetime.fromtimestamp(int(sent_ms) / 1000, UTC).isoformat() if sent_ms else None


def _event(message: Any) -> dict[str, Any]:
    return decode_json(message["Body"], dict[str, Any])


def _about(event: Mapping[str, Any]) -> str | None:
    """The execution, the object or the asset; or the place in a stream."""
    if batch := _part(event, "DDBStreamBatchInfo") or _part(event, "KinesisBatchInfo"):
        return f"{batch.get('batchSize')} records from {batch.get('startSequenceNumber')} of {batch.get('shardId')}"
    detail = _part(event, "detail") or event
    return detail.get("name") or (_part(detail, "object") or detail).get("key") or detail.get("subject")


def _part(event: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Contents under a name, where that is an object: a message may be anything."""
    found: Any = event.get(name)
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}


def _given_up(message: Any) -> dict[str, str]:
    attributes = message.get("MessageAttributes", {})
    found = {
        what: next((attributes[name].get("StringValue") for name in names if name in attributes), None)
        for what, names in GAVE_UP.items()
    }
    return {what: text for what, text in found.items() if text}


# sending again


class _Sender:
    """Sends the messages of one queue to where they were meant to go."""

    def __init__(self, sluice: Sluice, queue: str, by: str) -> None:
        self._sluice = sluice
        self._queue = queue
        self._by = by
        self._sent = set[str]()

    def send(self, message: Any) -> Letter:
        """What was done with it; `kept` where it could not be."""
        told = _told(self._queue, message)
        try:
            return replace(told, sent_to=self._send(message))
        except msgspec.DecodeError as exc:
            return replace(told, kept=f"It cannot be read: {exc}")
        except (InputError, SweepFailedError) as exc:
            return replace(told, kept=str(exc))
        except (ClientError, BotoCoreError) as exc:
            return replace(told, kept=f"AWS did not take it: {exc}")

    def _send(self, message: Any) -> str:
        if self._queue in self._sluice.stack.sources:
            return self._back(message)
        if self._queue == "sweeps":
            return self._swept
        if self._queue in STREAMS:
            self._once(message)
            return hand_over(self._sluice, self._queue, _event(message))
        return self._by_rule(_event(message), message["Body"])

    def _by_rule(self, event: dict[str, Any], body: str) -> str:
        """To where its rule sent it: a new execution, or a function's queue."""
        kind = event.get("detail-type")
        if kind == OBJECT_CREATED:
            return self._sluice.start(msgspec.structs.replace(upload_input(event), by=self._by))
        if kind in FUNCTIONS:
            return self._invoke(FUNCTIONS[kind], body)
        raise InputError("It is not an event that Sluice handles.")

    def _invoke(self, function: str, event: str) -> str:
        """As the rule does: Lambda queues the event, tries it three times, and returns it here if none succeeds."""
        name = self._sluice.function_name(function)
        self._sluice.aws.lambda_.invoke(FunctionName=name, InvocationType="Event", Payload=event.encode())
        return name

    @cached_property
    def _swept(self) -> str:
        """One sweep does what all of them ask for."""
        return sweep(self._sluice).reports[-1]

    def _back(self, message: Any) -> str:
        """Into the queue that gave it up, with what its sender said beside it."""
        self._once(message)
        url = self._sluice.stack.sources[self._queue]
        attributes = message.get("MessageAttributes", {}).items()
        own = {name: value for name, value in attributes if name not in OF_GIVING_UP}
        self._sluice.aws.sqs.send_message(QueueUrl=url, MessageBody=message["Body"], MessageAttributes=own)
        return url.rpartition("/")[2]

    def _once(self, message: Any) -> None:
        """What is given up again at once would come round for ever."""
        digest = hashlib.sha256(message["Body"].encode()).hexdigest()
        if digest in self._sent:
            raise InputError("It was sent, and came back at once: its sender has to correct it.")
        self._sent.add(digest)
