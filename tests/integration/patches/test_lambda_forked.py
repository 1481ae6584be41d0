"""Local functions are forks of one process: it may end at any time, and none of them is taken for another."""

import signal
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from infra.local.patches.lambda_ import forked
from infra.local.patches.lambda_.forked import Fork, fork, server

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="functions are forked on Linux only")

HANDLER = """
import os, sys
print("variables", sorted(os.environ), "descriptors", len(os.listdir("/proc/self/fd")), flush=True)
def handle(event, context):
    pass
"""


@pytest.fixture(autouse=True)
def _own_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(forked, "_server", None)
    yield
    if forked._server:
        forked._server.close()


@contextmanager
def forked_with(environment: dict[str, str]) -> Generator[Fork]:
    function = fork(environment)
    with function.stdout, function._status:
        yield function
        function.kill()
        function.wait(60)


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "functions.py").write_text(HANDLER)
    return {
        "LAMBDA_TASK_ROOT": str(tmp_path),
        "_HANDLER": "functions.handle",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
        "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9",
    }


def test_a_function_has_its_own_variables_and_descriptors_and_ends_with_its_code(environment: dict[str, str]) -> None:
    with forked_with(environment) as function:
        told = function.stdout.readline().decode()
        assert all(name in told for name in environment)
        assert "HOME" not in told
        assert int(told.split()[-1]) == len(("in", "out", "error", "the folder that is listed"))
        assert function.wait(60) > 0  # nobody serves the runtime API there
        assert function.poll() == function.returncode


def test_a_function_that_is_killed_tells_by_which_signal(environment: dict[str, str]) -> None:
    with forked_with(environment) as function:
        function.kill()
        assert function.wait(60) == -signal.SIGKILL


def test_all_who_notice_that_the_server_ended_use_the_one_that_the_first_of_them_started(
    environment: dict[str, str],
) -> None:
    ended = server()
    ended.close()
    first = server(instead_of=ended)
    assert first is not ended
    assert server(instead_of=ended) is first
    with forked_with(environment) as function:
        assert function.pid
        assert forked._server is first


def test_code_that_brings_its_own_boto3_is_not_forked(environment: dict[str, str], tmp_path: Path) -> None:
    assert forked.is_forked(environment)
    (tmp_path / "boto3").mkdir()
    assert not forked.is_forked(environment)
