"""AWS in this process: moto behind boto3, no network, and the eight functions as a cold start imports them."""

from collections.abc import Iterator
from io import StringIO
from types import ModuleType

import pytest

from tasks.shared import observe
from tests.unit.cloud import ENVIRONMENT, Cloud, forget_clients, load_functions, running_cloud
from tests.unit.state_machine import Machine


@pytest.fixture(autouse=True)
def no_network(socket_disabled: None) -> None:
    """A test that reaches for the network fails."""


@pytest.fixture(autouse=True)
def log(monkeypatch: pytest.MonkeyPatch) -> StringIO:
    """What the functions log; and the metrics' namespace, which the environment tells them before the first import."""
    monkeypatch.setattr(observe.metrics, "namespace", "Sluice")
    stream = StringIO()
    monkeypatch.setattr(observe.logger.registered_handler, "stream", stream)
    return stream


@pytest.fixture(scope="session")
def loaded() -> Iterator[dict[str, ModuleType]]:
    with pytest.MonkeyPatch.context() as environment:
        for name, value in ENVIRONMENT.items():
            environment.setenv(name, value)
        functions = load_functions()
    yield functions
    forget_clients()


@pytest.fixture
def functions(loaded: dict[str, ModuleType], monkeypatch: pytest.MonkeyPatch) -> dict[str, ModuleType]:
    """The functions' modules, by task."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    return loaded


@pytest.fixture
def cloud(functions: dict[str, ModuleType]) -> Iterator[Cloud]:
    with running_cloud() as cloud:
        yield cloud


@pytest.fixture
def machine(cloud: Cloud, functions: dict[str, ModuleType]) -> Machine:
    return Machine(functions)
