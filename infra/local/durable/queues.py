"""SQS's messages: a row each, so that a long queue costs no more than a short one."""

from collections.abc import Iterator
from typing import Any

from infra.local.durable.journal import GONE, Entries, Journal
from infra.local.durable.store import Change, encode, key_of, key_text
from infra.local.ministack import sqs

AREA = "sqs/messages"

Queue = dict[str, Any]
QueueKey = tuple[str, str, str]
"""Account, region and URL."""
Place = tuple[int, object]
"""A message's place in its queue, and what differs whenever the message does."""


class Queues(Entries):
    """The queues, each without its messages, which are rows of their own in the order they came in."""

    def __init__(self, journal: Journal) -> None:
        self._places: dict[QueueKey, dict[str, Place]] = {}
        self._journal = journal
        super().__init__("sqs/queues", sqs._queues, journal, queue_itself)

    def restore(self) -> None:
        """Queues that were loaded have their messages in the store."""
        found: dict[QueueKey, list[tuple[int, Any]]] = {key: [] for key in self._data}
        for text, (number, message) in self._journal.store.values(AREA):
            *queue, _id = key_of(text)
            self._journal.known(AREA, text, encode([number, message]))
            found.setdefault(tuple(queue), []).append((number, message))
        for key, messages in found.items():
            messages.sort(key=lambda each: each[0])
            self._places[key] = {message["id"]: (number, seen(message)) for number, message in messages}
            if (queue := self._data.peek(key)) is not GONE:
                queue["messages"] = [message for _, message in messages]

    def changes(self, keys: set[Any]) -> Iterator[Change]:
        for key in keys:
            queue = self._data.peek(key)
            yield from self._messages(key, [] if queue is GONE else list(queue["messages"]))
        yield from super().changes(keys)

    def _messages(self, key: QueueKey, messages: list[Any]) -> Iterator[Change]:
        known = self._places.get(key, {})
        last = max((number for number, _ in known.values()), default=0)
        places: dict[str, Place] = {}
        for message in messages:
            number, before = known.get(message["id"], (None, None))
            if number is None:
                number = last = last + 1
            places[message["id"]] = (number, seen(message))
            if before != places[message["id"]][1]:
                yield AREA, key_text([*key, message["id"]]), encode([number, message])
        for gone in known.keys() - places.keys():
            yield AREA, key_text([*key, gone]), None
        self._places[key] = places


def seen(message: dict[str, Any]) -> object:
    return message["visible_at"], message["receive_count"], message["receipt_handle"]


def queue_itself(queue: Queue) -> Queue:
    return {name: value for name, value in queue.items() if name != "messages"}
