"""The report of a batch says what became of each asset, whoever finished it, and counts the causes."""

import csv
import io
import json
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from botocore.client import BaseClient

from tasks.report_batch.report import row_of
from tests.unit.cloud import OPERATIONS, STATE_MACHINE, a_record

BATCH = "b-1"
RUN = {"arn": "arn:aws:states:::execution:sluice-reprocess:b-1", "name": BATCH, "started": "2026-11-23T10:00:00Z"}


def attempt(number, outcome=None, **said):
    return {"number": number, "execution": f"e-{number}", **said, **({"outcome": outcome} if outcome else {})}


def row(*attempts, **record):
    return row_of("cat.jpg", a_record(attempts=attempts, **record), BATCH)


def test_row_tells_the_batch_s_own_attempt():
    made = row(attempt(1, "failed"), attempt(2, "succeeded", batch=BATCH))
    assert (made.outcome, made.execution, made.error) == ("succeeded", "e-2", "")


def test_row_tells_the_attempt_that_finished_an_interrupted_one():
    made = row(attempt(1, "failed", batch=BATCH), attempt(2, "succeeded", trigger="sweep"), reason={"code": "Old"})
    assert (made.outcome, made.execution, made.error) == ("succeeded", "e-2", "")


def test_row_tells_the_reason_of_what_did_not_succeed():
    made = row(attempt(1, "rejected", batch=BATCH), reason={"code": "TooLarge", "message": "9 GB, allowed are 5."})
    assert (made.outcome, made.error, made.message) == ("rejected", "TooLarge", "9 GB, allowed are 5.")


def test_open_attempt_is_processing_and_another_batch_s_is_none():
    assert row(attempt(1, batch=BATCH)).outcome == "processing"
    assert row(attempt(1, "succeeded", batch="b-0")) is None


ENDS = {
    "duplicate": {"status": "SUCCEEDED"},
    "no-object": {"status": "FAILED", "error": "ObjectNotFound", "cause": '{"errorMessage": "There is no object."}'},
    "late": {"status": "RUNNING"},
}
"""How executions ended, by asset, that left no trace in a record."""


@pytest.fixture
def looked_up(cloud, monkeypatch):
    """Names of the executions that were asked about."""
    asked = []
    direct = BaseClient._make_api_call

    def call(client, operation, parameters):
        if operation != "DescribeExecution":
            return direct(client, operation, parameters)
        asset = parameters["executionArn"].rpartition(":")[2].removeprefix(f"{BATCH}-")
        asked.append(asset)
        if asset not in ENDS:
            error = {"Error": {"Code": "ExecutionDoesNotExist", "Message": "none"}}
            raise client.exceptions.ExecutionDoesNotExist(error, operation)
        return {"name": f"{BATCH}-{asset}", "startDate": datetime.now(UTC)} | ENDS[asset]

    with monkeypatch.context() as patched:
        patched.setattr(BaseClient, "_make_api_call", call)
        yield asked


def report(cloud, functions, *assets):
    lines = "".join(json.dumps({"asset_id": asset, "key": f'{asset}, "x"\n.jpg'}) + "\n" for asset in assets)
    manifest = {"bucket": OPERATIONS, "key": f"reprocess/{BATCH}/manifest.jsonl"}
    cloud.s3.put_object(Bucket=OPERATIONS, Key=manifest["key"], Body=lines.encode())
    state = {"batch": {"batch": BATCH, "manifest": manifest, "by": "ada"}, "ingest": STATE_MACHINE}
    made = functions["report_batch"].handle({"run": RUN, "state": state}, SimpleNamespace())
    table = cloud.read(OPERATIONS, f"reprocess/{BATCH}/report.csv").decode()
    summary = json.loads(cloud.read(OPERATIONS, f"reprocess/{BATCH}/summary.json"))
    return made, list(csv.DictReader(io.StringIO(table, newline=""))), summary


def known(cloud, functions, asset, *attempts, **record):
    cloud.put_record(a_record(asset, attempts=attempts, **record))


def test_report_has_a_row_for_each_line_and_the_counts(cloud, functions, looked_up):
    known(cloud, functions, "good", attempt(1, "succeeded", batch=BATCH))
    known(cloud, functions, "bad", attempt(1, "failed", batch=BATCH), reason={"code": "Oops", "message": "m"})
    made, rows, summary = report(cloud, functions, "good", "bad", *ENDS, "never")
    assert {each["asset_id"]: (each["outcome"], each["error"]) for each in rows} == {
        "good": ("succeeded", ""),
        "bad": ("failed", "Oops"),
        "duplicate": ("duplicate", ""),
        "no-object": ("failed", "ObjectNotFound"),
        "late": ("processing", ""),
        "never": ("not started", ""),
    }
    assert rows[0]["key"] == 'good, "x"\n.jpg'
    assert rows[3]["message"] == "There is no object."
    assert (summary["batch"], summary["total"]) == (BATCH, 6)
    assert summary["errors"] == {"Oops": 1, "ObjectNotFound": 1}
    assert made["report_batch"]["summary"]["outcomes"] == summary["outcomes"]
    assert made["batch"]["by"] == "ada"


def test_report_asks_about_a_bounded_number_of_executions(cloud, functions, looked_up, monkeypatch):
    monkeypatch.setattr(functions["report_batch"], "LOOK_UPS_MAX", 3)
    _, rows, _ = report(cloud, functions, *(f"a{number}" for number in range(250)))
    assert len(rows) == 250
    assert looked_up == ["a0", "a1", "a2"]


def test_report_made_again_is_the_same(cloud, functions, looked_up):
    known(cloud, functions, "good", attempt(1, "succeeded", batch=BATCH))
    assert report(cloud, functions, "good")[1:] == report(cloud, functions, "good")[1:]
