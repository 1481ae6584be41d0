"""Every execution is one attempt, every redrive one more, whoever made it and whatever was heard of it when."""

import pytest

from tasks.shared.records.attempts import begun, closed, reopened
from tasks.shared.records.model import plain
from workflow.shapes import ExecutionInput, Run

RUN = Run(arn="arn:first", name="first", started="2026-11-23T10:00:00+00:00")
OTHER = Run(arn="arn:second", name="second", started="2026-11-23T11:00:00+00:00")


def by(trigger, **said):
    return ExecutionInput(bucket="ingest", key="cat.jpg", trigger=trigger, **said)


def brief(attempts):
    return [(each.number, each.trigger, each.execution, each.by, each.outcome) for each in attempts]


UPLOADED = begun([], RUN, by("upload"))
FAILED = closed(UPLOADED, RUN.name, "failed", redrives=0)
FIRST_FAILED = (1, "upload", "first", None, "failed")


def asked(attempts, redrives, who="ada"):
    return reopened(attempts, RUN.name, redrives=redrives, by=who, why=None)


def test_attempt_says_who_why_and_for_which_batch():
    (attempt,) = begun([], RUN, by("reprocess", by="ada", why="new recipe", batch="b1", event_id="e"))
    assert plain(attempt) == {
        "number": 1,
        "trigger": "reprocess",
        "by": "ada",
        "why": "new recipe",
        "batch": "b1",
        "event_id": "e",
        "execution": "first",
        "execution_arn": "arn:first",
        "started_at": RUN.started,
    }


def test_copy_of_an_event_for_a_known_asset_is_a_reprocess():
    attempts = begun(FAILED, OTHER, by("upload"))
    assert brief(attempts) == [FIRST_FAILED, (2, "reprocess", "second", None, None)]


def test_beginning_again_goes_on_with_the_open_attempt():
    assert begun(UPLOADED, RUN, by("upload")) == UPLOADED


def test_beginning_again_after_a_redrive_that_nobody_announced_opens_an_attempt():
    assert brief(begun(FAILED, RUN, by("upload"))) == [FIRST_FAILED, (2, "redrive", "first", None, None)]


@pytest.mark.parametrize("redrives", [None, 0])
def test_first_end_closes_the_attempt(redrives):
    ended = closed(UPLOADED, RUN.name, "succeeded", redrives=redrives)
    assert brief(ended) == [(1, "upload", "first", None, "succeeded")]


@pytest.mark.parametrize("redrives", [None, 0])
@pytest.mark.parametrize("outcome", ["succeeded", "failed"])
def test_end_that_is_told_again_changes_nothing(redrives, outcome):
    ended = closed(UPLOADED, RUN.name, outcome, redrives=redrives)
    assert closed(ended, RUN.name, outcome, redrives=redrives) == ended


def test_end_that_seemed_reached_is_corrected():
    seemed = closed(UPLOADED, RUN.name, "succeeded")
    assert brief(closed(seemed, RUN.name, "failed", redrives=0)) == [FIRST_FAILED]


def test_redrive_that_was_asked_for_here_is_closed_where_it_was_opened():
    attempts = asked(FAILED, 0)
    assert brief(attempts) == [FIRST_FAILED, (2, "redrive", "first", "ada", None)]
    assert brief(closed(attempts, RUN.name, "succeeded")) == [FIRST_FAILED, (2, "redrive", "first", "ada", "succeeded")]


def test_redrive_in_the_aws_console_that_ends_well_is_listed():
    assert brief(closed(FAILED, RUN.name, "succeeded")) == [FIRST_FAILED, (2, "redrive", "first", None, "succeeded")]


def test_redrives_in_the_aws_console_that_fail_are_listed():
    attempts = closed(FAILED, RUN.name, "failed", redrives=2)
    assert [each[1:2] + each[4:] for each in brief(attempts)] == [
        ("upload", "failed"),
        ("redrive", "failed"),
        ("redrive", "failed"),
    ]
    assert closed(attempts, RUN.name, "failed", redrives=2) == attempts


def test_redrive_that_nobody_came_to_make_is_taken_up():
    attempts = asked(FAILED, 0)
    assert asked(attempts, 0, who="bob") == attempts


def test_redrive_that_nobody_came_to_make_is_no_attempt():
    assert closed(asked(FAILED, 0), RUN.name, "failed", redrives=0) == FAILED


def test_redrive_of_a_failure_that_nobody_has_recorded_yet_closes_it():
    assert brief(asked(UPLOADED, 0)) == [FIRST_FAILED, (2, "redrive", "first", "ada", None)]


def test_second_redrive_is_a_third_attempt():
    once = closed(asked(FAILED, 0), RUN.name, "failed", redrives=1)
    assert brief(asked(once, 1, who="bob"))[1:] == [
        (2, "redrive", "first", "ada", "failed"),
        (3, "redrive", "first", "bob", None),
    ]


def test_attempts_of_others_are_left_alone():
    attempts = begun(FAILED, OTHER, by("manual"))
    assert closed(attempts, RUN.name, "failed", redrives=0) == attempts
    assert closed(attempts, "third", "failed", redrives=0) == attempts
    assert reopened(attempts, "third", redrives=0, by="ada", why=None) is None
