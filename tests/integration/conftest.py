"""The real local stack, once for all integration tests: the synthesized template on the embedded AWS."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from infra.local import access
from tests.assemblies import local_assembly
from tests.integration.forks import Forks
from tests.ports import free_port
from workflow.operator.client import Sluice
from workflow.operator.stack import LOCAL, Connection

SLUICE = Path(sys.executable).parent / "sluice"


@dataclass(frozen=True)
class LocalStack:
    """A running stack, and the folder that `sluice` commands for it run in."""

    folder: Path
    port: int
    execute: Callable[[Sequence[str], Path, Mapping[str, str]], subprocess.CompletedProcess[str]]

    @property
    def state_dir(self) -> Path:
        return self.folder / ".sluice"

    @property
    def connection(self) -> Connection:
        return Connection(LOCAL, local=access.read(self.state_dir))

    @property
    def client(self) -> Sluice:
        return Sluice(self.connection)

    def run(self, *arguments: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
        """Run a `sluice` command as a person would; its exit code must be `expect`."""
        done = self.execute(arguments, self.folder, self.environment)
        assert done.returncode == expect, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def json(self, *arguments: str, expect: int = 0) -> Any:
        return json.loads(self.run(*arguments, "--json", expect=expect).stdout)

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "SLUICE_STATE_DIR": str(self.state_dir)}


@pytest.fixture(scope="session")
def start_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., LocalStack]]:
    """Start a stack of one's own, in a folder of that name; all end with the session.

    Its commands are forks of one process, or those of the `sluice` that is given.
    """
    started: list[LocalStack] = []
    forks = Forks()

    def start(name: str, sluice: Path | None = None) -> LocalStack:
        execute = partial(_executed, sluice) if sluice else forks.run
        stack = LocalStack(tmp_path_factory.mktemp(name), free_port(), execute)
        started.append(stack)
        local_assembly(stack.state_dir)
        stack.run("up", "--detach", "--port", str(stack.port))
        return stack

    yield start
    for stack in started:
        stack.run("down", "--wipe")
    forks.end()


def _executed(
    sluice: Path, arguments: Sequence[str], folder: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    command = [sluice, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="session")
def stack(start_stack: Callable[..., LocalStack]) -> LocalStack:
    """The stack that most tests share."""
    return start_stack("shared")
