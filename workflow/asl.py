"""The Data Science SDK's states, with the fields that the States Language has gained since its last release."""

# The SDK is not typed: this module is where its unknowns end.
# pyright: reportUnknownMemberType=false, reportIncompatibleMethodOverride=false

import logging
import warnings
from enum import Enum
from typing import Any

_root_level = logging.getLogger().level
with warnings.catch_warnings():
    # Importing the SDK warns about pkg_resources, which it does not use, and silences the root logger.
    warnings.simplefilter("ignore")
    from stepfunctions import steps
    from stepfunctions.steps.states import State
logging.getLogger().setLevel(_root_level)

Chain = steps.Chain
Graph = steps.Graph
Succeed = steps.Succeed


class _Field(Enum):
    """Named as in the SDK: the value is the keyword, its Pascal case the States Language's field."""

    MAX_DELAY_SECONDS = "max_delay_seconds"
    JITTER_STRATEGY = "jitter_strategy"
    ERROR_PATH = "error_path"
    CAUSE_PATH = "cause_path"


class Retry(steps.Retry):
    """A retrier with `max_delay_seconds` and `jitter_strategy`."""

    def allowed_fields(self) -> list[Enum]:
        return [*super().allowed_fields(), _Field.MAX_DELAY_SECONDS, _Field.JITTER_STRATEGY]


class Fail(steps.Fail):
    """A failed end whose error and cause come from the state, by `error_path` and `cause_path`."""

    def allowed_fields(self) -> list[Enum]:
        return [*super().allowed_fields(), _Field.ERROR_PATH, _Field.CAUSE_PATH]


class LambdaTask(steps.LambdaStep):
    """Invokes a function with `payload`; what it returns becomes the state's output.

    `function` is an ARN, or a path (`$.…`) to where the state has it.
    """

    def __init__(self, name: str, *, function: str, payload: dict[str, Any], **fields: Any) -> None:
        name_field = "FunctionName.$" if function.startswith("$.") else "FunctionName"
        parameters = {name_field: function, "Payload": payload}
        super().__init__(name, parameters=parameters, output_path="$.Payload", **fields)

    def then(self, state: State) -> None:
        """What comes next."""
        self.next(state)

    def on_error(self, *errors: str, then: State, keep_as: str = "$.error") -> None:
        """Branch on errors by name; the next state gets what this one had, and the error beside it."""
        self.add_catch(steps.Catch(error_equals=list(errors), next_step=then, result_path=keep_as))
