"""Two running emulators: `stock`, as ministack ships it, and `mended`, as Sluice runs it.

A contract test runs one probe against both: stock must still have the defect, so that the test tells when a new
ministack has mended it, and mended must behave as AWS documents.
"""

import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from infra.local.emulator import Emulator

REGION = "us-east-1"
ACCOUNT = "000000000000"


@dataclass(frozen=True)
class Cloud:
    """A running emulator, and boto3 clients that talk to it."""

    emulator: Emulator

    def client(self, service: str, **options: Any) -> Any:
        return boto3.client(
            service,
            endpoint_url=self.emulator.endpoint,
            region_name=REGION,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(inject_host_prefix=False, retries={"total_max_attempts": 1}),
            **options,
        )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _running(emulator: Emulator) -> Iterator[Cloud]:
    emulator.start()
    try:
        emulator.wait_ready()
        yield Cloud(emulator)
    finally:
        emulator.stop()


@pytest.fixture(scope="session")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    folder = tmp_path_factory.mktemp("stock")
    yield from _running(Emulator(folder, free_port(), settings={"SLUICE_STOCK_AWS": "1"}))


@pytest.fixture(scope="session")
def mended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    yield from _running(Emulator(tmp_path_factory.mktemp("mended"), free_port()))


@pytest.fixture
def new_emulator(tmp_path: Path) -> Iterator[Callable[..., Emulator]]:
    """Makes mended emulators of one's own, to stop, kill and start again; all use the same state folder."""
    made: list[Emulator] = []

    def make(**options: Any) -> Emulator:
        made.append(Emulator(tmp_path / "aws", free_port(), **options))
        return made[-1]

    yield make
    for emulator in made:
        emulator.stop()
