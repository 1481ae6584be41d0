"""Two running emulators: `stock`, as ministack ships it, and `patched`, as Sluice runs it.

A contract test runs one probe against both: stock must still have the defect, so that the test tells when a new
ministack has patched it, and patched must behave as AWS documents.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from infra.local.emulator import Emulator, EmulatorError
from tests.ports import free_port

REGION = "us-east-1"


@dataclass(frozen=True)
class Cloud:
    """A running emulator, and boto3 clients that talk to it."""

    emulator: Emulator

    @property
    def root(self) -> dict[str, str]:
        access = self.emulator.access
        return {"aws_access_key_id": access.access_key_id, "aws_secret_access_key": access.secret_access_key}

    def client(self, service: str, **options: Any) -> Any:
        """The service's client, as the account's root user unless `options` have other credentials."""
        return _session().client(
            service,
            endpoint_url=self.emulator.endpoint,
            config=Config(inject_host_prefix=False, retries={"total_max_attempts": 1}),
            **(self.root | options),
        )


@cache
def _session() -> Any:
    """One, as each would read the services' models anew, which takes half a second."""
    return boto3.Session(region_name=REGION)


def start(folder: Path, **options: Any) -> Cloud:
    emulator = Emulator(folder, free_port(), **options)
    emulator.start()
    try:
        emulator.wait_ready()
    except EmulatorError:
        emulator.stop()
        raise
    return Cloud(emulator)


@pytest.fixture(scope="session")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    cloud = start(tmp_path_factory.mktemp("stock"), settings={"SLUICE_STOCK_AWS": "1"})
    yield cloud
    cloud.emulator.stop()


@pytest.fixture(scope="session")
def patched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    cloud = start(tmp_path_factory.mktemp("patched"), settings={"SLUICE_MINUTE_SECONDS": "0.1"})
    yield cloud
    cloud.emulator.stop()


@pytest.fixture
def new_emulator(tmp_path: Path) -> Iterator[Callable[..., Cloud]]:
    """Starts patched emulators of one's own, to stop, kill and start again; all use the same state folder."""
    started: list[Cloud] = []

    def start_another(**options: Any) -> Cloud:
        started.append(start(tmp_path / "aws", **options))
        return started[-1]

    yield start_another
    for cloud in started:
        cloud.emulator.stop()
