"""`sluice` commands as processes of their own, forked by one that has imported what they need.

It reads a command a line, and answers with the exit code. To import all that anew takes longer than most commands.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

from workflow.operator.cli.commands import COMMANDS, main

PROJECT_ROOT = Path(__file__).parents[2]
IMPORTED_ON_DEMAND = ("boto3", "pydantic", "rich.markdown", "typer.rich_utils")
WRITTEN = os.O_WRONLY | os.O_CREAT


class Forks:
    """The process that forks."""

    def __init__(self) -> None:
        self._process = self._started()

    def run(
        self, arguments: Sequence[str], folder: Path, environment: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        assert self._process.stdin
        assert self._process.stdout
        with TemporaryDirectory() as scratch:
            out, err = Path(scratch) / "out", Path(scratch) / "err"
            command = [arguments, str(folder), dict(environment), str(out), str(err)]
            try:
                print(json.dumps(command), file=self._process.stdin, flush=True)
                code = int(self._process.stdout.readline())
            except BaseException:
                os.killpg(self._process.pid, signal.SIGKILL)  # or the next would get this one's answer
                self._process = self._started()
                raise
            return subprocess.CompletedProcess(arguments, code, out.read_text(), err.read_text())

    def end(self) -> None:
        self._process.communicate()

    @staticmethod
    def _started() -> subprocess.Popen[str]:
        command = [sys.executable, "-c", f"from {__name__} import serve; serve()"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        return subprocess.Popen(command, cwd=PROJECT_ROOT, text=True, start_new_session=True, **pipes)


def serve() -> None:
    for name in (*(f"workflow.operator.cli.{listed.module}" for listed in COMMANDS.values()), *IMPORTED_ON_DEMAND):
        import_module(name)
    for line in sys.stdin:
        child = os.fork()
        if not child:
            become(*json.loads(line))
            sys.exit(main())
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def become(arguments: list[str], folder: str, environment: dict[str, str], out: str, err: str) -> None:
    """As if a shell had started this process, with files for its output."""
    for number, (path, flags) in enumerate([(os.devnull, os.O_RDONLY), (out, WRITTEN), (err, WRITTEN)]):
        opened = os.open(path, flags)
        os.dup2(opened, number)
        os.close(opened)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv[:] = ["sluice", *arguments]
