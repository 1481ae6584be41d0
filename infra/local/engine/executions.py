"""The threads and deadlines that carry executions to their end."""

import contextvars
import functools
import heapq
import itertools
import json
import threading
import time
from collections.abc import Callable
from typing import Any

from infra.local.engine.errors import StateError
from infra.local.engine.history import ExecutionEndedError, Record, Run, to_text, when_ended
from infra.local.engine.records import context_object
from infra.local.engine.scope import Scope
from infra.local.engine.states import run_states


def run_in_background(record: Record) -> None:
    call = contextvars.copy_context()
    threading.Thread(target=call.run, args=(run, record), daemon=True).start()


def run(record: Record) -> None:
    """Carries the execution from where it stands to its end."""
    attempt = Run(record, run)
    definition = _parsed(record["definition"])
    redriven = record["events"][-1]["id"] if record["redriveCount"] else 0
    scope = Scope(attempt, definition, record["progress"], context_object(record, definition), redriven)
    when_ended(record, scope.cancel)
    if seconds := definition.get("TimeoutSeconds"):
        when_ended(record, deadlines.call_after(seconds, functools.partial(attempt.end, "TIMED_OUT")))
    try:
        output = to_text(run_states(scope))
    except ExecutionEndedError:
        return
    except StateError as failure:
        attempt.end("FAILED", error=failure.error or None, cause=failure.cause or None, previous=scope.last_event)
    else:
        attempt.end("SUCCEEDED", output=output, previous=scope.last_event)
        record["progress"] = None


@functools.lru_cache(maxsize=64)
def _parsed(definition: str) -> dict[str, Any]:
    return json.loads(definition)


class Deadlines:
    """Calls things later: one thread keeps the time for all."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, list[Callable[[], None]]]] = []
        self._order = itertools.count()
        self._changed = threading.Condition()
        self._started = False

    def call_after(self, seconds: float, call: Callable[[], None]) -> Callable[[], None]:
        """Calls `call` once the seconds are over, unless what this returns is called before."""
        context = contextvars.copy_context()
        calls = [functools.partial(context.run, call)]
        with self._changed:
            heapq.heappush(self._due, (time.monotonic() + seconds, next(self._order), calls))
            self._changed.notify()
            if not self._started:
                self._started = True
                threading.Thread(target=self._keep, daemon=True).start()
        return calls.clear

    def _keep(self) -> None:
        while True:
            for call in self._next():
                threading.Thread(target=call, daemon=True).start()

    def _next(self) -> list[Callable[[], None]]:
        with self._changed:
            left = self._due[0][0] - time.monotonic() if self._due else None
            if left is not None and left <= 0:
                return heapq.heappop(self._due)[2]
            self._changed.wait(left)
            return []


deadlines = Deadlines()
