"""Calls a function in a child process of bounded memory and time, for engines that hostile files can crash or stall.

Only JSON and files pass between the two. The child is given no credentials, cannot look for them in its parent, and has
no network: one that a file took over can do no more than give a wrong answer. Where this holds is said in `sandbox`.
"""

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from tasks.shared import sandbox
from workflow import errors
from workflow.units import MIB

_WITHHELD = ("AWS_", "_")
"""How the environment variables begin that hold credentials, or lead to them."""

SYSTEM = ("/usr", "/lib", "/lib64", "/etc/fonts", "/etc/ld.so.cache", "/etc/localtime", "/dev/null", "/dev/urandom")
LAMBDAS = ("/var/task", "/var/runtime", "/opt/python")


@dataclass(frozen=True)
class Confines:
    """What a child may use. `seconds` are of the clock, `cpu_seconds` of all its threads together."""

    memory_mb: int
    seconds: int
    cpu_seconds: int


class ConfinedError(Exception):
    """The child was stopped or crashed; the message ends a sentence on what was to be done, "… because it"."""


def confined(work: Callable[..., Any], *arguments: str | bool, confines: Confines) -> Any:
    """What `work`, a function of a module, returns in JSON's types.

    Raises the SluiceError that it raises, ConfinedError if it leaves its confines or crashes, and RuntimeError for any
    other exception, which is then on the standard error stream.
    """
    sandbox.hide()
    call = {"module": work.__module__, "name": work.__name__, "arguments": arguments, "confines": asdict(confines)}
    command = [sys.executable, "-m", "tasks.shared.confined"]
    try:
        child = subprocess.run(  # noqa: S603 - a constant command
            command,
            input=json.dumps(call).encode(),
            stdout=subprocess.PIPE,
            env=_environment(),
            timeout=confines.seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as exc:
        raise ConfinedError(f"took longer than {confines.seconds} seconds") from exc
    return _answer(child, confines)


def _environment() -> Mapping[str, str]:
    shown = {name: value for name, value in os.environ.items() if not name.startswith(_WITHHELD)}
    return shown | {"PYTHONPATH": os.pathsep.join(sys.path)}


def _answer(child: subprocess.CompletedProcess[bytes], confines: Confines) -> Any:
    if child.returncode == -signal.SIGXCPU:
        raise ConfinedError(f"took more than {confines.cpu_seconds} seconds of computing")
    if child.returncode < 0:
        raise ConfinedError(f"crashed the program that reads it ({signal.Signals(-child.returncode).name})")
    if child.returncode > 0:
        raise RuntimeError(f"A confined child ended with exit status {child.returncode}; its error output says why.")
    answer = json.loads(child.stdout)
    if "error" in answer:
        raise getattr(errors, answer["error"])(answer["message"])
    if "failure" in answer:
        raise ConfinedError(answer["failure"])
    return answer["result"]


def _serve() -> None:
    """The child's side."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever an engine prints is no answer
    call = json.load(sys.stdin)
    confines = Confines(**call["confines"])
    with answers:
        json.dump(_result(call, confines), answers)


def _result(call: Mapping[str, Any], confines: Confines) -> dict[str, Any]:
    try:
        work = getattr(import_module(call["module"]), call["name"])
        _confine(confines)
        _wall_in(call["arguments"])
        return {"result": work(*call["arguments"])}
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


def _wall_in(arguments: Iterable[str | bool]) -> None:
    """Files that are named may be read, and folders written to; that of a file which is not there yet, too."""
    named = [Path(each) for each in arguments if isinstance(each, str) and each.startswith("/")]
    files = [path for path in named if path.is_file()]
    folders = [path if path.is_dir() else path.parent for path in named if not path.is_file()]
    if missing := sandbox.enter(readable=[*_program(), *files], writable=folders):
        print("This child reads a file behind fewer walls:", "; ".join(missing), file=sys.stderr)


def _program() -> list[Path]:
    """What the libraries of the child may still load: nothing of it is private, nor does it hold the stack's state."""
    own = [Path(package.__path__[0]) for package in (import_module("tasks"), import_module("workflow"))]
    libraries = [Path(entry) for entry in sys.path if Path(entry).name in {"site-packages", "python"}]
    loaded = [module.__file__ for module in [*sys.modules.values()] if getattr(module, "__file__", None)]
    linked = {Path(file).resolve().parent for file in loaded if file}  # installers may link to packages elsewhere
    system = [Path(path) for path in (*SYSTEM, *LAMBDAS, sys.prefix, sys.base_prefix)]
    return [*own, *libraries, *linked, *system]


if __name__ == "__main__":
    _serve()
