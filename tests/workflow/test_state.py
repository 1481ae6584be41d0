"""What travels between the states: each function gets the run and all that is known so far."""

import json
from typing import Any

import pytest

from tests.workflow.cases import ASSET, RESULTS, STEPS, Case, message_of, rejected, without_thumbnails
from tests.workflow.interpreters import Interpreter
from workflow.shapes import CaughtError, Run, parse


def run(case: Case, interpreter: Interpreter) -> list[dict[str, Any]]:
    """The history of an execution of the case."""
    arn = interpreter.start(f"{case.name}-state")
    interpreter.await_end(arn)
    return interpreter.history(arn)


def payload_for(state: str, history: list[dict[str, Any]]) -> dict[str, Any]:
    """What the state's function was called with."""
    names = (event["stateEnteredEventDetails"]["name"] for event in history if event["type"] == "TaskStateEntered")
    calls = (event["taskScheduledEventDetails"] for event in history if event["type"] == "TaskScheduled")
    return next(
        json.loads(call["parameters"])["Payload"] for name, call in zip(names, calls, strict=True) if name == state
    )


def test_a_function_gets_the_run_and_the_results_of_the_steps_before(emulated: Interpreter) -> None:
    history = run(Case("HappyPath", ()), emulated)
    payload = payload_for("Archive", history)
    assert parse(payload["run"], Run).name == "HappyPath-state"
    assert payload["state"] == {name: value for step in STEPS[:-1] for name, value in RESULTS[step].items()}


def test_an_asset_without_thumbnails_carries_the_reason(emulated: Interpreter) -> None:
    state = payload_for("StoreMetadata", run(without_thumbnails(), emulated))["state"]
    assert state.keys() == {"asset", "transform", "thumbnail_error"}
    assert parse(state["thumbnail_error"], CaughtError).message == message_of("ThumbnailError")


@pytest.mark.parametrize(
    ("where", "known"), [("Validate", {"bucket": "ingest", "key": "photo.jpg"}), ("Transform", {"asset": ASSET})]
)
def test_quarantine_gets_the_reason_beside_what_was_known(
    where: str, known: dict[str, Any], emulated: Interpreter
) -> None:
    state = payload_for("Quarantine", run(rejected(where, "TooLarge"), emulated))["state"]
    reason = parse(state.pop("error"), CaughtError)
    assert (reason.error, reason.message) == ("TooLarge", message_of("TooLarge"))
    assert state == known
