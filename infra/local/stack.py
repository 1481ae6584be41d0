"""`up` and `down`: the whole of Sluice on this machine, in one state folder."""

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol, TypeVar

from infra.local import access
from infra.local.access import ACCESS_FILE, LocalAccess, NotThereError
from infra.local.deploy import deploy
from infra.local.emulator import DEFAULT_PORT, Emulator

UNCLEAN_FILE = "not-stopped-cleanly"
EMULATOR_DIR = "aws"


@dataclass(frozen=True)
class Ready:
    """A local stack that answers; `changed` names the stacks deployed, `taken_up` the keys that were in flight."""

    endpoint: str
    seconds: float
    changed: tuple[str, ...]
    taken_up: list[str]


class Clients(Protocol):
    """Whoever makes clients of the embedded AWS."""

    def client(self, service: Any) -> Any: ...


ClientsT = TypeVar("ClientsT", bound=Clients)
ClientsT_contra = TypeVar("ClientsT_contra", bound=Clients, contravariant=True)


class Recovery(Protocol[ClientsT_contra]):
    """What takes up the work that a stop interrupted; the keys taken up."""

    def __call__(self, clients: ClientsT_contra, /, *, since: datetime, lost_records: bool) -> list[str]: ...


def up(
    state_dir: Path,
    port: int | None,
    say: Callable[[str], None],
    *,
    connect: Callable[[LocalAccess], ClientsT],
    recover: Recovery[ClientsT],
) -> Ready:
    """Start the embedded AWS unless it runs, deploy what changed, and take up what a crash left.

    `connect` makes the clients; `recover` is told when the embedded AWS was started.
    """
    with access.private(state_dir):
        return _up(state_dir, port, say, connect, recover)


def _up(
    state_dir: Path,
    port: int | None,
    say: Callable[[str], None],
    connect: Callable[[LocalAccess], ClientsT],
    recover: Recovery[ClientsT],
) -> Ready:
    started, since = time.perf_counter(), datetime.now(UTC).replace(microsecond=0)
    emulator = emulator_of(state_dir, port)
    crashed = (state_dir / UNCLEAN_FILE).exists() and not emulator.running()
    say("starting the embedded AWS")
    emulator.start()
    (state_dir / UNCLEAN_FILE).touch()
    emulator.wait_ready()
    access.write(emulator.access, state_dir)
    clients = connect(emulator.access)
    say("deploying the stacks")
    deployment = deploy(clients.client, state_dir)
    if deployment.changed:
        emulator.save()
    say("looking for unfinished work")
    taken_up = recover(clients, since=since, lost_records=crashed)
    return Ready(emulator.endpoint, time.perf_counter() - started, deployment.changed, taken_up)


def down(state_dir: Path, *, wipe: bool) -> bool:
    """Stop the embedded AWS, and with `wipe` forget all that it kept. False where nothing ran."""
    emulator = emulator_of(state_dir, None)
    ran = emulator.running()
    emulator.stop()
    for name in (UNCLEAN_FILE, ACCESS_FILE):
        (state_dir / name).unlink(missing_ok=True)
    if wipe:
        shutil.rmtree(state_dir / EMULATOR_DIR, ignore_errors=True)
    return ran


def emulator_of(state_dir: Path, port: int | None) -> Emulator:
    """The folder's embedded AWS, on the port it has, the one that is asked for, or the usual one."""
    running_on = _port_in_use(state_dir)
    return Emulator(state_dir / EMULATOR_DIR, running_on or port or DEFAULT_PORT)


def _port_in_use(state_dir: Path) -> int | None:
    try:
        return int(access.read(state_dir).endpoint.rpartition(":")[2])
    except NotThereError:
        return None
