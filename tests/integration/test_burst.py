"""A burst of uploads on an account that can run a fiftieth of them at a time, as 5,000 are on an account of 100."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from infra.local import deploy
from infra.local.emulator import Emulator
from tests.integration.conftest import LocalStack
from tests.ports import free_port
from tests.waiting import until
from workflow.errors import Retries, retried_as
from workflow.operator.client import Sluice
from workflow.operator.shapes import ExecutionLine
from workflow.operator.stack import LOCAL, Connection
from workflow.operator.uploads import Upload

BURST, AT_A_TIME = 50, 1
WAITS = "0.1"
"""The work for a tiny picture takes a tenth of the time that AWS takes for a photograph; so do the retriers' delays."""


@pytest.fixture
def small_account(stack: LocalStack, tmp_path: Path) -> Iterator[Sluice]:
    """The stage on an account which throttles at once, as AWS does, whatever is above its limit."""
    settings = {"LAMBDA_QUEUE_SECONDS": "0", "SFN_WAIT_SCALE": WAITS}
    emulator = Emulator(tmp_path / "aws", free_port(), concurrency=AT_A_TIME, settings=settings)
    emulator.start()
    try:
        emulator.wait_ready()
        connection = Connection(LOCAL, local=emulator.access)
        deploy.deploy(connection.client, stack.state_dir)
        yield Sluice(connection)
    finally:
        emulator.stop()


def picture(path: Path, shade: int) -> Path:
    """Unlike any other, so that each is converted."""
    Image.new("RGB", (64, 64), (shade, 128, 255 - shade)).save(path)
    return path


def ended(sluice: Sluice) -> list[ExecutionLine] | None:
    """All executions, once there are as many as uploads and none is at work."""
    found = sluice.executions(limit=2 * BURST)
    return found if len(found) >= BURST and all(each.status != "RUNNING" for each in found) else None


def throttles(sluice: Sluice, execution: str) -> int:
    """The most that one state of an execution met."""
    return max(state.failures.count(*retried_as(Retries.THROTTLED)) for state in sluice.execution(execution).states)


def test_a_burst_of_fifty_times_the_account_s_concurrency_ends_without_a_failed_execution(
    small_account: Sluice, tmp_path: Path
) -> None:
    files = [picture(tmp_path / f"{number}.png", number) for number in range(BURST)]
    list(small_account.put([Upload(file, f"burst/{file.name}") for file in files], abs))
    executions = until(lambda: ended(small_account))
    assert Counter(each.status for each in executions) == {"SUCCEEDED": BURST}
    assert Counter(record.status for record in small_account.assets(limit=2 * BURST)) == {"succeeded": BURST}
    assert max(throttles(small_account, each.name) for each in executions) > 1, "The burst was none."
