"""The Data Science SDK's states, with the fields that the States Language has gained since its last release."""

# The SDK is not typed: this module is where its unknowns end.
# pyright: reportUnknownMemberType=false, reportIncompatibleMethodOverride=false

import logging
import warnings
from enum import Enum
from typing import Any, TypeVar

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


S = TypeVar("S", bound=State)


class _Step(State):
    """What the states that work have in common."""

    def then(self, state: S) -> S:
        """What comes next."""
        self.next(state)
        return state

    def on_error(self, *errors: str, then: State, keep_as: str = "$.error") -> None:
        """Branch on errors by name; the next state gets what this one had, and the error beside it."""
        self.add_catch(steps.Catch(error_equals=list(errors), next_step=then, result_path=keep_as))


class LambdaTask(steps.LambdaStep, _Step):
    """Invokes a function with `payload`; what it returns becomes the state's output.

    `function` is an ARN, or a path (`$.…`) to where the state has it.
    """

    def __init__(
        self, name: str, *, function: str, payload: dict[str, Any], result: str = "$.Payload", **fields: Any
    ) -> None:
        name_field = "FunctionName.$" if function.startswith("$.") else "FunctionName"
        parameters = {name_field: function, "Payload": payload}
        super().__init__(name, parameters=parameters, output_path=result, **fields)


class ServiceTask(steps.Task, _Step):
    """Calls an AWS service, such as "mediaconvert:createJob.sync"; its response goes into the state as `keep_as`."""

    def __init__(self, name: str, *, service: str, parameters: dict[str, Any], keep_as: str, **fields: Any) -> None:
        resource = f"arn:aws:states:::{service}"
        super().__init__(name, resource=resource, parameters=parameters, result_path=keep_as, **fields)


class Map(steps.Map, _Step):
    """Runs the state `each` for all `items`, `at_once` at a time; the results go into the state as `keep_as`."""

    def __init__(
        self, name: str, *, each: State, items: str, gets: dict[str, Any], keep_as: str, at_once: int, **fields: Any
    ) -> None:
        super().__init__(
            name,
            iterator=each,
            items_path=items,
            parameters=gets,
            result_path=keep_as,
            max_concurrency=at_once,
            **fields,
        )
