"""A table's indexes change one with each update, and none goes that lists still need."""

from itertools import pairwise

import pytest

from workflow.operator.index_steps import NEW, OLD, IndexesError, steps, wanted


def changes(now: list[str], old_indexes: str) -> list[set[str]]:
    """What each update changes, with the one that deploys all."""
    stands = [now, *steps(now, old_indexes), wanted(old_indexes)]
    return [set(before) ^ set(after) for before, after in pairwise(stands)]


@pytest.mark.parametrize(
    ("now", "old_indexes", "count"),
    [(OLD, "read", 4), (OLD[:3], "read", 5), ([*OLD, *NEW[:2]], "read", 2), ([*OLD, *NEW], "none", 4)],
)
def test_each_update_changes_one(now: list[str], old_indexes: str, count: int) -> None:
    assert [len(each) for each in changes(now, old_indexes)] == [1] * count


def test_what_is_new_comes_before_anything_goes() -> None:
    have = [*OLD[1:], *NEW[:3], "of their own"]
    assert changes(have, "none")[0] == {NEW[3]}


@pytest.mark.parametrize(("now", "old_indexes"), [(NEW, "none"), ([*NEW, *OLD], "kept"), ([*NEW, *OLD], "read")])
def test_what_is_as_it_should_be_is_left_alone(now: list[str], old_indexes: str) -> None:
    assert not list(steps(now, old_indexes))


@pytest.mark.parametrize("old_indexes", ["none", "kept"])
def test_lists_do_not_lose_what_was_never_filed_anew(old_indexes: str) -> None:
    with pytest.raises(IndexesError, match='old_indexes = "read"'):
        list(steps(OLD, old_indexes))
