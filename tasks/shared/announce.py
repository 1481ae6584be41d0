"""One CloudEvents 1.0 message per outcome of an asset: on the topic and, where a stage has it, on a bus."""

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tasks.shared.outcome_events import OutcomeBus
from tasks.shared.records.adapter import Records
from tasks.shared.records.model import Record, facts_of

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

_PUBLIC = (
    "asset_id", "status", "bucket", "key", "version_id", "size", "kind", "media_type", "sha256", "renditions",
    "thumbnails", "thumbhash", "dominant_color", "facts", "original", "reused_from", "degraded", "reason",
    "execution_arn",
)  # fmt: skip

OUTCOMES = frozenset({"succeeded", "rejected", "failed"})
"""That a person discarded a rejected file is nothing to tell."""
_OF_THE_PAST = ("reason", "original")
"""Success has no reason, but a failure before a redrive had; and the original moves to the archive right after."""


class Announcer:
    """Tells an outcome that the record has, and notes there that it did: where one channel fails, no other repeats."""

    def __init__(self, sns: "SNSClient", records: Records, topic_arn: str, bus: OutcomeBus | None = None) -> None:
        self._sns = sns
        self._records = records
        self._topic_arn = topic_arn
        self._bus = bus

    def announce(self, record: Record, outcome: str) -> str:
        """Tell it once per outcome; the event's id, which is the same for the same outcome.

        A crash between telling and noting it tells it again under the same id, and CloudEvents says that events with
        equal source and id are the same event.
        """
        event = cloud_event(record, outcome)
        announced = record.announced
        told = dict(announced)
        try:
            for noted_as, tell in self._channels(event, record, outcome).items():
                if announced.get(noted_as) != event["id"]:
                    tell()
                    told[noted_as] = event["id"]
        finally:
            if told != announced:
                self._records.assets.note_announced(record.asset_id, told)
        return event["id"]

    def _channels(self, event: Mapping[str, Any], record: Record, outcome: str) -> dict[str, Callable[[], None]]:
        """What to do for each of them, and the name under which the record notes it.

        The topic comes last: where it was told, all were.
        """
        bus = self._bus
        on_bus = {f"{outcome} on bus": lambda: bus.put(event)} if bus else {}
        return {**on_bus, outcome: lambda: self._publish(event, record, outcome)}

    def _publish(self, event: Mapping[str, Any], record: Record, outcome: str) -> None:
        folder = record.key.rpartition("/")[0]
        attributes = {
            "status": outcome,
            "kind": record.kind or "unknown",
            "prefix": _printable(f"{folder}/") if folder else "/",
        }
        self._sns.publish(
            TopicArn=self._topic_arn,
            Subject=f"{outcome}: {_subject(record.key)}",
            Message=json.dumps(event),
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value} for name, value in attributes.items()
            },
        )


def is_owed(record: Record) -> bool:
    """The record has an outcome that not all were told: the topic, which comes last, was not."""
    outcome = record.status
    return outcome in OUTCOMES and record.announced.get(outcome) != _event_id(record, outcome)


def cloud_event(record: Record, outcome: str) -> dict[str, Any]:
    """The message."""
    left_out = _OF_THE_PAST if outcome == "succeeded" else ()
    facts = facts_of(record)
    data = {name: facts[name] for name in _PUBLIC if name in facts and name not in left_out} | {"status": outcome}
    return {
        "specversion": "1.0",
        "id": _event_id(record, outcome),
        "source": f"/sluice/{record.bucket}",
        "type": f"sluice.asset.{outcome}",
        "subject": record.key,
        "time": datetime.now(UTC).isoformat(),
        "datacontenttype": "application/json",
        "data": data,
    }


def _event_id(record: Record, outcome: str) -> str:
    """Follows from what is announced: equal for the same files, or reason; a failure is told once per execution."""
    said: Any = {
        "succeeded": [file.sha256 for file in (*record.renditions, *record.thumbnails)],
        "rejected": record.code,
        "failed": record.execution,
    }[outcome]
    digest = hashlib.sha256(json.dumps(said).encode()).hexdigest()[:8]
    return f"{record.asset_id}-{outcome}-{digest}"


def _subject(key: str) -> str:
    """SNS takes at most 100 printable ASCII characters."""
    return "".join(c if c.isascii() else "?" for c in _printable(key))[-80:]


def _printable(text: str) -> str:
    """Control characters, which keys may have, are not allowed in the XML of an answer."""
    return "".join(c if c.isprintable() else "?" for c in text)
