"""What a crash or a lost event left undone is found and put right; nobody's work is disturbed by it."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from tasks.shared.naming import asset_id
from tasks.shared.records.adapter import Records
from tests.unit.cloud import ARCHIVE, EXPANDED, INGEST, OPERATIONS, QUARANTINE, TABLE
from tests.unit.images import sample
from workflow.errors import InputError
from workflow.limits import FUNCTIONS

MINUTES = 20
"""By how much the sweeper's clock is ahead: more than the stage's setting, less than anything that expires."""


@pytest.fixture
def records(cloud):
    return Records(cloud.dynamodb, TABLE)


@pytest.fixture
def sweep(machine, monkeypatch):
    """The function, some minutes later or `at` a certain time; its report."""

    def call(minutes: int = MINUTES, at: datetime | None = None, **event):
        moment = at or datetime.now(UTC) + timedelta(minutes=minutes)
        with monkeypatch.context() as clock:
            clock.setattr("tasks.sweep.sweep.now", lambda: moment)
            return machine.invoke("sweep", event)

    return call


@pytest.fixture
def upload(cloud):
    return lambda key="cat.jpg", data=None: cloud.upload(key, sample("JPEG") if data is None else data)


def wanted(at):
    return {"bucket": at.bucket, "key": at.key, "version_id": at.version_id, "trigger": "upload"}


def asset_of(at):
    return asset_id(at.bucket, at.key, at.version_id)


def found(report):
    return [(each["did"], each["key"]) for each in report["findings"]]


def started(machine, report):
    """The executions that a sweep has started."""
    return [machine.executions[each["execution"]] for each in report["findings"] if each["did"] == "started"]


def fail_unrecorded(machine, at, *, after, error="X"):
    """An execution that fails after some states, and whose end is told to nobody."""
    execution = machine.start(wanted(at))
    for _ in range(after):
        execution.step()
    return execution.end("FAILED", error, "Y")


def leave_behind(machine, functions, monkeypatch, at, *, within):
    """An execution that dies when it is about to remove the upload, whose copy is where it belongs."""
    with monkeypatch.context() as broken:
        broken.setattr(functions[within].objects, "delete_version", None)
        execution = machine.run(wanted(at))
    assert execution.status == "FAILED"
    return execution


# objects


@pytest.mark.parametrize("bucket", [INGEST, EXPANDED])
def test_forgotten_object_is_started_and_says_by_whom_and_why(cloud, machine, records, sweep, bucket):
    version = cloud.s3.put_object(Bucket=bucket, Key="cat.jpg", Body=sample("JPEG"))["VersionId"]
    report = sweep()
    (execution,) = started(machine, report)
    assert execution.run().status == "SUCCEEDED"
    (attempt,) = records.assets.get(asset_id(bucket, "cat.jpg", version)).attempts
    assert (attempt.trigger, attempt.by, attempt.why) == ("sweep", "sweeper", report["findings"][0]["because"])


def test_forgotten_object_is_found_although_a_newer_version_has_come(machine, sweep, upload):
    older, newer = upload(), upload()
    machine.run(wanted(newer))
    (execution,) = started(machine, sweep())
    assert execution.wanted["version_id"] == older.version_id


def test_young_object_is_left_to_its_event(machine, sweep, upload):
    upload()
    report = sweep(minutes=10)
    assert (report["findings"], report["looked_at"], report["oldest_unprocessed_seconds"]) == ([], 0, 0)


def test_age_can_be_said_by_hand(machine, sweep, upload):
    upload()
    assert found(sweep(minutes=10, older_than_minutes=9)) == [("started", "cat.jpg")]


@pytest.mark.parametrize("steps", range(6))
def test_object_of_a_live_execution_is_left_to_it(machine, records, sweep, upload, steps):
    execution = machine.start(wanted(upload()))
    for _ in range(steps):
        execution.step()
    assert found(sweep()) == []
    assert execution.run().status == "SUCCEEDED"


def test_object_of_a_start_by_hand_that_is_not_yet_at_work_is_left_to_it(machine, sweep, upload):
    at = upload()
    machine.start({"bucket": at.bucket, "key": at.key})
    assert found(sweep()) == []


def test_executions_with_an_input_of_no_use_keep_nothing_from_being_found(machine, sweep, upload):
    upload()
    machine.start({"odd": True})
    assert found(sweep()) == [("started", "cat.jpg")]


def test_nothing_is_started_while_executions_queue_for_their_first_function(machine, sweep, upload, monkeypatch):
    monkeypatch.setattr("tasks.sweep.at_work.MAX_WITHOUT_ASSET", 0)
    machine.start(wanted(upload("queued.jpg")))
    upload("forgotten.jpg")
    report = sweep()
    assert found(report) == []
    assert report["oldest_unprocessed_seconds"] >= MINUTES * 60


def test_finished_assets_are_left_alone(machine, sweep, upload):
    for at in (upload(), upload("empty.jpg", b"")):
        machine.run(wanted(at))
    assert sweep()["findings"] == []


def test_next_sweep_does_not_start_again_what_waits_for_its_turn(machine, sweep, upload):
    upload()
    assert len(started(machine, sweep())) == 1
    assert found(sweep(minutes=40)) == []


def test_object_that_cannot_be_taken_up_is_tried_again_the_next_day(machine, records, sweep, upload):
    upload()
    noon = datetime.now(UTC).replace(hour=12) + timedelta(days=1)
    (first,) = started(machine, sweep(at=noon))
    first.end("FAILED", "AccessDenied", "No.")
    assert found(sweep(at=noon + timedelta(hours=1))) == []
    assert found(sweep(at=noon + timedelta(days=1))) == [("started", "cat.jpg")]


# records


@pytest.mark.parametrize("steps", range(1, 6))
def test_failure_that_nobody_heard_of_is_recorded_as_if_it_had_been(cloud, machine, records, sweep, upload, steps):
    unrecorded, heard = (fail_unrecorded(machine, upload(key), after=steps) for key in ("unrecorded.jpg", "heard.jpg"))
    machine.invoke("record_failure", heard.status_change())
    report = sweep()
    assert found(report) == [("settled", "unrecorded.jpg")]
    settled, recorded = (records.assets.get(records.links.asset_of(each.name)) for each in (unrecorded, heard))
    assert settled.status == recorded.status == "failed"
    assert settled.reason == recorded.reason
    assert settled.attempts[0].outcome == "failed"
    assert records.claims.holder(settled.asset_id) is None
    assert sorted(event["subject"] for event in cloud.announced() if event["type"].endswith("failed")) == [
        "heard.jpg",
        "unrecorded.jpg",
    ]


@pytest.mark.parametrize("status", ["TIMED_OUT", "ABORTED"])
def test_other_bad_ends_are_recorded_too(machine, records, sweep, upload, status):
    execution = fail_unrecorded(machine, upload(), after=1).end(status)
    assert found(sweep()) == [("settled", "cat.jpg")]
    assert records.assets.get(records.links.asset_of(execution.name)).code == status


def test_what_failed_waits_for_a_person(machine, sweep, upload):
    execution = fail_unrecorded(machine, upload(), after=1)
    machine.report_end(execution)
    assert sweep()["findings"] == []


def test_failed_asset_that_is_still_claimed_is_free_again(machine, records, sweep, upload, monkeypatch):
    execution = fail_unrecorded(machine, upload(), after=1)
    with monkeypatch.context() as broken:
        broken.setattr("tasks.shared.records.claims.Claims.release", lambda *_, **__: None)
        machine.report_end(execution)
    asset = records.links.asset_of(execution.name)
    assert records.claims.holder(asset) == execution.name
    assert found(sweep()) == [("settled", "cat.jpg")]
    assert records.claims.holder(asset) is None
    assert found(sweep()) == []


def test_asset_that_is_redriven_is_left_to_its_execution(machine, records, sweep, upload):
    execution = fail_unrecorded(machine, upload(), after=1)
    machine.report_end(execution)
    records.assets.reopen(records.links.asset_of(execution.name), execution.name, redrives=0, by="ada")
    execution.status = "RUNNING"
    assert found(sweep()) == []


def test_redrive_that_was_noted_and_never_came_is_a_failure_again(machine, records, sweep, upload):
    execution = fail_unrecorded(machine, upload(), after=1)
    machine.report_end(execution)
    records.assets.reopen(records.links.asset_of(execution.name), execution.name, redrives=0, by="ada")
    assert found(sweep()) == [("settled", "cat.jpg")]
    assert records.assets.get(records.links.asset_of(execution.name)).status == "failed"


def test_asset_of_an_execution_that_is_long_forgotten_is_started_and_its_claim_released(
    machine, records, sweep, upload
):
    gone = fail_unrecorded(machine, upload(), after=1)
    del machine.executions[gone.name]
    (execution,) = started(machine, sweep())
    assert records.claims.holder(records.links.asset_of(gone.name)) is None
    assert execution.run().status == "SUCCEEDED"


def test_asset_of_an_execution_that_says_it_has_succeeded_is_done_again(machine, sweep, upload):
    fail_unrecorded(machine, upload(), after=1).end("SUCCEEDED")
    (execution,) = started(machine, sweep())
    assert execution.run().status == "SUCCEEDED"


def test_interrupted_asset_is_started_again(machine, sweep, upload):
    interrupted = fail_unrecorded(machine, upload(), after=2, error="States.ServiceRestart")
    machine.report_end(interrupted)
    (execution,) = started(machine, sweep())
    assert execution.run().status == "SUCCEEDED"


def test_archived_asset_whose_reprocessing_was_forgotten_is_started_again(machine, records, sweep, upload):
    at = upload()
    machine.run(wanted(at))
    again = machine.start({"bucket": at.bucket, "key": at.key})
    again.step()
    del machine.executions[again.name]
    (execution,) = started(machine, sweep())
    assert execution.run().status == "SUCCEEDED"
    assert [attempt.trigger for attempt in records.assets.get(asset_of(at)).attempts] == [
        "upload",
        "manual",
        "sweep",
    ]


def test_execution_that_took_the_asset_meanwhile_keeps_it(machine, records, sweep, upload, monkeypatch):
    at = upload()
    monkeypatch.setattr("tasks.shared.executions.Executions.running", lambda _: iter(()))
    first = fail_unrecorded(machine, at, after=1)
    records.claims.release(asset_of(at), first.name)
    del machine.executions[first.name]
    stale = records.assets.get(asset_of(at))
    second = machine.start(wanted(at))
    second.step()
    monkeypatch.setattr("tasks.shared.records.assets.Assets.get", lambda *_: stale)
    assert found(sweep()) == []
    assert records.claims.holder(asset_of(at)) == second.name


# originals in two places


def test_upload_that_was_archived_and_not_removed_is_removed_without_the_work_being_done_again(
    cloud, machine, functions, monkeypatch, records, sweep, upload
):
    at = upload()
    leave_behind(machine, functions, monkeypatch, at, within="archive")
    assert cloud.exists(INGEST, at.key, at.version_id)
    assert found(sweep()) == [("moved", "cat.jpg")]
    assert not cloud.exists(INGEST, at.key, at.version_id)
    assert records.assets.get(asset_of(at)).status == "succeeded"
    assert records.claims.holder(asset_of(at)) is None
    assert machine.run(wanted(at)).path == ["Validate", "Duplicate"]


def test_upload_whose_copy_cannot_be_proven_stays_until_it_is_archived_again(
    cloud, machine, functions, monkeypatch, records, sweep, upload
):
    at = upload()
    leave_behind(machine, functions, monkeypatch, at, within="archive")
    original = records.assets.get(asset_of(at)).original
    cloud.s3.delete_object(Bucket=ARCHIVE, Key=original.key, VersionId=original.version_id)
    (execution,) = started(machine, sweep())
    assert cloud.exists(INGEST, at.key, at.version_id)
    assert execution.run().status == "SUCCEEDED"
    assert not cloud.exists(INGEST, at.key, at.version_id)


def test_rejected_upload_of_which_nobody_was_told_is_rejected_again(
    cloud, machine, functions, monkeypatch, sweep, upload
):
    at = upload("empty.jpg", b"")
    leave_behind(machine, functions, monkeypatch, at, within="quarantine")
    (execution,) = started(machine, sweep())
    assert execution.run().error == "EmptyFile"
    assert [event["type"] for event in cloud.announced()] == ["sluice.asset.rejected"]
    assert not cloud.exists(INGEST, at.key, at.version_id)


@pytest.mark.parametrize("discarded", [False, True])
def test_rejected_upload_that_is_still_there_is_removed(
    cloud, machine, functions, monkeypatch, records, sweep, upload, discarded
):
    at = upload("empty.jpg", b"")
    with monkeypatch.context() as forgetful:
        forgetful.setattr(functions["quarantine"].objects, "delete_version", lambda _: None)
        machine.run(wanted(at))
    if discarded:
        records.assets.discard(asset_of(at), by="ada", why="empty")
    assert found(sweep()) == [("moved", "empty.jpg")]
    assert cloud.versions(INGEST) == []
    assert len(cloud.versions(QUARANTINE)) == 2  # the file and its reason


# the sweep itself


@pytest.fixture
def refuse(machine):
    """Has AWS refuse the calls of which `which(operation, parameters)` is true; ends before those who answer them."""
    with pytest.MonkeyPatch.context() as patched:
        direct = BaseClient._make_api_call  # pyright: ignore[reportAttributeAccessIssue]

        def refuse(which, code, message):
            def answer(client, operation, parameters):
                if which(operation, parameters):
                    raise ClientError({"Error": {"Code": code, "Message": message}}, operation)
                return direct(client, operation, parameters)

            patched.setattr(BaseClient, "_make_api_call", answer)

        yield refuse


def test_trouble_with_one_asset_keeps_no_other_from_being_put_right(machine, sweep, upload, refuse):
    upload("a.jpg")
    upload("b.jpg")
    refuse(lambda name, sent: name == "StartExecution" and '"a.jpg"' in sent["input"], "ThrottlingException", "Slow.")
    report = sweep()
    assert found(report) == [("trouble", "a.jpg"), ("started", "b.jpg")]
    assert "Slow." in report["findings"][0]["because"]
    refuse(lambda *_: False, "", "")
    assert found(sweep()) == [("started", "a.jpg")]


@pytest.fixture
def on_its_way(cloud, functions, monkeypatch):
    """The sweep of a stage that had the first layout's indexes."""
    stage = replace(functions["sweep"].stage, records=Records(cloud.dynamodb, TABLE, "kept"))
    monkeypatch.setattr(functions["sweep"], "stage", stage)


def test_old_indexes_that_are_gone_keep_nothing_from_being_put_right(on_its_way, sweep, upload):
    upload()
    assert found(sweep()) == [("started", "cat.jpg")]


def test_old_index_that_cannot_be_read_is_told_and_keeps_nothing_from_being_put_right(
    on_its_way, sweep, upload, refuse
):
    upload()
    refuse(lambda _, sent: sent.get("IndexName") == "by_status", "AccessDeniedException", "No.")
    report = sweep()
    assert found(report) == [("started", "cat.jpg"), ("trouble", "")]
    assert "No." in report["findings"][1]["because"]


def test_sweep_that_runs_out_of_time_leaves_the_rest_to_the_next(machine, sweep, upload, monkeypatch):
    for key in ("a.jpg", "b.jpg", "c.jpg"):
        upload(key)
    times = iter([0, 1, 2, FUNCTIONS["sweep"].timeout_seconds])
    with monkeypatch.context() as clock:
        clock.setattr("tasks.sweep.handler.time.monotonic", lambda: next(times))
        report = sweep()
    assert (found(report), report["complete"]) == ([("started", "a.jpg"), ("started", "b.jpg")], False)
    rest = sweep()
    assert (found(rest), rest["complete"]) == ([("started", "c.jpg")], True)


def test_report_is_kept_where_something_was_found_and_the_latest_always(cloud, sweep, upload):
    assert sweep()["reports"] == [f"s3://{OPERATIONS}/sweeps/latest.json"]
    upload()
    latest, kept = sweep()["reports"]
    assert latest.endswith("/latest.json")
    report = json.loads(cloud.read(OPERATIONS, kept.removeprefix(f"s3://{OPERATIONS}/")))
    assert report["findings"][0].keys() == {
        "did", "because", "asset_id", "bucket", "key", "version_id", "execution",
    }  # fmt: skip
    assert len(cloud.keys(OPERATIONS)) == 2


def test_metrics_say_what_was_found_and_how_long_the_oldest_waits(machine, sweep, upload, capsys):
    sweep()
    assert metrics(capsys) == {
        "UnprocessedUploads": [0.0],
        "RecordsSettled": [0.0],
        "OriginalsInTwoPlaces": [0.0],
        "SweeperErrors": [0.0],
        "OldestUnprocessedSeconds": [0.0],
    }
    upload()
    fail_unrecorded(machine, upload("unrecorded.jpg"), after=1)
    sweep()
    seen = metrics(capsys)
    assert (seen["UnprocessedUploads"], seen["RecordsSettled"]) == ([1.0], [1.0])
    assert MINUTES * 60 <= seen["OldestUnprocessedSeconds"][0] < MINUTES * 60 + 60


def metrics(capsys):
    """What the sweep's last line of metrics says."""
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    return {name: line[name] for group in line["_aws"]["CloudWatchMetrics"] for name in map(_name, group["Metrics"])}


def _name(metric):
    return metric["Name"]


def test_unknown_wish_is_an_error(functions):
    with pytest.raises(InputError, match="older"):
        functions["sweep"].handle({"older": 3}, None)
