"""What pages make of what a person writes: times in the address, inputs, settings; and where each check leads."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from workflow.errors import ResultNotProven
from workflow.kinds import KINDS
from workflow.operator import previews
from workflow.operator.console import actions
from workflow.operator.console.actions import address_problem, input_problem
from workflow.operator.console.advice import read_runbook
from workflow.operator.console.dialogs import Field, Question
from workflow.operator.console.pages.health import PAGES, page_of
from workflow.operator.console.pages.settings import changes_of
from workflow.operator.console.times import WINDOWS, Times, moment_in
from workflow.operator.operations.dead_letters import ALARMS, Queue
from workflow.operator.operations.health import CHECKS
from workflow.operator.operations.live_settings import Written, changed
from workflow.operator.operations.restore import RestorePrice
from workflow.operator.operations.stop import Running
from workflow.operator.releases import Switch
from workflow.operator.stack import NotThereError

NIGHT = datetime(2026, 11, 29, 22, 30, tzinfo=UTC)


# times


@pytest.mark.parametrize("given", ["2026-11-29T22:30", "2026-11-29T23:30+01:00", "2026-11-29T22:30:00Z"])
def test_a_moment_is_utc_where_it_does_not_say_otherwise(given: str):
    assert moment_in(given) == NIGHT


def test_a_range_is_kept_and_a_window_moves_with_the_clock():
    times = Times(start="2026-11-29T22:30", end="2026-11-30")
    assert (times.since, times.before, times.problem) == (NIGHT, NIGHT.replace(day=30, hour=0, minute=0), "")
    since = Times(within="24h").since
    assert since
    assert timedelta() <= datetime.now(UTC) - WINDOWS["24h"] - since < timedelta(minutes=1)
    assert (Times().since, Times().before, Times(end="2026-11-30").since) == (None, None, None)


@pytest.mark.parametrize(
    ("times", "said"),
    [
        (Times(start="yesterday"), "“from” is 'yesterday'"),
        (Times(start="2026-11-29", end="soon"), "“to” is 'soon'"),
        (Times(within="2y"), "not one of 1h"),
        (Times(start="2026-11-30", end="2026-11-29"), "nothing lies between"),
    ],
)
def test_a_time_that_cannot_be_meant_is_told(times: Times, said: str):
    assert said in times.problem


def test_a_window_and_a_range_take_each_others_place():
    times = Times(within="7d").changed("start", "2026-11-29")
    assert times.address == {"within": "", "from": "2026-11-29", "to": ""}
    assert times.changed("within", "1h").address == {"within": "1h", "from": "", "to": ""}


# starting


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not a JSON object"),
        ("[1]", "not a JSON object"),
        ('{"bucket": "b"}', "key"),
        ('{"bucket": "b", "key": 5}', "key"),
        ('{"bucket": "b", "key": "k", "colour": "red"}', "colour"),
    ],
)
def test_an_input_that_is_not_usable_is_named_before_it_starts_anything(text: str, said: str):
    assert said in (input_problem(text) or "")


def test_an_input_that_is_usable_has_no_problem():
    assert input_problem('{"bucket": "b", "key": "k", "force": true}') is None
    assert address_problem(" s3://bucket/photos/cat.jpg ") is None
    assert "s3://bucket/key" in (address_problem("cat.jpg") or "")


def test_a_question_allows_its_answer_once_all_is_filled_in_and_right():
    question = Question("?", (), "Do", why="needed", asks=(Field("input", input_problem),))
    good = '{"bucket": "b", "key": "k"}'
    assert not question.allows({"input": good, "why": " "})
    assert not question.allows({"input": "{", "why": "because"})
    assert question.allows({"input": good, "why": "because"})


# settings


def test_only_fields_that_say_something_else_are_changes():
    before = {
        "refused_kinds": ["video", "audio"],
        "max_bytes": {"image": 50 * 1024**2},
        "sweep_older_than_minutes": 60.0,
    }
    same = {"image": "50MiB", "table": ""}
    assert changes_of(before, refused=["audio", "video"], limits=same, swept="60") == []
    found = changes_of(before, refused=["video"], limits={"image": "", "table": "1 GiB"}, swept="")
    assert found == ["refused_kinds=video", "sweep_older_than_minutes=", "max_bytes.image=", "max_bytes.table=1GiB"]
    for each in found:
        before = changed(before, each)
    assert before == {"refused_kinds": ["video"], "max_bytes": {"table": 1024**3}}


def test_a_form_that_nobody_touched_changes_nothing():
    assert changes_of({}, refused=[], limits=dict.fromkeys(KINDS, ""), swept="") == []


# what leads where


def test_every_check_that_may_be_not_well_leads_to_a_page_or_says_what_to_do():
    assert PAGES.keys() - {"executions", "live settings"} <= CHECKS.keys()
    assert page_of("dead letters of requests") == ("Dead letters of requests", "/dead-letters/requests")
    assert page_of("batch nightly") == ("The batch", "/batches/nightly")
    assert page_of("table") is None
    assert ResultNotProven.__name__ in PAGES["proofs"][1]


@pytest.mark.parametrize("alarm", sorted(set(ALARMS.values())))
def test_the_runbook_says_of_every_queue_how_it_is_looked_into_and_mended(alarm: str):
    told = read_runbook(alarm)
    assert any(each.startswith("Look:") for each in told)
    assert any(each.startswith("Fix") for each in told)
    assert not any(mark in each for each in told for mark in "`*[#")


# what is asked


def test_previews_name_what_will_happen():
    price = RestorePrice(
        count=2, bytes=3_000_000, dollars=0.124, takes=("up to 12 hours",), problems={"a": "It is gone."}
    )
    told = previews.of_restore({"Standard": price}, days=7)
    assert told.question == "Restore 2 originals?"
    assert "Standard: up to 12 hours, about $0.12 on AWS." in told.says
    assert "It is gone." in told.says
    assert previews.of_rollback(Switch(3, {4: 90, 5: 10}, 1)).do == "Roll back"
    assert "version 4 (90 %) and version 5 (10 %)" in previews.of_rollback(Switch(3, {4: 90, 5: 10}, 1)).says[0]
    queue = Queue(name="events", url="", messages=2, redrive="starts an execution for each upload")
    assert "events: starts an execution for each upload." in previews.of_sending_again([queue], 2).says
    causes = previews.causes([("KeyError", "Notify"), ("TIMED_OUT", None), ("KeyError", "Notify")])
    assert previews.of_redrive(3, causes).question == "Redrive 3 executions (2 KeyError in Notify, 1 TIMED_OUT)?"


def test_a_stop_names_some_of_many():
    found = [Running(f"e{at}", f"{at}.jpg", None, None, NIGHT.isoformat()) for at in range(8)]
    told = previews.of_stop(found)
    assert told.question == "Stop 8 executions?"
    assert told.says[0].startswith("0.jpg, started ")
    assert "…and 3 more." in told.says


def test_change_of_settings_that_failed_is_not_told_as_done(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []

    async def agreed(*_: object) -> dict[str, str]:
        return {}

    async def at_once(work: Callable[[], Any]) -> Any:
        return work()

    def refused(*_: object) -> None:
        raise NotThereError("no parameter")

    monkeypatch.setattr(actions, "written", lambda _: Written("name", "{}", 1, datetime.now(UTC)))
    monkeypatch.setattr(actions, "change", refused)
    monkeypatch.setattr(actions, "confirm", agreed)
    monkeypatch.setattr(actions, "ask", at_once)
    monkeypatch.setattr(actions, "tell", lambda text, **_: told.append(text))
    change_settings = vars(actions.Actions)["change_settings"].__wrapped__
    console: Any = SimpleNamespace(sluice=None)
    with pytest.raises(StopIteration) as ended:
        change_settings(actions.Actions(console), ["max_bytes.image=1MiB"]).send(None)
    assert ended.value.value is False
    assert told == ["no parameter"]
