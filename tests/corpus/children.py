"""Judges files in a child, which is stopped where it takes too long, and replaced where it has died."""

import multiprocessing as mp
import time
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from tests.corpus.judge import ESCAPED, REJECTED, SUCCEEDED, Outcome, judge

STOPPED = "stopped"
FRESH_AFTER_FILES = 200


@dataclass(frozen=True)
class Case:
    """A file, by the name that the page has for it, and what is known of it."""

    path: Path
    name: str
    checks: dict[str, Any]


@dataclass(frozen=True)
class Result:
    case: Case
    outcome: dict[str, Any]
    seconds: float

    @property
    def is_wrong(self) -> bool:
        """Neither right nor refused rightly."""
        return bool(self.outcome["faults"]) or self.outcome["end"] not in {SUCCEEDED, REJECTED}


def serve(pipe: Connection) -> None:
    """The child's side."""
    while wanted := pipe.recv():
        pipe.send(judge(*wanted))


class Child:
    """Judges one file after the other; a new one takes over from one that was stopped or has died."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._process: mp.process.BaseProcess | None = None
        self._served = 0

    def judge(self, case: Case) -> Result:
        started = time.monotonic()
        if not self._process or not self._process.is_alive() or self._served >= FRESH_AFTER_FILES:
            self._start()
        self._served += 1
        try:
            self._pipe.send((case.path, case.checks))
            outcome = self._pipe.recv() if self._pipe.poll(self._seconds) else None
        except (EOFError, ConnectionError):
            outcome = asdict(Outcome("none", ESCAPED, "the process died"))
        if outcome is None:
            self.stop()
            outcome = asdict(Outcome("none", STOPPED, f"took more than {self._seconds:.0f} s"))
        return Result(case, outcome, time.monotonic() - started)

    def _start(self) -> None:
        self.stop()
        context = mp.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs,), daemon=False)
        self._process.start()
        theirs.close()
        self._served = 0

    def stop(self) -> None:
        if self._process:
            self._process.kill()
            self._process.join()
            self._process = None
