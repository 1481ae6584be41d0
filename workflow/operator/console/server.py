"""Serves the console on loopback, until it is stopped."""

import secrets
import socket
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from functools import partial

import uvicorn
from fastapi import FastAPI, Request
from nicegui import Client, ui
from nicegui import app as pages_app
from starlette.responses import JSONResponse, PlainTextResponse, Response

from workflow.errors import SluiceError
from workflow.kinds import MAX_KEY_BYTES
from workflow.operator.client import Sluice
from workflow.operator.console import pages
from workflow.operator.console.frame import STATIC, Console, frame, page_head
from workflow.operator.console.guard import KEY, Guard
from workflow.operator.console.widgets import text
from workflow.operator.operations import whoami

LOOPBACK = "127.0.0.1"
CLOCKS_APART = timedelta(seconds=5)
"""What this machine's clock may be ahead of the functions'."""
ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 22 22"><rect width="22" height="22" rx="6" fill="#0b62d6"/>'
    '<path d="M5 8.5l12-2M5 15.5l12-2" stroke="#fff" stroke-width="2"/></svg>'
)


class PortTakenError(SluiceError):
    """Something else answers at the port."""


def serve(sluice: Sluice, port: int, on_ready: Callable[[str], None]) -> None:
    """Serve until interrupted; `on_ready` gets the address, with the key of this start, that opens the console."""
    console = Console(sluice, whoami(sluice))
    taken = _listen(port)
    key = secrets.token_urlsafe(24)
    guarded = Guard(_application(console), port, key, console.files.origins)
    # Connections that come before the server is up wait in the socket's queue.
    origin = f"http://{LOOPBACK}:{port}"
    on_ready(f"{origin}/?{KEY}={key}")
    local = sluice.aws.local
    with local.open_to(origin) if local else nullcontext():
        uvicorn.Server(uvicorn.Config(guarded, log_level="warning", ws="websockets-sansio")).run(sockets=[taken])


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server((LOOPBACK, port))
    except OSError as exc:
        raise PortTakenError(f"Port {port} is taken. Stop what uses it, or choose another with --port.") from exc


def _application(console: Console) -> FastAPI:
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @app.post("/upload-form")
    async def upload_form(request: Request) -> Response:
        wanted = await request.json()
        key = str(wanted["key"])
        if not key or len(key.encode()) > MAX_KEY_BYTES:
            return PlainTextResponse(f"Names have 1 to {MAX_KEY_BYTES} bytes.", status_code=400)
        since = datetime.now(UTC) - CLOCKS_APART
        return JSONResponse({**console.files.upload_form(key, str(wanted["type"])), "since": since.isoformat()})

    pages.add_to_site(console)
    pages_app.add_exception_handler(404, partial(_not_found, console))
    pages_app.add_static_files("/static", STATIC)
    pages_app.config.socket_io_js_transports = ["websocket"]
    ui.run_with(
        app,
        title="Sluice",
        favicon=ICON,
        dark=None,
        language="en-US",
        tailwind=False,
        show_welcome_message=False,
        gzip_middleware_factory=None,
    )
    return app


async def _not_found(console: Console, request: Request, _: Exception) -> Response:
    """A page with the navigation on it, where somebody reads it."""
    with Client(ui.page(""), request=request) as client, frame(console, "Not found", at=""):
        page_head("No such page")
        text("The address is wrong, or belongs to another version. The lists above lead everywhere.", "p", "muted")
    return client.build_response(request, 404)
