"""Lets contestants do the same work by turns, and measures the CPU seconds, user and system, that each takes."""

import json
import os
import statistics
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Self

from tests.bench.inputs import Input

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Contestant:
    """A program that takes a media type and a path a line and answers with JSON a line, or takes a path at its end.

    Of one that is `whole`, the whole process counts, its start included, as people feel it who call it for a file.
    """

    name: str
    command: tuple[str, ...]
    whole: bool = False
    takes_path: bool = False


@dataclass
class Result:
    """Of one contestant: milliseconds of each file, in turns, and the bytes that it made."""

    cpu_ms: dict[str, list[float]] = field(default_factory=dict)
    answers: dict[str, Mapping[str, float]] = field(default_factory=dict)

    def add(self, name: str, answer: Mapping[str, float]) -> None:
        self.cpu_ms.setdefault(name, []).append(answer["cpu_ms"])
        self.answers[name] = answer

    @property
    def median_ms(self) -> float:
        """Of a file: the mean over the files of each one's median."""
        return statistics.mean(map(statistics.median, self.cpu_ms.values()))

    def total(self, name: str) -> float:
        return sum(answer.get(name, 0) for answer in self.answers.values())


class FailedError(Exception):
    """A contestant that could not do the work; the message says what it printed."""


def race(contestants: Sequence[Contestant], inputs: Sequence[Input], folder: Path, turns: int) -> dict[str, Result]:
    """By the contestant's name; a first time, which does not count, warms those up that keep running."""
    results = {each.name: Result() for each in contestants}
    with ExitStack() as running:
        runners = {each.name: running.enter_context(_Runner(each)) for each in contestants}
        for given in inputs:
            path = given.there(folder)
            path.read_bytes()
            for runner in runners.values():
                runner.warm(given.media_type, path)
            for turn in range(turns):
                for name in (list(runners), list(reversed(runners)))[turn % 2]:
                    results[name].add(given.name, runners[name].answer(given.media_type, path))
    return results


class _Runner:
    def __init__(self, contestant: Contestant) -> None:
        self._contestant = contestant
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        if not self._contestant.whole:
            self._process = _started(self._contestant.command)
        return self

    def __exit__(self, *_: object) -> None:
        if self._process:
            self._process.communicate()

    def warm(self, media_type: str, path: Path) -> None:
        if self._process:
            self.answer(media_type, path)

    def answer(self, media_type: str, path: Path) -> dict[str, float]:
        if self._contestant.takes_path:
            return _whole(_with_path(self._contestant.command, path), "")
        if self._process is None:
            return _whole(self._contestant.command, f"{media_type} {path}\n")
        print(f"{media_type} {path}", file=_given(self._process.stdin), flush=True)
        said = _given(self._process.stdout).readline()
        if not said:
            raise FailedError(f"{self._contestant.name}: {_given(self._process.stderr).read()[-2000:]}")
        return json.loads(said)


def _started(command: Sequence[str]) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    environment = os.environ | {"VIPS_CONCURRENCY": "1", "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, errors="replace", env=environment, cwd=ROOT
    )


def _with_path(command: Sequence[str], path: Path) -> list[str]:
    """In the place of "{}", or else at its end."""
    return [str(path) if each == "{}" else each for each in command] if "{}" in command else [*command, str(path)]


def _given(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe


def _whole(command: Sequence[str], line: str) -> dict[str, float]:
    """A process from its start to its end, with the children that it waited for."""
    before = _children_ms()
    process = _started(command)
    said, told = process.communicate(line)
    spent = _children_ms() - before
    if process.returncode:
        raise FailedError(f"{' '.join(command)}: {told[-2000:]}")
    answer = json.loads(said.splitlines()[-1]) if line else {}
    return answer | {"cpu_ms": spent}


def _children_ms() -> float:
    spent = os.times()
    return 1000 * (spent.children_user + spent.children_system)
