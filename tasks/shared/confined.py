"""Calls a function in a child process of bounded memory and time, for engines that hostile files can crash or stall.

Only JSON and files pass between the two. The child is given no credentials, cannot look for them in its parent, and has
no network: one that a file took over can do no more than give a wrong answer. Where this holds is said in `sandbox`.

A nursery, an interpreter without credentials that has imported the engines and never reads a file, forks each child:
their import takes longer than most files. One whose child crashed is given up, so that nobody can try twice what he
learnt of its memory.
"""

import atexit
import contextlib
import json
import os
import resource
import select
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import IO, Any, Never

from tasks.shared import sandbox
from workflow import errors
from workflow.units import MIB

_WITHHELD = ("AWS_", "_")
"""How the environment variables begin that hold credentials, or lead to them."""

SYSTEM = ("/usr", "/lib", "/lib64", "/etc/fonts", "/etc/ld.so.cache", "/etc/localtime", "/dev/null", "/dev/urandom")
LAMBDAS = ("/var/task", "/var/runtime", "/opt/python")


ANSWER_MAX_CHARACTERS = 16 * MIB
"""Whoever says more was taken over: it is ended as one that crashed."""


@dataclass(frozen=True)
class Confines:
    """What a child may use. `seconds` are of the clock, `cpu_seconds` of all its threads together."""

    memory_mb: int
    seconds: int
    cpu_seconds: int


class _EndedError(Exception):
    """The nursery ended, with or without a child; what it printed says why."""

    def __init__(self, message: str, *, has_child: bool) -> None:
        super().__init__(message)
        self.has_child = has_child


class ConfinedError(Exception):
    """The child was stopped or crashed; the message ends a sentence on what was to be done, "… because it"."""


def confined(work: Callable[..., Any], *arguments: str | bool, confines: Confines) -> Any:
    """What `work`, a function of a module, returns in JSON's types.

    Raises the SluiceError that it raises, ConfinedError if it leaves its confines or crashes, TransientError where no
    child can be had, and RuntimeError for any other exception, which is then on the standard error stream.
    """
    sandbox.hide()
    call = {"module": work.__module__, "name": work.__name__, "arguments": arguments, "confines": asdict(confines)}
    with _NURSERIES.lock:
        told = _told(call, confines.seconds)
    return _answer(told, confines)


def _told(call: Mapping[str, Any], seconds: int) -> Mapping[str, Any]:
    """A nursery may end at any time, as any process; one that ends twice under a child does so because of the file."""
    try:
        return _NURSERIES.of(_environment()).ask(call, seconds)
    except _EndedError:
        pass
    try:
        return _NURSERIES.of(_environment()).ask(call, seconds)
    except _EndedError as exc:
        if exc.has_child:
            raise ConfinedError("ended the program that watches over it") from exc
        raise errors.TransientError(str(exc)) from exc


def _environment() -> Mapping[str, str]:
    shown = {name: value for name, value in os.environ.items() if not name.startswith(_WITHHELD)}
    return shown | {"PYTHONPATH": os.pathsep.join(sys.path)}


def _answer(told: Mapping[str, Any], confines: Confines) -> Any:
    status: int = told["status"]
    if status == -signal.SIGXCPU:
        raise ConfinedError(f"took more than {confines.cpu_seconds} seconds of computing")
    if status < 0:
        raise ConfinedError(f"crashed the program that reads it ({signal.Signals(-status).name})")
    if status > 0:
        raise RuntimeError(f"A confined child ended with exit status {status}; its error output says why.")
    answer = json.loads(told["said"])
    if "error" in answer:
        raise getattr(errors, answer["error"])(answer["message"])
    if "failure" in answer:
        raise ConfinedError(answer["failure"])
    return answer["result"]


class _Nursery:
    """A process that forks children for this one, of an environment; `serve` is its side."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.environment, self.owner = environment, os.getpid()
        self._unread = b""
        """A child that is quick has answered before it was read that there is one."""
        command = [sys.executable, "-m", "tasks.shared.confined"]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, env=environment)  # noqa: S603 - a constant command

    @property
    def serves(self) -> bool:
        """Whether it can be asked by this process: one that was forked from its owner would share its pipes."""
        return self.owner == os.getpid() and self._process.poll() is None

    def ask(self, call: Mapping[str, Any], seconds: int) -> Mapping[str, Any]:
        """The exit status of the child, and what it said; raises ConfinedError if it is late, and then ends it."""
        deadline, child = time.monotonic() + seconds, 0
        try:
            child = self._born(call, deadline)
            told = self._read_line(deadline)
        except BaseException as exc:
            self._give_up(child)
            if isinstance(exc, TimeoutError):
                raise ConfinedError(f"took longer than {seconds} seconds") from exc
            if isinstance(exc, BrokenPipeError | EOFError):
                raise _EndedError("What starts confined children ended.", has_child=bool(child)) from exc
            raise
        if told["status"] < 0:
            self.close()
        return told

    def _give_up(self, child: int) -> None:
        """End both, whatever they are at: neither can have an answer for anybody else."""
        if child:
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        self.close()

    def _born(self, call: Mapping[str, Any], deadline: float) -> int:
        requests = _pipe(self._process.stdin)
        requests.write(json.dumps(call).encode() + b"\n")
        requests.flush()
        return self._read_line(deadline)["child"]

    def _read_line(self, deadline: float) -> Mapping[str, Any]:
        answers = _pipe(self._process.stdout)
        while b"\n" not in self._unread:
            if not select.select([answers], [], [], max(0, deadline - time.monotonic()))[0]:
                raise TimeoutError
            piece = os.read(answers.fileno(), MIB)
            if not piece:
                raise EOFError("What starts confined children ended.")
            self._unread += piece
        line, _, self._unread = self._unread.partition(b"\n")
        return json.loads(line)

    def close(self) -> None:
        """End it, and with it whatever it is at."""
        if self.owner == os.getpid():
            self._process.kill()
            self._process.communicate()


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise ValueError("A nursery has pipes.")
    return pipe


@dataclass
class _Nurseries:
    """The one of this process, in the environment that it has now."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    _latest: _Nursery | None = None

    def of(self, environment: Mapping[str, str]) -> _Nursery:
        latest = self._latest
        if latest is None or not latest.serves or latest.environment != environment:
            self.close()
            self._latest = latest = _Nursery(environment)
        return latest

    def close(self) -> None:
        if self._latest:
            self._latest.close()
            self._latest = None


_NURSERIES = _Nurseries()
atexit.register(_NURSERIES.close)


def serve() -> None:
    """The nursery's side: a call a line; answers with the child that works on it, and then with how that ended."""
    sandbox.hide()
    requests, answers = os.fdopen(os.dup(sys.stdin.fileno()), "rb"), os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(os.open(os.devnull, os.O_RDONLY), sys.stdin.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever an engine prints is no answer
    for line in requests:
        call = json.loads(line)
        if sys.platform == "linux":  # on macOS, what a fork takes over of the system's frameworks may not be used
            _function(call)
            _program(call["module"])
        reader, writer = os.pipe()
        child = os.fork()
        if not child:
            os.close(reader)
            _work(call, writer, (requests.fileno(), answers.fileno()))
        os.close(writer)
        print(json.dumps({"child": child}), file=answers, flush=True)
        with os.fdopen(reader, encoding="utf-8", errors="replace") as child_answers:
            said = child_answers.read(ANSWER_MAX_CHARACTERS)
            if is_endless := bool(child_answers.read(1)):
                os.kill(child, signal.SIGKILL)
        ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        status = -signal.SIGKILL if is_endless else ended
        print(json.dumps({"status": status, "said": "" if is_endless else said}), file=answers, flush=True)


def _function(call: Mapping[str, Any]) -> Callable[..., Any]:
    """Imports what it needs."""
    return getattr(import_module(call["module"]), call["name"])


def _work(call: Mapping[str, Any], answers: int, closed: Iterable[int]) -> Never:
    """The child's side, which has none of the nursery's pipes."""
    status = 1
    try:
        for pipe in closed:
            os.close(pipe)
        with os.fdopen(answers, "w") as file:
            json.dump(_result(_function(call), call["arguments"], Confines(**call["confines"])), file)
        status = 0
    except BaseException:  # noqa: BLE001 - the child ends here, whatever it was
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(status)


def _result(work: Callable[..., Any], arguments: list[str | bool], confines: Confines) -> dict[str, Any]:
    try:
        _confine(confines)
        _wall_in(arguments, work.__module__)
        return {"result": work(*arguments)}
    except errors.SluiceError as exc:
        return {"error": type(exc).__name__, "message": str(exc)}
    except MemoryError:
        return {"failure": f"took more than {confines.memory_mb:,} MB of memory"}


def _confine(confines: Confines) -> None:
    """Limits data, not addresses: the libraries' code and reserved ranges alone would pass a limit on those."""
    limits = {
        resource.RLIMIT_DATA: confines.memory_mb * MIB,
        resource.RLIMIT_CPU: confines.cpu_seconds,
        resource.RLIMIT_CORE: 0,
    }
    for what, soft in limits.items():
        hard = resource.getrlimit(what)[1]
        # One more than the soft limit: with both reached, the signal for too much computing would be another.
        resource.setrlimit(what, (soft, soft + 1 if hard == resource.RLIM_INFINITY else min(soft + 1, hard)))


def _wall_in(arguments: Iterable[str | bool], module: str) -> None:
    """Files that are named may be read, and folders written to; that of a file which is not there yet, too."""
    named = [Path(each) for each in arguments if isinstance(each, str) and each.startswith("/")]
    files = [path for path in named if path.is_file()]
    folders = [path if path.is_dir() else path.parent for path in named if not path.is_file()]
    if missing := sandbox.enter(readable=[*_program(module), *files], writable=folders):
        print("This child reads a file behind fewer walls:", "; ".join(missing), file=sys.stderr)


@cache
def _program(_module: str) -> list[Path]:
    """What the libraries of a module may still load: nothing of it is private, nor does it hold the stack's state."""
    own = [Path(package.__path__[0]) for package in (import_module("tasks"), import_module("workflow"))]
    libraries = [Path(entry) for entry in sys.path if Path(entry).name in {"site-packages", "python"}]
    loaded = [module.__file__ for module in [*sys.modules.values()] if getattr(module, "__file__", None)]
    linked = {Path(file).resolve().parent for file in loaded if file}  # installers may link to packages elsewhere
    system = [Path(path) for path in (*SYSTEM, *LAMBDAS, sys.prefix, sys.base_prefix)]
    return [*own, *libraries, *linked, *system]


if __name__ == "__main__":
    serve()
