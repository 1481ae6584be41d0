"""Real ends without an answer: a state's timeout, a function's timeout, and a process that dies."""

import pytest

from tests.workflow.cases import Visit
from tests.workflow.interpreters import Clients, create_function, definition, with_functions

OUTLIVES_ITS_STATE = """
import threading

def handle(event, context):
    threading.Event().wait(5)
"""
DIES = """
import os

def handle(event, context):
    os._exit(1)
"""
ENDS: dict[str, tuple[str, dict[str, int], dict[str, int]]] = {
    "States.Timeout": (OUTLIVES_ITS_STATE, {"Timeout": 10}, {"TimeoutSeconds": 1}),
    "Sandbox.Timedout": (OUTLIVES_ITS_STATE, {"Timeout": 1}, {}),
    "Runtime.ExitError": (DIES, {}, {}),
}
"""What each error takes: a function, its settings, and what is changed in the state that calls it."""


@pytest.mark.parametrize("error", ENDS)
def test_a_task_without_an_answer_is_retried_once_and_then_fails_in_its_state(
    error: str, client: Clients, functions: dict[str, str]
) -> None:
    code, settings, changes = ENDS[error]
    name = error.replace(".", "")
    unanswering = create_function(client, name, code, **settings)
    machine = definition(functions | {"Archive": unanswering})
    machine["States"]["Archive"] |= changes

    outcome = with_functions(client, name, machine).run(f"HappyPath-{name}")

    assert (outcome.status, outcome.error) == ("FAILED", error)
    assert outcome.visits[-1] == Visit("Archive", (error, error), answers=False)
