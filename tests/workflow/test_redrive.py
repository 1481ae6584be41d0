"""A failed execution continues from the state that failed, under its own ARN, and does nothing twice."""

import pytest

from tests.workflow.cases import TASK_STATES, failed, redriven
from tests.workflow.interpreters import Interpreter


@pytest.mark.parametrize("state", TASK_STATES)
def test_a_redrive_resumes_in_the_failed_state(state: str, emulated: Interpreter) -> None:
    case = failed(state, "KeyError")
    arn = emulated.start(f"{case.name}-redriven")
    emulated.await_end(arn)
    assert emulated.outcome(arn) == case.outcome

    emulated.stepfunctions.redrive_execution(executionArn=arn)
    emulated.await_end(arn)
    assert emulated.outcome(arn) == redriven(case).outcome
