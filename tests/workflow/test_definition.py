"""What must hold of the definition, whatever it is changed to."""

import json
from collections import Counter
from collections.abc import Iterator
from inspect import getmembers, isclass
from typing import Any

import botocore.session
import pytest
from botocore.validate import ParamValidator
from statelint.linter import Linter

from workflow import errors
from workflow.ingest import ingest
from workflow.kinds import KINDS
from workflow.limits import BIG_FILE, BY_KIND, EXECUTION_TIMEOUT_SECONDS, FUNCTIONS, functions_of
from workflow.names import task_name

DOCUMENTED_ERRORS = {
    "Step Functions Developer Guide, Handling errors in Step Functions workflows": {
        "Lambda.TooManyRequestsException",
        "Lambda.Unknown",
        "Sandbox.Timedout",
        "States.Timeout",
    },
    "Step Functions Developer Guide, Handle transient Lambda service exceptions": {
        "Lambda.AWSLambdaException",
        "Lambda.ClientExecutionTimeoutException",
        "Lambda.SdkClientException",
        "Lambda.ServiceException",
    },
    "AWS Knowledge Center, How do I resolve a runtime exited error in Lambda?": {"Runtime.ExitError"},
}
CALLED_OTHERWISE = {
    "record_failure",
    "report_batch",
    "continue_restored",
    "sweep",
    "api",
    "intake",
    "audit",
    "telemetry",
    "webhook",
}
"""By a rule, a schedule, a queue, a stream, an API or another state machine."""
STATE_TYPES = {"Task", "Map", "Succeed", "Fail"}
NEWER_THAN_STEP_FUNCTIONS_LOCAL = ('"Assign"', '"Output"', '"Arguments"', '"QueryLanguage"', '"{%')

DEFINITION: dict[str, Any] = json.loads(ingest().to_json())
STATES: dict[str, dict[str, Any]] = DEFINITION["States"]
PARTS: dict[str, Any] = STATES["ConvertVideo"]["Iterator"]["States"]
TASK_STATES = {name: state for name, state in (STATES | PARTS).items() if state["Type"] == "Task"}
CATCHING_STATES = [*TASK_STATES.values(), STATES["ConvertVideo"]]
ROUTES = STATES["Validate"]["Parameters"]["Payload"]["state"]["functions"]
RETRIERS = [retrier for state in TASK_STATES.values() for retrier in state["Retry"]]

each_task = pytest.mark.parametrize(("name", "state"), TASK_STATES.items(), ids=list(TASK_STATES))


def steps() -> Iterator[str]:
    """The states of an execution in which nothing goes wrong."""
    name: str | None = DEFINITION["StartAt"]
    while name:
        yield name
        name = STATES[name].get("Next")


def caught_by(state: dict[str, Any], following: str) -> set[str]:
    return {error for one in state.get("Catch", ()) if one["Next"] == following for error in one["ErrorEquals"]}


def delays(retrier: dict[str, Any]) -> Iterator[float]:
    """The longest waits between attempts, in seconds."""
    for retries in range(retrier["MaxAttempts"]):
        growing = retrier["IntervalSeconds"] * retrier["BackoffRate"] ** retries
        yield min(growing, retrier["MaxDelaySeconds"])


def longest_work(*states: dict[str, Any]) -> float:
    """Seconds, with every retry but the first kind: those for when there is no place to run."""
    return sum(_longest_work(state, state["Retry"][1:]) for state in states)


def _longest_work(state: dict[str, Any], retriers: list[dict[str, Any]]) -> float:
    attempts = 1 + sum(retrier["MaxAttempts"] for retrier in retriers)
    return attempts * state["TimeoutSeconds"] + sum(seconds for retrier in retriers for seconds in delays(retrier))


def test_a_linter_finds_no_problem() -> None:
    assert Linter.validate(ingest().to_json()) == []


def test_the_happy_path_has_six_steps() -> None:
    assert list(steps()) == ["Validate", "Transform", "Thumbnail", "StoreMetadata", "Notify", "Archive"]


def test_no_transition_is_spent_on_passing_or_choosing() -> None:
    assert {state["Type"] for state in STATES.values()} == STATE_TYPES


def test_the_definition_stays_within_what_step_functions_local_runs() -> None:
    text = json.dumps(DEFINITION)
    assert [word for word in NEWER_THAN_STEP_FUNCTIONS_LOCAL if word in text] == []


def test_each_function_has_exactly_one_task() -> None:
    by_kind = Counter(arn for each in ROUTES.values() for arn in each.values())
    named = Counter(state["Parameters"].get("FunctionName") for state in TASK_STATES.values())
    del named[None]
    assert named + by_kind == {f"${{{function}}}": 1 for function in FUNCTIONS.keys() - CALLED_OTHERWISE}


@each_task
def test_a_task_calls_the_function_that_is_named_like_it(name: str, state: dict[str, Any]) -> None:
    called = state["Parameters"]
    by_kind = task_name(name) in BY_KIND
    assert called.get("FunctionName") == (None if by_kind else f"${{{task_name(name)}}}")
    assert called.get("FunctionName.$") == (f"$.asset.functions.{task_name(name)}" if by_kind else None)


@pytest.mark.parametrize("kind", KINDS)
def test_validate_is_told_which_functions_serve_each_kind(kind: str) -> None:
    assert ROUTES[kind] == {task: f"${{{task}_{kind}}}" for task in BY_KIND}


@each_task
def test_a_task_waits_longer_than_its_function_may_run(name: str, state: dict[str, Any]) -> None:
    assert state["TimeoutSeconds"] > max(FUNCTIONS[each].timeout_seconds for each in functions_of(task_name(name)))


def test_an_execution_has_time_for_every_retry_and_for_one_long_throttle() -> None:
    assert DEFINITION["TimeoutSeconds"] == EXECUTION_TIMEOUT_SECONDS
    throttled = STATES["Validate"]["Retry"][0]
    assert longest_work(*(STATES[name] for name in steps())) + sum(delays(throttled)) < EXECUTION_TIMEOUT_SECONDS


def test_every_error_name_is_a_class_of_ours_or_documented_by_aws() -> None:
    rules = [*RETRIERS, *(catcher for state in CATCHING_STATES for catcher in state.get("Catch", ()))]
    ours = {name for name, cls in getmembers(errors, isclass) if issubclass(cls, errors.SluiceError)}
    known = ours.union(*DOCUMENTED_ERRORS.values())
    assert {error for rule in rules for error in rule["ErrorEquals"]} - known == set()


@pytest.mark.parametrize("name", ["Validate", "Transform", "SplitVideo", "ConvertVideo"])
def test_every_rejection_leads_to_quarantine(name: str) -> None:
    rejections = {cls for _, cls in getmembers(errors, isclass) if issubclass(cls, errors.RejectedError)}
    names = {cls.__name__ for cls in rejections - {errors.RejectedError}}
    assert caught_by(STATES[name], "Quarantine") == names


def test_nothing_is_caught_that_a_redrive_could_mend() -> None:
    caught = {error for state in CATCHING_STATES for one in state.get("Catch", ()) for error in one["ErrorEquals"]}
    assert caught == {"DuplicateEvent", "LongVideo", "ThumbnailError", *errors.rejections()}


def test_every_task_retries_alike_with_throttles_first() -> None:
    assert all(state["Retry"] == STATES["Validate"]["Retry"] for state in TASK_STATES.values())
    throttled, *others = STATES["Validate"]["Retry"]
    assert throttled["ErrorEquals"] == ["Lambda.TooManyRequestsException"]
    assert throttled["MaxAttempts"] > max(retrier["MaxAttempts"] for retrier in others)


def test_retries_spread_out_and_their_delays_stay_bounded() -> None:
    assert {retrier["JitterStrategy"] for retrier in RETRIERS} == {"FULL"}
    assert all(retrier["MaxDelaySeconds"] > retrier["IntervalSeconds"] for retrier in RETRIERS)


# long videos by MediaConvert, as a stage may have it


BY_SERVICE: dict[str, Any] = json.loads(ingest("mediaconvert").to_json())
KNOWN: dict[str, Any] = {"$.asset.id": "0123", "$.split_video.width": 1280, "$.split_video.height": 720}


def written_out(template: Any) -> Any:
    """The parameters with a value for each path."""
    if isinstance(template, list):
        return [written_out(each) for each in template]
    if not isinstance(template, dict):
        return template
    return {
        name.removesuffix(".$"): KNOWN.get(value, "s3://bucket/key") if name.endswith(".$") else written_out(value)
        for name, value in template.items()
    }


def test_a_linter_finds_no_problem_with_mediaconvert_either() -> None:
    assert Linter.validate(json.dumps(BY_SERVICE)) == []


def test_only_the_conversion_itself_is_another() -> None:
    differing = {name for name, state in BY_SERVICE["States"].items() if state != STATES[name]}
    assert differing == {"ConvertVideo"}
    assert BY_SERVICE["States"].keys() == STATES.keys()


def test_the_job_is_one_that_mediaconvert_takes() -> None:
    state = BY_SERVICE["States"]["ConvertVideo"]
    assert state["Resource"] == "arn:aws:states:::mediaconvert:createJob.sync"
    shape = botocore.session.get_session().get_service_model("mediaconvert").operation_model("CreateJob").input_shape
    assert ParamValidator().validate(written_out(state["Parameters"]), shape).generate_report() == ""


# big files in a container, as a stage may have it


WITH_CONTAINER: dict[str, Any] = json.loads(ingest(big_files=True).to_json())["States"]


def test_a_linter_finds_no_problem_with_a_container_either() -> None:
    assert Linter.validate(ingest(big_files=True).to_json()) == []


def test_only_big_files_take_another_way_which_leads_back_to_transform() -> None:
    transform, big = WITH_CONTAINER["Transform"], WITH_CONTAINER["TransformBig"]
    others = STATES | {"Transform": transform, "TransformBig": big}
    assert others == WITH_CONTAINER
    assert [caught for caught in transform["Catch"] if caught not in STATES["Transform"]["Catch"]] == [
        {"ErrorEquals": ["BigFile"], "ResultPath": "$.error", "Next": "TransformBig"}
    ]
    assert (big["Next"], big["ResultPath"]) == ("Transform", "$.big_file")


def test_a_container_ends_before_its_state_and_the_state_before_the_execution() -> None:
    big = WITH_CONTAINER["TransformBig"]
    assert BIG_FILE.timeout_seconds < big["TimeoutSeconds"]
    happy = (WITH_CONTAINER[name] for name in (*steps(), "Transform", "TransformBig"))
    assert longest_work(*happy) < EXECUTION_TIMEOUT_SECONDS


def test_the_task_is_one_that_ecs_takes() -> None:
    parameters = WITH_CONTAINER["TransformBig"]["Parameters"]
    network = parameters["NetworkConfiguration"]["AwsvpcConfiguration"]
    subnets = {"Subnets": ["subnet-1"], **{name: value for name, value in network.items() if name != "Subnets.$"}}
    written = written_out(parameters) | {"NetworkConfiguration": {"AwsvpcConfiguration": subnets}}
    request = in_the_service_s_case(written)
    shape = botocore.session.get_session().get_service_model("ecs").operation_model("RunTask").input_shape
    assert ParamValidator().validate(request, shape).generate_report() == ""


def in_the_service_s_case(value: Any) -> Any:
    """Step Functions writes the names of parameters with a capital, ECS itself without."""
    if isinstance(value, list):
        return [in_the_service_s_case(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {name[0].lower() + name[1:]: in_the_service_s_case(each) for name, each in value.items()}
