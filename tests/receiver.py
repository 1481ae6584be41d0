"""A receiver of webhooks on this machine, which answers what it is told to."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from infra.local import side_doors


@dataclass(frozen=True)
class Request:
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """`answers` are given one after the other, as status and headers; then 204 to all."""

    url: str = ""
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    got: list[Request] = field(default_factory=list)

    def next_answer(self) -> tuple[int, dict[str, str]]:
        return self.answers.pop(0) if self.answers else (204, {})


@contextmanager
def receiving(*answers: tuple[int, dict[str, str]]) -> Iterator[Receiver]:
    receiver = Receiver(answers=list(answers))

    class Handler(BaseHTTPRequestHandler):
        parse_request = side_doors.parse_own_request

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            receiver.got.append(Request(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            status, headers = receiver.next_answer()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Tests look at what it got."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver.url = f"http://127.0.0.1:{server.server_port}/sluice"
        threading.Thread(target=server.serve_forever).start()
        try:
            yield receiver
        finally:
            server.shutdown()


@contextmanager
def opened_webhook(lambda_: Any, events: Any, url: str) -> Iterator[None]:
    """The local stage's webhook, which is paused, sends to `url` meanwhile."""
    function = "sluice-local-webhook"
    before = lambda_.get_function_configuration(FunctionName=function)["Environment"]["Variables"]
    (rule,) = (r["Name"] for r in events.list_rules()["Rules"] if "OnOutcome" in r["Name"])
    lambda_.update_function_configuration(
        FunctionName=function, Environment={"Variables": before | {"WEBHOOK_URL": url}}
    )
    events.enable_rule(Name=rule)
    try:
        yield
    finally:
        events.disable_rule(Name=rule)
        lambda_.update_function_configuration(FunctionName=function, Environment={"Variables": before})
