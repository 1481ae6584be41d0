"""Python functions run in a Lambda environment, and fail and are limited as AWS documents."""

import base64
import concurrent.futures
import io
import json
import os
import signal
import textwrap
import uuid
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.waiting import until

HANDLERS = """
    import os, sys, time

    class TransientError(Exception):
        pass

    def inspect(event, context):
        print("hello from the handler")
        return {
            "env": dict(os.environ), "pid": os.getpid(), "arn": context.invoked_function_arn,
            "log_group": context.log_group_name, "remaining_ms": context.get_remaining_time_in_millis(),
        }

    def import_from_source_tree(event, context):
        import infra.local.runtime.lambda_runtime
        return infra.local.runtime.lambda_runtime.MEGABYTE

    def count_buckets(event, context):
        import boto3
        return len(boto3.client("s3").list_buckets()["Buckets"])

    def fail(event, context):
        raise TransientError("try again")

    def leave(event, context):
        os._exit(event)

    def sleep(event, context):
        time.sleep(event)

    def hold(event, context):
        started, opened = event
        open(started, "w").close()
        while not os.path.exists(opened):
            time.sleep(0.02)

    def allocate(event, context):
        size, until_killed = event
        kept = bytearray(size)
        for offset in range(0, len(kept), 4096):
            kept[offset] = 1
        while until_killed:
            time.sleep(0.02)
        return len(kept)

    def answer(event, context):
        return "x" * event
"""


@dataclass(frozen=True)
class Outcome:
    payload: Any
    failed: bool
    log: str

    @property
    def error_type(self) -> str:
        assert self.failed, self.payload
        return self.payload["errorType"]


@dataclass(frozen=True)
class Function:
    """A deployed function of HANDLERS, or of other `code`."""

    client: Any
    name: str

    def invoke(self, event: Any = None) -> Outcome:
        response = self.client.invoke(FunctionName=self.name, Payload=json.dumps(event), LogType="Tail")
        log = base64.b64decode(response.get("LogResult", "")).decode()
        return Outcome(json.loads(response["Payload"].read()), "FunctionError" in response, log)


def package(code: str = HANDLERS) -> bytes:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as content:
        content.writestr("app.py", textwrap.dedent(code))
    return archive.getvalue()


def deploy(cloud: Any, handler: str, code: str = HANDLERS, **settings: Any) -> Function:
    function = Function(cloud.client("lambda"), f"f-{uuid.uuid4().hex}")
    function.client.create_function(
        FunctionName=function.name,
        Runtime="python3.13",
        Architectures=["arm64"],
        Role="arn:aws:iam::000000000000:role/function",
        Handler=handler,
        Code={"ZipFile": package(code)},
        **settings,
    )
    return function


def test_a_function_sees_lambdas_environment_and_nothing_of_the_servers(stock: Any, patched: Any) -> None:
    variables = {"Environment": {"Variables": {"STAGE": "local"}}}
    assert "PERSIST_STATE" in deploy(stock, "app.inspect", **variables).invoke().payload["env"]

    function = deploy(patched, "app.inspect", **variables)
    seen = function.invoke().payload
    assert "PERSIST_STATE" not in seen["env"]
    assert seen["env"]["STAGE"] == "local"
    assert seen["env"]["AWS_EXECUTION_ENV"] == "AWS_Lambda_python3.13"
    assert seen["env"]["AWS_ENDPOINT_URL"] == patched.emulator.endpoint
    assert seen["env"]["AWS_LAMBDA_LOG_GROUP_NAME"] == seen["log_group"] == f"/aws/lambda/{function.name}"
    assert seen["arn"].endswith(function.name)
    assert 0 < seen["remaining_ms"] <= 3000


def test_a_handler_that_the_zip_lacks_comes_from_the_source_tree(patched: Any) -> None:
    assert deploy(patched, "app.import_from_source_tree").invoke().payload == 1024 * 1024


def test_plain_boto3_in_a_function_talks_to_the_emulator(patched: Any) -> None:
    patched.client("s3").create_bucket(Bucket="seen-by-the-function")
    assert deploy(patched, "app.count_buckets", Timeout=30).invoke().payload >= 1


@pytest.mark.parametrize(
    ("handler", "code", "error_type"),
    [
        ("app.fail", HANDLERS, "TransientError"),
        ("app.absent", HANDLERS, "Runtime.HandlerNotFound"),
        ("absent.handle", HANDLERS, "Runtime.ImportModuleError"),
        ("app.handle", "raise KeyError('at import')", "KeyError"),
        ("app.handle", "import os; os._exit(7)", "Runtime.ExitError"),
    ],
)
def test_an_error_keeps_its_type(stock: Any, patched: Any, handler: str, code: str, error_type: str) -> None:
    assert deploy(stock, handler, code).invoke().error_type != error_type
    assert deploy(patched, handler, code).invoke().error_type == error_type


@pytest.mark.parametrize(
    ("status", "reason"),
    [(0, "Runtime exited without providing a reason"), (3, "Runtime exited with error: exit status 3")],
)
def test_a_handler_that_exits_is_an_exit_error_and_the_next_call_gets_a_new_process(
    patched: Any, status: int, reason: str
) -> None:
    function = deploy(patched, "app.leave")
    for _ in range(2):
        outcome = function.invoke(status)
        assert outcome.error_type == "Runtime.ExitError"
        assert outcome.payload["errorMessage"].endswith(reason)


def test_a_function_that_takes_too_long_times_out(patched: Any) -> None:
    outcome = deploy(patched, "app.sleep", Timeout=1).invoke(30)
    assert outcome.error_type == "Sandbox.Timedout"
    assert outcome.payload["errorMessage"].endswith("Error: Task timed out after 1.00 seconds")


def test_exceeding_the_memory_size_kills_the_function(stock: Any, patched: Any) -> None:
    size = 300 * 1024 * 1024
    assert deploy(stock, "app.allocate", MemorySize=128).invoke([size, False]).payload == size

    outcome = deploy(patched, "app.allocate", MemorySize=128, Timeout=900).invoke([size, True])
    assert outcome.error_type == "Runtime.ExitError"
    assert outcome.payload["errorMessage"].endswith("signal: killed")
    assert deploy(patched, "app.allocate", MemorySize=512).invoke([size, False]).payload == size


def test_an_answer_above_6_megabytes_is_refused(stock: Any, patched: Any) -> None:
    assert len(deploy(stock, "app.answer", Timeout=30).invoke(7_000_000).payload) == 7_000_000

    function = deploy(patched, "app.answer", Timeout=30)
    assert function.invoke(7_000_000).error_type == "Function.ResponseSizeTooLarge"
    assert len(function.invoke(6_000_000).payload) == 6_000_000


def test_each_invocation_gets_its_own_log_lines(patched: Any) -> None:
    function = deploy(patched, "app.inspect")
    assert [function.invoke().log for _ in range(3)] == ["hello from the handler"] * 3


def test_an_environment_has_one_log_stream_and_knows_its_name(stock: Any, patched: Any) -> None:
    def streams(cloud: Any) -> tuple[list[str], str]:
        function = deploy(cloud, "app.inspect")
        function.invoke()
        name = function.invoke().payload["env"]["AWS_LAMBDA_LOG_STREAM_NAME"]
        listed = cloud.client("logs").describe_log_streams(logGroupName=f"/aws/lambda/{function.name}")["logStreams"]
        return [stream["logStreamName"] for stream in listed], name

    assert len(streams(stock)[0]) == 2
    listed, name = streams(patched)
    assert listed == [name]


def test_the_log_has_lambdas_own_lines(patched: Any) -> None:
    function = deploy(patched, "app.inspect")
    function.invoke()
    events = patched.client("logs").filter_log_events(logGroupName=f"/aws/lambda/{function.name}")["events"]
    kinds = [event["message"].split()[0] for event in events]
    assert kinds == ["START", "hello", "END", "REPORT"]


def test_a_warm_function_keeps_its_process_until_its_code_changes(patched: Any) -> None:
    function = deploy(patched, "app.inspect")
    first, second = (function.invoke().payload["pid"] for _ in range(2))
    assert first == second

    function.client.update_function_code(FunctionName=function.name, ZipFile=package(HANDLERS + "\n    CHANGED = 1\n"))
    assert function.invoke().payload["pid"] != first


@contextmanager
def at_work(function: Function, folder: Path) -> Iterator[None]:
    """Meanwhile, an invocation of `app.hold` holds its slot."""
    started, opened = folder / "started", folder / "opened"
    with concurrent.futures.ThreadPoolExecutor() as pool:
        held = pool.submit(function.invoke, [str(started), str(opened)])
        until(started.exists)
        try:
            yield
        finally:
            opened.touch()
    assert not held.result().failed


def test_reserved_concurrency_is_a_throttle(patched: Any, tmp_path: Path) -> None:
    function = deploy(patched, "app.hold", Timeout=900)
    function.client.put_function_concurrency(FunctionName=function.name, ReservedConcurrentExecutions=1)
    with at_work(function, tmp_path), pytest.raises(function.client.exceptions.TooManyRequestsException):
        function.invoke()


def test_account_concurrency_is_a_throttle(new_emulator: Callable[..., Any], tmp_path: Path) -> None:
    cloud = new_emulator(concurrency=1)
    function, other = deploy(cloud, "app.hold", Timeout=900), deploy(cloud, "app.inspect")
    with at_work(function, tmp_path), pytest.raises(other.client.exceptions.TooManyRequestsException):
        other.invoke()


def test_functions_end_with_a_server_that_is_killed(new_emulator: Callable[..., Any]) -> None:
    cloud = new_emulator()
    worker = deploy(cloud, "app.inspect").invoke().payload["pid"]
    os.kill(cloud.emulator.pid(), signal.SIGKILL)
    until(lambda: not is_running(worker))


def test_an_idle_function_ends(new_emulator: Callable[..., Any]) -> None:
    function = deploy(new_emulator(idle_worker_seconds=1), "app.inspect")
    first = function.invoke().payload
    until(lambda: not is_running(first["pid"]))
    assert not Path(first["env"]["TMPDIR"]).exists()
    assert function.invoke().payload["pid"] != first["pid"]


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
