"""Events follow each other as AWS recorded them: scenarios/test_base_scenarios."""

from typing import Any

import pytest

from tests.integration.patches.conftest import Cloud
from tests.integration.patches.stepfunctions_probe import machine, start

FAIL = machine(("No", {"Type": "Fail", "Error": "E", "Cause": "c"}))
PASS = machine(("In", {"Type": "Pass"}))
AGAIN = [{"ErrorEquals": ["E"], "IntervalSeconds": 1, "MaxAttempts": 1}]


def each(processor: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"Type": "Map", "MaxConcurrency": 1, "ItemProcessor": processor, **fields}


CHAINS: dict[str, tuple[dict[str, Any], list[tuple[int, str]]]] = {
    # test_map_state_config_inline_parameters, 08-02-2024: what follows a Map does not follow its MapStateSucceeded
    "map": (
        each(PASS),
        [
            (0, "MapStateEntered"),
            (2, "MapStateStarted"),
            (3, "MapIterationStarted"),
            (4, "PassStateEntered"),
            (5, "PassStateExited"),
            (6, "MapIterationSucceeded"),
            (6, "MapIterationStarted"),
            (8, "PassStateEntered"),
            (9, "PassStateExited"),
            (10, "MapIterationSucceeded"),
            (11, "MapStateSucceeded"),
            (11, "MapStateExited"),
            (13, "ExecutionSucceeded"),
        ],
    ),
    # test_map_state_retry, 18-07-2023: MapStateFailed once, after the last retry
    "retried map": (
        each(FAIL, Retry=AGAIN),
        [
            (0, "MapStateEntered"),
            (2, "MapStateStarted"),
            (3, "MapIterationStarted"),
            (4, "FailStateEntered"),
            (5, "MapIterationFailed"),
            (5, "MapStateStarted"),
            (7, "MapIterationStarted"),
            (8, "FailStateEntered"),
            (9, "MapIterationFailed"),
            (9, "MapStateFailed"),
            (11, "ExecutionFailed"),
        ],
    ),
    # test_parallel_state[PARALLEL_STATE_PARAMETERS], 12-09-2024
    "parallel": (
        {"Type": "Parallel", "Branches": [PASS]},
        [
            (0, "ParallelStateEntered"),
            (2, "ParallelStateStarted"),
            (3, "PassStateEntered"),
            (4, "PassStateExited"),
            (5, "ParallelStateSucceeded"),
            (5, "ParallelStateExited"),
            (7, "ExecutionSucceeded"),
        ],
    ),
    # test_parallel_state_retry, 16-12-2023
    "retried parallel": (
        {"Type": "Parallel", "Branches": [FAIL], "Retry": AGAIN},
        [
            (0, "ParallelStateEntered"),
            (2, "ParallelStateStarted"),
            (3, "FailStateEntered"),
            (4, "ParallelStateStarted"),
            (5, "FailStateEntered"),
            (6, "ParallelStateFailed"),
            (7, "ExecutionFailed"),
        ],
    ),
}


@pytest.mark.parametrize("name", CHAINS)
def test_events_follow_each_other_as_on_aws(cloud: Cloud, name: str) -> None:
    state, chain = CHAINS[name]
    execution = start(cloud, machine(("State", state)), ["a", "b"] if name == "map" else ["a"])
    execution.ended()
    assert [(event["previousEventId"], event["type"]) for event in execution.events] == [
        (0, "ExecutionStarted"),
        *chain,
    ]
