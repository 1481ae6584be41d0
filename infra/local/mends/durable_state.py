"""Saves the emulator's state while it runs, so that a crash loses seconds of it and not everything.

Defect: only a clean shutdown saves state; after SIGKILL the emulator starts from the last one. AWS loses nothing.
Mended by a thread that saves every two seconds, or less often when that would take more than a fiftieth of the time,
and by an address that saves at once: what was just deployed must not be lost.
Tables are saved before the executions that wrote them: an execution that is known to have ended has its effects.
S3's objects need none of this: the emulator writes them before it answers.
"""

import asyncio
import contextlib
import json
import sqlite3
import threading
import time
import types
from collections.abc import Awaitable, Callable, Generator
from pathlib import Path
from typing import Any

from infra.local.addresses import SAVE_PATH
from infra.local.journal import Execution, ExecutionJournal, Key
from infra.local.stock import app, persistence, responses, stepfunctions

SAVE_INTERVAL_SECONDS = 2.0
REST_PER_WORK = 50
# Large, and nothing depends on their last lines: saved less often.
TELEMETRY = ("cloudwatch", "cloudwatch_logs")
TELEMETRY_INTERVAL_SECONDS = 30.0
# Their get_state copies everything first, which costs ten times the encoding.
LARGE_SERVICES = (*TELEMETRY, "dynamodb", "stepfunctions")

State = dict[str, Any]
Reader = Callable[[], State | None]
Response = tuple[int, dict[str, str], bytes]

_stock_load = app._load_persisted_state
_stock_admin = app._handle_admin_reset


def install() -> None:
    if not persistence.PERSIST_STATE:
        return
    store = StateStore(Path(persistence.STATE_DIR))
    app.load_state = store.load
    app.save_all = store.save_all
    app._load_persisted_state = lambda: load_then_keep_saved(store)
    app._handle_admin_reset = saving_on_demand(store)


def load_then_keep_saved(store: "StateStore") -> None:
    """Nothing may be saved before all is loaded, or empty state would replace the saved one."""
    _stock_load()
    threading.Thread(target=store.keep_saved, daemon=True).start()


def saving_on_demand(store: "StateStore") -> Callable[[str, str, Any], Awaitable[Response | None]]:
    async def handle(path: str, method: str, query: Any) -> Response | None:
        if path != SAVE_PATH or method != "POST":
            return await _stock_admin(path, method, query)
        await asyncio.to_thread(store.save_all, None)
        return 204, {}, b""

    return handle


class StateStore:
    """The folder of saved state: a JSON file for each service, as the emulator has it, and the executions' journal."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._journal = ExecutionJournal(folder / "executions.sqlite", encode)
        self._saved: dict[str, int] = {}
        self._lock = threading.Lock()

    def keep_saved(self) -> None:
        telemetry_due = time.monotonic() + TELEMETRY_INTERVAL_SECONDS
        while True:
            started = time.thread_time()
            with going_on("The state"):
                self.save(tuple(name for name in readers() if name not in TELEMETRY))
            if time.monotonic() >= telemetry_due:
                self.save(TELEMETRY)
                telemetry_due = time.monotonic() + TELEMETRY_INTERVAL_SECONDS
            time.sleep(max(SAVE_INTERVAL_SECONDS, REST_PER_WORK * (time.thread_time() - started)))

    def save_all(self, _readers: object) -> None:
        self.save(tuple(readers()))

    def save(self, names: tuple[str, ...]) -> None:
        with self._lock:
            changes = self._journal.changes(current_executions())
            for name, read in readers().items():
                if name in names:
                    with going_on(name):
                        self._save_service(name, read)
            self._journal.commit(changes)

    def _save_service(self, name: str, read: Reader) -> None:
        state = read()
        if state is None:
            return
        text = encode({"__ministack_format__": persistence._state_format_version(name), "payload": state})
        if self._saved.get(name) != hash(text):
            replace_file(self._folder / f"{name}.json", text)
            self._saved[name] = hash(text)

    def load(self, name: str) -> State | None:
        state: State | None = persistence.load_state(name)
        return (state or {}) | {"executions": self._executions()} if name == "stepfunctions" else state

    def _executions(self) -> Any:
        executions = responses.AccountRegionScopedDict()
        executions._data.update({key: json.loads(record) for key, record in self._journal.load()})
        return executions


@contextlib.contextmanager
def going_on(what: str) -> Generator[None]:
    """A full disk, or a service whose state cannot be encoded, must not end the saving of all others."""
    try:
        yield
    except (OSError, RuntimeError, TypeError, ValueError, sqlite3.Error):
        app.logger.exception("%s could not be saved; the next round tries again", what)


def current_executions() -> dict[Key, Execution]:
    return dict(stepfunctions._executions._data)


def readers() -> dict[str, Reader]:
    """Each service in use, and how to read its state."""
    services: dict[str, Reader] = app._build_persistence_save_dict()
    large = {name: without_copying(services[name]) for name in LARGE_SERVICES if name in services}
    return services | large | {"stepfunctions": without_executions}


def without_executions() -> State:
    return without_copying(stepfunctions.get_state)() | {"executions": {}}


def without_copying(get_state: Any) -> Callable[[], State]:
    """The service's own get_state, but its `copy.deepcopy` returns the live object, which is encoded right away."""
    live = types.SimpleNamespace(deepcopy=itself)
    return types.FunctionType(get_state.__code__, get_state.__globals__ | {"copy": live})


def itself(value: Any) -> Any:
    return value


def encode(state: Any) -> str:
    return json.dumps(state, default=plain)


def plain(value: Any) -> Any:
    """As the emulator's files have it; from a copy, because other threads go on adding to the live dictionaries."""
    if isinstance(value, responses.AccountRegionScopedDict | responses.AccountScopedDict):
        snapshot = type(value)()
        snapshot._data.update(value._data)
        value = snapshot
    return persistence._json_default(value)


def replace_file(file: Path, text: str) -> None:
    unfinished = file.with_suffix(".tmp")
    unfinished.write_text(text)
    unfinished.replace(file)
