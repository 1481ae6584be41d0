"""Stands before the embedded AWS: whoever is a page of another site, or has not signed with its keys, gets no further.

Nothing is open to all, the emulator's own addresses for health, reset and the like included: these take the account's
own keys. Pages of the console may send the forms and fetch the addresses that it signed, and see S3's CORS answers.
"""

from collections.abc import Awaitable, Callable, Collection, MutableMapping
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote

from infra.local.callers import Listener
from infra.local.ministack import app as emulator
from infra.local.ministack import s3, sigv4
from infra.local.signatures import NotSignedError, Request, Response, as_response, signer

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

OWN_ADDRESSES = "/_"
API_ADDRESSES = "/_aws/execute-api/"
ACCOUNT_ITSELF = "Root"
READING = {"GET", "HEAD"}
CORS = b"access-control-"
POLICY_VIOLATION = 1008
UNSIGNED = NotSignedError("MissingAuthenticationToken", "Request is missing Authentication Token.")


class Guard:
    """Middleware around the emulator; `origins` is a folder that names those of running consoles."""

    def __init__(self, app: App, port: int, origins: Path) -> None:
        self._app = app
        self._listener = Listener(port, subdomains=True)
        self._origins = origins

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._serve(scope, receive, send)
        else:  # nothing of Sluice speaks over WebSockets to AWS
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = request_of(scope)
        if refused := self._refusal(request):
            await _answer(send, as_response(HTTPStatus.FORBIDDEN, refused))
        elif request.method == "OPTIONS":
            await _answer(send, preflight(request))
        elif not request.may_be_signed:
            await _answer(send, UNSIGNED.response(request))
        elif (body := await _body(receive)) is not None:
            try:
                require_signature(request, body)
            except NotSignedError as exc:
                await _answer(send, exc.response(request))
            else:
                await self._app(scope, _replayed(body, receive), with_own_cors(request, send))

    def _refusal(self, request: Request) -> str | None:
        for_console = request.is_form or request.method == "OPTIONS"
        for_console = for_console or (request.is_presigned and request.method in READING)
        return self._listener.refusal(request.headers, self._consoles() if for_console else ())

    def _consoles(self) -> Collection[str]:
        return {f"http://{file.name}" for file in self._origins.iterdir()}


def require_signature(request: Request, body: bytes) -> None:
    who = signer(request, body)
    own = request.path.startswith(OWN_ADDRESSES) and not request.path.startswith(API_ADDRESSES)
    if own and who.principal_type != ACCOUNT_ITSELF:
        raise NotSignedError("AccessDenied", "This takes the account's own keys.")


def preflight(request: Request) -> Response:
    """S3's answer, by the bucket's own rules; nothing else is for pages."""
    target = emulator._s3_cors_target(request.headers["host"], request.path)
    if target is None:
        return as_response(HTTPStatus.FORBIDDEN, "This takes no requests of pages.")
    return s3.cors_preflight(*target, request.headers)


def with_own_cors(request: Request, send: Send) -> Send:
    """The emulator lets pages of all origins read every answer: only those may that S3's rules for the bucket name."""

    async def send_with_own_cors(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [(name, value) for name, value in message["headers"] if not name.lower().startswith(CORS)]
            message = {**message, "headers": kept + _raw(_cors(request))}
        await send(message)

    return send_with_own_cors


def _cors(request: Request) -> dict[str, str]:
    target = emulator._s3_cors_target(request.headers["host"], request.path)
    return s3.cors_response_headers(target[0], request.method, request.headers) if target else {}


def request_of(scope: Scope) -> Request:
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), sigv4.decode_header_value(raw_value)
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    query = parse_qs(scope["query_string"].decode("utf-8", "replace"), keep_blank_values=True)
    raw_path = (scope.get("raw_path") or quote(scope["path"]).encode()).decode("latin-1")
    return Request(scope["method"], scope["path"], raw_path, query, headers)


async def _body(receive: Receive) -> bytes | None:
    """All of it, or None where the client went away meanwhile."""
    chunks: list[bytes] = []
    while (message := await receive())["type"] == "http.request":
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(chunks)
    return None


def _replayed(body: bytes, receive: Receive) -> Receive:
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return waiting.pop() if waiting else await receive()

    return receive_again


async def _answer(send: Send, response: Response) -> None:
    status, headers, body = response
    headers = {**headers, "content-length": str(len(body))}
    await send({"type": "http.response.start", "status": int(status), "headers": _raw(headers)})
    await send({"type": "http.response.body", "body": body})


def _raw(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
