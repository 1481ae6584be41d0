"""How many files a second the table takes: the requests of one photograph, replayed against DynamoDB's limits."""

import re
from collections import Counter, deque
from collections.abc import Iterator
from itertools import groupby

import pytest

from infra.local.samples import FOLDER
from tasks.shared.indexes import INDEXES, SHARDS
from tests.bench.measure_cost import SAMPLES
from tests.fakes.partitions import PARTITION_UNITS, Partitions
from tests.unit.cloud import Cloud
from tests.unit.meter import Meter, Write
from tests.unit.state_machine import Machine
from workflow.operator.cost.bounds import FILES_PER_SECOND, HOTTEST_INDEX_UNITS

UNITS_PER_FILE = 24
HOTTEST_UNITS_PER_FILE = 0.8
SECONDS = 4
LONG_NAME = "photographs/" + "a-name-as-long-as-cameras-and-people-make-them-" * 4 + ".jpg"

Request = list[Write]


@pytest.fixture
def photograph(cloud: Cloud, machine: Machine) -> list[Request]:
    """What one photograph asks of the table, from its upload to the archive, request by request."""
    at = cloud.upload(LONG_NAME, (FOLDER / SAMPLES["image"]).read_bytes())
    meter = Meter(cloud)
    machine.around = meter.around
    with meter.installed():
        execution = machine.run({"bucket": at.bucket, "key": at.key, "version_id": at.version_id, "trigger": "upload"})
    assert execution.status == "SUCCEEDED"
    return [list(some) for _, some in groupby(meter.writes, key=lambda write: write.request)]


def replayed(request: Request, number: int) -> Iterator[tuple[str, str, int]]:
    """The same for another file: every partition but those that all files share is its own, shards come in turn."""
    for write in request:
        shared = re.fullmatch(r"(\w+)#\d", write.partition)
        yield write.index, f"{shared[1]}#{number % SHARDS}" if shared else f"{write.partition} {number}", write.units


def through(photograph: list[Request], per_second: int, partitions: Partitions) -> tuple[int, int]:
    """Files that ended within SECONDS, and requests that were throttled; those are made again a second later.

    Every file makes all of its requests within the second in which it comes: no order is harder on the partitions.
    """
    waiting: deque[tuple[int, int]] = deque()
    ended = throttled = number = 0
    for _ in range(SECONDS):
        now = [*waiting, *((each, 0) for each in range(number, number + per_second))]
        number += per_second
        waiting.clear()
        for each, done in now:
            for position in range(done, len(photograph)):
                if not partitions.take(replayed(photograph[position], each)):
                    throttled += 1
                    waiting.append((each, position))
                    break
            else:
                ended += 1
        partitions.next_second()
    return ended, throttled


def test_photograph_takes_no_more_write_units_than_were_promised(photograph: list[Request]) -> None:
    assert sum(write.units for request in photograph for write in request) <= UNITS_PER_FILE


def test_hottest_partition_of_an_index_gets_less_than_a_unit_per_file(photograph: list[Request]) -> None:
    units: Counter[tuple[str, str]] = Counter()
    for number in range(SHARDS * 10):
        for request in photograph:
            for index, partition, each in replayed(request, number):
                units[index, partition] += each if index else 0
    hottest = max(units.values()) / (SHARDS * 10)
    assert hottest == HOTTEST_INDEX_UNITS <= HOTTEST_UNITS_PER_FILE
    assert PARTITION_UNITS / hottest >= FILES_PER_SECOND
    assert {index for index, _ in units if index} == {index.name for index in INDEXES.values()}


def test_as_many_files_as_were_promised_go_through_without_a_throttle(photograph: list[Request]) -> None:
    ended, throttled = through(photograph, FILES_PER_SECOND, Partitions())
    assert (ended, throttled) == (FILES_PER_SECOND * SECONDS, 0)


def test_more_than_the_shards_take_are_throttled_until_there_are_more(photograph: list[Request]) -> None:
    too_many = PARTITION_UNITS * SHARDS
    ended, throttled = through(photograph, too_many, Partitions())
    assert throttled > 0
    assert FILES_PER_SECOND * SECONDS < ended < too_many * SECONDS


def test_burst_carries_what_comes_at_once(photograph: list[Request]) -> None:
    ended, throttled = through(photograph, 2 * FILES_PER_SECOND, Partitions(saved_seconds=300))
    assert (ended, throttled) == (2 * FILES_PER_SECOND * SECONDS, 0)


def test_one_partition_of_the_first_layout_ended_at_fifty_a_second() -> None:
    """The model, held against what was worked out by hand: `by_status` took 20 units of one partition for each file."""
    partitions = Partitions()
    assert sum(partitions.take([("by_status", "succeeded", 20)]) for _ in range(FILES_PER_SECOND)) == 50
