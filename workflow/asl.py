"""The Data Science SDK's states, with the fields that the States Language has gained since its last release."""

# The SDK is not typed: this module is where its unknowns end.
# pyright: reportUnknownMemberType=false, reportIncompatibleMethodOverride=false

import logging
import warnings
from enum import Enum
from typing import Any, TypeVar, cast

_root_level = logging.getLogger().level
with warnings.catch_warnings():
    # Importing the SDK warns about pkg_resources, which it does not use, and silences the root logger.
    warnings.simplefilter("ignore")
    from stepfunctions import steps
    from stepfunctions.steps.states import State
logging.getLogger().setLevel(_root_level)

Chain = steps.Chain
ChoiceRule = steps.ChoiceRule
Graph = steps.Graph
Succeed = steps.Succeed


class _Field(Enum):
    """Named as in the SDK: the value is the keyword, its Pascal case the States Language's field."""

    MAX_DELAY_SECONDS = "max_delay_seconds"
    JITTER_STRATEGY = "jitter_strategy"
    ERROR_PATH = "error_path"
    CAUSE_PATH = "cause_path"
    RESULT_SELECTOR = "result_selector"
    LABEL = "label"
    ITEM_READER = "item_reader"
    ITEM_SELECTOR = "item_selector"
    RESULT_WRITER = "result_writer"
    MAX_CONCURRENCY_PATH = "max_concurrency_path"
    TOLERATED_FAILURE_PERCENTAGE_PATH = "tolerated_failure_percentage_path"


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


class LambdaTask(steps.Task, _Step):
    """Invokes a function with `payload`; what it returns becomes the state's output.

    `function` is an ARN, or a path (`$.…`) to where the state has it. The SDK's own LambdaStep asks new boto3 sessions
    for the region of whoever synthesizes, which takes a third of a second for each state.
    """

    def __init__(
        self, name: str, *, function: str, payload: dict[str, Any], result: str = "$.Payload", **fields: Any
    ) -> None:
        name_field = "FunctionName.$" if function.startswith("$.") else "FunctionName"
        parameters = {name_field: function, "Payload": payload}
        invoke = "arn:aws:states:::lambda:invoke"
        super().__init__(name, parameters=parameters, output_path=result, **fields, resource=invoke)


class ServiceTask(steps.Task, _Step):
    """Calls an AWS service, such as "mediaconvert:createJob.sync"; its response goes into the state as `keep_as`.

    With `result_selector`, only what that picks of the response.
    """

    def __init__(self, name: str, *, service: str, parameters: dict[str, Any], keep_as: str, **fields: Any) -> None:
        resource = f"arn:aws:states:::{service}"
        super().__init__(name, resource=resource, parameters=parameters, result_path=keep_as, **fields)

    def allowed_fields(self) -> list[Any]:
        return [*super().allowed_fields(), _Field.RESULT_SELECTOR]


class Choice(steps.Choice):
    """Goes on to the state of the first rule that holds, else to `otherwise`; a rule is a condition and a state."""

    def __init__(self, name: str, *rules: tuple[Any, State], otherwise: State, **fields: Any) -> None:
        super().__init__(name, **fields)
        for condition, state in rules:
            self.add_choice(condition, state)
        self.default_choice(otherwise)


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


class DistributedMap(steps.Map, _Step):
    """Runs `each` as an execution of its own for every item that `item_reader` finds in S3.

    What becomes of them is put into S3 by `result_writer`, and into the state as `keep_as` where that is.
    """

    def __init__(self, name: str, *, each: Chain | State, gets: dict[str, Any], keep_as: str, **fields: Any) -> None:
        super().__init__(name, iterator=each, item_selector=gets, result_path=keep_as, label=name, **fields)

    def allowed_fields(self) -> list[Any]:
        return [
            *super().allowed_fields(),
            _Field.LABEL,
            _Field.ITEM_READER,
            _Field.ITEM_SELECTOR,
            _Field.RESULT_WRITER,
            _Field.MAX_CONCURRENCY_PATH,
            _Field.TOLERATED_FAILURE_PERCENTAGE_PATH,
        ]

    def to_dict(self) -> dict[str, Any]:
        state = cast("dict[str, Any]", super().to_dict())
        mode = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
        state["ItemProcessor"] = {"ProcessorConfig": mode, **state.pop("Iterator")}
        return state
