"""The cases cover the whole definition, and the mock configuration for AWS Step Functions Local is theirs."""

import json
from collections.abc import Iterator
from typing import Any

from tests.workflow.cases import (
    CASES,
    CONFIG_FILE,
    GIVES_UP,
    MACHINE,
    TASK_STATES,
    UNCAUGHT,
    Edge,
    as_text,
    mock_config,
)
from tests.workflow.stub import attempts_of
from workflow.ingest import ingest

TOP_STATES: dict[str, dict[str, Any]] = json.loads(ingest().to_json())["States"]


def iterated(machine: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """A Map as the cases tell it: it goes on to the state inside, and that one to what follows the Map."""
    (name, inside), *others = machine["Iterator"]["States"].items()
    assert not others
    yield name, {**inside, "Next": machine["Next"], "Catch": machine["Catch"]}


MAPS = {name: state for name, state in TOP_STATES.items() if state["Type"] == "Map"}
STATES = TOP_STATES | {name: {"Type": "Map", "Next": state["Iterator"]["StartAt"]} for name, state in MAPS.items()}
STATES |= dict(each for machine in MAPS.values() for each in iterated(machine))
COVERED = {edge for case in CASES for edge in case.edges()}


def edges_of(name: str, state: dict[str, Any]) -> Iterator[Edge]:
    yield Edge(name, "goes on to", state["Next"]) if "Next" in state else Edge(name, "ends")
    for retrier in state.get("Retry", ()):
        yield from (Edge(name, "retries", error) for error in retrier["ErrorEquals"])
    for catcher in state.get("Catch", ()):
        yield from (Edge(name, f"goes on to {catcher['Next']} after", error) for error in catcher["ErrorEquals"])
    if state["Type"] == "Task":
        yield from (Edge(name, "fails on", error) for error in UNCAUGHT)


def test_every_edge_of_the_definition_has_a_case() -> None:
    defined = {edge for name, state in STATES.items() for edge in edges_of(name, state)}
    assert {edge for edge in COVERED if edge.what != GIVES_UP} == defined


def test_every_retrier_is_used_up_in_a_case() -> None:
    retriers = [retrier for state in STATES.values() for retrier in state.get("Retry", ())]
    # A case raises the retrier's names in turn: this is the one that comes once too often.
    last = {retrier["ErrorEquals"][retrier["MaxAttempts"] % len(retrier["ErrorEquals"])] for retrier in retriers}
    assert {edge.about for edge in COVERED if edge.what == GIVES_UP} == last


def test_names_of_cases_are_unique_and_fit_into_an_execution_name() -> None:
    names = [case.name for case in CASES]
    assert len(set(names)) == len(names)
    assert all(name.isalnum() and len(name) <= 80 for name in names)


def test_the_mock_configuration_is_up_to_date() -> None:
    assert CONFIG_FILE.read_text() == as_text(mock_config()), "write it with: python -m tests.workflow.cases"


def test_the_mock_configuration_has_the_format_of_step_functions_local() -> None:
    """Developer Guide, "Configuration file for mocked service integrations in Step Functions"."""
    config = mock_config()
    tests = config["StateMachines"][MACHINE]["TestCases"].values()
    assert {state for test in tests for state in test} == set(TASK_STATES)
    assert {name for test in tests for name in test.values()} == config["MockedResponses"].keys()
    for responses in config["MockedResponses"].values():
        assert [attempt for key in responses for attempt in attempts_of(key)] == list(range(attempts_in(responses)))
        assert all(is_throw(response) or is_lambda_result(response) for response in responses.values())


def attempts_in(responses: dict[str, Any]) -> int:
    return sum(len(attempts_of(key)) for key in responses)


def is_throw(response: dict[str, Any]) -> bool:
    return response.keys() == {"Throw"} and response["Throw"].keys() == {"Error", "Cause"}


def is_lambda_result(response: dict[str, Any]) -> bool:
    return response.keys() == {"Return"} and response["Return"].keys() == {"StatusCode", "Payload"}
