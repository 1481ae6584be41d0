"""AWS in this process: fakes behind boto3, no network, and the functions as a cold start imports them."""

from collections.abc import Iterator
from io import StringIO
from types import ModuleType

import pytest
from moto import mock_aws

from tasks.shared import observe
from tests.fakes.aws import Account
from tests.unit.cloud import ENVIRONMENT, Cloud, fake_cloud, forget_clients, load_functions, wired_cloud
from tests.unit.operating import operated
from tests.unit.state_machine import Machine
from tests.unit.step_functions import answering
from workflow.operator.client import Sluice


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
def cloud(functions: dict[str, ModuleType], request: pytest.FixtureRequest) -> Iterator[Cloud]:
    """Fakes of the services that the functions use most, before moto's; only moto's for what is marked `wire`."""
    if request.node.get_closest_marker("wire"):
        with wired_cloud() as cloud:
            yield cloud
    else:
        with mock_aws(), fake_cloud(Account()) as cloud:
            yield cloud


@pytest.fixture
def machine(cloud: Cloud, functions: dict[str, ModuleType], monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    """The state machine, of which every client of Step Functions is told."""
    machine = Machine(functions)
    with answering(lambda: machine, monkeypatch):
        yield machine


@pytest.fixture
def sluice(cloud: Cloud, machine: Machine) -> Sluice:
    """The stage as an operator's commands see it."""
    return operated(cloud)
