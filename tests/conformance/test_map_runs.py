"""Map Runs begin, read and fail as AWS recorded them: scenarios/test_base_scenarios."""

import json
import uuid
from typing import Any

import pytest

from tests.conformance.facts import Fact, told
from tests.integration.patches.conftest import Cloud
from tests.integration.patches.stepfunctions_probe import Execution, machine, start

PROCESSOR = {
    "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
    **machine(("In", {"Type": "Pass"})),
}
STARTED = [(0, "ExecutionStarted"), (0, "MapStateEntered"), (2, "MapStateStarted")]
"""Where a threshold is not one, that is all."""
READ = [*STARTED, (3, "MapRunStarted"), (4, "MapRunSucceeded"), (5, "MapStateSucceeded"), (5, "MapStateExited")]
NOT_READ = [*STARTED, (3, "MapRunStarted"), (4, "MapRunFailed"), (5, "MapStateFailed"), (6, "ExecutionFailed")]
RUNTIME = "An error occurred while executing the state 'Map' (entered at the event id #2). "


def run(cloud: Cloud, data: Any, **fields: Any) -> Execution:
    execution = start(cloud, machine(("Map", {"Type": "Map", "ItemProcessor": PROCESSOR, **fields})), data)
    execution.ended()
    return execution


def reading(cloud: Cloud, content: str, kind: str = "JSON", data: Any = None, **config: Any) -> Execution:
    s3, bucket = cloud.client("s3"), f"b-{uuid.uuid4().hex}"
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key="k", Body=content.encode())
    reader = {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": kind, **config},
        "Parameters": {"Bucket": bucket, "Key": "k"},
    }
    return run(cloud, data, ItemReader=reader)


def chain(execution: Execution) -> list[tuple[int, str]]:
    return [(event["previousEventId"], event["type"]) for event in execution.events]


def length(execution: Execution) -> int:
    return execution.details("MapStateStarted")["length"]


def failure(execution: Execution) -> tuple[list[tuple[int, str]], str, str]:
    described = execution.description
    return chain(execution), described["error"], described["cause"]


def read(cloud: Cloud) -> Any:
    execution = reading(cloud, "[1,2,3]")
    return length(execution), chain(execution), execution.output()


def limited(cloud: Cloud, value: Any) -> Any:
    table = "A,B\n1,2\n3,4\n5\n"
    execution = reading(cloud, table, "CSV", {"n": value}, CSVHeaderLocation="FIRST_ROW", MaxItemsPath="$.n")
    return execution.output() if execution.status == "SUCCEEDED" else failure(execution)


def threshold(cloud: Cloud, name: str, value: Any) -> Any:
    fields = {"ItemsPath": "$.i", f"Tolerated{name}Path": "$.n"}
    execution = run(cloud, {"i": [1], "n": value}, **fields)
    return length(execution), *failure(execution)


def not_a_threshold(cause: str) -> tuple[Any, ...]:
    return 1, [*STARTED, (3, "ExecutionFailed")], "States.Runtime", RUNTIME + cause


def concurrency(cloud: Cloud) -> Any:
    return failure(run(cloud, {"i": [1], "n": "x"}, ItemsPath="$.i", MaxConcurrencyPath="$.n"))


def refers(name: str, value: str, kind: str) -> str:
    return f'The {name}Path field refers to value "{value}" which is not a valid {kind}: $.n'


def unread(cause: str) -> tuple[Any, ...]:
    return NOT_READ, "States.ItemReaderFailed", cause


ROWS = [{"A": "1", "B": "2"}, {"A": "3", "B": "4"}, {"A": "5", "B": ""}]
COUNT, PERCENTAGE = "ToleratedFailureCount", "ToleratedFailurePercentage"

FACTS: dict[str, Fact] = {
    # test_map_item_reader_base_json, 21-09-2023
    "what is read is counted later": Fact(read, (0, [*READ, (7, "ExecutionSucceeded")], [1, 2, 3])),
    # test_map_item_reader_json_no_json_list_object and ..._csv_headers_decl_duplicate_headers, 21-09-2023
    "no list": Fact(
        lambda cloud: failure(reading(cloud, '"Hello"')), unread("Attempting to map over non-iterable node.")
    ),
    "two headers of one name": Fact(
        lambda cloud: failure(reading(cloud, "1,2\n", "CSV", CSVHeaderLocation="GIVEN", CSVHeaders=["H", "H"])),
        unread("CSV headers cannot contain duplicates."),
    ),
    # test_map_item_reader_csv_max_items_paths, 25-03-2024
    "no limit": Fact(lambda cloud: limited(cloud, 0), ROWS, stock=True),
    "a limit": Fact(lambda cloud: limited(cloud, 2), ROWS[:2], stock=True),
    "a large limit": Fact(lambda cloud: limited(cloud, 100_000_001), ROWS, stock=True),
    "a negative limit": Fact(lambda cloud: limited(cloud, -1), unread("field MaxItems must be positive")),
    "a broken limit": Fact(
        lambda cloud: limited(cloud, 1.5),
        ([*STARTED, (3, "ExecutionFailed")], "States.Runtime", RUNTIME + refers("MaxItems", "1.5", "integer")),
    ),
    # test_map_state_tolerated_failure_count_path, 19-06-2024
    "a count that is an object": Fact(
        lambda cloud: threshold(cloud, "FailureCount", {}), not_a_threshold(refers(COUNT, "{}", "integer"))
    ),
    "a count that is a text": Fact(
        lambda cloud: threshold(cloud, "FailureCount", "x"), not_a_threshold(refers(COUNT, "x", "integer"))
    ),
    "a negative count": Fact(
        lambda cloud: threshold(cloud, "FailureCount", -1), not_a_threshold(f"{COUNT} cannot be negative.")
    ),
    # test_map_state_tolerated_failure_percentage_path, 19-06-2024
    "a percentage that is a text": Fact(
        lambda cloud: threshold(cloud, "FailurePercentage", "x"), not_a_threshold(refers(PERCENTAGE, "x", "float"))
    ),
    **{
        f"a percentage of {value}": Fact(
            lambda cloud, value=value: threshold(cloud, "FailurePercentage", value),
            not_a_threshold(f"{PERCENTAGE} must be between 0 and 100."),
        )
        for value in (-1.1, 100.1)
    },
    # test_max_concurrency_path with a text
    "a concurrency that is a text": Fact(
        concurrency,
        ([*STARTED[:2], (2, "ExecutionFailed")], "States.Runtime", RUNTIME + refers("MaxConcurrency", "x", "integer")),
    ),
}


@pytest.mark.parametrize("name", FACTS)
def test_a_map_run_is_as_on_aws(cloud: Cloud, name: str) -> None:
    assert FACTS[name].ask(cloud) == FACTS[name].answer


@pytest.mark.parametrize("name", FACTS)
def test_stock_needs_its_patch(stock: Cloud, name: str) -> None:
    assert told(FACTS[name], stock) is FACTS[name].stock


def test_a_redrive_reads_what_could_not_be_read(cloud: Cloud) -> None:
    """Not recorded: nothing of the file was handed to anybody, so it is read now."""
    s3, bucket = cloud.client("s3"), f"b-{uuid.uuid4().hex}"
    s3.create_bucket(Bucket=bucket)
    reader = {"Resource": "arn:aws:states:::s3:getObject", "Parameters": {"Bucket": bucket, "Key": "k"}}
    execution = run(cloud, {}, ItemReader=reader)
    assert execution.failure() == ("FAILED", "States.ItemReaderFailed")
    s3.put_object(Bucket=bucket, Key="k", Body=json.dumps([1, 2]).encode())
    assert execution.redrive().output() == [1, 2]
