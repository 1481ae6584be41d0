"""Runs the branches or child executions of a state, each in a thread, so many at a time."""

import contextvars
import threading
from collections.abc import Iterator, Sequence
from itertools import islice
from queue import SimpleQueue
from typing import Protocol, TypeVar

from infra.local.engine.scope import Scope


class Worker(Protocol):
    """What one thread does; `run` keeps its failure rather than raising it."""

    def run(self) -> None: ...

    def cancel(self) -> None: ...


W = TypeVar("W", bound=Worker)


def as_ended(workers: Sequence[W], concurrency: int, scope: Scope) -> Iterator[W]:
    """Yields each worker when it has ended. No other is started before the caller comes back for the next."""
    waiting = iter(workers)
    ended: SimpleQueue[W] = SimpleQueue()
    for worker in islice(waiting, concurrency):
        _start(worker, ended, scope)
    for _ in workers:
        yield ended.get()
        for worker in islice(waiting, 1):
            _start(worker, ended, scope)


def _start(worker: W, ended: SimpleQueue[W], scope: Scope) -> None:
    if scope.cancelled:
        worker.cancel()
    threading.Thread(target=contextvars.copy_context().run, args=(_run, worker, ended), daemon=True).start()


def _run(worker: W, ended: SimpleQueue[W]) -> None:
    worker.run()
    ended.put(worker)
