"""The emulator's own exception for a failed state, which its helpers raise and the interpreter too."""

from typing import TYPE_CHECKING

from infra.local.ministack import stepfunctions

if TYPE_CHECKING:

    class StateError(Exception):
        """A state failed: `error` is the name that Retry and Catch go by."""

        def __init__(self, error: str, cause: str) -> None:
            self.error = error
            self.cause = cause
else:
    StateError = stepfunctions._ExecutionError
