"""Refuses definitions that AWS refuses, with InvalidDefinition, also from CloudFormation.

Stock takes any text for a definition, and an execution fails once it comes to the bad state. AWS checks transitions,
required fields, retriers and catchers in CreateStateMachine and UpdateStateMachine, and lists what it finds in
ValidateStateMachineDefinition.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, Final, cast

from infra.local.engine.api import Members, RefusedError, action, checked
from infra.local.engine.values import moment
from infra.local.ministack import provisioners
from infra.local.ministack import stepfunctions as sf
from infra.local.patches.stepfunctions.integrations import CALLBACK, SYNC, is_recognized, pattern_of

SCHEMA: Final = "SCHEMA_VALIDATION_FAILED"
TRANSITION: Final = "MISSING_TRANSITION_TARGET"
NOT_JSON: Final = "INVALID_JSON_DESCRIPTION"

NAME_LIMIT_CHARACTERS = 80
DIAGNOSTICS_LIMIT = 100
TERMINAL_TYPES = ("Succeed", "Fail")
REQUIRED_FIELDS: dict[str, tuple[tuple[str, ...], ...]] = {
    "Pass": (),
    "Task": (("Resource",),),
    "Choice": (("Choices",),),
    "Wait": (("Seconds", "SecondsPath", "Timestamp", "TimestampPath"),),
    "Succeed": (),
    "Fail": (),
    "Parallel": (("Branches",),),
    "Map": (("ItemProcessor", "Iterator"),),
}
TEMPLATE_FIELDS = ("Parameters", "ResultSelector", "ItemSelector")
EXPRESS: Final = "EXPRESS"
# The trailing blank is AWS's own.
NOT_IN_EXPRESS = {SYNC: "'.sync' service integration", CALLBACK: "'.waitForTaskToken' service integration "}

Node = dict[str, Any]


@dataclass(frozen=True)
class Kind:
    """What holds for the states of a machine, and of those inside it unless they say otherwise."""

    language: str = "JSONPath"
    type: str = "STANDARD"

    def within(self, node: Node) -> "Kind":
        """For a state, or for the machine of a branch or of iterations."""
        given = node.get("ProcessorConfig", {}).get("ExecutionType", self.type)
        return Kind(node.get("QueryLanguage", self.language), given)


@dataclass(frozen=True)
class Diagnostic:
    code: str
    message: str
    location: str | None = None
    severity: str = "ERROR"

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" + (f" at {self.location}" if self.location else "")

    @property
    def members(self) -> Members:
        return {name: value for name, value in asdict(self).items() if value is not None}


def install() -> None:
    sf._create_state_machine = checked(_require_definition, sf._create_state_machine)
    sf._update_state_machine = checked(_require_definition, sf._update_state_machine)
    sf._validate_state_machine_definition = action(validate_definition)
    provisioners._sfn_definition = _checked_template(provisioners._sfn_definition)


def validate_definition(request: Members) -> Members:
    found = diagnose(request["definition"], request.get("type", "STANDARD"))
    shown = found[: request.get("maxResults") or DIAGNOSTICS_LIMIT]
    result = "FAIL" if found else "OK"
    return {"result": result, "diagnostics": [one.members for one in shown], "truncated": len(shown) < len(found)}


def diagnose(text: str, machine_type: str = "STANDARD") -> list[Diagnostic]:
    """Everything that makes the definition invalid."""
    try:
        machine = json.loads(text or "null")
    except ValueError as exc:
        return [Diagnostic(NOT_JSON, str(exc), "/")]
    if not isinstance(machine, dict):
        return [Diagnostic(SCHEMA, "Definition must be a valid JSON object")]
    return list(_machine(cast("Node", machine), "", Kind(type=machine_type)))


def _require_definition(request: Members) -> None:
    machine: Members = sf._state_machines.get(request.get("stateMachineArn"), request)
    require_valid(request.get("definition"), machine.get("type", "STANDARD"))


def _checked_template(read: Callable[[Members], str]) -> Callable[[Members], str]:
    def read_and_check(properties: Members) -> str:
        definition = read(properties)
        try:
            require_valid(definition, properties.get("StateMachineType", "STANDARD"))
        except RefusedError as refusal:
            raise provisioners._sfn_handler_error(refusal.message) from refusal
        return definition

    return read_and_check


def require_valid(definition: str | None, machine_type: str) -> None:
    found = diagnose(definition, machine_type) if definition is not None else []
    if found:
        listed = ", ".join(map(str, found))
        raise RefusedError("InvalidDefinition", f"Invalid State Machine Definition: '{listed}'")


def _machine(machine: Node, at: str, outside: Kind) -> Iterator[Diagnostic]:
    kind = outside.within(machine)
    missing = [field for field in ("States", "StartAt") if field not in machine]
    if missing:
        yield Diagnostic(SCHEMA, f"These fields are required: [{', '.join(missing)}]", at or "/")
        return
    states = machine["States"]
    if not isinstance(states, dict) or not states:
        yield Diagnostic(SCHEMA, "The field 'States' must be an object with at least one state", f"{at}/States")
        return
    states = cast("dict[str, Node]", states)
    if machine.get("StartAt") not in states:
        yield Diagnostic(TRANSITION, f"Missing 'StartAt' target: {machine.get('StartAt')}", f"{at}/StartAt")
    reached = {machine.get("StartAt")}
    for name, state in states.items():
        here = f"{at}/States/{name}"
        yield from _language(state, here, kind)
        yield from _state(name, state, here, kind.within(state))
        for field, target in _transitions(state):
            reached.add(target)
            if target not in states:
                yield Diagnostic(TRANSITION, f"Missing 'Next' target: {target}", f"{here}/{field}")
    for name in states.keys() - reached:
        yield Diagnostic(TRANSITION, f'State "{name}" is not reachable.', f"{at}/States/{name}")


def _transitions(state: Node) -> Iterator[tuple[str, str]]:
    """The fields that name a following state, and the state each names."""
    for field in ("Next", "Default"):
        if field in state:
            yield field, state[field]
    for field in ("Choices", "Catch"):
        for index, rule in enumerate(state.get(field, ())):
            yield f"{field}[{index}]/Next", rule.get("Next")


def _language(state: Node, at: str, outside: Kind) -> Iterator[Diagnostic]:
    if (outside.language, state.get("QueryLanguage")) == ("JSONata", "JSONPath"):
        yield Diagnostic(
            SCHEMA, "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine", at
        )


def _state(name: str, state: Node, at: str, kind: Kind) -> Iterator[Diagnostic]:
    state_type = state.get("Type")
    if state_type not in REQUIRED_FIELDS:
        allowed = "Task, Wait, Pass, Succeed, Fail, Choice, Parallel, Map"
        yield Diagnostic(SCHEMA, f"The field 'Type' should have one of these values: [{allowed}]", f"{at}/Type")
        return
    if len(name) > NAME_LIMIT_CHARACTERS:
        yield Diagnostic(SCHEMA, f"The name is longer than {NAME_LIMIT_CHARACTERS} characters", at)
    for alternatives in REQUIRED_FIELDS[state_type]:
        if not any(state.get(field) not in (None, [], "") for field in alternatives):
            yield Diagnostic(SCHEMA, f"The field '{' or '.join(alternatives)}' is required", at)
    yield from _ending(state, at)
    yield from _resource(state, at, kind)
    yield from _timestamp(state, at, kind)
    yield from _time_limits(state, at)
    yield from _error_rules(state, at)
    for field in TEMPLATE_FIELDS:
        yield from _template(state.get(field), f"{at}/{field}")
    yield from _nested(state, at, kind)


def _resource(state: Node, at: str, kind: Kind) -> Iterator[Diagnostic]:
    resource = state.get("Resource")
    if state["Type"] != "Task" or not resource:
        return
    here = f"{at}/Resource"
    if not is_recognized(resource):
        reason = "The value is not a valid resource ARN, or the resource is not available in this region."
        yield Diagnostic(SCHEMA, f"The resource provided {resource} is not recognized. {reason}", here)
    elif kind.type == EXPRESS:
        refused = "Activity ARN" if ":activity:" in resource else NOT_IN_EXPRESS.get(pattern_of(resource) or "")
        if refused:
            yield Diagnostic(SCHEMA, f"Express state machine does not support {refused}", here)
    if "Credentials" in state and not {"RoleArn", "RoleArn.$"} & state["Credentials"].keys():
        yield Diagnostic(SCHEMA, "The field 'RoleArn' is required but was missing", f"{at}/Credentials")


def _timestamp(state: Node, at: str, kind: Kind) -> Iterator[Diagnostic]:
    timestamp = state.get("Timestamp")
    if timestamp is None or (kind.language == "JSONata" and str(timestamp).startswith("{%")):
        return
    if moment(timestamp) is None:
        yield Diagnostic(SCHEMA, "String does not match RFC3339 timestamp", f"{at}/Timestamp")


def _ending(state: Node, at: str) -> Iterator[Diagnostic]:
    ends = [field for field in ("Next", "End") if state.get(field)]
    if state["Type"] in (*TERMINAL_TYPES, "Choice"):
        if ends:
            yield Diagnostic(SCHEMA, f"The field '{ends[0]}' is not supported by a {state['Type']} state", at)
    elif len(ends) != 1:
        yield Diagnostic(SCHEMA, "Exactly one of 'Next' and 'End' is required", at)


def _time_limits(state: Node, at: str) -> Iterator[Diagnostic]:
    timeout, heartbeat = state.get("TimeoutSeconds"), state.get("HeartbeatSeconds")
    if isinstance(timeout, int) and isinstance(heartbeat, int) and heartbeat >= timeout:
        yield Diagnostic(SCHEMA, "'HeartbeatSeconds' must be smaller than 'TimeoutSeconds'", f"{at}/HeartbeatSeconds")


def _error_rules(state: Node, at: str) -> Iterator[Diagnostic]:
    for field in ("Retry", "Catch"):
        rules: list[Node] = state.get(field, [])
        for index, rule in enumerate(rules):
            here = f"{at}/{field}[{index}]"
            yield from _error_names(rule.get("ErrorEquals"), f"{here}/ErrorEquals", last=index == len(rules) - 1)
            if field == "Retry":
                yield from _retrier(rule, here)


def _error_names(names: Any, at: str, *, last: bool) -> Iterator[Diagnostic]:
    if not isinstance(names, list) or not names:
        yield Diagnostic(SCHEMA, "'ErrorEquals' must name at least one error", at)
    elif "States.ALL" in names and (names != ["States.ALL"] or not last):
        yield Diagnostic(SCHEMA, "States.ALL must appear alone, and only in the last rule", at)


def _retrier(retrier: Node, at: str) -> Iterator[Diagnostic]:
    interval = retrier.get("IntervalSeconds", 1)
    allowed = {
        "IntervalSeconds": interval >= 1,
        "MaxAttempts": retrier.get("MaxAttempts", 3) >= 0,
        "BackoffRate": retrier.get("BackoffRate", 2.0) >= 1,
        "MaxDelaySeconds": retrier.get("MaxDelaySeconds", interval + 1) > interval,
        "JitterStrategy": retrier.get("JitterStrategy", "NONE") in ("FULL", "NONE"),
    }
    for field in (field for field, fits in allowed.items() if not fits):
        yield Diagnostic(SCHEMA, f"The value {retrier[field]!r} is not allowed", f"{at}/{field}")


def _template(template: Any, at: str) -> Iterator[Diagnostic]:
    if isinstance(template, list):
        for index, item in enumerate(cast("list[Any]", template)):
            yield from _template(item, f"{at}[{index}]")
    elif isinstance(template, dict):
        for key, value in cast("Node", template).items():
            yield from _template(value, f"{at}/{key}")
            if key.endswith(".$") and not (isinstance(value, str) and value.startswith(("$", "States."))):
                expected = "must be a valid JSONPath or a valid intrinsic function call"
                yield Diagnostic(SCHEMA, f"The value for the field '{key}' {expected}", f"{at}/{key}")


def _nested(state: Node, at: str, kind: Kind) -> Iterator[Diagnostic]:
    for index, branch in enumerate(state.get("Branches", ())):
        yield from _machine(branch, f"{at}/Branches[{index}]", kind)
    for field in ("ItemProcessor", "Iterator"):
        if field in state:
            yield from _machine(state[field], f"{at}/{field}", kind)
