"""Records of a data stream, and the NDJSON objects that they become. Knows no AWS client.

A record is a JSON object, or several, a line each. An object has those of one batch that arrived in the same hour.
"""

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from operator import attrgetter

import msgspec

from tasks.shared.nesting import decode_json

PREFIX = "telemetry/"


class Payload(msgspec.Struct, frozen=True, rename="camel"):
    sequence_number: str
    partition_key: str
    data: str
    approximate_arrival_timestamp: float


class Record(msgspec.Struct, frozen=True, rename="camel"):
    """A record as Lambda hands it over; `event_id` is `<shard>:<sequence number>`."""

    kinesis: Payload
    event_id: str = msgspec.field(name="eventID")
    source: str = msgspec.field(name="eventSourceARN")

    @property
    def shard(self) -> str:
        return self.event_id.partition(":")[0]

    @property
    def folder(self) -> str:
        """Of its stream and of the hour (UTC) in which it arrived."""
        arrived = datetime.fromtimestamp(self.kinesis.approximate_arrival_timestamp, UTC)
        return f"{PREFIX}{self.source.rpartition('/')[2]}/{arrived:%Y/%m/%d/%H}/"

    def lines(self) -> bytes:
        """Raises msgspec.DecodeError where anything but JSON objects is in it."""
        objects = base64.b64decode(self.kinesis.data).splitlines()
        return b"".join(_line(each) for each in objects if each.strip())


@dataclass(frozen=True)
class Made:
    """One object. Its key follows from the records: the same batch again has the same keys."""

    key: str
    lines: bytes


@dataclass(frozen=True)
class Refused:
    record: Record
    reason: str


def sorted_out(records: Iterable[Record]) -> tuple[list[Made], list[Refused]]:
    """The objects of a batch, and the records that cannot be in one."""
    made: list[Made] = []
    refused: list[Refused] = []
    for folder, of_an_hour in groupby(records, key=attrgetter("folder")):
        together = list(of_an_hour)
        first, last = together[0], together[-1]
        name = f"{first.shard}-{first.kinesis.sequence_number}-{last.kinesis.sequence_number}.ndjson"
        lines = b"".join(_taken(record, refused) for record in together)
        made += [Made(folder + name, lines)] if lines else []
    return made, refused


def _taken(record: Record, refused: list[Refused]) -> bytes:
    try:
        return record.lines()
    except (msgspec.MsgspecError, ValueError) as exc:
        refused.append(Refused(record, f"Not a JSON object in each line: {exc}"))
        return b""


def _line(text: bytes) -> bytes:
    """The object as it was written: numbers keep all of their digits."""
    decode_json(text.decode(), dict[str, msgspec.Raw])
    return text.strip() + b"\n"
