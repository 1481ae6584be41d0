"""What a decoder that a file took over finds where it looks for more: Linux's walls, one by one."""

import errno
import fcntl
import os
import resource
import socket
import struct
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import pytest

from tasks.shared import sandbox
from tasks.shared.confined import Confines, confined

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has these walls, and `sandbox` says so")
CONFINES = Confines(memory_mb=200, seconds=60, cpu_seconds=30)


def tried(attempts: dict[str, Any]) -> dict[str, str]:
    """What each came to."""
    return {name: outcome(attempt) for name, attempt in attempts.items()}


def outcome(attempt: Any) -> str:
    try:
        attempt()
    except (OSError, ValueError) as exc:
        return type(exc).__name__
    return "done"


def reach_others(_: str) -> dict[str, str]:
    parent = os.getppid()
    return tried(
        {
            "network": socket.socket,
            "local socket": lambda: socket.socket(socket.AF_UNIX),
            "another program": lambda: subprocess.run(["/bin/sh", "-c", ""], check=True),
            "a process": os.fork,
            "its parent, by a signal": lambda: os.kill(parent, 0),
            "its parent's environment": lambda: Path(f"/proc/{parent}/environ").read_bytes(),
            "its parent's memory": lambda: open(f"/proc/{parent}/mem", "rb"),  # noqa: PTH123 - does not open
            "more memory": lambda: resource.setrlimit(resource.RLIMIT_DATA, (-1, -1)),
        }
    )


def own_a_pipe(_: str) -> dict[str, str]:
    """Whoever owns it is sent a signal of one's choice once it can be read."""
    parent, (reader, _writer) = os.getppid(), os.pipe()
    return tried(
        {
            "F_SETOWN": lambda: fcntl.fcntl(reader, fcntl.F_SETOWN, parent),
            "F_SETOWN_EX": lambda: fcntl.fcntl(reader, 15, struct.pack("ii", 1, parent)),
            "F_SETSIG": lambda: fcntl.fcntl(reader, fcntl.F_SETSIG, 9),
            "FIOSETOWN": lambda: fcntl.ioctl(reader, 0x8901, struct.pack("i", parent)),
            "SIOCSPGRP": lambda: fcntl.ioctl(reader, 0x8902, struct.pack("i", parent)),
        }
    )


def work_as_before(scratch: str) -> dict[str, str]:
    return tried(
        {
            "write": lambda: Path(scratch, "made").write_text("made"),
            "read": lambda: Path(scratch, "given").read_text(),
            "thread": lambda: threading.Thread(target=int).start(),
            "import": lambda: __import__("sqlite3"),
            "signal itself": lambda: os.kill(os.getpid(), 0),
            "look at a file's flags": lambda: fcntl.fcntl(1, fcntl.F_GETFL),
            "close a file in programs": lambda: fcntl.fcntl(1, fcntl.F_SETFD, fcntl.FD_CLOEXEC),
            "copy a file": lambda: fcntl.fcntl(1, fcntl.F_DUPFD_CLOEXEC, 0),
            "ask how much a pipe has": lambda: fcntl.ioctl(os.pipe()[0], 0x541B, bytes(4)),
        }
    )


def go_elsewhere(secret: str, folder: str) -> dict[str, str]:
    elsewhere = Path(folder).parent / "elsewhere"
    return tried(
        {
            "read": (elsewhere / "secret").read_text,
            "list": lambda: list(elsewhere.iterdir()),
            "write": lambda: (elsewhere / "made").write_text("made"),
            "cut": lambda: os.truncate(elsewhere / "secret", 0),
            "remove": (elsewhere / "secret").unlink,
            "given": lambda: Path(secret).read_text(),
            "given, written to": lambda: Path(secret).write_text("changed"),
        }
    )


def missing_walls() -> str:
    """Those that this kernel, or the container that we are in, does not give."""
    code = "from tasks.shared import sandbox; print(sandbox.enter(readable=[], writable=[]))"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_a_taken_over_child_reaches_no_network_no_program_and_no_process() -> None:
    found = confined(reach_others, "", confines=CONFINES)
    assert "done" not in found.values(), found


def test_a_taken_over_child_has_no_signal_sent_by_a_file() -> None:
    assert set(confined(own_a_pipe, "", confines=CONFINES).values()) == {"PermissionError"}


def test_what_a_child_is_for_it_does_as_before(tmp_path: Path) -> None:
    (tmp_path / "given").write_text("given")
    assert set(confined(work_as_before, str(tmp_path), confines=CONFINES).values()) == {"done"}


def test_a_taken_over_child_finds_no_files_but_those_it_was_given(tmp_path: Path) -> None:
    if "Landlock" in (missing := missing_walls()):
        pytest.skip(f"this kernel has none: {missing}")
    given, folder, elsewhere = tmp_path / "given", tmp_path / "scratch", tmp_path / "elsewhere"
    for each in (folder, elsewhere):
        each.mkdir()
    given.write_text("given")
    (elsewhere / "secret").write_text("secret")
    found = confined(go_elsewhere, str(given), str(folder), confines=CONFINES)
    assert {name for name, came_to in found.items() if came_to == "done"} == {"given"}
    assert (elsewhere / "secret").read_text() == "secret"


def test_a_hidden_process_shows_its_environment_to_no_other() -> None:
    """Also where there is no wall about files, as in Lambda; root has to give up its privileges for it."""
    code = """
        import os, subprocess, sys
        from tasks.shared import sandbox
        sandbox.hide()
        look = "from tasks.shared import sandbox; sandbox._give_up_privileges(); open('/proc/%d/environ').read()"
        sys.exit(subprocess.run([sys.executable, "-c", look % os.getpid()]).returncode)
    """
    ended = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False)
    assert "PermissionError" in ended.stderr


def test_a_hidden_process_still_starts_others_and_reads_about_itself() -> None:
    code = """
        import subprocess, sys
        from pathlib import Path
        from infra.local.runtime.lambda_runtime import resident_bytes
        from tasks.shared import sandbox
        sandbox.hide()
        assert resident_bytes() > 0
        subprocess.run([sys.executable, "-c", ""], check=True)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_ends_in_each_case(machine: str) -> None:
    """Every jump lands on an instruction, and the last one allows."""
    program = list(sandbox._filter(machine))
    assert len(program) < 4096
    for place, (code, holds, else_, _) in enumerate(program):
        if code in (sandbox.IS, sandbox.AT_LEAST, sandbox.HAS):
            assert place + 1 + max(holds, else_) < len(program)
    assert program[-1] == (sandbox.RETURN, 0, 0, sandbox.ALLOW)


FCNTL, IOCTL = {"x86_64": 72, "aarch64": 25}, {"x86_64": 16, "aarch64": 29}


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_leaves_all_of_fcntl_and_ioctl_but_who_is_sent_a_signal(machine: str) -> None:
    refused = sandbox.REFUSE | errno.EPERM
    program = list(sandbox._filter(machine))
    told = {command for command in range(2048) if answer(program, machine, FCNTL[machine], command) == refused}
    assert told == {8, 10, 15}
    told = {
        command for command in range(0x8900, 0x8A00) if answer(program, machine, IOCTL[machine], command) == refused
    }
    assert told == {0x8901, 0x8902}


def answer(program: list[sandbox.Instruction], machine: str, call: int, second_argument: int) -> int:
    """As the kernel runs the filter."""
    place, loaded = 0, 0
    words = {sandbox.NUMBER: call, sandbox.ARCHITECTURE: sandbox.AUDIT_ARCH[machine]}
    words |= {sandbox.FIRST_ARGUMENT: 0, sandbox.SECOND_ARGUMENT: second_argument}
    while program[place][0] != sandbox.RETURN:
        code, holds, else_, value = program[place]
        if code == sandbox.LOAD:
            loaded = words[value]
        met = {sandbox.IS: loaded == value, sandbox.AT_LEAST: loaded >= value, sandbox.HAS: bool(loaded & value)}
        place += 1 + (holds if met.get(code) else else_)
    return program[place][3]


def test_where_a_wall_cannot_be_had_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert sandbox.enter(readable=[], writable=[]) == ["darwin has neither seccomp nor Landlock"]
    sandbox.hide()


def test_a_machine_without_a_list_of_calls_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    with pytest.raises(sandbox.SandboxError, match="riscv64"):
        sandbox._call_nobody()
