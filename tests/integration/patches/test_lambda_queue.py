"""Step Functions' calls wait for a free slot as long as they are told to; after that they are throttled."""

from typing import Any

from tests.integration.patches.stepfunctions_probe import function, invoke, machine, start

BUSY = """
import time

def handle(event, context):
    time.sleep(0.3)
"""


def outcomes(cloud: Any) -> set[str]:
    """Of three executions at once, none of which is retried, of a function that is at work for a while."""
    busy = machine(("Work", invoke(function(cloud, BUSY))))
    return {execution.ended()["status"] for execution in [start(cloud, busy) for _ in range(3)]}


def test_calls_above_the_limit_wait_for_a_slot(new_emulator: Any) -> None:
    assert outcomes(new_emulator(concurrency=1)) == {"SUCCEEDED"}


def test_calls_that_waited_in_vain_are_throttled(new_emulator: Any) -> None:
    assert "FAILED" in outcomes(new_emulator(concurrency=1, settings={"LAMBDA_QUEUE_SECONDS": "0"}))


def test_stock_throttles_at_once(new_emulator: Any) -> None:
    settings = {"SLUICE_STOCK_AWS": "1", "LAMBDA_QUEUE_SECONDS": "10"}
    assert "FAILED" in outcomes(new_emulator(concurrency=1, settings=settings))
