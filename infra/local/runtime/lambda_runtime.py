"""A local Python Lambda: AWS's own runtime client, plus the memory limit that Lambda enforces, where /proc tells of it.

Started with the environment of a Lambda function. Modules that the function's code zip does not hold are imported from
this source tree.
"""

import importlib.util
import os
import signal
import sys
import threading
import time
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parents[3]
MEGABYTE = 1024 * 1024
WATCH_INTERVAL_SECONDS = 0.05
STATM = Path("/proc/self/statm")
NATIVE_CLIENT = "runtime_client"
"""awslambdaric's module for the runtime API, which is built on Linux only."""


def main() -> None:
    sys.path[0:1] = [os.environ["LAMBDA_TASK_ROOT"], str(PROJECT_ROOT)]
    threading.Thread(target=watch, args=(os.getppid(), memory_limit_bytes()), daemon=True).start()
    provide_runtime_client()
    import awslambdaric.__main__ as client  # noqa: PLC0415 - it looks for its native part at once

    client.main(["awslambdaric", os.environ["_HANDLER"]])  # pyright: ignore[reportUnknownMemberType]


def provide_runtime_client() -> None:
    """Our own in place of AWS's native one, where that is missing."""
    if importlib.util.find_spec(NATIVE_CLIENT) is None:
        sys.modules[NATIVE_CLIENT] = importlib.import_module("infra.local.runtime.runtime_api")


def enforces_memory() -> bool:
    return STATM.exists()


def memory_limit_bytes() -> int:
    return int(os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]) * MEGABYTE


def watch(parent: int, limit: int) -> None:
    """Ends this process when its memory exceeds `limit` bytes, or when the emulator that started it is gone."""
    while os.getppid() == parent and resident_bytes() <= limit:
        time.sleep(WATCH_INTERVAL_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)


def resident_bytes() -> int:
    """Memory held now; 0 where the system does not tell, so that no limit applies there."""
    if not enforces_memory():
        return 0
    return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    main()
