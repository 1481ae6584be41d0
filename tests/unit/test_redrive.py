"""A failed execution goes on where it stopped; where that is impossible its asset starts anew, and it is told so."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from tasks.shared.records.model import facts_of
from tests.unit.cloud import INGEST
from tests.unit.images import sample
from workflow.operator.operations.redrive import Redriven, failed_executions, redrive, redrive_all
from workflow.operator.stack import NotThereError


@pytest.fixture
def failed(cloud, machine):
    """An execution that failed in Transform, as its record says."""

    def fail(key="cat.jpg", error="TransientError", data=None):
        at = cloud.upload(key, data or sample("JPEG"))
        wanted = {"bucket": at.bucket, "key": key, "version_id": at.version_id, "trigger": "upload"}
        execution = machine.start(wanted)
        execution.step()
        machine.report_end(execution.end("FAILED", error, "It was slow."))
        return execution

    return fail


def record_of(sluice, execution):
    return facts_of(sluice.records.assets.get(sluice.records.links.asset_of(execution.name)))


def attempts(sluice, execution):
    return [
        (each["trigger"], each["execution"], each.get("by"), each.get("outcome"))
        for each in record_of(sluice, execution)["attempts"]
    ]


@pytest.fixture
def refuse(machine):
    """Lets Step Functions refuse to redrive anything."""
    with pytest.MonkeyPatch.context() as patched:  # undone before the machine's own

        def use(code, meanwhile=lambda: None):
            direct = BaseClient._make_api_call  # pyright: ignore[reportAttributeAccessIssue]

            def call(client, operation, parameters):
                if operation == "RedriveExecution":
                    meanwhile()
                    raise client.exceptions.from_code(code)({"Error": {"Code": code, "Message": "no"}}, operation)
                return direct(client, operation, parameters)

            patched.setattr(BaseClient, "_make_api_call", call)

        yield use


def test_finished_steps_are_not_repeated_and_the_attempt_says_who(sluice, failed):
    execution = failed()
    assert redrive(sluice, execution.name, by="ada", why="mended") == Redriven(
        execution.name, "redriven", execution.name
    )
    assert record_of(sluice, execution)["status"] == "processing"
    assert execution.run().path == ["Validate", "Transform", "Thumbnail", "StoreMetadata", "Notify", "Archive"]
    assert record_of(sluice, execution)["status"] == "succeeded"
    assert attempts(sluice, execution) == [
        ("upload", execution.name, None, "failed"),
        ("redrive", execution.name, "ada", "succeeded"),
    ]


def test_redrive_that_fails_again_can_be_redriven_again(sluice, machine, failed):
    execution = failed()
    for who in ("ada", "bob"):
        redrive(sluice, execution.name, by=who)
        machine.report_end(execution.end("FAILED", "TransientError", "It was slow."))
    assert attempts(sluice, execution)[1:] == [
        ("redrive", execution.name, "ada", "failed"),
        ("redrive", execution.name, "bob", "failed"),
    ]
    assert record_of(sluice, execution)["status"] == "failed"


def test_failure_that_nobody_has_recorded_yet_is_redriven_all_the_same(cloud, sluice, machine):
    at = cloud.upload("cat.jpg", sample("JPEG"))
    execution = machine.start({"bucket": at.bucket, "key": at.key, "trigger": "upload"})
    execution.step()
    execution.end("TIMED_OUT")
    assert redrive(sluice, execution.name, by="ada").how == "redriven"
    machine.report_end(execution)
    assert execution.run().status == "SUCCEEDED"
    assert [each[3] for each in attempts(sluice, execution)] == ["failed", "succeeded"]


def test_redrive_in_the_aws_console_is_an_attempt_too(sluice, machine, failed):
    execution = failed()
    machine.report_end(execution.resume().end("FAILED", "TransientError", "It was slow."))
    execution.redrive()
    assert [(each[0], each[3]) for each in attempts(sluice, execution)] == [
        ("upload", "failed"),
        ("redrive", "failed"),
        ("redrive", "succeeded"),
    ]


def test_execution_that_is_too_old_is_reprocessed_and_it_says_so(sluice, machine, failed, monkeypatch):
    execution = failed()
    description = execution.description() | {
        "redriveStatus": "NOT_REDRIVABLE",
        "redriveStatusReason": "Execution redrivable period exceeded",
    }
    monkeypatch.setattr(execution, "description", lambda: description)
    done = redrive(sluice, execution.name, by="ada", why="mended")
    assert done.how == "reprocessed"
    assert "redrivable period exceeded" in done.because
    assert machine.executions[done.started].run().status == "SUCCEEDED"
    assert attempts(sluice, execution)[1] == ("reprocess", done.started, "ada", "succeeded")


def test_execution_that_aws_refuses_at_the_last_moment_is_reprocessed(sluice, machine, failed, refuse):
    execution = failed()
    refuse("ExecutionNotRedrivable")
    done = redrive(sluice, execution.name, by="ada")
    assert done.how == "reprocessed"
    assert attempts(sluice, execution) == [("upload", execution.name, None, "failed")]
    machine.executions[done.started].run()
    assert [each[0] for each in attempts(sluice, execution)] == ["upload", "reprocess"]


@pytest.mark.parametrize("code", ["AccessDeniedException", "ExecutionLimitExceeded", "ThrottlingException"])
def test_other_refusals_leave_the_record_as_it_was(sluice, failed, refuse, code):
    execution = failed()
    before = record_of(sluice, execution)
    refuse(code)
    with pytest.raises(ClientError, match=code):
        redrive(sluice, execution.name, by="ada")
    assert {**record_of(sluice, execution), "updated_at": ""} == {**before, "updated_at": ""}


def test_redrive_that_somebody_else_makes_at_the_same_moment_is_left_to_them(sluice, failed, refuse):
    execution = failed()
    refuse("ExecutionNotRedrivable", meanwhile=execution.resume)
    done = redrive(sluice, execution.name, by="ada")
    assert (done.how, record_of(sluice, execution)["status"]) == ("left", "processing")
    execution.run()
    assert [each[3] for each in attempts(sluice, execution)] == ["failed", "succeeded"]


def test_rejected_file_is_checked_again_from_the_start(cloud, sluice, machine):
    at = cloud.upload("cat.jpg", b"no picture")
    execution = machine.run({"bucket": at.bucket, "key": at.key, "trigger": "upload"})
    done = redrive(sluice, execution.name, by="ada")
    assert done.how == "reprocessed"
    assert "rejected (UnsupportedType)" in done.because
    assert machine.executions[done.started].run().path[-1] == "Rejected"


def test_execution_that_another_has_overtaken_is_left(sluice, machine, failed):
    execution = failed()
    other = machine.run({"bucket": INGEST, "key": "cat.jpg"})
    done = redrive(sluice, execution.name, by="ada")
    assert (done.how, done.started) == ("left", other.name)
    assert f"execution {other.name} has taken the asset" in done.because


@pytest.mark.parametrize(("status", "words"), [("RUNNING", "is at work"), ("SUCCEEDED", "has succeeded")])
def test_execution_that_did_not_fail_is_left(sluice, failed, status, words):
    execution = failed()
    execution.status = status
    done = redrive(sluice, execution.name, by="ada")
    assert done.how == "left"
    assert words in done.because


def test_execution_that_failed_without_an_asset_is_redriven(cloud, sluice, machine):
    execution = machine.run({"bucket": INGEST, "key": "late.jpg"})
    assert execution.error == "ObjectNotFound"
    cloud.upload("late.jpg", sample("JPEG"))
    assert redrive(sluice, execution.name, by="ada").how == "redriven"
    assert execution.run().status == "SUCCEEDED"


def test_unknown_execution_is_a_sentence(sluice):
    with pytest.raises(NotThereError, match=r"There is no execution nobody\..*reprocess"):
        redrive(sluice, "nobody", by="ada")


def test_one_that_cannot_be_redriven_keeps_no_other_from_it(sluice, failed):
    executions = [failed(f"{number}.jpg") for number in range(3)]
    names = [executions[0].name, "nobody", *(each.name for each in executions[1:])]
    done = list(redrive_all(sluice, names, by="ada"))
    assert [each.execution for each in done] == names
    assert [each.how for each in done] == ["redriven", "refused", "redriven", "redriven"]
    assert "There is no execution nobody" in done[1].because


def test_failed_executions_are_found_by_error_and_age(cloud, sluice, machine, failed):
    slow, broken = failed("slow.jpg"), failed("broken.jpg", error="Runtime.ExitError")
    overtaken = failed("overtaken.jpg")
    machine.run({"bucket": INGEST, "key": "overtaken.jpg"})
    cloud.upload("rejected.jpg", b"no picture")
    machine.run({"bucket": INGEST, "key": "rejected.jpg"})
    lost = machine.run({"bucket": INGEST, "key": "missing.jpg"})
    assert lost.status == overtaken.status == "FAILED"

    found = {each.execution: (each.error, each.key) for each in failed_executions(sluice)}
    assert found == {
        slow.name: ("TransientError", "slow.jpg"),
        broken.name: ("Runtime.ExitError", "broken.jpg"),
        lost.name: ("ObjectNotFound", None),
    }
    (only,) = failed_executions(sluice, error="Runtime.ExitError")
    assert only.execution == broken.name
    now = datetime.now(UTC)
    assert len(failed_executions(sluice, since=now - timedelta(minutes=5))) == len(found)
    assert failed_executions(sluice, since=now + timedelta(minutes=5)) == []


# many at once


@pytest.fixture
def asked(machine):
    """Counts what Step Functions is asked, and lets the first calls of an operation be throttled."""
    calls, throttled = Counter(), {}
    direct = BaseClient._make_api_call  # pyright: ignore[reportAttributeAccessIssue]

    def call(client, operation, parameters):
        calls[operation] += 1
        if calls[operation] <= throttled.get(operation, 0):
            code = "ThrottlingException"
            raise client.exceptions.from_code(code)({"Error": {"Code": code, "Message": "Rate exceeded"}}, operation)
        return direct(client, operation, parameters)

    with pytest.MonkeyPatch.context() as patched:  # undone before the machine's own
        patched.setattr(BaseClient, "_make_api_call", call)
        patched.setattr("workflow.operator.patience.sleep", lambda _: None)
        yield calls, throttled


def test_what_the_table_knows_is_not_asked_of_step_functions(sluice, failed, asked):
    names = [failed(f"{number}.jpg").name for number in range(3)]
    calls, _ = asked
    calls.clear()
    done = list(redrive_all(sluice, names, by="ada"))
    assert [each.how for each in done] == ["redriven"] * 3
    assert (calls["RedriveExecution"], calls["DescribeExecution"]) == (3, 0)


@pytest.mark.parametrize("operation", ["RedriveExecution", "UpdateItem", "GetItem"])
def test_a_quota_refuses_nothing(sluice, failed, asked, operation):
    execution = failed()
    calls, throttled = asked
    calls.clear()
    throttled[operation] = 20
    assert [each.how for each in redrive_all(sluice, [execution.name], by="ada")] == ["redriven"]
    assert [each[0] for each in attempts(sluice, execution)] == ["upload", "redrive"]


def test_what_was_redriven_in_the_aws_console_before_stays_as_it_was(sluice, failed):
    execution = failed()
    before = record_of(sluice, execution)
    execution.resume()
    (done,) = redrive_all(sluice, [execution.name], by="ada")
    assert (done.how, done.because) == ("left", "it is at work: there is nothing to redrive")
    assert {**record_of(sluice, execution), "updated_at": ""} == {**before, "updated_at": ""}
