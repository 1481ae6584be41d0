"""One embedded AWS for these tests: its retries do not wait, and it knows the mock configuration."""

from collections.abc import Iterator

import pytest

from infra.local.emulator import Emulator
from tests.ports import free_port
from tests.workflow.cases import CONFIG_FILE, MACHINE
from tests.workflow.interpreters import Clients, Interpreter, clients_of, definition, deploy, with_functions

CONCURRENCY = 32
"""More than the tests need, so that the only throttles are those of the cases."""


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    settings = {"SFN_WAIT_SCALE": "0", "SFN_MOCK_CONFIG": str(CONFIG_FILE)}
    emulator = Emulator(tmp_path_factory.mktemp("aws"), free_port(), concurrency=CONCURRENCY, settings=settings)
    emulator.start()
    try:
        emulator.wait_ready()
        yield emulator
    finally:
        emulator.stop()


@pytest.fixture(scope="session")
def client(emulator: Emulator) -> Clients:
    return clients_of(emulator)


@pytest.fixture(scope="session")
def functions(client: Clients, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """ARNs of the deployed stub, by state."""
    return deploy(client, tmp_path_factory.mktemp("attempts"))


@pytest.fixture(scope="session")
def emulated(client: Clients, functions: dict[str, str]) -> Interpreter:
    """The real definition, with the stub behind every task."""
    return with_functions(client, f"{MACHINE}-functions", definition(functions))
