"""One change of a record, as the table's stream tells it, and the entry of the audit trail that it becomes."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
from boto3.dynamodb.types import TypeDeserializer

from tasks.shared.streams import sortable

RECORD = "record"
WORDS = {"INSERT": "created", "MODIFY": "changed", "REMOVE": "removed"}

Item = dict[str, Any]

_deserialize = TypeDeserializer().deserialize


class Images(msgspec.Struct, frozen=True, rename="pascal"):
    """The `dynamodb` member of an event; both images are in DynamoDB's own form."""

    keys: dict[str, dict[str, str]]
    sequence_number: str
    approximate_creation_date_time: float
    old_image: dict[str, Any] = {}
    new_image: dict[str, Any] = {}


class Identity(msgspec.Struct, frozen=True, rename="camel"):
    """Who removed an item that expired: DynamoDB itself."""

    principal_id: str


class Change(msgspec.Struct, frozen=True, rename="camel"):
    """A record of the stream."""

    event_name: str
    dynamodb: Images
    event_id: str = msgspec.field(name="eventID")
    user_identity: Identity | None = None

    @property
    def of_a_record(self) -> bool:
        """Not of a claim, a link or the newest version of a key, which say nothing that the records do not."""
        return self.dynamodb.keys["sk"]["S"] == RECORD

    @property
    def asset_id(self) -> str:
        return self.dynamodb.keys["pk"]["S"].partition("#")[2]

    @property
    def key(self) -> str:
        return f"changes/{self.asset_id}/{sortable(self.dynamodb.sequence_number)}.json"


class Decision(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who or what a change goes back to, as an attempt has it, or the note of a person who gave the original up."""

    by: str | None = None
    why: str | None = None
    trigger: str | None = None
    batch: str | None = None
    execution: str | None = None


class Decisions(msgspec.Struct, frozen=True):
    """The part of a record that tells it."""

    attempts: tuple[Decision, ...] = ()
    discarded: Decision = Decision()


def entry_of(change: Change) -> Item:
    """Who, what, when, and each attribute that changed as it was before and is after."""
    before, after = _plain(change.dynamodb.old_image), _plain(change.dynamodb.new_image)
    changed = {name for name in {*before, *after} if before.get(name) != after.get(name)}
    return {
        "asset_id": change.asset_id,
        "sequence": change.dynamodb.sequence_number,
        "event_id": change.event_id,
        "at": datetime.fromtimestamp(change.dynamodb.approximate_creation_date_time, UTC).isoformat(),
        "what": WORDS[change.event_name],
        "who": _who(change, after or before),
        "before": {name: value for name, value in before.items() if name in changed},
        "after": {name: value for name, value in after.items() if name in changed},
    }


def _who(change: Change, record: Item) -> Item:
    """What the record says of its last attempt, or of the person who gave it up; nothing where that cannot be read.

    DynamoDB names no caller.
    """
    if change.user_identity:
        return {"by": change.user_identity.principal_id}
    try:
        told = msgspec.convert(record, Decisions)
    except msgspec.ValidationError:
        return {}
    return {
        **msgspec.to_builtins(told.attempts[-1] if told.attempts else Decision()),
        **msgspec.to_builtins(told.discarded),
    }


def _plain(image: Mapping[str, Any]) -> Item:
    return {name: _deserialize(value) for name, value in image.items()}
