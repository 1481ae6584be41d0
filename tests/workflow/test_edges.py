"""Every edge of the state machine, run by independent interpreters: docs/interpreters.md tells where they differ."""

from collections.abc import Generator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from tests.workflow.cases import CASES, MACHINE, Case, Outcome
from tests.workflow.interpreters import Clients, Interpreter, definition, on_moto, with_mock_config

EXECUTIONS_AT_ONCE = 4
RAISABLE = [case for case in CASES if not case.raises("States.Timeout")]
"""What functions can do. test_timeouts.py has real timeouts."""
CASES_OF = {"functions_run": RAISABLE, "mock_config_run": CASES, "moto_run": CASES}

Run = Mapping[str, Future[Outcome]]


@contextmanager
def run_of(interpreter: Interpreter, fixture: str) -> Generator[Run]:
    """Runs an interpreter's cases, a few at a time; outcomes by case name."""
    with ThreadPoolExecutor(EXECUTIONS_AT_ONCE) as pool:
        yield {case.name: pool.submit(interpreter.run, case.name) for case in CASES_OF[fixture]}


@pytest.fixture(scope="module")
def functions_run(emulated: Interpreter) -> Generator[Run]:
    with run_of(emulated, "functions_run") as run:
        yield run


@pytest.fixture(scope="module")
def mock_config_run(client: Clients) -> Generator[Run]:
    with run_of(with_mock_config(client, MACHINE, definition({})), "mock_config_run") as run:
        yield run


@pytest.fixture(scope="module")
def moto_run(tmp_path_factory: pytest.TempPathFactory) -> Generator[Run]:
    with on_moto(MACHINE, tmp_path_factory.mktemp("attempts")) as moto, run_of(moto, "moto_run") as run:
        yield run


@pytest.mark.parametrize(
    ("fixture", "case"),
    [pytest.param(fixture, case, id=f"{fixture}-{case.name}") for fixture, cases in CASES_OF.items() for case in cases],
)
def test_an_execution_takes_the_edge(fixture: str, case: Case, request: pytest.FixtureRequest) -> None:
    run: Run = request.getfixturevalue(fixture)
    assert run[case.name].result() == case.outcome
