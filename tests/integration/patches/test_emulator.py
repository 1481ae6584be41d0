"""The embedded AWS starts, stops, and says what is wrong."""

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.local.emulator import Emulator, EmulatorError


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


@pytest.fixture
def emulator(tmp_path: Path) -> Iterator[Emulator]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    created = Emulator(tmp_path / "aws", port)
    yield created
    created.stop()


def test_a_stopped_emulator_runs_no_process_and_starts_again(emulator: Emulator) -> None:
    for _ in range(2):
        emulator.start()
        emulator.wait_ready()
        pid = emulator.pid()
        assert pid is not None
        emulator.stop()
        assert not emulator.running()
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_starting_twice_keeps_the_first_server(emulator: Emulator) -> None:
    emulator.start()
    emulator.wait_ready()
    second = Emulator(emulator.state_dir, emulator.port)
    second.start()
    assert second.pid() == emulator.pid()


def test_a_running_server_does_not_move_to_another_port(emulator: Emulator) -> None:
    emulator.start()
    emulator.wait_ready()
    with pytest.raises(EmulatorError, match=f"runs already, on port {emulator.port}"):
        Emulator(emulator.state_dir, emulator.port + 1).start()


def test_stopping_what_does_not_run_is_no_error(emulator: Emulator) -> None:
    emulator.stop()
    assert not emulator.running()


def test_a_pid_left_by_a_crash_is_not_taken_for_a_server(emulator: Emulator) -> None:
    emulator.state_dir.mkdir()
    (emulator.state_dir / "server.pid").write_text(str(os.getpid()))
    assert not emulator.running()
    emulator.stop()
    emulator.start()
    emulator.wait_ready()
    assert emulator.pid() not in (None, os.getpid())


def test_a_killed_server_is_noticed(emulator: Emulator) -> None:
    emulator.start()
    emulator.wait_ready()
    pid = emulator.pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    assert not emulator.running()


def test_a_port_in_use_is_explained(tmp_path: Path, taken_port: int) -> None:
    with pytest.raises(EmulatorError, match=rf"Port {taken_port} .*--port"):
        Emulator(tmp_path / "aws", taken_port).start()


def test_a_server_that_ends_at_once_shows_its_log(emulator: Emulator) -> None:
    broken = Emulator(emulator.state_dir, emulator.port, settings={"LAMBDA_WARM_TTL_SECONDS": "soon"})
    broken.start()
    with pytest.raises(EmulatorError, match="soon"):
        broken.wait_ready()
    broken.stop()


def test_the_server_listens_on_loopback_and_keeps_its_environment_clean(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    emulator.start()
    emulator.wait_ready()
    environment = Path(f"/proc/{emulator.pid()}/environ").read_bytes()
    assert b"AWS_PROFILE" not in environment
    assert b"BIND_HOST=127.0.0.1" in environment
