"""Keeps the console to the person who started it: refuses pages of other sites, and whoever lacks the start's key.

Every answer says that no script may run but those that this server sent.
"""

import secrets
from collections.abc import Iterable
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from infra.local.callers import Listener

KEY = "key"
"""The query parameter by which the first page is opened; a cookie carries it from there on."""
READING = {"GET", "HEAD"}
POLICY_VIOLATION = 1008


class Guard:
    """Middleware around everything; `app` is what it guards, `storage` the origins that files come from."""

    def __init__(self, app: ASGIApp, port: int, key: str, storage: Iterable[str]) -> None:
        self.app = app
        self._listener = Listener(port)
        self._address = f"127.0.0.1:{port}"
        self._cookie = f"sluice-{port}"
        self._key = key
        self._storage = " ".join(sorted(storage))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        problem = self._foreign(scope, headers)
        if problem is None and headers["host"] != self._address and scope.get("method") in READING:
            await self._at_its_address(scope)(scope, receive, send)
            return
        if problem is None and self._opens(scope):
            await self._welcome(scope)(scope, receive, send)
            return
        problem = problem or self._stranger(headers)
        if problem:
            await _refuse(problem, scope, receive, send)
            return
        nonce = secrets.token_urlsafe(16)
        await self.app(scope, receive, _Protected(send, nonce, self._policy(nonce, headers["host"])))

    def _foreign(self, scope: Scope, headers: Headers) -> str | None:
        if refused := self._listener.refusal(headers):
            return refused
        must_tell = scope["type"] == "websocket" or scope["method"] not in READING
        if must_tell and "origin" not in headers:
            return "Only this console's own pages may send such requests."
        return None

    def _stranger(self, headers: Headers) -> str | None:
        if secrets.compare_digest(_cookie(headers, self._cookie).encode(), self._key.encode()):
            return None
        return "Open the address that `sluice console` printed: it carries the key of this start."

    def _opens(self, scope: Scope) -> bool:
        given = dict(parse_qsl(scope["query_string"].decode())).get(KEY, "")
        return scope["type"] == "http" and secrets.compare_digest(given.encode(), self._key.encode())

    def _at_its_address(self, scope: Scope) -> RedirectResponse:
        """There is one origin that storage knows: for a browser, localhost is another site than 127.0.0.1."""
        query = scope["query_string"].decode()
        return RedirectResponse(f"http://{self._address}{scope['path']}" + (f"?{query}" if query else ""))

    def _welcome(self, scope: Scope) -> RedirectResponse:
        """Keep the key in a cookie, and the address clean of it."""
        rest = [(name, value) for name, value in parse_qsl(scope["query_string"].decode()) if name != KEY]
        response = RedirectResponse(scope["path"] + (f"?{urlencode(rest)}" if rest else ""), status_code=303)
        response.set_cookie(self._cookie, self._key, httponly=True, samesite="strict")
        return response

    def _policy(self, nonce: str, host: str) -> str:
        """NiceGUI compiles its templates in the browser, hence unsafe-eval; inline handlers stay forbidden."""
        rules = {
            "default-src": "'none'",
            "script-src": f"'self' 'nonce-{nonce}' 'unsafe-eval'",
            "style-src": "'self' 'unsafe-inline'",
            "font-src": "'self' data:",
            "img-src": f"'self' data: {self._storage}",
            "media-src": f"data: {self._storage}",
            "frame-src": self._storage,
            "connect-src": f"'self' ws://{host} {self._storage}",
            "form-action": "'none'",
            "base-uri": "'none'",
            "object-src": "'none'",
            "frame-ancestors": "'none'",
        }
        return "; ".join(f"{name} {value}" for name, value in rules.items())


def _cookie(headers: Headers, name: str) -> str:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(name)
    except CookieError:
        return ""
    return found.value if found else ""


async def _refuse(problem: str, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": POLICY_VIOLATION, "reason": problem})
    else:
        await PlainTextResponse(problem, status_code=403)(scope, receive, send)


class _Protected:
    """Adds the headers to an answer, and the nonce to the scripts of a page: text in it has no tags of its own."""

    def __init__(self, send: Send, nonce: str, policy: str) -> None:
        self._send = send
        self._nonce = nonce
        self._policy = policy
        self._page = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=list(message["headers"]))
            self._start(headers)
            message = {**message, "headers": headers.raw}
        elif message["type"] == "http.response.body" and self._page:
            marked = message.get("body", b"").replace(b"<script", f'<script nonce="{self._nonce}"'.encode())
            message = {**message, "body": marked}
        await self._send(message)

    def _start(self, headers: MutableHeaders) -> None:
        self._page = headers.get("content-type", "").startswith("text/html")
        if self._page:
            del headers["content-length"]
        headers["content-security-policy"] = self._policy
        headers["x-content-type-options"] = "nosniff"
        headers["x-frame-options"] = "DENY"
        headers["referrer-policy"] = "origin"  # by which storage knows the console's pages
        headers["cross-origin-opener-policy"] = "same-origin"
        headers["cross-origin-resource-policy"] = "same-origin"
