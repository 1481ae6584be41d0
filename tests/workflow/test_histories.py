"""The embedded AWS and moto, which know nothing of each other, write the same history event by event."""

from pathlib import Path
from typing import Any

import pytest

from tests.workflow.cases import MACHINE
from tests.workflow.interpreters import Interpreter, on_moto

TYPICAL_CASES = [
    "HappyPath",
    "ValidateFindsDuplicate",
    "TransformRejectsTooLarge",
    "ThumbnailFailsAndTheRestGoesOn",
    "NotifyRetriesTransientError",
    "TransformGivesUpOnLambdaServiceException",
    "ArchiveFailsOnKeyError",
]


def events(case: str, interpreter: Interpreter) -> list[tuple[Any, ...]]:
    arn = interpreter.start(f"{case}-history")
    interpreter.await_end(arn)
    return [(event["id"], event["previousEventId"], event["type"]) for event in interpreter.history(arn)]


@pytest.mark.parametrize("case", TYPICAL_CASES)
def test_two_interpreters_write_the_same_history(case: str, emulated: Interpreter, tmp_path: Path) -> None:
    written = events(case, emulated)
    with on_moto(MACHINE, tmp_path) as interpreter:
        assert events(case, interpreter) == written
