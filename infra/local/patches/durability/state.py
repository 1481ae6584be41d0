"""What the emulator has acknowledged survives SIGKILL, and starting and saving take no longer as there is more of it.

Defect: only a clean shutdown saves state, all of it, a JSON file for each service; after SIGKILL the emulator starts
from the last one. AWS loses nothing. Patched by keeping the state in `infra.local.durable`: whatever a request changed
is written before it is answered, and what happened beside requests with the next answer or soon after.
"""

import asyncio
import json
import os
import sqlite3
import sys
import threading
import time
import types
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from infra.local.addresses import SAVE_PATH
from infra.local.durable.executions import Executions
from infra.local.durable.functions import Functions
from infra.local.durable.journal import WHOLE, Entries, Journal, Snapshot, UnsavedError, is_scoped
from infra.local.durable.logs import Logs
from infra.local.durable.metrics import Metrics
from infra.local.durable.objects import BY_VERSION, Buckets
from infra.local.durable.pending import Pending
from infra.local.durable.queues import Queues
from infra.local.durable.shelf import Memory
from infra.local.durable.store import IN_MEMORY, Store, decode, key_of
from infra.local.durable.streams import Streams
from infra.local.durable.tables import Tables
from infra.local.engine import history
from infra.local.ministack import app, lambda_svc, persistence, responses, stepfunctions

SAVE_SECONDS = 0.25
LOGS_SECONDS = 1.0
UNSAVED = "The state could not be saved, most likely because the disk is full: see the server's log."
SPEAKING_XML = ("s3", "sns", "cloudformation", "iam", "sts")

State = dict[str, Any]
Application = Callable[[Any, Any, Any], Awaitable[None]]
Response = tuple[int, dict[str, str], bytes]

_stock_admin = app._handle_admin_reset


def install() -> None:
    store = Store(Path(persistence.STATE_DIR) / "state.sqlite" if persistence.PERSIST_STATE else IN_MEMORY)
    state = DurableState(store)
    stepfunctions._executions._data = state.executions
    history.event_listeners.append(lambda record, _event: state.executions.went_on(record))
    history.position_listeners.append(state.executions.went_on)
    if persistence.PERSIST_STATE:
        app.save_all = state.end
        app._load_persisted_state = state.start
        app._handle_admin_reset = saving_on_demand(state)
        app.app = answering_once_saved(app.app, state)


class DurableState:
    """The whole of the emulator's state, and where each part of it is kept."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._journal = Journal(store)
        self._memory = Memory()
        self._parts: dict[str, Any] = {}
        self._watched: set[str] = set()
        self._streams = Streams(store)
        self.executions = Executions(store)
        self._journal.writers += [self.executions, self._streams]

    def start(self) -> None:
        """Nothing may be saved before all is loaded, or empty state would replace the saved one."""
        try:
            self._restore()
        except Exception:  # noqa: BLE001 - the emulator would go on, and save what little it has
            app.logger.exception("The state could not be read: better no emulator than one that forgot")
            os._exit(1)
        self._store.keep_log_short()
        threading.Thread(target=self._keep_saved, daemon=True).start()

    def _restore(self) -> None:
        for service, module in app._state_map.items():
            if state := self.load(service):
                app._get_module(module).load_persisted_state(state)
        self._watch_services()
        self._parts["pending"] = Pending(self._journal)
        for part in self._parts.values():
            part.restore()
        self._streams.restore()
        self._journal.save()

    def load(self, service: str) -> State | None:
        """A service's state in the emulator's own form. Large parts are left out: they have ways of their own."""
        state: State = {}
        for area in self._store.areas(service):
            name = area.partition("/")[2]
            if name in KEPT_BY_PARTS.get(service, set()) - LOADED:
                continue
            rows = list(self._store.texts(area))
            for key, text in rows:
                self._journal.known(area, key, text)
            state[name] = decode(rows[0][1]) if rows[0][0] == WHOLE else scoped(rows)
        if service == "stepfunctions":
            interrupted = responses.AccountRegionScopedDict()
            interrupted._data.update(self.executions.running())
            state["executions"] = interrupted
        return state or None

    def end(self, _readers: object) -> None:
        self.save_now()
        self._store.put_log_away()

    def save_now(self) -> None:
        """All that there is, logs included."""
        self._watch_services()
        self._parts["cloudwatch_logs"].save()
        self._parts["cloudwatch"].save(now=True)
        self._journal.save_again()

    def answer(self) -> Any:
        return self._journal.request()

    def _keep_saved(self) -> None:
        logs_due = 0.0
        while True:
            time.sleep(SAVE_SECONDS)
            try:
                self._watch_services()
                if time.monotonic() >= logs_due:
                    logs_due = time.monotonic() + LOGS_SECONDS
                    self._parts["cloudwatch_logs"].save()
                    self._parts["cloudwatch"].save()
                self._journal.save_again()
                self._memory.put_back()
                self.executions.put_back()
                self._streams.trim()
            except (UnsavedError, OSError, sqlite3.Error):
                app.logger.exception("The state could not be saved; the next round tries again")

    def _watch_services(self) -> None:
        """The emulator imports a service when it is first used."""
        for service, get_state in app._build_persistence_save_dict().items():
            if service not in self._watched:
                self._watched.add(service)
                self._watch(service, get_state)

    def _watch(self, service: str, get_state: Any) -> None:
        if part := PARTS.get(service):
            self._parts[service] = part(self._journal, self._memory)
        if service in PLAIN:
            for name, container in containers(service, get_state).items():
                Entries(f"{service}/{name}", container, self._journal)
        else:
            own = [value for value in vars(sys.modules[get_state.__module__]).values() if is_scoped(value)]
            Snapshot(service, own, get_state, self._journal)


PARTS: dict[str, Callable[[Journal, Memory], Any]] = {
    "cloudwatch": lambda journal, _memory: Metrics(journal.store),
    "cloudwatch_logs": lambda journal, _memory: Logs(journal),
    "dynamodb": Tables,
    "lambda": lambda journal, _memory: Functions(journal),
    "s3": Buckets,
    "sqs": lambda journal, _memory: Queues(journal),
}
"""Services that have something large, and what keeps it."""
KEPT_BY_PARTS = {
    "cloudwatch": {"metrics", "points"},
    "cloudwatch_logs": {"log_groups", "log_records", "streams"},
    "dynamodb": {"tables", "items", "sketches", "stream"},
    "lambda": {"functions", "dynamodb_stream_positions"},
    "s3": {
        *("buckets_meta", "objects", "writes", "restores", "uploads", "completed_uploads"),
        *(f"object_{name}" for name in BY_VERSION),
    },
    "sqs": {"queues", "messages"},
    "stepfunctions": {"executions", "definitions"},
}
"""The names of that in the service's own state, or of what it is kept as."""
LOADED = {"log_groups", "tables", "functions", "buckets_meta", "queues"}
"""Those of them that the service loads; the parts load all others."""
PLAIN = {
    *("cloudformation", "cloudwatch", "cloudwatch_logs", "dynamodb", "eventbridge", "iam", "kinesis", "lambda", "s3"),
    *("scheduler", "secretsmanager", "sns", "sqs", "ssm", "stepfunctions"),
}
"""Services whose state is copies of their own dictionaries. All others are small or not in use: saved as a whole."""


def containers(service: str, get_state: Any) -> State:
    """The dictionaries that hold the service's state, by the names that they have there."""
    if service == "lambda":
        names = ("layers", "esms", "function_urls", "kinesis_positions")
        return {name: getattr(lambda_svc, f"_{name}") for name in names}
    live = types.SimpleNamespace(deepcopy=itself)
    state: State = types.FunctionType(get_state.__code__, get_state.__globals__ | {"copy": live})()
    return {name: value for name, value in state.items() if name not in KEPT_BY_PARTS.get(service, set())}


def itself(value: Any) -> Any:
    return value


def scoped(rows: list[tuple[str, str]]) -> Any:
    """One of the emulator's dictionaries; keys tell by their length which."""
    entries = {key_of(key): decode(text) for key, text in rows}
    by_region = len(next(iter(entries))) == len(("account", "region", "key"))
    container = responses.AccountRegionScopedDict() if by_region else responses.AccountScopedDict()
    container._data.update(entries)
    return container


def answering_once_saved(application: Application, state: DurableState) -> Application:
    """The application, but no answer begins before what led to it is saved; instead of one that cannot be, an error."""

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await application(scope, receive, send)
            return
        refused = False

        async def send_once_saved(message: Any) -> None:
            nonlocal refused
            if message["type"] == "http.response.start":
                try:
                    save()
                except UnsavedError:
                    app.logger.exception("The state could not be saved")
                    refused = True
                    await send_failure(scope, send)
            if not refused:
                await send(message)

        with state.answer() as save:
            await application(scope, receive, send_once_saved)

    return answer


async def send_failure(scope: Any, send: Any) -> None:
    kind, body = unsaved(dict(scope["headers"]).get(b"authorization", b"").decode("latin-1"))
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 500, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def unsaved(authorization: str) -> tuple[bytes, bytes]:
    """Content type and body as the service says it that the signature names; S3's where there is none, as in a form."""
    if not authorization or any(f"/{service}/aws4_request" in authorization for service in SPEAKING_XML):
        error = f"<Error><Code>InternalFailure</Code><Message>{UNSAVED}</Message></Error>"
        return b"application/xml", f"<ErrorResponse>{error}</ErrorResponse>".encode()
    return b"application/json", json.dumps({"__type": "InternalFailure", "message": UNSAVED}).encode()


def saving_on_demand(state: DurableState) -> Callable[[str, str, Any], Awaitable[Response | None]]:
    async def handle(path: str, method: str, query: Any) -> Response | None:
        if path != SAVE_PATH or method != "POST":
            return await _stock_admin(path, method, query)
        await asyncio.to_thread(state.save_now)
        return 204, {}, b""

    return handle
