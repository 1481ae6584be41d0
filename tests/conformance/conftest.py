"""An embedded AWS of its own, and the tables of what AWS was recorded to do.

The facts are taken from the AWS-validated snapshots of github.com/localstack/localstack at 8b9a79f0 (2026-03-23,
Apache-2.0), each named by its test and the day AWS said it, or from AWS's documentation where a row says so.
"""

from collections.abc import Iterator

import pytest

from tests.integration.patches.conftest import Cloud, start


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    started = start(tmp_path_factory.mktemp("conformance"))
    yield started
    started.emulator.stop()


@pytest.fixture(scope="session")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    started = start(tmp_path_factory.mktemp("stock"), settings={"SLUICE_STOCK_AWS": "1"})
    yield started
    started.emulator.stop()
