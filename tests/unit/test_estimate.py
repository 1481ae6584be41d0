"""What a reprocess is said to cost and take follows from what the functions measured."""

import pytest

from tests.unit.cloud import a_record
from workflow import prices
from workflow.limits import FUNCTIONS
from workflow.operator.operations.estimate import estimate


def record(key="a.jpg", kind="image", size=100, **timings):
    return a_record(key=key, size=size, kind=kind, timings=timings)


def test_nothing_costs_nothing():
    made = estimate([], 20)
    assert (made.count, made.transitions, made.dollars, made.seconds) == (0, 0, 0, 0)


def test_counts_bytes_and_kinds_are_those_of_the_assets():
    made = estimate([record(), record(), record("b.mp4", "video", 10_000)], 20)
    assert (made.count, made.bytes, made.by_kind) == (3, 10_200, {"image": 2, "video": 1})
    assert made.first == ("a.jpg", "a.jpg", "b.mp4")


def test_function_time_costs_by_its_memory():
    short, long = (estimate([record(validate=10, transform=ms)], 1) for ms in (1_000, 11_000))
    gb = FUNCTIONS["transform_image"].memory_mb / 1024
    assert long.dollars - short.dollars == pytest.approx(10 * gb * prices.LAMBDA_GB_SECOND)
    assert long.seconds - short.seconds == pytest.approx(10)


def test_transitions_are_the_steps_measured_the_archive_and_the_start():
    made = estimate([record(validate=1, transform=1, thumbnail=1, store_metadata=1, notify=1)], 1)
    assert made.transitions == 7


def test_assets_never_measured_are_taken_for_average_ones():
    known = [record(validate=100, transform=1_900)] * 3
    more = estimate([*known, record()], 1)
    assert (more.count, more.measured) == (4, 3)
    assert more.seconds == pytest.approx(estimate(known, 1).seconds * 4 / 3, rel=0.01)


def test_without_any_measurement_it_is_a_guess_that_is_not_zero():
    made = estimate([record()], 1)
    assert made.measured == 0
    assert made.seconds > 1
    assert made.dollars > 0


def test_more_at_once_take_less_time_but_never_less_than_one_asset():
    assets = [record(transform=10_000)] * 10
    assert estimate(assets, 5).seconds == pytest.approx(estimate(assets, 1).seconds / 5)
    assert estimate(assets, 1000).seconds == pytest.approx(estimate(assets, 10).seconds)


def test_requests_cost_by_the_kind_and_a_kind_that_is_not_known_costs_too():
    image, document, unknown = (estimate([record(kind=kind)], 1).dollars for kind in ("image", "document", "unknown"))
    assert image == unknown != document
