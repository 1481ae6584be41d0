"""A record that a hand has damaged, or that a later version has written otherwise, spoils no list that it is in."""

import io
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from rich.console import Console

from tasks.shared.naming import asset_id
from tests.unit.cloud import INGEST, OPERATIONS, TABLE
from tests.unit.images import sample
from tests.unit.state_machine import FunctionError
from tests.unit.test_api import Api, assets, ids
from tests.unit.test_report_batch import report
from workflow.errors import UnreadableRecord
from workflow.operator.cli import options, views
from workflow.operator.client import STATUSES
from workflow.operator.console import listing, window
from workflow.operator.operations.estimate import estimate
from workflow.operator.operations.health import LATEST_SWEEP, health
from workflow.operator.operations.put import there
from workflow.operator.operations.redrive import failed_executions
from workflow.operator.operations.select import Selection, select
from workflow.operator.recover import recover
from workflow.operator.uploads import Upload

DAMAGES = {
    "another type": {"size": "large"},
    "part of another type": {"attempts": "none"},
    "part without what it needs": {"reason": {"text": "it broke"}},
    "status that nobody knows": {"status": "melted"},
    "place that is no text": {"key": 7},
}


@pytest.fixture
def good(cloud, machine):
    return uploaded(cloud, machine, "photos/cat.jpg", sample("JPEG"))


@pytest.fixture
def bad(cloud, machine):
    """An asset that succeeded, and whose record was damaged since."""
    asset = uploaded(cloud, machine, "photos/dog.png", sample("PNG"))
    cloud.set_record(asset, size="large")
    return asset


def uploaded(cloud, machine, key, data):
    at = cloud.upload(key, data)
    machine.run({"bucket": INGEST, "key": key, "version_id": at.version_id, "trigger": "upload"})
    return asset_id(at.bucket, at.key, at.version_id)


def item(cloud, asset):
    key = {"pk": {"S": f"asset#{asset}"}, "sk": {"S": "record"}}
    return cloud.dynamodb.get_item(TableName=TABLE, Key=key)["Item"]


def records(cloud):
    return [each for each in cloud.dynamodb.scan(TableName=TABLE)["Items"] if each["sk"]["S"] == "record"]


@pytest.mark.parametrize("damage", DAMAGES)
def test_whatever_is_wrong_with_one_record_the_others_are_read(cloud, machine, sluice, good, damage):
    other = uploaded(cloud, machine, "photos/dog.png", sample("PNG"))
    cloud.set_record(other, **DAMAGES[damage])
    assert sluice.records.assets.many([good, other]).keys() == {good}
    (told,) = sluice.unreadable()
    assert (told.asset_id, told.bucket) == (other, INGEST)
    assert f"record of asset {other} cannot be read" in told.problem
    with pytest.raises(UnreadableRecord, match=other):
        sluice.asset(other)


def test_list_has_the_others_and_a_line_for_it(sluice, good, bad):
    found = sluice.assets()
    assert [each.asset_id for each in found] == [good]
    printed = Console(file=io.StringIO(), width=200)
    printed.print(views.assets_view(found, sluice.unreadable()))
    (line,) = [line for line in printed.file.getvalue().splitlines() if "unreadable" in line]
    assert bad in line
    assert "photos/dog.png" in line


def test_mended_record_is_unreadable_no_more(cloud, sluice, bad):
    assert sluice.assets() == []
    assert [each.asset_id for each in sluice.unreadable()] == [bad]
    cloud.set_record(bad, size=1)
    assert [each.asset_id for each in sluice.assets()] == [bad]
    assert sluice.unreadable() == []


def test_command_that_left_it_out_says_so(sluice, bad, monkeypatch):
    said = Console(file=io.StringIO(), width=80)
    monkeypatch.setattr(options, "STDERR", said)
    options._warn_of_unreadable(sluice)
    assert said.file.getvalue() == ""
    list(select(sluice, Selection(everything=True)))
    options._warn_of_unreadable(sluice)
    assert said.file.getvalue().startswith(f"Left out: The record of asset {bad} cannot be read: ")


@pytest.mark.wire
def test_health_names_it_and_answers_all_else(cloud, sluice, good, bad):
    cloud.set_record(bad, status="failed")
    cloud.set_record(good, status="failed")
    found = {each.check: each for each in health(sluice)}
    assert found["failures"].found.startswith("1 assets failed")
    assert found[f"record {bad}"].ok is False
    assert "Expected `int`, got `str`" in found[f"record {bad}"].found


@pytest.mark.wire
def test_health_says_that_all_can_be_read(sluice, good):
    assert {each.check: each.ok for each in health(sluice)}["records"]


@pytest.mark.wire
@pytest.mark.parametrize("body", [b"{", b"{}", b'{"at": 1}'])
def test_sweep_s_report_that_cannot_be_read_keeps_no_other_question_from_its_answer(cloud, sluice, body):
    cloud.s3.put_object(Bucket=OPERATIONS, Key=LATEST_SWEEP, Body=body)
    found = {each.check: each for each in health(sluice)}
    assert found["sweep"].found.startswith("The report of the last one cannot be read: ")
    assert found["failures"].ok


def test_console_lists_the_others_and_names_it(sluice, good, bad):
    page = listing.assets(sluice, listing.Filter(), size=10)
    assert [each.asset_id for each in page.rows] == [good]
    assert [each.asset_id for each in page.unreadable] == [bad]
    now = datetime.now(UTC)
    assert window.Window(timedelta(hours=1)).look(sluice, now).counts == {"succeeded": 1}
    assert [each.asset_id for each in listing.matching(sluice, listing.Filter())] == [good]


def test_executions_are_listed_with_the_asset_by_its_id(sluice, good, bad):
    keys = {each.asset_id: each.key for each in sluice.executions()}
    assert keys == {good: "photos/cat.jpg", bad: None}


def test_failed_execution_is_found_though_its_record_tells_nothing(cloud, machine, sluice):
    execution = machine.start({"bucket": INGEST, "key": "cat.jpg"}) if cloud.upload("cat.jpg", b"") else None
    execution.step()
    execution.end("FAILED", "Oops")
    (asset,) = sluice.records.links.assets_of([execution.name]).values()
    cloud.set_record(asset, size="large")
    assert [(each.execution, each.error) for each in failed_executions(sluice)] == [(execution.name, "Oops")]


def test_selection_and_its_price_are_of_the_others(sluice, good, bad):
    assert estimate(select(sluice, Selection(prefix="photos/")), 1).count == 1
    assert [each.asset_id for each in sluice.unreadable()] == [bad]


def test_sweep_reports_it_and_puts_the_others_right(cloud, machine, monkeypatch):
    bad = uploaded(cloud, machine, "damaged.jpg", sample("JPEG"))
    cloud.set_record(bad, status="processing", size="large")
    lost = cloud.upload("lost.jpg", sample("PNG"))
    later = datetime.now(UTC) + timedelta(minutes=20)
    monkeypatch.setattr("tasks.sweep.sweep.now", lambda: later)
    report = machine.invoke("sweep", {})
    assert {each["asset_id"]: each["did"] for each in report["findings"]} == {
        bad: "trouble",
        asset_id(lost.bucket, lost.key, lost.version_id): "started",
    }
    assert "cannot be read" in next(each["because"] for each in report["findings"] if each["did"] == "trouble")


def test_upload_with_an_unreadable_record_is_not_taken_for_a_forgotten_one(cloud, machine, monkeypatch):
    at = cloud.upload("cat.jpg", sample("JPEG"))
    machine.start({"bucket": INGEST, "key": "cat.jpg", "version_id": at.version_id}).step()
    before = set(machine.executions)
    cloud.set_record(asset_id(at.bucket, at.key, at.version_id), upload_order=1)
    later = datetime.now(UTC) + timedelta(minutes=20)
    monkeypatch.setattr("tasks.sweep.sweep.now", lambda: later)
    (finding,) = machine.invoke("sweep", {})["findings"]
    assert finding["did"] == "trouble"
    assert set(machine.executions) == before


def test_recovery_starts_nothing_for_it(machine, sluice, good, bad):
    before = set(machine.executions)
    stack = SimpleNamespace(**{**vars(sluice.aws), "stack": sluice.stack})
    assert recover(stack, since=datetime.now(UTC) - timedelta(hours=1), lost_records=True) == []
    assert set(machine.executions) == before


def test_batch_report_has_a_row_that_says_so(cloud, functions, bad):
    _, (row,), summary = report(cloud, functions, bad)
    assert (row["outcome"], row["error"]) == ("unreadable", "UnreadableRecord")
    assert "cannot be read" in row["message"]
    assert summary["errors"] == {"UnreadableRecord": 1}


def test_api_page_has_the_others_and_names_it_once(functions, good, bad):
    api = Api(functions["api"])
    page = assets(api)
    assert ids(page) == [good]
    assert [each["asset_id"] for each in page["unreadable"]] == [bad]
    assert not assets(api, status="failed").get("unreadable")


def test_file_of_an_unreadable_record_is_not_taken_for_uploaded(sluice, bad, tmp_path):
    path = tmp_path / "dog.png"
    path.write_bytes(sample("PNG"))
    with pytest.raises(UnreadableRecord):
        there(sluice, Upload(path, "photos/dog.png"))


def test_function_that_needs_it_fails_with_its_name_and_changes_nothing(cloud, machine, bad):
    before, contents = item(cloud, bad), cloud.versions(INGEST)
    execution = machine.run({"bucket": INGEST, "key": "photos/dog.png", "force": True})
    assert (execution.status, execution.error) == ("FAILED", "UnreadableRecord")
    assert bad in execution.cause
    assert (item(cloud, bad), cloud.versions(INGEST)) == (before, contents)


def test_end_of_an_execution_is_recorded_once_its_record_is_mended(cloud, machine):
    cloud.upload("cat.jpg", sample("JPEG"))
    execution = machine.start({"bucket": INGEST, "key": "cat.jpg"})
    execution.step()
    execution.end("FAILED", "Oops")
    (asset,) = [each["pk"]["S"].removeprefix("asset#") for each in records(cloud)]
    whole = records(cloud)
    cloud.set_record(asset, size="large")
    with pytest.raises(FunctionError, match=f"UnreadableRecord.*{asset}"):
        machine.report_end(execution)
    cloud.dynamodb.put_item(TableName=TABLE, Item=whole[0])
    machine.report_end(execution)
    assert records(cloud)[0]["status"]["S"] == "failed"


def test_what_a_later_version_wrote_survives_another_attempt(cloud, machine, good):
    cloud.set_record(good, verdict={"by": "a later version"})
    attempts = item(cloud, good)["attempts"]["L"]
    attempts[0]["M"]["region"] = {"S": "eu-central-1"}
    cloud.dynamodb.put_item(TableName=TABLE, Item={**item(cloud, good), "attempts": {"L": attempts}})
    machine.run({"bucket": INGEST, "key": "photos/cat.jpg", "force": True, "why": "again"})
    written = item(cloud, good)
    assert written["verdict"] == {"M": {"by": {"S": "a later version"}}}
    assert [each["M"].get("region") for each in written["attempts"]["L"]] == [{"S": "eu-central-1"}, None]
    assert written["status"]["S"] in STATUSES
