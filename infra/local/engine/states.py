"""Interprets the states of a machine, one after the other, from wherever its scope stands."""

import datetime as dt
from collections.abc import Callable
from functools import partial
from typing import Any, cast

from infra.local.engine.branches import CONCURRENCY_LIMIT, Plan, run_branches
from infra.local.engine.distributed import batched, run_map
from infra.local.engine.errors import StateError
from infra.local.engine.history import ExecutionEndedError, to_text
from infra.local.engine.readers import read_items
from infra.local.engine.retries import DATA_LIMIT_ERROR, RUNTIME_ERROR, RetryCounter, error_matches
from infra.local.engine.scope import Scope, State
from infra.local.engine.tasks import NEWER_SYNC, SYNC, WAITS_FOR_TOKEN, Task, perform
from infra.local.engine.values import moment
from infra.local.ministack import stepfunctions as sf

Step = tuple[Any, str | None]
CAUSE_LIMIT_CHARACTERS = 32_768
MAX_WAIT_SECONDS = 2**31 - 1
WITH_TOKEN = (SYNC, NEWER_SYNC, WAITS_FOR_TOKEN)
"""How the resources end whose tasks are told their token."""
RUNTIME_CAUSE_START = "An error occurred while executing the state"


def run_states(scope: Scope) -> Any:
    """The output of the scope's last state; StateError where a state fails and nothing catches it."""
    while not scope.finished:
        try:
            state = scope.enter()
            scope.leave(*INTERPRETERS[state["Type"]](scope, state))
        except ExecutionEndedError:
            raise
        except StateError as failure:
            raise _reported(scope, failure) from failure
        except Exception as exc:
            raise _reported(scope, StateError(RUNTIME_ERROR, str(exc))) from exc
    return scope.output


def _reported(scope: Scope, failure: StateError) -> StateError:
    """The failure as AWS reports it: its cause within the limit, and for States.Runtime with where it happened."""
    cause = failure.cause
    if failure.error == RUNTIME_ERROR and not cause.startswith(RUNTIME_CAUSE_START):
        event = scope.frame["at"]["event"]
        cause = f"{RUNTIME_CAUSE_START} '{scope.name}' (entered at the event id #{event}). {cause}"
    return StateError(failure.error, cause[:CAUSE_LIMIT_CHARACTERS])


def _pass(scope: Scope, state: State) -> Step:
    return sf._execute_pass(state, scope.input, scope.context)


def _choice(scope: Scope, state: State) -> Step:
    return sf._execute_choice(state, scope.input, scope.context)


def _succeed(scope: Scope, state: State) -> Step:
    if _is_jsonata(scope, state):
        return sf._apply_jsonata_output(state, scope.input, scope.context, default=scope.input), None
    selected = sf._apply_input_path(state, scope.input, scope.context)
    return sf._apply_output_path(state, selected, scope.context), None


def _fail(scope: Scope, state: State) -> Step:
    """Ends with the error and cause that are given: a Fail state needs neither."""
    raise StateError(
        *(sf._fail_state_field(state, field, "", scope.input, scope.context) for field in ("Error", "Cause"))
    )


def _wait(scope: Scope, state: State) -> Step:
    if _is_jsonata(scope, state):
        scope.pause(_jsonata_wait_seconds(scope, state))
        output = sf._apply_jsonata_output(state, scope.input, scope.context, default=scope.input)
        sf._apply_state_assign(state, scope.input, scope.context)
        return output, sf._next_or_end(state)
    data = sf._apply_input_path(state, scope.input, scope.context)
    scope.pause(_wait_seconds(scope, state, data))
    return sf._apply_output_path(state, data, scope.context), sf._next_or_end(state)


def _wait_seconds(scope: Scope, state: State, data: Any) -> float:
    if "Seconds" in state:
        return state["Seconds"]
    if "Timestamp" in state:
        return _seconds_until(dt.datetime.fromisoformat(state["Timestamp"]))
    field = "SecondsPath" if "SecondsPath" in state else "TimestampPath"
    value = sf._resolve_path_or_ctx(state[field], data, scope.context)
    given = f"{state[field]} == {value if isinstance(value, str) else to_text(value)}"
    return _seconds_given(value, given) if field == "SecondsPath" else _seconds_to(value, given)


def _seconds_given(value: Any, given: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise StateError(RUNTIME_ERROR, f"The SecondsPath parameter cannot be parsed as a long value: {given}")
    if value < 0:
        raise StateError(RUNTIME_ERROR, f"The SecondsPath parameter references a negative value: {given}")
    return value


def _seconds_to(value: Any, given: str) -> float:
    if (due := moment(value)) is None:
        expected = "a valid ISO-8601 extended offset date-time format string"
        raise StateError(RUNTIME_ERROR, f"The TimestampPath parameter does not reference {expected}: {given}")
    seconds = _seconds_until(due)
    if seconds > MAX_WAIT_SECONDS:
        raise StateError(RUNTIME_ERROR, "Wait state delay is too long.")
    return seconds


def _jsonata_wait_seconds(scope: Scope, state: State) -> float:
    if "Seconds" in state:
        return sf._jsonata_wait_seconds(state, scope.input, scope.context)
    timestamp = sf._jsonata_wait_timestamp(state, scope.input, scope.context)
    return _seconds_until(dt.datetime.fromisoformat(timestamp))


def _seconds_until(due: dt.datetime) -> float:
    return (due - dt.datetime.now(dt.UTC)).total_seconds()


def _task(scope: Scope, state: State) -> Step:
    return _with_retries(scope, state, partial(_attempt_task, scope, state))


def _attempt_task(scope: Scope, state: State) -> Step:
    token = sf.new_uuid()
    if state["Resource"].endswith(WITH_TOKEN):
        scope.context["Task"] = {"Token": token}
    task = Task(
        resource=state["Resource"],
        arguments=_arguments(scope, state),
        token=token,
        timeout=scope.number("TimeoutSeconds"),
        heartbeat=scope.number("HeartbeatSeconds"),
    )
    return _with_result(scope, state, perform(scope, task))


def _parallel(scope: Scope, state: State) -> Step:
    return _with_retries(scope, state, partial(_attempt_parallel, scope, state))


def _attempt_parallel(scope: Scope, state: State) -> Step:
    data = _arguments(scope, state)
    plans = [Plan(branch, data, scope.context) for branch in state["Branches"]]
    return _with_result(scope, state, _branched(scope, "Parallel", {}, plans, len(plans)))


def _map(scope: Scope, state: State) -> Step:
    distributed = _processor(state).get("ProcessorConfig", {}).get("Mode") == "DISTRIBUTED"
    attempt = _attempt_distributed_map if distributed else _attempt_map
    return _with_retries(scope, state, partial(attempt, scope, state))


def _processor(state: State) -> dict[str, Any]:
    return state.get("ItemProcessor") or state["Iterator"]


def _attempt_map(scope: Scope, state: State) -> Step:
    data = sf._apply_input_path(state, scope.input, scope.context)
    items = _items(scope, state, data)
    plans = [_iteration(scope, state, data, (index, item)) for index, item in enumerate(items)]
    concurrency = min(scope.whole_number("MaxConcurrency", 0) or CONCURRENCY_LIMIT, CONCURRENCY_LIMIT)
    results = _branched(scope, "Map", {"length": len(items)}, plans, concurrency)
    return _with_result(scope, state, results)


def _attempt_distributed_map(scope: Scope, state: State) -> Step:
    result = run_map(scope, state, _processor(state), partial(_child_inputs, scope, state))
    return _with_result(scope, state, result)


def _child_inputs(scope: Scope, state: State) -> list[tuple[int, Any]]:
    data = sf._apply_input_path(state, scope.input, scope.context)
    reader = state.get("ItemReader")
    items = _items(scope, state, data) if reader is None else read_items(scope, reader, data)
    inputs = [_iteration(scope, state, data, indexed).input for indexed in enumerate(items)]
    batcher = state.get("ItemBatcher")
    batch_input = sf._resolve_params_obj((batcher or {}).get("BatchInput"), data, scope.context)
    return list(batched(inputs, batcher, batch_input))


def _items(scope: Scope, state: State, data: Any) -> list[Any]:
    if _is_jsonata(scope, state):
        given = {"Items": "{% $states.input %}"} | state
        return sf._jsonata_state_field(given, "Items", "array", scope.input, scope.context)
    path = state.get("ItemsPath", "$")
    items = sf._resolve_path_or_ctx(path, data, scope.context)
    if not isinstance(items, list):
        raise StateError(RUNTIME_ERROR, f'Reference path "{path}" must point to array.')
    return cast("list[Any]", items)


def _iteration(scope: Scope, state: State, data: Any, indexed_item: tuple[int, Any]) -> Plan:
    index, item = indexed_item
    context = {**scope.context, "Map": {"Item": {"Index": index, "Value": item}}}
    selector = state.get("ItemSelector") or state.get("Parameters")
    if selector is None:
        selected = item
    elif _is_jsonata(scope, state):
        selected = sf._apply_jsonata_template(selector, scope.input, context)
    else:
        selected = sf._resolve_params_obj(selector, data, context)
    return Plan(_processor(state), selected, context, {"name": scope.name, "index": index})


def _branched(scope: Scope, kind: str, details: dict[str, Any], plans: list[Plan], concurrency: int) -> list[Any]:
    if scope.frame["at"]["branches"] is None:
        scope.event(f"{kind}StateStarted", **details)
    outputs = run_branches(scope, plans, concurrency, run_states)
    scope.aside(f"{kind}StateSucceeded")
    return outputs


def _with_retries(scope: Scope, state: State, attempt: Callable[[], Step]) -> Step:
    retries = RetryCounter(state.get("Retry", []))
    while True:
        if state["Type"] == "Task":
            scope.context["State"]["RetryCount"] = retries.total
        try:
            return attempt()
        except StateError as raised:
            failure = _reported(scope, raised)
        delay = retries.next_delay(failure.error)
        if delay is None:
            _give_up(scope, state, failure)
            return _caught(scope, state, failure)
        scope.pause(delay)
        scope.keep_branches(None)


def _give_up(scope: Scope, state: State, failure: StateError) -> None:
    """AWS tells once that branches failed, after the last retry."""
    if scope.frame["at"]["branches"] is not None:
        scope.event(f"{state['Type']}StateFailed")
    if failure.error == DATA_LIMIT_ERROR:
        scope.keep_branches(None)


def _caught(scope: Scope, state: State, failure: StateError) -> Step:
    for catcher in state.get("Catch", []):
        if error_matches(catcher["ErrorEquals"], failure.error):
            error = {"Error": failure.error, "Cause": failure.cause}
            language = sf._state_query_language(state, scope.context)
            return sf._apply_catcher(catcher, scope.input, scope.context, language, error), catcher["Next"]
    raise failure


def _arguments(scope: Scope, state: State) -> Any:
    if _is_jsonata(scope, state):
        return sf._apply_jsonata_arguments(state, scope.input, scope.context)
    selected = sf._apply_input_path(state, scope.input, scope.context)
    return sf._apply_parameters(state, selected, scope.context)


def _with_result(scope: Scope, state: State, result: Any) -> Step:
    """The state's output and what follows, once its work gave `result`."""
    context: dict[str, Any] = scope.context
    if _is_jsonata(scope, state):
        output = sf._apply_jsonata_output(state, scope.input, context, result=result, default=result)
        sf._apply_state_assign(state, scope.input, context, result=result)
        return output, sf._next_or_end(state)
    if "ResultSelector" in state:
        result = sf._resolve_params_obj(state["ResultSelector"], result, context)
    combined = sf._apply_result_path(state, scope.input, result)
    return sf._apply_output_path(state, combined, context), sf._next_or_end(state)


def _is_jsonata(scope: Scope, state: State) -> bool:
    return sf._state_query_language(state, scope.context) == "JSONata"


INTERPRETERS: dict[str, Callable[[Scope, State], Step]] = {
    "Pass": _pass,
    "Task": _task,
    "Choice": _choice,
    "Wait": _wait,
    "Succeed": _succeed,
    "Fail": _fail,
    "Parallel": _parallel,
    "Map": _map,
}
