"""Starts Python functions as forks of one process that has imported boto3, instead of a fresh interpreter for each.

Not a defect of the emulator: a cold start costs a third of a second of CPU less. Only on Linux, as frameworks of macOS
end a process that was forked from one that had used them; elsewhere, and for code that brings its own version of what
the server has imported, the stock way stays.
"""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import types
from pathlib import Path
from typing import Any

from infra.local.ministack import lambda_runtime as workers
from infra.local.runtime import lambda_runtime

SERVER = Path(lambda_runtime.__file__).with_name("fork_server.py")
LIBRARIES = ("boto3", "botocore", "msgspec")
"""What every function imports, and none of which looks at the environment while it is imported."""
SERVER_VARIABLES = {"LANG": "en_US.UTF-8", "TZ": ":UTC"}

_server: "Server | None" = None
_starting = threading.Lock()


def install() -> None:
    if sys.platform == "linux":
        workers.subprocess = Subprocess("subprocess")


class Subprocess(types.ModuleType):
    """The emulator's `subprocess`, which has functions forked."""

    def __getattr__(self, name: str) -> Any:
        return getattr(subprocess, name)

    def Popen(self, command: list[str], *, env: dict[str, str], **options: Any) -> Any:  # noqa: N802 - its name there
        if is_forked(env):
            return fork(env)
        return subprocess.Popen(command, env=env, **options)  # noqa: S603 - the emulator's own


def is_forked(environment: dict[str, str]) -> bool:
    code = Path(environment.get("LAMBDA_TASK_ROOT", os.devnull))
    is_python = environment.get("AWS_EXECUTION_ENV", "").startswith("AWS_Lambda_python")
    return is_python and not any((code / name).exists() for name in LIBRARIES)


def fork(environment: dict[str, str]) -> "Fork":
    """A process with this environment and nothing else; a server that is gone is started anew."""
    asked = server()
    try:
        return Fork(asked, environment)
    except (BrokenPipeError, ConnectionResetError, EOFError):
        return Fork(server(instead_of=asked), environment)


def server(*, instead_of: "Server | None" = None) -> "Server":
    """The one there is. Of all that notice the end of one, the first starts the next."""
    global _server  # noqa: PLW0603 - there is one for this process
    with _starting:
        if _server is None or _server is instead_of:
            _server = Server()
        return _server


class Server:
    """The process that forks; it ends when nobody can ask it any more."""

    def __init__(self) -> None:
        self.requests, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        environment = {"PATH": os.environ["PATH"], **SERVER_VARIABLES}
        with its:
            command = [sys.executable, SERVER, *LIBRARIES]
            self._process = subprocess.Popen(command, stdin=its.fileno(), env=environment)  # noqa: S603 - fixed

    def close(self) -> None:
        self.requests.close()
        self._process.wait()


class Fork:
    """What the emulator uses of `subprocess.Popen`, for a process that is the fork server's child."""

    def __init__(self, server: Server, environment: dict[str, str]) -> None:
        output, its_output = os.pipe()
        status, its_status = os.pipe()
        self.stdout = os.fdopen(output, "rb")
        self.returncode: int | None = None
        self._status = os.fdopen(status, "rb")
        try:
            socket.send_fds(server.requests, [json.dumps(environment).encode()], [its_output, its_status])
        finally:
            os.close(its_output)
            os.close(its_status)
        self._asking = threading.Lock()
        try:
            self.pid = self._started()
        except BaseException:
            self.stdout.close()
            self._status.close()
            raise

    def _started(self) -> int:
        told = self._status.readline()
        if not told:
            raise EOFError("The fork server ended.")
        if not int(told):
            raise OSError("No process can be had.")
        return int(told)

    def poll(self) -> int | None:
        return self._ended_within(0)

    def wait(self, timeout: float | None = None) -> int:
        code = self._ended_within(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return code

    def terminate(self) -> None:
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def _ended_within(self, seconds: float | None) -> int | None:
        """The exit code, once there is one; a function does not outlive the server, which tells nothing then."""
        if self.returncode is None and self._has_ended(seconds):
            with self._asking:
                if self.returncode is None:
                    self.returncode = int(self._status.readline() or -signal.SIGKILL)
        return self.returncode

    def _has_ended(self, seconds: float | None) -> bool:
        ready = select.poll()  # unlike `select`, for any number of a descriptor
        ready.register(self._status, select.POLLIN)
        return bool(ready.poll(None if seconds is None else 1000 * seconds))
