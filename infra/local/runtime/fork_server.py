"""Forks the processes of local functions from one that has imported what all of them import.

A fresh interpreter with boto3 costs a third of a second of CPU for each execution environment, a fork a fraction of it.
Whoever starts this holds the other end of its standard input, a socket: each message is the environment of one function
as JSON, with the descriptors for its output and for its status, on which its pid is told and later its exit code; 0
where the system has no process left.
The function's own modules, and those that read the environment while they are imported, are left to the function.
"""

import contextlib
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import sys
import time
import traceback
from collections.abc import Generator
from pathlib import Path
from typing import Any, NoReturn

import botocore.loaders
import botocore.session
import lambda_runtime

MODELS = ("s3", "dynamodb", "sns")
MESSAGE_BYTES = 256 * 1024
DESCRIPTORS = 2
FIRST_INHERITED = 3


def main() -> None:
    for library in sys.argv[1:]:
        importlib.import_module(library)
    share_models()
    gc.freeze()
    with socket.socket(fileno=0) as requests:
        serve(requests)


def share_models() -> None:
    """What boto3 reads from its files for each client is read once, and only looked at later on."""
    loader = botocore.loaders.create_loader()
    for name in ("endpoints", "partitions", "_retry", "sdk-default-configuration"):
        loader.load_data(name)
    for service in MODELS:
        for kind in ("service-2", "endpoint-rule-set-1"):
            loader.load_service_model(service, kind)
    create = botocore.loaders.create_loader

    def shared(search_path: str | None = None) -> Any:
        return create(search_path) if search_path else loader

    botocore.session.create_loader = shared


def serve(requests: socket.socket) -> None:
    """Until the other end is closed. Has no threads, as a fork takes over only the one that calls it."""
    statuses: dict[int, int] = {}
    with selectors.DefaultSelector() as selector, child_ended() as ended:
        selector.register(requests, selectors.EVENT_READ)
        selector.register(ended, selectors.EVENT_READ)
        while True:
            for ready, _ in selector.select():
                if ready.fileobj is ended:
                    ended.recv(MESSAGE_BYTES)
                elif not start(requests, statuses):
                    return
            tell_ended(statuses)


@contextlib.contextmanager
def child_ended() -> Generator[socket.socket]:
    """A socket that can be read whenever a child has ended."""
    reading, writing = socket.socketpair()
    with reading, writing:
        writing.setblocking(False)
        signal.signal(signal.SIGCHLD, noted)
        signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
        yield reading


def noted(_number: int, _frame: object) -> None:
    """The signal is only to be written to the socket."""


def start(requests: socket.socket, statuses: dict[int, int]) -> bool:
    """Forks what was asked for; False where the other end is closed."""
    message, (*descriptors,), _flags, _address = socket.recv_fds(requests, MESSAGE_BYTES, DESCRIPTORS)
    if not message:
        return False
    output, status = descriptors
    pid = forked(json.loads(message), output)
    os.close(output)
    tell(status, pid)
    if pid:
        statuses[pid] = status
    else:
        os.close(status)
    return True


def forked(environment: dict[str, str], output: int) -> int:
    """The pid of the function's process, or 0 where the system has none left."""
    try:
        pid = os.fork()
    except OSError:
        return 0
    if pid == 0:
        become(environment, output)
    return pid


def become(environment: dict[str, str], output: int) -> NoReturn:
    """Turns this process into the function's."""
    code: object = 1
    try:
        take_over(environment, output)
        lambda_runtime.main()
        code = 0
    except SystemExit as exc:
        code = exc.code or 0
    except BaseException:  # noqa: BLE001 - nothing of a function may run on in the server's place
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(code if isinstance(code, int) else 1)


def take_over(environment: dict[str, str], output: int) -> None:
    """Leaves nothing of the server's but its modules: no signal, no descriptor, no variable."""
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, descriptor in enumerate((nothing, output, output)):
        os.dup2(descriptor, number)
    for inherited in [int(file.name) for file in Path("/proc/self/fd").iterdir()]:
        if inherited >= FIRST_INHERITED:
            with contextlib.suppress(OSError):  # the one that listed them
                os.close(inherited)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    os.chdir(environment["LAMBDA_TASK_ROOT"])


def tell_ended(statuses: dict[int, int]) -> None:
    while statuses:
        pid, state = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        status = statuses.pop(pid)
        tell(status, os.waitstatus_to_exitcode(state))
        os.close(status)


def tell(status: int, number: int) -> None:
    with contextlib.suppress(BrokenPipeError):
        os.write(status, b"%d\n" % number)


if __name__ == "__main__":
    main()
