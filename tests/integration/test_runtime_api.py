"""Our client of Lambda's runtime API says, byte for byte, what awslambdaric's native one says."""

import importlib.util
import json
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from infra.local.runtime.lambda_runtime import NATIVE_CLIENT

CLIENTS = ("native", "ours")
ON_LINUX = pytest.mark.skipif(importlib.util.find_spec(NATIVE_CLIENT) is None, reason="AWS builds it on Linux only")

START = """
import importlib, sys
if sys.argv[1] == "ours":
    sys.modules["runtime_client"] = importlib.import_module("infra.local.runtime.runtime_api")
sys.path.insert(0, sys.argv[2])
import awslambdaric.__main__ as client
client.main(["awslambdaric", sys.argv[3]])
"""

HANDLERS = """
    class TransientError(Exception):
        pass

    def echo(event, context):
        return {"event": event, "id": context.aws_request_id, "arn": context.invoked_function_arn,
                "key": context.client_context and context.client_context.custom["k"],
                "left": context.get_remaining_time_in_millis() > 0, "user": context.identity.cognito_identity_id}

    def fail(event, context):
        raise TransientError("Ünlucky: " + str(event))

    def unspeakable(event, context):
        return object()
"""


@dataclass(frozen=True)
class Said:
    """One request to the runtime API."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class RuntimeApi:
    """Gives each event once, then ends the runtime as Lambda does; `status` answers what is posted."""

    events: list[tuple[bytes, dict[str, str]]]
    status: int = 202
    said: list[Said] = field(default_factory=list)
    address: str = ""

    def next_event(self) -> tuple[int, bytes, dict[str, str]]:
        return (200, *self.events.pop(0)) if self.events else (500, b"{}", {})


@contextmanager
def serving(api: RuntimeApi) -> Iterator[RuntimeApi]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._note(None)
            self._answer(*api.next_event())

        def do_POST(self) -> None:
            self._note(json.loads(self.rfile.read(int(self.headers["content-length"]))))
            self._answer(api.status, b"{}", {})

        def _note(self, body: Any) -> None:
            told = ("user-agent", "content-type", "lambda-runtime-invocation-id", "lambda-runtime-function-error-type")
            headers = {name: self.headers[name] for name in told if self.headers[name]}
            api.said.append(Said(self.command, self.path, headers, body))

        def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """Tests look at what it was told."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        api.address = f"127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever).start()
        try:
            yield api
        finally:
            server.shutdown()


def event(text: str, **more: str) -> tuple[bytes, dict[str, str]]:
    headers = {
        "Lambda-Runtime-Aws-Request-Id": "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
        "Lambda-Runtime-Deadline-Ms": "99999999999999",
        "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-central-1:000000000000:function:echo",
        "Lambda-Runtime-Trace-Id": "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=1",
        "Content-Type": "application/json",
    }
    return text.encode(), headers | more


def run(client: str, handler: str, api: RuntimeApi, folder: Path) -> tuple[list[Said], str]:
    """What a runtime with that client says until it is told to end, and its log."""
    (folder / "app.py").write_text(textwrap.dedent(HANDLERS))
    with serving(api):
        done = subprocess.run(
            [sys.executable, "-c", START, client, str(folder), handler],
            env={
                **os.environ,
                "AWS_LAMBDA_RUNTIME_API": api.address,
                "AWS_LAMBDA_FUNCTION_NAME": "echo",
                "_HANDLER": handler,
                "LAMBDA_TASK_ROOT": str(folder),
            },
            capture_output=True,
            text=True,
            check=False,
        )
    return api.said, done.stdout + done.stderr


CALLS = {
    "an event": ("app.echo", [event('{"key": "a\\u00e9.jpg"}')]),
    "several": ("app.echo", [event("1"), event('"two"'), event("null")]),
    "one with all that Lambda may say": (
        "app.echo",
        [
            event(
                "{}",
                **{
                    "Lambda-Runtime-Client-Context": '{"custom": {"k": "v"}}',
                    "Lambda-Runtime-Cognito-Identity": '{"cognitoIdentityId": "someone"}',
                    "Lambda-Runtime-Invocation-Id": "once",
                },
            )
        ],
    ),
    "an error": ("app.fail", [event('"x"'), event('"again"')]),
    "an answer that is no JSON": ("app.unspeakable", [event("{}")]),
    "a handler that is not there": ("app.absent", []),
    "a module that is not there": ("absent.handle", []),
}


@ON_LINUX
@pytest.mark.parametrize("call", CALLS)
def test_both_clients_say_the_same(call: str, tmp_path: Path) -> None:
    handler, events = CALLS[call]
    native, ours = (run(client, handler, RuntimeApi([*events]), tmp_path)[0] for client in CLIENTS)
    assert [each.path.rpartition("/")[2] for each in native].count("next") <= len(events) + 1
    assert ours == native


@pytest.mark.parametrize("client", [pytest.param("native", marks=ON_LINUX), "ours"])
def test_a_runtime_whose_answer_is_not_taken_ends(client: str, tmp_path: Path) -> None:
    said, log = run(client, "app.echo", RuntimeApi([event("1"), event("2")], status=400), tmp_path)
    assert [each.method for each in said] == ["GET", "POST"]
    assert "Failed to post invocation response" in log


def test_a_runtime_that_is_told_to_end_does(tmp_path: Path) -> None:
    said, log = run("ours", "app.echo", RuntimeApi([]), tmp_path)
    assert [each.path for each in said] == ["/2018-06-01/runtime/invocation/next"]
    assert "Failed to get next" in log
