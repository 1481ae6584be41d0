"""What a message in the request queue asks for: requests of ours, or S3's notifications, bare or in SNS's envelope."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import unquote_plus

import msgspec

from tasks.shared.nesting import decode_json
from workflow.shapes import UPLOAD, ExecutionInput

MAX_REQUESTS = 100
"""In one message: what one call of the function can start in its time."""
OBJECT_CREATED = "ObjectCreated:"
TEST_EVENT = "s3:TestEvent"


class BadMessageError(Exception):
    """A message that no further attempt makes better; says what is wrong with it."""


class ObjectRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request of ours; `key` is raw, not URL-encoded."""

    bucket: str
    key: str
    version_id: str | None = None
    force: bool = False
    why: str | None = None


class Batch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    requests: Annotated[list[ObjectRequest], msgspec.Meta(min_length=1, max_length=MAX_REQUESTS)]


class S3Bucket(msgspec.Struct, frozen=True):
    name: str


class S3Object(msgspec.Struct, frozen=True, rename="camel"):
    """`key` is URL-encoded here, unlike in EventBridge's events."""

    key: str
    size: int | None = None
    e_tag: str | None = None
    version_id: str | None = None
    sequencer: str | None = None


class S3Entity(msgspec.Struct, frozen=True):
    bucket: S3Bucket
    object: S3Object


class S3Record(msgspec.Struct, frozen=True, rename="camel"):
    event_name: str
    s3: S3Entity


class S3Notification(msgspec.Struct, frozen=True, rename="pascal"):
    records: list[S3Record]


class Envelope(msgspec.Struct, frozen=True, rename="pascal"):
    """SNS's, where the subscription does not deliver raw messages."""

    message_id: str
    topic_arn: str
    message: str


@dataclass(frozen=True)
class Message:
    """A message's text, and who sent it under which id: where SNS delivers a message twice, both have the same one."""

    id: str
    sender: str
    text: str

    def requests(self) -> list[ExecutionInput]:
        """What is to be started; nothing where the message asks for nothing. Raises BadMessageError."""
        try:
            return list(self._requests())
        except msgspec.DecodeError as exc:
            raise BadMessageError(f"The message is not understood: {exc}.") from exc

    def opened(self) -> "Message":
        """The message in SNS's envelope, or this one where there is none."""
        try:
            envelope = decode_json(self.text, Envelope)
        except msgspec.DecodeError:
            return self
        return Message(f"sns-{envelope.message_id}", f"sns:{envelope.topic_arn}", envelope.message)

    def _requests(self) -> Iterator[ExecutionInput]:
        fields = decode_json(self.text, dict[str, Any])
        if fields.get("Event") == TEST_EVENT:
            return
        if "Records" in fields:
            yield from self._uploads(msgspec.convert(fields, S3Notification))
        elif "requests" in fields:
            yield from map(self._by_hand, msgspec.convert(fields, Batch).requests)
        else:
            yield self._by_hand(msgspec.convert(fields, ObjectRequest))

    def _by_hand(self, wanted: ObjectRequest) -> ExecutionInput:
        return ExecutionInput(**msgspec.structs.asdict(wanted), by=self.sender)

    def _uploads(self, notification: S3Notification) -> Iterator[ExecutionInput]:
        for record in notification.records:
            if record.event_name.removeprefix("s3:").startswith(OBJECT_CREATED):
                found = record.s3.object
                yield ExecutionInput(
                    bucket=record.s3.bucket.name,
                    key=unquote_plus(found.key),
                    version_id=found.version_id,
                    size=found.size,
                    etag=found.e_tag,
                    sequencer=found.sequencer,
                    event_id=self.id,
                    trigger=UPLOAD,
                    by=self.sender,
                )
