"""Work that the emulator took on and has not done: S3's events, EventBridge's deliveries, Lambda's queue.

Stock has each in a thread alone, so that a kill forgets it. Here each is a row, saved before whoever caused it is
answered, and gone once it is done. What the last process left is done by the next: twice, perhaps, as AWS says of all
of these.
"""

import asyncio
import contextvars
import threading
import uuid
from collections.abc import Callable
from typing import Any

from infra.local.durable.journal import Entries, Journal
from infra.local.durable.store import decode, key_of
from infra.local.ministack import app, responses

AREA = "pending/work"

Work = dict[str, Any]
"""JSON, with the names that its kind gives it."""
Do = Callable[[Work], None]

_doers: dict[str, Do] = {}
_pending = responses.AccountRegionScopedDict()
"""By id: the kind, and the work."""


def how_to_do(kind: str, do: Do) -> None:
    """What does the work of a kind, in the scope of the account and region that it was taken on in."""
    _doers[kind] = do


def take_on(kind: str, work: Work) -> Callable[[], None]:
    """Keeps the work from now on; returns what does it, in whichever thread."""
    number, context = uuid.uuid4().hex, contextvars.copy_context()
    _pending[number] = (kind, work)
    return lambda: context.run(_done, number, kind, work)


def do_later(kind: str, work: Work) -> None:
    """In a thread of its own."""
    threading.Thread(target=take_on(kind, work), daemon=True).start()


def _done(number: str, kind: str, work: Work) -> None:
    try:
        _doers[kind](work)
    except Exception:  # noqa: BLE001 - it would fail again at each start
        app.logger.exception("Given up: %s %s", kind, work)
    del _pending[number]


class Pending(Entries):
    """The rows of what is pending."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        super().__init__(AREA, _pending, journal)

    def restore(self) -> None:
        """Takes on what the last process left, and does it once the emulator serves: functions call it."""
        for text, value in self._journal.store.texts(AREA):
            self._journal.known(AREA, text, value)
            self._data[key_of(text)] = decode(value)
        threading.Thread(target=_do_once_served, args=(dict(self._data),), daemon=True).start()


def _do_once_served(left: dict[tuple[str, str, str], tuple[str, Work]]) -> None:
    asyncio.run(app._wait_for_port(app._resolve_port()))
    for (account, region, number), (kind, work) in left.items():
        with responses.request_scope(account, region):
            context = contextvars.copy_context()
        threading.Thread(target=context.run, args=(_done, number, kind, work), daemon=True).start()
