"""What this process has spent, with all that it started: children that have ended, and others that still run."""

import os
import resource
from collections.abc import Iterator
from pathlib import Path

_TICK_MS = 1000 / os.sysconf("SC_CLK_TCK")


def cpu_ms() -> float:
    """Milliseconds, user and system; to the hundredth of a second where there are children that still run."""
    spent = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return 1000 * sum(each.ru_utime + each.ru_stime for each in spent) + sum(map(_spent_ms, _running(os.getpid())))


def _running(process: int) -> Iterator[int]:
    for children in Path(f"/proc/{process}/task").glob("*/children"):
        for child in map(int, children.read_text().split()):
            yield child
            yield from _running(child)


def _spent_ms(process: int) -> float:
    """Its own, and that of its children that have ended: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html"""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return _TICK_MS * sum(map(int, fields[11:15]))
