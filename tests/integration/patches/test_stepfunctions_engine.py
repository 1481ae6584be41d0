"""Executions retry, time out, stop, and tell their history as AWS documents."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from infra.local.engine.retries import RetryCounter, error_matches, retry_delay
from tests.integration.patches.stepfunctions_probe import (
    Execution,
    ask,
    create,
    function,
    invoke,
    machine,
    next_token,
    queue,
    start,
)
from tests.waiting import until

WAIT_LONG = {"Type": "Wait", "Seconds": 3600}
UNKNOWN_SERVICE = {"Type": "Task", "Resource": "arn:aws:states:::aws-sdk:nosuchservice:doIt"}
CATCH_ALL = {"Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]}
CAUGHT = ("Caught", {"Type": "Pass", "Result": "caught", "End": True})
FAILS = """
    class Flaky(Exception):
        pass

    def handle(event, context):
        raise Flaky("again")
"""


def linked(events: list[dict[str, Any]]) -> list[tuple[int | None, str]]:
    """Each event's predecessor and type."""
    return [(event.get("previousEventId"), event["type"]) for event in events]


def longest(_low: float, high: float) -> float:
    return high


@pytest.mark.parametrize(
    ("retrier", "delays"),
    [
        ({}, [1, 2, 4, 8]),
        ({"IntervalSeconds": 3, "BackoffRate": 1.5}, [3, 4.5, 6.75]),
        ({"IntervalSeconds": 1, "BackoffRate": 4, "MaxDelaySeconds": 5}, [1, 4, 5, 5]),
        ({"IntervalSeconds": 60, "BackoffRate": 2}, [60, 120, 240]),
        ({"IntervalSeconds": 2, "JitterStrategy": "FULL", "MaxDelaySeconds": 3}, [2, 3, 3]),
    ],
)
def test_the_delay_grows_up_to_its_limit(retrier: dict[str, Any], delays: list[float]) -> None:
    assert [retry_delay(retrier, earlier, longest) for earlier in range(len(delays))] == delays


def test_full_jitter_waits_anything_up_to_the_delay() -> None:
    retrier = {"IntervalSeconds": 8, "JitterStrategy": "FULL"}
    assert retry_delay(retrier, 0, lambda low, high: (low, high)) == (0, 8)  # pyright: ignore[reportArgumentType]
    assert len({retry_delay(retrier, 0) for _ in range(20)}) > 1


def test_each_retrier_counts_its_own_retries() -> None:
    retries = RetryCounter(
        [{"ErrorEquals": ["A"], "MaxAttempts": 1}, {"ErrorEquals": ["States.ALL"], "MaxAttempts": 2}]
    )
    assert [retries.next_delay(error) for error in ("B", "A", "B", "A", "B")] == [1, 1, 2, None, None]


@pytest.mark.parametrize(
    ("names", "error", "matches"),
    [
        (["States.ALL"], "Anything", True),
        (["States.ALL"], "States.Timeout", True),
        (["States.ALL"], "States.Runtime", False),
        (["States.Runtime"], "States.Runtime", False),
        (["States.ALL"], "States.DataLimitExceeded", True),
        (["States.TaskFailed"], "States.DataLimitExceeded", False),
        (["States.DataLimitExceeded"], "States.DataLimitExceeded", True),
        (["States.TaskFailed"], "Anything", True),
        (["States.TaskFailed"], "States.Timeout", False),
    ],
)
def test_wildcards_take_what_the_developer_guide_says(names: list[str], error: str, matches: bool) -> None:
    assert error_matches(names, error) is matches


def test_states_all_does_not_catch_a_runtime_error(stock: Any, patched: Any) -> None:
    definition = machine(("Work", {**UNKNOWN_SERVICE, **CATCH_ALL, "End": True}), CAUGHT)
    assert start(stock, definition).output() == "caught"
    assert start(patched, definition).failure() == ("FAILED", "States.Runtime")


def test_a_retried_task_is_scheduled_again_within_its_state(stock: Any, patched: Any) -> None:
    def run(cloud: Any) -> Execution:
        retry = [{"ErrorEquals": ["Flaky"], "IntervalSeconds": 1, "MaxAttempts": 1}]
        work = invoke(function(cloud, FAILS), TimeoutSeconds=30, Retry=retry, End=True, **CATCH_ALL)
        execution = start(cloud, machine(("Work", work), CAUGHT))
        assert execution.output() == "caught"
        return execution

    assert {previous for previous, _ in linked(run(stock).events)} == {None}
    execution = run(patched)
    assert linked(execution.events) == [
        (0, "ExecutionStarted"),
        (0, "TaskStateEntered"),
        (2, "TaskScheduled"),
        (3, "TaskStarted"),
        (4, "TaskFailed"),
        (5, "TaskScheduled"),
        (6, "TaskStarted"),
        (7, "TaskFailed"),
        (8, "TaskStateExited"),
        (9, "PassStateEntered"),
        (10, "PassStateExited"),
        (11, "ExecutionSucceeded"),
    ]
    scheduled = execution.details("TaskScheduled")
    assert json.loads(scheduled.pop("parameters")).keys() == {"FunctionName", "Payload"}
    assert scheduled == {"resourceType": "lambda", "resource": "invoke", "region": "us-east-1", "timeoutInSeconds": 30}
    failed = execution.details("TaskFailed")
    assert (failed["resourceType"], failed["resource"], failed["error"]) == ("lambda", "invoke", "Flaky")


def test_a_plain_function_resource_has_lambda_events(stock: Any, patched: Any) -> None:
    def types(cloud: Any) -> list[str]:
        work = {"Type": "Task", "Resource": function(cloud, FAILS)}
        execution = start(cloud, machine(("Work", work)))
        execution.ended()
        return execution.event_types

    assert "LambdaFunctionScheduled" not in types(stock)
    assert types(patched)[2:] == [
        "LambdaFunctionScheduled",
        "LambdaFunctionStarted",
        "LambdaFunctionFailed",
        "ExecutionFailed",
    ]


def test_a_failed_execution_has_no_output(stock: Any, patched: Any) -> None:
    definition = machine(("No", {"Type": "Fail", "Error": "Bad", "Cause": "because"}))
    assert "output" in start(stock, definition).ended()
    described = start(patched, definition).ended()
    assert "output" not in described
    assert (described["error"], described["cause"]) == ("Bad", "because")


def test_iterations_and_branches_are_in_the_history(stock: Any, patched: Any) -> None:
    each = {"Type": "Map", "MaxConcurrency": 1, "ItemProcessor": machine(("Step", {"Type": "Pass"}))}
    both = {"Type": "Parallel", "Branches": [machine(("Left", {"Type": "Pass"}))]}
    definition = machine(("Each", each), ("Both", both))
    stocks = start(stock, definition, ["a"])
    stocks.ended()
    assert "MapIterationStarted" not in stocks.event_types

    execution = start(patched, definition, ["a", "b"])
    assert execution.output() == [["a", "b"]]
    iteration = ["MapIterationStarted", "PassStateEntered", "PassStateExited", "MapIterationSucceeded"]
    assert execution.event_types == [
        "ExecutionStarted",
        "MapStateEntered",
        "MapStateStarted",
        *iteration,
        *iteration,
        "MapStateSucceeded",
        "MapStateExited",
        "ParallelStateEntered",
        "ParallelStateStarted",
        "PassStateEntered",
        "PassStateExited",
        "ParallelStateSucceeded",
        "ParallelStateExited",
        "ExecutionSucceeded",
    ]
    started = [event for event in execution.events if event["type"] == "MapIterationStarted"]
    assert [event["previousEventId"] for event in started] == [3, 6]
    assert execution.details("MapStateStarted") == {"length": 2}
    assert execution.details("MapIterationSucceeded") == {"name": "Each", "index": 1}


def test_a_failing_branch_ends_its_siblings_at_once(patched: Any) -> None:
    branches = [machine(("Long", WAIT_LONG)), machine(("No", {"Type": "Fail", "Error": "Bad"}))]
    execution = start(patched, machine(("Both", {"Type": "Parallel", "Branches": branches})))
    assert execution.failure() == ("FAILED", "Bad")
    assert execution.event_types[-2:] == ["ParallelStateFailed", "ExecutionFailed"]


def test_a_state_that_takes_too_long_is_a_timed_out_task(stock: Any, patched: Any) -> None:
    def run(cloud: Any) -> Execution:
        _, url = queue(cloud)
        execution = start(cloud, machine(("Ask", ask(url, TimeoutSeconds=1))))
        assert execution.failure() == ("FAILED", "States.Timeout")
        return execution

    assert "TaskTimedOut" not in run(stock).event_types
    assert run(patched).event_types[-2:] == ["TaskTimedOut", "ExecutionFailed"]


def test_a_function_that_takes_too_long_times_out(patched: Any) -> None:
    sleeper = function(patched, "import time\ndef handle(event, context): time.sleep(5)", Timeout=10)
    execution = start(patched, machine(("Sleep", invoke(sleeper, TimeoutSeconds=1))))
    assert execution.failure() == ("FAILED", "States.Timeout")
    assert execution.details("TaskTimedOut")["error"] == "States.Timeout"


def test_a_silent_task_times_out_before_its_timeout(patched: Any) -> None:
    """Recorded: timeouts/test_heartbeats::test_heartbeat_timeout, 18-04-2024."""
    _, url = queue(patched)
    execution = start(patched, machine(("Ask", ask(url, HeartbeatSeconds=1, TimeoutSeconds=600))))
    assert execution.failure() == ("FAILED", "States.Timeout")
    assert execution.details("TaskTimedOut")["error"] == "States.Timeout"


def test_heartbeats_keep_a_task_alive(patched: Any) -> None:
    sqs, url = queue(patched)
    execution = start(patched, machine(("Ask", ask(url, HeartbeatSeconds=2, TimeoutSeconds=3))))
    token = next_token(sqs, url)

    def beaten() -> bool:
        try:
            execution.aws.send_task_heartbeat(taskToken=token)
        except ClientError:
            return True
        return False

    until(beaten)
    assert execution.failure() == ("FAILED", "States.Timeout")


def test_the_machines_timeout_ends_the_execution(stock: Any, patched: Any) -> None:
    definition = machine(("Wait", {"Type": "Wait", "Seconds": 2}), TimeoutSeconds=1)
    assert start(stock, definition).ended()["status"] == "SUCCEEDED"
    execution = start(patched, definition)
    assert execution.failure() == ("TIMED_OUT", None)
    assert execution.event_types[-1] == "ExecutionTimedOut"


def test_nothing_follows_the_end_of_a_stopped_execution(stock: Any, patched: Any) -> None:
    def stopped(cloud: Any) -> tuple[Execution, str]:
        sqs, url = queue(cloud)
        execution = start(cloud, machine(("Ask", ask(url))))
        token = next_token(sqs, url)
        execution.reached("TaskScheduled")
        execution.aws.stop_execution(executionArn=execution.arn, error="Halt", cause="enough")
        return execution, token

    execution, token = stopped(stock)
    execution.aws.send_task_success(taskToken=token, output="{}")
    until(lambda: execution.event_types[-1] != "ExecutionAborted")

    execution, token = stopped(patched)
    described = execution.description
    assert (described["status"], described["error"], described["cause"]) == ("ABORTED", "Halt", "enough")
    until(lambda: token_is_closed(execution, token))
    assert execution.event_types[-1] == "ExecutionAborted"
    assert execution.details("ExecutionAborted") == {"error": "Halt", "cause": "enough"}


def token_is_closed(execution: Execution, token: str) -> bool:
    try:
        execution.aws.send_task_success(taskToken=token, output="{}")
    except ClientError:
        return True
    return False


def test_no_state_passes_on_more_than_256_kib(stock: Any, patched: Any) -> None:
    doubled = {"Type": "Pass", "Parameters": {"one.$": "$.text", "two.$": "$.text"}}
    text = {"text": "x" * 200_000}
    assert start(stock, machine(("Double", doubled)), text).ended()["status"] == "SUCCEEDED"
    assert start(patched, machine(("Double", doubled)), text).failure() == ("FAILED", "States.DataLimitExceeded")


def test_a_tasks_result_is_limited_in_bytes_and_states_all_catches_it(stock: Any, patched: Any) -> None:
    def run(cloud: Any) -> Execution:
        large = function(cloud, "def handle(event, context): return 'é' * 131_072")
        return start(cloud, machine(("Large", invoke(large, End=True, **CATCH_ALL)), CAUGHT))

    assert "TaskFailed" not in ended_types(run(stock))
    execution = run(patched)
    assert execution.output() == "caught"
    failed = execution.details("TaskFailed")
    too_large = "returned a result with a size exceeding the maximum number of bytes service limit."
    assert (failed["error"], failed["cause"]) == ("States.DataLimitExceeded", f"The state/task 'lambda' {too_large}")


def ended_types(execution: Execution) -> list[str]:
    execution.ended()
    return execution.event_types


def test_the_context_object_is_complete(stock: Any, patched: Any) -> None:
    definition = machine(("Look", {"Type": "Pass", "Parameters": {"all.$": "$$"}}))
    assert start(stock, definition).output() == {"all": None}
    context = start(patched, definition, {"a": 1}, name="named").output()["all"]
    assert context.keys() == {"Execution", "State", "StateMachine"}
    assert context["Execution"].keys() == {"Id", "Input", "Name", "RoleArn", "StartTime", "RedriveCount"}
    assert (context["Execution"]["Name"], context["Execution"]["Input"]) == ("named", {"a": 1})
    assert context["State"]["Name"] == "Look"
    assert context["StateMachine"]["Id"].endswith(context["StateMachine"]["Name"])


def test_a_task_sees_how_often_it_was_retried(patched: Any) -> None:
    code = """
        class Flaky(Exception):
            pass

        def handle(event, context):
            if event["retries"] == 0:
                raise Flaky("again")
            return event
    """
    work = invoke(function(patched, code), OutputPath="$.Payload", Retry=[{"ErrorEquals": ["Flaky"]}])
    del work["Parameters"]["Payload.$"]
    work["Parameters"]["Payload"] = {"retries.$": "$$.State.RetryCount"}
    assert start(patched, machine(("Work", work))).output() == {"retries": 1}


def test_a_fail_state_takes_error_and_cause_from_its_input(patched: Any) -> None:
    fail = {"Type": "Fail", "ErrorPath": "$.code", "CausePath": "States.Format('{} of {}', $.why, $$.Execution.Name)"}
    described = start(patched, machine(("No", fail)), {"code": "Odd", "why": "size"}, name="asset").ended()
    assert (described["error"], described["cause"]) == ("Odd", "size of asset")


def test_a_token_is_answered_once(patched: Any) -> None:
    sqs, url = queue(patched)
    execution = start(patched, machine(("Ask", ask(url))))
    token = next_token(sqs, url)
    execution.aws.send_task_failure(taskToken=token, error="Refused", cause="no")
    assert execution.failure() == ("FAILED", "Refused")
    with pytest.raises(ClientError):
        execution.aws.send_task_success(taskToken=token, output="{}")
    assert execution.event_types[2:5] == ["TaskScheduled", "TaskStarted", "TaskSubmitted"]


def test_jsonata_works_in_every_state(patched: Any) -> None:
    definition = machine(
        (
            "Pass",
            {"Type": "Pass", "Output": {"n": "{% $states.input.n + 1 %}"}, "Assign": {"kept": "{% $states.input.n %}"}},
        ),
        (
            "Each",
            {"Type": "Map", "Items": "{% [1..$states.input.n] %}", "ItemProcessor": machine(("In", {"Type": "Pass"}))},
        ),
        (
            "Both",
            {"Type": "Parallel", "Branches": [machine(("In", {"Type": "Pass"}))], "Output": "{% $states.result[0] %}"},
        ),
        ("Pick", {"Type": "Choice", "Choices": [{"Condition": "{% $count($states.input) = 3 %}", "Next": "Last"}]}),
        ("Last", {"Type": "Succeed", "Output": {"sum": "{% $sum($states.input) %}", "kept": "{% $kept %}"}}),
        QueryLanguage="JSONata",
    )
    assert start(patched, definition, {"n": 2}).output() == {"sum": 6, "kept": 2}


def test_nested_executions_are_waited_for(patched: Any) -> None:
    child = create(patched, machine(("In", {"Type": "Pass", "Result": {"found": 1}})))
    failing = create(patched, machine(("No", {"Type": "Fail", "Error": "Bad"})))

    def nested(arn: str) -> dict[str, Any]:
        parameters = {"StateMachineArn": arn, "Input.$": "$"}
        return {"Type": "Task", "Resource": "arn:aws:states:::states:startExecution.sync:2", "Parameters": parameters}

    assert start(patched, machine(("Child", nested(child)))).output()["Output"] == {"found": 1}
    execution = start(patched, machine(("Child", nested(failing))))
    assert execution.failure() == ("FAILED", "States.TaskFailed")
    assert json.loads(execution.description["cause"])["Error"] == "Bad"


def test_a_used_name_is_refused_under_the_exception_s_name(stock: Any, patched: Any) -> None:
    refused = ("FAILED", "StepFunctions.ExecutionAlreadyExistsException")
    for cloud, second in ((stock, ("SUCCEEDED", None)), (patched, refused)):
        child = create(cloud, machine(("In", {"Type": "Pass"})))
        parameters = {"StateMachineArn": child, "Name": "once", "Input.$": "$"}
        resource = "arn:aws:states:::states:startExecution.sync:2"
        parent = machine(("Child", {"Type": "Task", "Resource": resource, "Parameters": parameters}))
        assert start(cloud, parent).ended()["status"] == "SUCCEEDED"
        assert start(cloud, parent).failure() == second


def test_a_distributed_map_runs_child_executions(patched: Any) -> None:
    processor = {
        **machine(("In", {"Type": "Pass"})),
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
    }
    execution = start(patched, machine(("Each", {"Type": "Map", "ItemProcessor": processor})), [1, 2, 3])
    assert execution.output() == [1, 2, 3]
    (run,) = execution.aws.list_map_runs(executionArn=execution.arn)["mapRuns"]
    children = execution.aws.list_executions(mapRunArn=run["mapRunArn"])["executions"]
    assert [child["status"] for child in children] == ["SUCCEEDED"] * 3


def test_express_machines_answer_at_once(patched: Any) -> None:
    aws = patched.client("stepfunctions")
    good = create(patched, machine(("In", {"Type": "Pass", "Result": 7})), type="EXPRESS")
    bad = create(patched, machine(("No", {"Type": "Fail", "Error": "Bad", "Cause": "why"})), type="EXPRESS")
    answer = aws.start_sync_execution(stateMachineArn=good)
    assert (answer["status"], answer["output"]) == ("SUCCEEDED", "7")
    answer = aws.start_sync_execution(stateMachineArn=bad)
    assert (answer["status"], answer["error"], answer["cause"]) == ("FAILED", "Bad", "why")


def test_a_single_state_can_be_tested(patched: Any) -> None:
    state = json.dumps({"Type": "Pass", "Parameters": {"b.$": "$.a"}, "End": True})
    aws = patched.client("stepfunctions")
    tested = aws.test_state(definition=state, input='{"a": 5}')
    assert (tested["status"], json.loads(tested["output"])) == ("SUCCEEDED", {"b": 5})
    assert aws.test_state(definition=state, input="{}")["status"] == "FAILED"


def test_five_hundred_executions_can_wait_at_once(patched: Any) -> None:
    arn = create(patched, machine(("Wait", {"Type": "Wait", "Seconds": 3})))
    aws = patched.client("stepfunctions")
    started = [Execution(aws, aws.start_execution(stateMachineArn=arn)["executionArn"]) for _ in range(500)]
    assert {execution.ended()["status"] for execution in started} == {"SUCCEEDED"}
