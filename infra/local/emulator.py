"""Starts, watches and stops the embedded AWS, a child process that outlives the command that started it.

The server holds a lock on `server.pid` for as long as it lives, so a pid left behind by a crash is never mistaken for
a running server, nor is another program that got the same pid.
"""

import contextlib
import fcntl
import http.client
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from infra.local.access import LocalAccess, private
from infra.local.addresses import HEALTH_PATH, SAVE_PATH

PROJECT_ROOT = Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"
DEFAULT_PORT = 4566
POLL_SECONDS = 0.02
KILL_SECONDS = 5.0
LOG_TAIL_LINES = 15
SECRET_BYTES = 30


class EmulatorError(Exception):
    """The embedded AWS cannot be started or does not answer."""


def default_concurrency() -> int:
    """Lambda invocations that may run at once; each is a process, so this follows the machine's cores."""
    return max(4, 2 * (os.cpu_count() or 2))


class Emulator:
    """One embedded AWS: its port, and the folder that holds all of its state."""

    def __init__(
        self,
        state_dir: Path,
        port: int = DEFAULT_PORT,
        *,
        concurrency: int | None = None,
        idle_worker_seconds: int = 60,
        settings: dict[str, str] | None = None,
    ) -> None:
        """`settings` are further environment variables of the server, such as AUTH or LOG_LEVEL."""
        self.state_dir = state_dir.resolve()
        self.port = port
        self._concurrency = concurrency or default_concurrency()
        self._idle_worker_seconds = idle_worker_seconds
        self._settings = settings or {}
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def access(self) -> LocalAccess:
        """The account's own keys, which `start` makes at random for this state folder."""
        try:
            keys = json.loads(self._keys_file.read_text())
        except FileNotFoundError:
            raise EmulatorError("An older Sluice started this embedded AWS: run `sluice down` first.") from None
        return LocalAccess(endpoint=self.endpoint, origins=str(self._origins_dir), **keys)

    @property
    def log_file(self) -> Path:
        return self.state_dir / "server.log"

    @property
    def _scratch_dir(self) -> Path:
        return self.state_dir / "tmp"

    @property
    def _pid_file(self) -> Path:
        return self.state_dir / "server.pid"

    @property
    def _keys_file(self) -> Path:
        return self.state_dir / "keys.json"

    @property
    def _origins_dir(self) -> Path:
        return self.state_dir / "origins"

    def start(self) -> None:
        """Starts the server unless it runs already. Does not wait: see `wait_ready`."""
        with private(self.state_dir), self._pid_lock() as lock:
            if lock is None:
                self._require_own_port()
                return
            self.require_free_port()
            self._clear_scratch()
            self._make_keys()
            self._origins_dir.mkdir(exist_ok=True)
            with self.log_file.open("ab") as log:
                self._child = subprocess.Popen(
                    [sys.executable, "-m", "infra.local.server"],
                    cwd=PROJECT_ROOT,
                    env=self._environment(),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    pass_fds=(lock,),
                )
            os.truncate(lock, 0)
            os.pwrite(lock, f"{self._child.pid} {self.port}".encode(), 0)

    def wait_ready(self, timeout: float = 30.0) -> None:
        deadline = time.monotonic() + timeout
        while not self._answers():
            if not self.running():
                raise EmulatorError(f"The embedded AWS ended while starting. Its last log lines:\n{self._log_tail()}")
            if time.monotonic() > deadline:
                raise EmulatorError(f"The embedded AWS did not answer within {timeout:g} s; see {self.log_file}.")
            time.sleep(POLL_SECONDS)

    def save(self) -> None:
        """Whatever was done so far survives a crash."""
        if (status := self._ask("POST", SAVE_PATH)) != http.HTTPStatus.NO_CONTENT:
            raise EmulatorError(f"The embedded AWS did not save its state (status {status}); see {self.log_file}.")

    def running(self) -> bool:
        return self.pid() is not None

    def pid(self) -> int | None:
        """The server's process id, or None when no server runs on this state folder."""
        if not self._pid_file.exists():
            return None
        with self._pid_lock() as lock:
            return None if lock is not None else self._pid_and_port()[0]

    def stop(self, grace: float = 15.0) -> None:
        """Lets the server save its state and end; after `grace` seconds, ends it and its functions the hard way."""
        pid = self.pid()
        if pid is not None:
            os.kill(pid, signal.SIGTERM)
            self._wait_ended(grace)
        self._end(pid)

    def kill(self) -> None:
        """Ends the server and its functions at once, as a crash would: nothing more is saved."""
        self._end(self.pid())

    def _end(self, pid: int | None) -> None:
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
            self._wait_ended(KILL_SECONDS)
        if self._child is not None:
            self._child.wait()
            self._child = None

    def _wait_ended(self, timeout: float) -> None:
        deadline = time.monotonic() + timeout
        while self.running() and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)

    def _environment(self) -> dict[str, str]:
        inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "LC_ALL") if name in os.environ}
        return inherited | {
            "TMPDIR": str(self._scratch_dir),
            "BIND_HOST": HOST,
            "GATEWAY_PORT": str(self.port),
            "PERSIST_STATE": "1",
            "STATE_DIR": str(self.state_dir / "services"),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(self.state_dir / "s3"),
            "LAMBDA_ACCOUNT_CONCURRENCY": str(self._concurrency),
            "LAMBDA_WARM_TTL_SECONDS": str(self._idle_worker_seconds),
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
            "LAMBDA_QUEUE_SECONDS": "10",
            "AWS_ACCESS_KEY_ID": self.access.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.access.secret_access_key,
            "SLUICE_ORIGINS": str(self._origins_dir),
            # The emulator removes containers it takes for its own: keep it away from the user's Docker.
            "DOCKER_HOST": f"unix://{self.state_dir}/no-docker",
            **self._settings,
        }

    def _make_keys(self) -> None:
        if not self._keys_file.exists():
            key = "AKIA" + secrets.token_hex(8).upper()
            keys = {"access_key_id": key, "secret_access_key": secrets.token_urlsafe(SECRET_BYTES)}
            self._keys_file.write_text(json.dumps(keys))

    def _clear_scratch(self) -> None:
        """Removes what functions of a killed server left behind."""
        shutil.rmtree(self._scratch_dir, ignore_errors=True)
        self._scratch_dir.mkdir()

    @contextlib.contextmanager
    def _pid_lock(self) -> Generator[int | None]:
        """The locked pid file's descriptor, or None while a server holds the lock."""
        descriptor = os.open(self._pid_file, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
        else:
            yield descriptor
        finally:
            os.close(descriptor)

    def _pid_and_port(self) -> tuple[int, int] | tuple[None, None]:
        """What the running server's file says: nothing yet, when the server is just being started."""
        written = self._pid_file.read_text().split()
        return (int(written[0]), int(written[1])) if written else (None, None)

    def _require_own_port(self) -> None:
        port = self._pid_and_port()[1]
        if port not in (None, self.port):
            raise EmulatorError(
                f"The embedded AWS with the state in {self.state_dir} runs already, on port {port}: "
                f"stop it first, or use it with --port {port}."
            )

    def require_free_port(self) -> None:
        """Raises EmulatorError where another program listens."""
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, self.port))
            except OSError as exc:
                raise EmulatorError(
                    f"Port {self.port} cannot be used ({exc.strerror}): another program, or another Sluice with its "
                    "own state folder, listens there. Stop it, or choose a free port with --port."
                ) from exc

    def _answers(self) -> bool:
        with contextlib.suppress(OSError):
            return self._ask("GET", HEALTH_PATH, timeout=5) == http.HTTPStatus.OK
        return False

    def _ask(self, method: str, path: str, *, timeout: float = 60) -> int:
        with contextlib.closing(http.client.HTTPConnection(HOST, self.port, timeout=timeout)) as connection:
            connection.request(method, path, headers=self._signed(method, path))
            return connection.getresponse().status

    def _signed(self, method: str, path: str) -> dict[str, Any]:
        request = AWSRequest(method, self.endpoint + path)
        keys = Credentials(self.access.access_key_id, self.access.secret_access_key)
        SigV4Auth(keys, "sluice", "us-east-1").add_auth(request)
        return dict(request.headers)

    def _log_tail(self) -> str:
        lines = self.log_file.read_text(errors="replace").splitlines() if self.log_file.exists() else []
        return "\n".join(lines[-LOG_TAIL_LINES:])
