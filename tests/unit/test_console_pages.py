"""What the console asks for: pages by position, figures of a window, addresses of files, advice by code."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tasks.shared.executions import Executions
from tasks.shared.records.model import Record
from tests.unit.cloud import (
    ARCHIVE,
    EXPANDED,
    INGEST,
    OPERATIONS,
    OUTPUT,
    QUARANTINE,
    STATE_MACHINE,
    TABLE,
    Cloud,
    a_record,
    client,
)  # fmt: skip
from tests.unit.state_machine import Machine
from workflow.operator.client import Sluice
from workflow.operator.console import charts, listing, window
from workflow.operator.console.advice import advice_on, meaning_of
from workflow.operator.console.files import INLINE, Files
from workflow.operator.console.listing import Ends, Filter
from workflow.operator.console.pages.viewer import loudness, sparks
from workflow.operator.console.window import MAX_BARS, Cause, Window, bar_length, figures, percentiles
from workflow.operator.stack import Buckets
from workflow.shapes import MadeFile, Pointer

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def record(number: int, status: str = "succeeded", **values: Any) -> Record:
    """One that changed `number` seconds before NOW, after an attempt of two seconds."""
    at = NOW - timedelta(seconds=number)
    asset_id = f"{number:032x}"
    attempt = {"started_at": (at - timedelta(seconds=2)).isoformat(), "ended_at": at.isoformat(), "number": 1}
    known = {
        "status": status, "key": f"photos/{number}.jpg", "kind": "image", "size": 1, "updated_at": at.isoformat(),
        "created_at": at.isoformat(), "execution": f"e{number}", "attempts": [attempt], **values,
    }  # fmt: skip
    return a_record(asset_id, **known)


@pytest.fixture
def sluice(cloud: Cloud, machine: Machine) -> Sluice:
    buckets = Buckets(INGEST, OUTPUT, ARCHIVE, QUARANTINE, EXPANDED, OPERATIONS)
    known = {"table": TABLE, "old_indexes": "", "buckets": buckets, "state_machine_arn": STATE_MACHINE}
    stack = SimpleNamespace(stage="test", endpoint=None, **known)

    clients = {name: getattr(cloud, name) for name in ("dynamodb", "s3", "stepfunctions")}
    return Sluice(SimpleNamespace(stack=stack, client=client, **clients))


@pytest.fixture
def keep(cloud: Cloud, sluice: Sluice) -> Callable[..., None]:
    def keep_them(*records: Record) -> None:
        for each in records:
            cloud.put_record(each)

    return keep_them


def all_pages(sluice: Sluice, wanted: Filter, size: int) -> list[str]:
    page, found = listing.assets(sluice, wanted, size=size), []
    while True:
        found += [row.asset_id for row in page.rows]
        if page.next is None:
            return found
        page = listing.assets(sluice, wanted, size=size, token=page.next)


def test_pages_hold_every_asset_once_the_newest_first(sluice: Sluice, keep: Callable[..., None]):
    statuses = ("succeeded", "rejected", "failed")
    keep(*(record(number, statuses[number % 3]) for number in range(25)))
    assert all_pages(sluice, Filter(), size=4) == [f"{number:032x}" for number in range(25)]


def test_assets_of_the_same_moment_are_neither_lost_nor_repeated(sluice: Sluice, keep: Callable[..., None]):
    keep(*(record(number, updated_at=NOW.isoformat()) for number in range(9)))
    found = all_pages(sluice, Filter(statuses=("succeeded",)), size=2)
    assert sorted(found) == [f"{number:032x}" for number in range(9)]


def test_what_changes_meanwhile_does_not_shift_the_next_page(sluice: Sluice, keep: Callable[..., None]):
    keep(*(record(number) for number in range(6)))
    first = listing.assets(sluice, Filter(), size=3)
    keep(record(99, updated_at=(NOW + HOUR).isoformat()))
    second = listing.assets(sluice, Filter(), size=3, token=first.next)
    assert [row.asset_id for row in second.rows] == [f"{number:032x}" for number in (3, 4, 5)]


@pytest.mark.parametrize(
    ("wanted", "numbers"),
    [
        (Filter(kind="table"), [3]),
        (Filter(statuses=("failed",)), [1, 2]),
        (Filter(statuses=("failed",), code="KeyError"), [2]),
        (Filter(code="KeyError", state="Notify"), [2]),
        (Filter(code="KeyError", state="Archive"), []),
        (Filter(text="PHOTOS/1"), [1]),
        (Filter(since=NOW - timedelta(seconds=1)), [0, 1]),
        (Filter(before=NOW - timedelta(seconds=2)), [2, 3]),
        (Filter(since=NOW - timedelta(seconds=2), before=NOW - timedelta(seconds=1)), [1, 2]),
        (Filter(kind="image", statuses=("rejected",)), []),
    ],
)
def test_filters_hold_together(sluice: Sluice, keep: Callable[..., None], wanted: Filter, numbers: list[int]):
    keep(
        record(0),
        record(1, "failed", reason={"code": "TransientError"}),
        record(2, "failed", reason={"code": "KeyError", "state": "Notify"}),
        record(3, kind="table"),
    )
    assert all_pages(sluice, wanted, size=10) == [f"{number:032x}" for number in numbers]


def test_a_search_stops_after_what_it_may_look_at(
    sluice: Sluice, keep: Callable[..., None], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(listing, "LOOKED_MAX", 5)
    keep(*(record(number) for number in range(12)), record(50, key="wanted.jpg"))
    page = listing.assets(sluice, Filter(text="wanted"), size=3)
    assert (page.rows, page.looked) == ([], 5)
    assert all_pages(sluice, Filter(text="wanted"), size=3) == [f"{50:032x}"]


def test_all_that_match_are_whole_records(sluice: Sluice, keep: Callable[..., None]):
    keep(*(record(number, timings={"validate": 7}) for number in range(120)), record(500, "rejected"))
    found = list(listing.matching(sluice, Filter(statuses=("succeeded",))))
    assert len(found) == 120
    assert found[0].timings == {"validate": 7}


def test_a_latest_execution_is_told_from_the_record(sluice: Sluice, keep: Callable[..., None]):
    keep(record(1, "rejected", reason={"code": "EmptyFile"}))
    [row] = executions_of(sluice, Filter(code="EmptyFile"))
    assert (row.name, row.status, row.code, row.seconds) == ("e1", "FAILED", "EmptyFile", 2.0)


def executions_of(sluice: Sluice, wanted: Filter, status: str | None = None) -> list[listing.Row]:
    return list(listing.executions_of_assets(sluice, wanted, Ends(sluice), status=status, size=50).rows)


@pytest.mark.parametrize(
    ("status", "names"),
    [
        ("FAILED", {"rejected", "discarded", "failed", "forgotten"}),
        ("ABORTED", {"stopped"}),
        ("TIMED_OUT", {"late"}),
        ("SUCCEEDED", {"succeeded"}),
        ("RUNNING", {"processing"}),
        ("PENDING_REDRIVE", set()),
        (None, {"rejected", "discarded", "failed", "forgotten", "stopped", "late", "succeeded", "processing"}),
    ],
)
def test_executions_of_a_name_and_a_status_are_all_that_ended_so(
    sluice: Sluice, keep: Callable[..., None], monkeypatch: pytest.MonkeyPatch, status: str | None, names: set[str]
):
    known = {"failed": "FAILED", "stopped": "ABORTED", "late": "TIMED_OUT"}
    ended = {name: SimpleNamespace(status=each, ended_badly=True) for name, each in known.items()}
    monkeypatch.setattr(Executions, "find", lambda _, name: ended.get(name))
    failed = dict.fromkeys(("failed", "forgotten", "stopped", "late"), "failed")
    states = {each: each for each in ("rejected", "discarded", "succeeded", "processing")} | failed
    keep(*(record(at, each, execution=name) for at, (name, each) in enumerate(states.items())))
    found = executions_of(sluice, Filter(text="photos"), status)
    assert {row.name for row in found} == names


def test_executions_of_a_range_are_those_that_were_started_in_it(sluice: Sluice, keep: Callable[..., None]):
    """A record that changed later belongs to an execution that was started before."""
    attempt = {"started_at": (NOW - 2 * HOUR).isoformat(), "number": 1}
    keep(record(1), record(2, attempts=[attempt]), record(3 * 3600))
    since, before = NOW - 2 * HOUR - timedelta(minutes=1), NOW - HOUR
    assert [row.name for row in executions_of(sluice, Filter(text="photos", since=since, before=before))] == ["e2"]


def test_how_an_execution_ended_is_asked_for_once(sluice: Sluice, monkeypatch: pytest.MonkeyPatch):
    asked: list[str] = []
    stopped = SimpleNamespace(status="ABORTED", ended_badly=True)
    monkeypatch.setattr(Executions, "find", lambda _, name: asked.append(name) or stopped)
    ends = Ends(sluice)
    assert {ends.of(record(1, "failed")) for _ in range(3)} == {"ABORTED"}
    assert asked == ["e1"]


def test_a_window_reads_later_only_what_changed(sluice: Sluice, keep: Callable[..., None]):
    reason = {"code": "KeyError", "state": "Notify", "message": "It said so."}
    keep(record(10), record(20, "failed", reason=reason))
    window = Window(HOUR)
    first = window.look(sluice, NOW)
    assert (first.counts, first.failures) == (
        {"succeeded": 1, "failed": 1},
        [Cause("KeyError", "Notify", 1, "It said so.")],
    )
    keep(record(20, "succeeded", updated_at=(NOW + timedelta(seconds=5)).isoformat()))
    later = window.look(sluice, NOW + timedelta(seconds=6))
    assert (later.counts, later.failures) == ({"succeeded": 2}, [])


def test_causes_are_told_apart_by_state_and_say_what_the_latest_said():
    reasons = [("Notify", "old"), ("Archive", "other"), ("Notify", "new")]
    records = [
        record(50 - number, "failed", reason={"code": "ClientError", "state": state, "message": said})
        for number, (state, said) in enumerate(reasons)
    ]
    assert figures(records, NOW - HOUR, NOW).failures == [
        Cause("ClientError", "Notify", 2, "new"),
        Cause("ClientError", "Archive", 1, "other"),
    ]


def test_a_window_says_since_when_it_has_all(
    sluice: Sluice, keep: Callable[..., None], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(window, "RECORDS_MAX", 3)
    keep(*(record(number) for number in range(5)), record(6, "failed"))
    looked = Window(HOUR)
    assert looked.look(sluice, NOW).whole_since == (NOW - timedelta(seconds=2)).isoformat()
    assert looked.look(sluice, NOW + 2 * HOUR).whole_since == ""


def test_a_window_learns_how_long_it_took_when_the_original_is_put_away(sluice, keep):
    started = {"started_at": (NOW - HOUR).isoformat(), "number": 1}
    window = Window(2 * HOUR)
    keep(record(60, attempts=[started]))
    assert window.look(sluice, NOW).p50 is None
    keep(record(60, attempts=[{**started, "ended_at": (NOW - HOUR + timedelta(seconds=7)).isoformat()}]))
    assert window.look(sluice, NOW + timedelta(minutes=1)).p50 == 7


def test_a_window_forgets_what_left_it(sluice: Sluice, keep: Callable[..., None]):
    keep(record(10))
    window = Window(HOUR)
    assert window.look(sluice, NOW).counts == {"succeeded": 1}
    assert window.look(sluice, NOW + 2 * HOUR).counts == {}


def test_figures_fall_into_the_bars_of_their_time():
    found = figures([record(0), record(1800), record(3599, "failed")], NOW - HOUR, NOW)
    filled = {at: bucket.counts.total() for at, bucket in enumerate(found.buckets) if bucket.counts}
    assert filled == {0: 1, MAX_BARS // 2: 1, MAX_BARS - 1: 1}
    assert (found.p50, found.p95) == (2.0, 2.0)


@pytest.mark.parametrize(("hours", "minutes", "bars"), [(1, 2, 30), (24, 60, 24), (7 * 24, 360, 28), (720, 1440, 30)])
def test_a_bar_is_a_time_that_people_name(hours: int, minutes: int, bars: int):
    assert bar_length(hours * HOUR) == timedelta(minutes=minutes)
    assert len(figures([], NOW - hours * HOUR, NOW).buckets) == bars


@pytest.mark.parametrize(
    ("days", "first", "last"), [(1, "12:00", "11:00"), (7, "16 Nov 12:00", "23 Nov 06:00"), (30, "24 Oct", "22 Nov")]
)
def test_the_chart_names_each_bar_by_its_beginning_in_utc(days: int, first: str, last: str):
    length = timedelta(days=days)
    end = NOW if days < 30 else NOW.replace(hour=0)
    drawn = charts.outcomes(figures([record(0)], end - length, end), length)
    assert (drawn["xAxis"]["data"][0], drawn["xAxis"]["data"][-1]) == (first, last)
    assert drawn["series"][0]["data"][-1] == 1


def test_percentiles_are_interpolated():
    assert percentiles(list(range(1, 101))) == (50.5, 95.05)
    assert percentiles([]) == (None, None)


def a_file(content_type: str) -> MadeFile:
    return MadeFile(name="web", bucket=OUTPUT, key="a", content_type=content_type, bytes=1, sha256="0" * 64)


def test_originals_are_downloads_whatever_they_claim_to_be(sluice: Sluice):
    url = Files(sluice).download(Pointer(bucket=ARCHIVE, key="a/evil.svg", version_id="v1"), 'evil".svg\r\n')
    asked = parse_qs(urlsplit(url).query)
    assert asked["response-content-disposition"] == ["attachment; filename*=UTF-8''evil%22.svg%0D%0A"]
    assert asked["response-content-type"] == ["application/octet-stream"]
    assert asked["versionId"] == ["v1"]


@pytest.mark.parametrize(
    "content_type", ["image/svg+xml", "text/html", "text/plain; charset=utf-8", "application/json"]
)
def test_nothing_that_could_carry_script_is_shown_inline(sluice: Sluice, content_type: str):
    assert Files(sluice).inline(a_file(content_type)) is None


@pytest.mark.parametrize("content_type", sorted(INLINE))
def test_a_rendition_is_served_as_the_type_that_it_was_made_as(sluice: Sluice, content_type: str):
    url = Files(sluice).inline(a_file(content_type))
    assert parse_qs(urlsplit(url or "").query)["response-content-type"] == [content_type]


def test_a_page_that_refreshes_gets_the_same_address(sluice: Sluice):
    files = Files(sluice)
    file = a_file("image/webp")
    assert files.inline(file) == files.inline(file)


def test_an_upload_form_is_good_for_one_key_of_ingest(sluice: Sluice):
    form = Files(sluice).upload_form("photos/cat & dog.jpg", "image/jpeg")
    assert INGEST in form["url"]
    assert (form["fields"]["key"], form["fields"]["Content-Type"]) == ("photos/cat & dog.jpg", "image/jpeg")
    assert form["fields"]["x-amz-algorithm"] == "AWS4-HMAC-SHA256"


def test_what_an_error_means_and_what_to_do_is_told_without_marks():
    assert meaning_of("EmptyFile") == "Zero bytes."
    assert "deploy, then sluice reprocess" in advice_on("Runtime.ExitError")
    assert advice_on("KeyError") is None


def test_a_histogram_is_drawn_in_blocks():
    assert sparks([0, 7, 14]) == "▁▅█"
    assert sparks([]) == ""


def test_a_waveform_keeps_its_peaks():
    quiet_but_for_one = [0, -1] * 1000 + [-4, 2] + [0, 1] * 1000
    drawn = loudness({"data": quiet_but_for_one})
    assert len(drawn) <= 400
    assert max(drawn) == 1.0
