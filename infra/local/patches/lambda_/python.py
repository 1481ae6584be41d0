"""Runs `python3.x` functions through AWS's own runtime client, in Sluice's interpreter and source tree.

Defect: the emulator calls handlers from a script of its own: every error type is `Runtime.HandlerError`, the process
inherits the server's environment, memory and response size have no limit, one idle worker per function stays for ever.
AWS documents the Lambda runtime API, its environment variables, error types and quotas. Patched by serving these as the
emulator's custom-runtime functions, which do speak the runtime API. Layers are not mounted.
"""

# pyright: reportUntypedBaseClass=false, reportUnknownMemberType=false, reportUnknownVariableType=false

import fcntl
import io
import json
import shlex
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
import zipfile
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler
from typing import Any, cast

from infra.local.ministack import lambda_runtime as workers
from infra.local.ministack import lambda_svc
from infra.local.patches.lambda_ import environment, logs
from infra.local.runtime import lambda_runtime

RESPONSE_LIMIT_BYTES = 6_291_556  # https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
REAPINGS_PER_LIFE = 4
LOG_WAIT_SECONDS = 0.25
LOG_POLL_SECONDS = 0.001
LOG_SETTLED_POLLS = 3

Payload = dict[str, Any]

BOOTSTRAP = f"#!/bin/sh\nexec {shlex.join([sys.executable, lambda_runtime.__file__])}\n"

_stock_worker_class_for = workers._worker_class_for
_stock_execute_warm = lambda_svc._execute_function_warm
_stock_worker_env = lambda_svc._provided_worker_env


def install() -> None:
    workers._worker_class_for = worker_class_for
    lambda_svc._execute_function_warm = execute_warm
    lambda_svc._provided_worker_env = worker_env
    lambda_svc._ensure_reaper_thread = lambda: None
    threading.Thread(target=reap_forever, daemon=True).start()


def is_python(config: Mapping[str, Any]) -> bool:
    return str(config.get("Runtime", "")).startswith("python")


def worker_class_for(config: Payload) -> type[Any]:
    return PythonWorker if is_python(config) else _stock_worker_class_for(config)


def execute_warm(func: Payload, event: Any, request_id: str) -> Payload:
    if is_python(func.get("config") or func):
        return lambda_svc._execute_function_provided_warm(func, event, request_id)
    return _stock_execute_warm(func, event, request_id)


def worker_env(config: Payload, code_dir: str, port: int) -> dict[str, str]:
    return (
        environment.variables(config, code_dir, port)
        if is_python(config)
        else _stock_worker_env(config, code_dir, port)
    )


def reap_forever() -> None:
    while True:
        time.sleep(workers._LOCAL_WORKER_TTL / REAPINGS_PER_LIFE)
        reap_idle_workers()


def reap_idle_workers() -> None:
    """Ends every worker that has been idle for LAMBDA_WARM_TTL_SECONDS; stock keeps the first of each function."""
    oldest = time.time() - workers._LOCAL_WORKER_TTL
    idle: list[Any] = []
    with workers._lock:
        for key, pool in list(workers._workers.items()):
            idle += [worker for worker in pool if not worker.in_use and worker.last_used < oldest]
            workers._workers[key] = [worker for worker in pool if worker not in idle]
    workers.kill_workers(idle)


class PythonWorker(workers.ProvidedWorker):
    """One execution environment of a Python function."""

    def __init__(self, func_name: str, config: Payload, code_zip: bytes) -> None:
        self.log_stream = logs.new_stream_name(config.get("Version", "$LATEST"))
        super().__init__(func_name, config | {"LogStream": self.log_stream}, with_bootstrap(code_zip))
        self._exit_code: int | None = None

    def invoke(self, event: Any, request_id: str, **context: Any) -> Payload:
        logs.current_stream.set(self.log_stream)
        try:
            result = super().invoke(event, request_id, **context)
        except RuntimeError as exc:
            result = self._failed_init(exc)
        error = result.get("error_payload")
        if isinstance(error, dict):
            result["error_payload"] = as_aws_words_it(cast("Payload", error), request_id, self._exit_code)
        return result

    def _failed_init(self, exc: RuntimeError) -> Payload:
        error = self._init_error or self._silent_init_failure(exc)
        return {
            "status": "error",
            "error": error["errorMessage"],
            "error_payload": error,
            "cold_start": True,
            "log": self._drain_stderr(),
        }

    def _silent_init_failure(self, exc: RuntimeError) -> Payload:
        if isinstance(exc, workers.ProvidedInitTimeout):
            seconds = float(self.config.get("Timeout", 3))
            return {"errorType": "Sandbox.Timedout", "errorMessage": f"Task timed out after {seconds:.2f} seconds"}
        return {"errorType": "Runtime.ExitError", "errorMessage": str(exc)}

    def _record_result(self, generation: int, request_id: str, kind: str, payload: Any) -> bool:
        if kind == "response" and len(json.dumps(payload)) > RESPONSE_LIMIT_BYTES:
            kind, payload = "error", response_too_large()
        return super()._record_result(generation, request_id, kind, payload)

    def _build_handler_class(self, *args: Any) -> type[BaseHTTPRequestHandler]:
        class PromptHandler(super()._build_handler_class(*args)):
            """Headers and body leave in two packets: with Nagle's algorithm that costs 40 ms a call."""

            disable_nagle_algorithm = True

        return PromptHandler

    def _drain_stderr_bounded(self, **_waits: float) -> str:
        """The log lines so far: all that the function wrote is in the pipe by the time it has answered."""
        deadline = time.monotonic() + LOG_WAIT_SECONDS
        settled = 0
        while settled < LOG_SETTLED_POLLS and time.monotonic() < deadline:
            settled = 0 if unread_bytes(self._proc) else settled + 1
            time.sleep(LOG_POLL_SECONDS)
        return self._drain_stderr()

    def _teardown(self) -> None:
        self._exit_code = self._proc.poll() if self._proc else None
        super()._teardown()

    def _shutdown_server(self) -> None:
        if self._server is not None:
            environment.remove_scratch(self._server.server_address[1])
        super()._shutdown_server()


def with_bootstrap(code_zip: bytes) -> bytes:
    """The code with the executable that a custom runtime starts with."""
    package = io.BytesIO(code_zip)
    with zipfile.ZipFile(package, "a") as archive:
        archive.writestr(zipfile.ZipInfo("bootstrap"), BOOTSTRAP)
    return package.getvalue()


def unread_bytes(process: subprocess.Popen[bytes] | None) -> int:
    if process is None or process.stdout is None or process.stdout.closed:
        return 0
    return struct.unpack("i", fcntl.ioctl(process.stdout, termios.FIONREAD, b"\0" * 4))[0]


def response_too_large() -> Payload:
    return {
        "errorType": "Function.ResponseSizeTooLarge",
        "errorMessage": f"Response payload size exceeded maximum allowed payload size ({RESPONSE_LIMIT_BYTES} bytes).",
    }


def as_aws_words_it(error: Payload, request_id: str, exit_code: int | None) -> Payload:
    """Failures of the environment, as opposed to the handler's own, name the request and how the process ended."""
    if error["errorType"] == "Runtime.ExitError":
        return error | {"errorMessage": f"RequestId: {request_id} Error: {exit_reason(exit_code)}"}
    if error["errorType"] == "Sandbox.Timedout":
        return error | {"errorMessage": f"RequestId: {request_id} Error: {error['errorMessage']}"}
    return error


def exit_reason(exit_code: int | None) -> str:
    if not exit_code:
        return "Runtime exited without providing a reason"
    if exit_code < 0:
        name = signal.strsignal(-exit_code) or str(-exit_code)
        return f"Runtime exited with error: signal: {name.lower()}"
    return f"Runtime exited with error: exit status {exit_code}"
