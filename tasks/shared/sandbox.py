"""Walls that a process asks of Linux, for good: nobody looks into it, or it gets no further than to some folders.

Without a network, other programs or other processes, what takes over a decoder is left with a wrong answer. Elsewhere
than on Linux there are no such walls, nor those that its kernel lacks: `enter` says which.
"""

import ctypes
import errno
import os
import platform
import struct
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, SECCOMP_MODE_FILTER = 4, 22, 38, 2

FORBIDDEN = {
    "x86_64": (41, 42, 49, 57, 58, 59, 101, 165, 200, 129, 297, 248, 249, 250, 272, 298, 308, 310, 311, 321, 322, 323),
    "aarch64": (198, 203, 200, 221, 117, 40, 130, 138, 240, 217, 218, 219, 97, 241, 268, 270, 271, 280, 281, 282),
}
"""socket, connect, bind, fork, vfork, execve, ptrace, mount, signals by queue, keys, unshare, perf_event_open, setns,
process_vm_readv and writev, bpf, execveat, userfaultfd: https://github.com/torvalds/linux/tree/v6.12/arch/x86/entry/syscalls"""
FORBIDDEN_EVERYWHERE = (424, 425, 434, 438)
"""pidfd_send_signal, io_uring_setup, pidfd_open, pidfd_getfd"""
F_SETOWN, F_SETSIG, F_SETOWN_EX, FIOSETOWN, SIOCSPGRP = 8, 10, 15, 0x8901, 0x8902
FCNTL, IOCTL = (F_SETOWN, F_SETSIG, F_SETOWN_EX), (FIOSETOWN, SIOCSPGRP)
CLONE, SIGNALS, PRLIMIT = (
    {"x86_64": 56, "aarch64": 220},
    {"x86_64": (62, 234), "aarch64": (129, 131)},
    {
        "x86_64": 302,
        "aarch64": 261,
    },
)
CLONE3 = 435
WITHOUT: Mapping[str, Mapping[int, tuple[int, ...]]] = MappingProxyType(
    {"x86_64": {72: FCNTL, 16: IOCTL}, "aarch64": {25: FCNTL, 29: IOCTL}}
)
"""fcntl and ioctl by number, and what of them chooses who is sent a signal, and which, once a file can be read:
https://man7.org/linux/man-pages/man2/F_SETSIG.2const.html"""
CLONE_THREAD = 0x10000
AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
X32_CALLS = 0x40000000

NUMBER, ARCHITECTURE, FIRST_ARGUMENT, SECOND_ARGUMENT = 0, 4, 16, 24
LOAD, IS, AT_LEAST, HAS, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
ALLOW, REFUSE = 0x7FFF0000, 0x00050000

LANDLOCK_CREATE, LANDLOCK_ADD, LANDLOCK_RESTRICT = 444, 445, 446
LANDLOCK_VERSION, LANDLOCK_BENEATH = 1, 1
EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1, 2, 4, 8
ALL_OF_FIRST_VERSION, TRUNCATE, TRUNCATES_SINCE = 0x1FFF, 1 << 14, 3

Instruction = tuple[int, int, int, int]


class SandboxError(OSError):
    """The kernel, or what stands around it, gives no such wall."""


def hide() -> None:
    """No other process of the same user sees this one's memory and environment: they hold credentials.

    https://man7.org/linux/man-pages/man2/PR_SET_DUMPABLE.2const.html
    """
    if sys.platform == "linux":
        _prctl(PR_SET_DUMPABLE, 0)


def enter(*, readable: Iterable[Path], writable: Iterable[Path]) -> list[str]:
    """From now on. The walls that could not be had, in words."""
    if sys.platform != "linux":
        return [f"{sys.platform} has neither seccomp nor Landlock"]
    missing: list[str] = []
    for build in (_give_up_privileges, lambda: _stay_within(readable, writable), _call_nobody):
        try:
            build()
        except OSError as exc:
            missing.append(str(exc))
    return missing


def _give_up_privileges() -> None:
    """Also root has none then, and no program that it starts gives them back."""
    _prctl(PR_SET_NO_NEW_PRIVS, 1)
    version, none = struct.pack("Ii", 0x20080522, 0), bytes(24)
    _require("capset", ctypes.CDLL(None, use_errno=True).capset(version, none))


def _call_nobody() -> None:
    """No sockets, no other programs, and no signals to other processes: https://docs.kernel.org/userspace-api/seccomp_filter.html"""
    machine = platform.machine()
    if machine not in AUDIT_ARCH:
        raise SandboxError(errno.ENOSYS, f"seccomp on {machine}")
    program = b"".join(struct.pack("HBBI", *each) for each in _filter(machine))
    code = ctypes.create_string_buffer(program)
    _prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, struct.pack("HP", len(program) // 8, ctypes.addressof(code)))


def _filter(machine: str) -> Iterator[Instruction]:
    """Each call is looked for in turn; an instruction jumps over so many of the next where it holds, and where not."""
    yield LOAD, 0, 0, ARCHITECTURE
    yield IS, 1, 0, AUDIT_ARCH[machine]
    yield _refuse(errno.EPERM)
    yield LOAD, 0, 0, NUMBER
    if machine == "x86_64":
        yield AT_LEAST, 0, 1, X32_CALLS
        yield _refuse(errno.EPERM)
    yield IS, 0, 1, CLONE3
    yield _refuse(errno.ENOSYS)  # whose arguments a filter cannot see; libraries use clone then
    for call in (*FORBIDDEN[machine], *FORBIDDEN_EVERYWHERE):
        yield IS, 0, 1, call
        yield _refuse(errno.EPERM)
    yield from _with_first_argument(CLONE[machine], HAS, CLONE_THREAD)
    yield from _with_first_argument(PRLIMIT[machine], IS, 0)
    for call in SIGNALS[machine]:
        yield from _with_first_argument(call, IS, os.getpid())
    for call, values in WITHOUT[machine].items():
        yield from _without_second_argument(call, values)
    yield RETURN, 0, 0, ALLOW


def _with_first_argument(call: int, test: int, value: int) -> Iterator[Instruction]:
    yield IS, 0, 4, call
    yield LOAD, 0, 0, FIRST_ARGUMENT
    yield test, 0, 1, value
    yield RETURN, 0, 0, ALLOW
    yield _refuse(errno.EPERM)


def _without_second_argument(call: int, values: Sequence[int]) -> Iterator[Instruction]:
    """Its lower half, which is all that the kernel reads of a command."""
    yield IS, 0, 2 + 2 * len(values), call
    yield LOAD, 0, 0, SECOND_ARGUMENT
    for value in values:
        yield IS, 0, 1, value
        yield _refuse(errno.EPERM)
    yield RETURN, 0, 0, ALLOW


def _refuse(number: int) -> Instruction:
    return RETURN, 0, 0, REFUSE | number


def _stay_within(readable: Iterable[Path], writable: Iterable[Path]) -> None:
    """https://docs.kernel.org/userspace-api/landlock.html"""
    version = _syscall("Landlock", LANDLOCK_CREATE, None, 0, LANDLOCK_VERSION)
    handled = ALL_OF_FIRST_VERSION | (TRUNCATE if version >= TRUNCATES_SINCE else 0)
    rules = _syscall("Landlock", LANDLOCK_CREATE, struct.pack("Q", handled), 8, 0)
    try:
        for paths, allowed in ((readable, READ_FILE | READ_DIR | EXECUTE), (writable, handled)):
            for path in filter(Path.exists, paths):
                _allow(rules, path, allowed)
        _syscall("Landlock", LANDLOCK_RESTRICT, rules, 0)
    finally:
        os.close(rules)


def _allow(rules: int, path: Path, allowed: int) -> None:
    of_files = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE
    place = os.open(path, os.O_PATH)
    try:
        rule = struct.pack("=Qi", allowed if path.is_dir() else allowed & of_files, place)
        _syscall("Landlock", LANDLOCK_ADD, rules, LANDLOCK_BENEATH, rule, 0)
    finally:
        os.close(place)


def _prctl(*arguments: int | bytes) -> None:
    _require("prctl", ctypes.CDLL(None, use_errno=True).prctl(*_as_c(arguments), *[0] * (5 - len(arguments))))


def _syscall(what: str, *arguments: int | bytes | None) -> int:
    return _require(what, ctypes.CDLL(None, use_errno=True).syscall(*_as_c(arguments)))


def _as_c(arguments: Iterable[int | bytes | None]) -> list[object]:
    return [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]


def _require(what: str, result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise SandboxError(number, f"{what}: {os.strerror(number)}")
    return result
