"""Step Functions' calls wait for a free slot as long as they are told to; after that they are throttled."""

from pathlib import Path
from typing import Any

from tests.integration.patches.stepfunctions_probe import Execution, function, invoke, machine, start
from tests.waiting import PATIENCE_SECONDS, until

HELD = """
import time
from pathlib import Path

def handle(event, context):
    folder = Path(event)
    (folder / "started").touch()
    while not (folder / "open").exists():
        time.sleep(0.02)
"""


def overlapping(cloud: Any, folder: Path) -> tuple[Execution, Execution]:
    """One whose function is at work until `folder` has the file `open`, and one that asks for the same meanwhile."""
    held = machine(("Work", invoke(function(cloud, HELD, Timeout=900))))
    first = start(cloud, held, str(folder))
    until((folder / "started").exists)
    return first, start(cloud, held, str(folder))


def test_calls_above_the_limit_wait_for_a_slot(new_emulator: Any, tmp_path: Path) -> None:
    cloud = new_emulator(concurrency=1, settings={"LAMBDA_QUEUE_SECONDS": str(PATIENCE_SECONDS)})
    first, second = overlapping(cloud, tmp_path)
    second.reached("TaskScheduled")
    (tmp_path / "open").touch()
    assert [first.failure(), second.failure()] == [("SUCCEEDED", None)] * 2


def test_calls_that_waited_in_vain_are_throttled(new_emulator: Any, tmp_path: Path) -> None:
    assert_throttled(new_emulator(concurrency=1, settings={"LAMBDA_QUEUE_SECONDS": "0"}), tmp_path)


def test_stock_throttles_at_once(new_emulator: Any, tmp_path: Path) -> None:
    settings = {"SLUICE_STOCK_AWS": "1", "LAMBDA_QUEUE_SECONDS": str(PATIENCE_SECONDS)}
    assert_throttled(new_emulator(concurrency=1, settings=settings), tmp_path)


def assert_throttled(cloud: Any, folder: Path) -> None:
    first, second = overlapping(cloud, folder)
    assert second.failure()[0] == "FAILED"
    (folder / "open").touch()
    assert first.failure()[0] == "SUCCEEDED"
