"""What surrounds every task: which errors it raises, what it logs and counts, and where its settings come from."""

import json
import socket
from dataclasses import dataclass

import msgspec
import pytest
from botocore.exceptions import (
    ClientError,
    EndpointConnectionError,
    IncompleteReadError,
    ParamValidationError,
    ReadTimeoutError,
)
from pytest_socket import SocketBlockedError

from tasks.shared.observe import count
from tasks.shared.settings import from_environment
from tasks.shared.task import task
from tests.unit.cloud import load_function
from workflow.errors import CorruptImage, InputError, TransientError
from workflow.shapes import ExecutionInput, Pointer, Run

RUN = {"arn": "arn:aws:states:x:1:execution:sluice-ingest:first", "name": "first", "started": "2026-11-23T10:00:00Z"}
WANTED = {"bucket": "ingest", "key": "cat.jpg"}


def raising(error: Exception):
    """A task that ends in `error`."""

    @task("broken", ExecutionInput)
    def handle(_state: ExecutionInput, _run: Run) -> Pointer:
        raise error

    return handle


def client_error(code: str, status: int) -> ClientError:
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "PutObject")


@dataclass(frozen=True)
class Wanted:
    bucket: str
    key: str


@task("located", Wanted)
def located(wanted: Wanted, _run: Run) -> Pointer:
    count("Located")
    return Pointer(bucket=wanted.bucket, key=wanted.key)


@task("located", ExecutionInput, result="asset")
def located_anew(wanted: ExecutionInput, _run: Run) -> Pointer:
    return Pointer(bucket=wanted.bucket, key=wanted.key)


def call(handle, state):
    return handle({"run": RUN, "state": state}, None)


# errors


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("SlowDown", 503),
        ("InternalError", 500),
        ("503", 503),
        ("ThrottlingException", 400),
        ("ProvisionedThroughputExceededException", 400),
        ("RequestLimitExceeded", 400),
        ("RequestTimeout", 400),
        ("Throttled", 429),
        ("TooManyRequests", 429),
        ("TransactionInProgressException", 400),
    ],
)
def test_throttles_and_service_errors_are_worth_another_attempt(code, status):
    with pytest.raises(TransientError, match=code):
        call(raising(client_error(code, status)), WANTED)


@pytest.mark.parametrize(
    ("code", "status"),
    [("AccessDenied", 403), ("NoSuchKey", 404), ("ConditionalCheckFailedException", 400), ("ValidationException", 400)],
)
def test_other_errors_of_aws_pass_untouched(code, status):
    error = client_error(code, status)
    with pytest.raises(ClientError) as caught:
        call(raising(error), WANTED)
    assert caught.value is error


@pytest.mark.parametrize(
    "error",
    [
        EndpointConnectionError(endpoint_url="x"),
        ReadTimeoutError(endpoint_url="x"),
        IncompleteReadError(actual_bytes=1, expected_bytes=2),
    ],
)
def test_broken_connections_are_worth_another_attempt(error):
    with pytest.raises(TransientError, match="connection to AWS failed"):
        call(raising(error), WANTED)


def test_what_aws_cannot_be_asked_is_an_input_error():
    with pytest.raises(InputError, match="Invalid length for parameter Key"):
        call(raising(ParamValidationError(report="Invalid length for parameter Key")), WANTED)


@pytest.mark.parametrize(
    ("state", "named"),
    [
        ({"bucket": "b"}, "`key`"),
        ({**WANTED, "versionid": "v"}, "`versionid`"),
        ({"bucket": 1, "key": "k"}, r"\$\.bucket"),
        ({**WANTED, "size": "many"}, r"\$\.size"),
        ([], "object"),
    ],
)
def test_wrong_input_names_the_field(state, named):
    with pytest.raises(InputError, match=named):
        call(located_anew, state)


# results, logs, metrics


def test_result_and_timing_are_added_to_the_state():
    made = call(located, {**WANTED, "timings": {"before": 3}})
    assert made["located"] == {"bucket": "ingest", "key": "cat.jpg", "storage_class": "STANDARD"}
    assert made["bucket"] == "ingest"
    assert made["timings"]["before"] == 3
    assert isinstance(made["timings"]["located"], int)


def test_named_result_begins_a_new_state():
    made = call(located_anew, WANTED)
    assert made.keys() == {"asset", "timings"}


def json_lines(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


def test_log_lines_name_execution_and_asset(log):
    call(located, {**WANTED, "asset": {"id": "a" * 32}})
    (done,) = json_lines(log.getvalue())
    assert done["correlation_id"] == f"first/{'a' * 32}"
    assert (done["execution"], done["asset_id"], done["task"]) == ("first", "a" * 32, "located")
    assert isinstance(done["ms"], int)


def test_log_names_the_asset_of_an_error_that_nobody_expected(log):
    with pytest.raises(KeyError):
        call(raising(KeyError("size")), WANTED)
    (line,) = json_lines(log.getvalue())
    assert (line["level"], line["error"], line["execution"]) == ("ERROR", "KeyError", "first")
    assert "KeyError: 'size'" in line["exception"]


def test_stack_trace_of_a_caught_error_travels_no_further():
    cause = json.dumps({"errorMessage": "It is blank.", "stackTrace": ["line"] * 1000})
    made = call(located, {**WANTED, "thumbnail_error": {"Error": "ThumbnailError", "Cause": cause}})
    assert made["thumbnail_error"] == {"Error": "ThumbnailError", "Cause": "It is blank."}


def test_log_says_why_a_task_stopped(log):
    with pytest.raises(CorruptImage):
        call(raising(CorruptImage("It ends in the middle.")), WANTED)
    (line,) = json_lines(log.getvalue())
    assert (line["level"], line["error"], line["reason"]) == ("WARNING", "CorruptImage", "It ends in the middle.")
    assert line["correlation_id"] == "first"


def test_metrics_are_printed_in_embedded_format(capsys):
    call(located, WANTED)
    (metrics,) = [line for line in json_lines(capsys.readouterr().out) if "_aws" in line]
    (definition,) = metrics["_aws"]["CloudWatchMetrics"]
    assert definition["Metrics"] == [{"Name": "Located", "Unit": "Count"}]
    assert metrics["Located"] == [1.0]


def test_function_that_counts_nothing_prints_no_metrics(capsys):
    call(located_anew, WANTED)
    assert not [line for line in json_lines(capsys.readouterr().out) if "_aws" in line]


# settings


class Settings(msgspec.Struct, frozen=True):
    table_name: str
    publish_private_metadata: bool = False


@pytest.mark.parametrize(("text", "value"), [("true", True), ("false", False), ("1", True)])
def test_settings_come_from_the_environment(monkeypatch, text, value):
    monkeypatch.setenv("TABLE_NAME", "table")
    monkeypatch.setenv("PUBLISH_PRIVATE_METADATA", text)
    assert from_environment(Settings) == Settings(table_name="table", publish_private_metadata=value)


def test_missing_setting_is_named(monkeypatch):
    monkeypatch.delenv("TABLE_NAME", raising=False)
    with pytest.raises(msgspec.ValidationError, match="table_name"):
        from_environment(Settings)


def test_function_without_its_settings_does_not_start(functions, monkeypatch):
    monkeypatch.delenv("TOPIC_ARN")
    with pytest.raises(msgspec.ValidationError, match="topic_arn"):
        load_function("notify")


# the network


def test_these_tests_cannot_reach_the_network():
    with pytest.warns(UserWarning, match=r"tried to use socket"), pytest.raises(SocketBlockedError):
        socket.create_connection(("127.0.0.1", 9))
