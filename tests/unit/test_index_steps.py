"""A table's indexes change one with each update, and none goes that lists still need."""

from itertools import pairwise

import pytest

from workflow.operator.index_steps import NEW, OLD, IndexesError, refuse_to_lose, steps, wanted


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


def test_index_by_which_records_are_filed_anew_goes_last() -> None:
    assert list(steps([*OLD, *NEW], "none"))[-1] == ["by_status", *NEW]


def active(*names: str) -> dict[str, str]:
    return dict.fromkeys(names, "ACTIVE")


BOTH = active(*OLD, *NEW)


def nothing_left() -> None:
    """All records are filed anew."""


@pytest.mark.parametrize(
    ("now", "deployed", "old_indexes"),
    [
        (active(*OLD), "", "read"),
        (active(*OLD, *NEW[:1]), "read", "read"),
        (BOTH, "read", "kept"),
        (BOTH, "kept", "none"),
        (active(*NEW, "by_status"), "", "none"),
        (active(*NEW), "", "none"),
        (active(*NEW), "", "kept"),
    ],
)
def test_way_from_the_first_layout_is_open(now: dict[str, str], deployed: str, old_indexes: str) -> None:
    refuse_to_lose(now, deployed, old_indexes, nothing_left)


@pytest.mark.parametrize(
    ("now", "deployed", "old_indexes", "advice"),
    [
        (active(*OLD), "", "none", '"read" first'),
        (active(*OLD), "", "kept", '"read" first'),
        (active(*OLD, *NEW[:1]), "read", "none", '"read" first'),
        (BOTH | {NEW[3]: "CREATING"}, "read", "kept", '"read" first'),
        (BOTH, "read", "none", '"kept" first'),
    ],
)
def test_lists_do_not_lose_what_no_index_has(now: dict[str, str], deployed: str, old_indexes: str, advice: str) -> None:
    with pytest.raises(IndexesError, match=advice):
        refuse_to_lose(now, deployed, old_indexes, nothing_left)


@pytest.mark.parametrize(("deployed", "old_indexes"), [("read", "kept"), ("kept", "none"), ("", "none")])
def test_lists_do_not_lose_what_was_never_filed_anew(deployed: str, old_indexes: str) -> None:
    with pytest.raises(IndexesError, match=r"asset abc .* `sluice migrate`"):
        refuse_to_lose(BOTH, deployed, old_indexes, lambda: "abc")


@pytest.mark.parametrize(
    ("now", "deployed", "old_indexes"),
    [(BOTH, "kept", "kept"), (BOTH, "read", "read"), (active(*NEW), "", "none"),
     (BOTH | {"by_status": "DELETING"}, "", "none")],
)  # fmt: skip
def test_table_is_not_read_where_nothing_changes_or_goes(now: dict[str, str], deployed: str, old_indexes: str) -> None:
    refuse_to_lose(now, deployed, old_indexes, lambda: pytest.fail("read"))
