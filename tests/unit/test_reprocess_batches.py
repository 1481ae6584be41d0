"""A few assets are started at once, many become a batch; what is left of one is resumed, or becomes the next."""

import json
from datetime import UTC, datetime

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from tests.unit.cloud import INGEST, OPERATIONS, a_record
from tests.unit.operating import operated
from workflow.operator.operations import NotPossibleError
from workflow.operator.operations.reprocess import batch, reprocess, resume, stop
from workflow.operator.stack import NotThereError

COUNTS = {"total": 12, "pending": 1, "running": 2, "succeeded": 5, "failed": 1, "timedOut": 1, "aborted": 2}


class States:
    """Step Functions, as far as batches ask it: one batch that is as the test says, and what was started."""

    def __init__(self):
        self.started = []
        self.calls = []
        self.execution = None
        self.refuses_redrive = None

    def StartExecution(self, **request):  # noqa: N802 - AWS's spelling
        self.started.append(request)
        return {"executionArn": f"arn:aws:states:::execution:sluice:{request.get('name', 'one')}"}

    def DescribeExecution(self, executionArn):  # noqa: N802, N803
        if self.execution is None:
            raise ClientError({"Error": {"Code": "ExecutionDoesNotExist"}}, "DescribeExecution")
        return {"executionArn": executionArn, "startDate": datetime.now(UTC), **self.execution}

    def ListMapRuns(self, **_):  # noqa: N802
        return {"mapRuns": [{"mapRunArn": "run"}]}

    def DescribeMapRun(self, **_):  # noqa: N802
        return {"itemCounts": COUNTS}

    def RedriveExecution(self, **_):  # noqa: N802
        if self.refuses_redrive:
            raise ClientError({"Error": {"Code": self.refuses_redrive}}, "RedriveExecution")
        self.calls.append("redrive")

    def StopExecution(self, **_):  # noqa: N802
        self.calls.append("stop")


@pytest.fixture
def states(cloud, monkeypatch):
    made = States()
    direct = BaseClient._make_api_call

    def call(client, operation, parameters):
        if client.meta.service_model.service_name != "stepfunctions":
            return direct(client, operation, parameters)
        return getattr(made, operation)(**parameters)

    with monkeypatch.context() as patched:
        patched.setattr(BaseClient, "_make_api_call", call)
        yield made


@pytest.fixture
def sluice(cloud, states):
    return operated(cloud)


def assets(count):
    return [
        {"asset_id": f"a{n}", "bucket": INGEST, "key": f'{n} "ä"\\\n\u2028.jpg', "version_id": "1"}
        for n in range(count)
    ]


def known(asset):
    return a_record(**asset)


def manifest(cloud, key):
    return [json.loads(line) for line in cloud.read(OPERATIONS, key).splitlines()]


def test_ten_assets_are_started_directly(sluice, states):
    made = reprocess(sluice, map(known, assets(10)), by="ada", why="new recipe")
    assert (made.name, made.count, len(made.executions)) == (None, 10, 10)
    wanted = json.loads(states.started[0]["input"])
    assert {name: wanted[name] for name in ("trigger", "by", "why", "key")} == {
        "trigger": "reprocess", "by": "ada", "why": "new recipe", "key": assets(1)[0]["key"],
    }  # fmt: skip


def test_eleven_assets_become_a_batch_whose_manifest_names_all(cloud, sluice, states):
    made = reprocess(sluice, map(known, assets(11)), by="ada", why="new recipe", concurrency=7, tolerate_percent=5)
    (request,) = states.started
    wanted = json.loads(request["input"])
    assert request["name"] == wanted["batch"] == made.name
    assert request["stateMachineArn"].endswith("sluice-reprocess")
    assert {name: wanted[name] for name in ("by", "why", "concurrency", "tolerate_percent")} == {
        "by": "ada", "why": "new recipe", "concurrency": 7, "tolerate_percent": 5,
    }  # fmt: skip
    assert manifest(cloud, wanted["manifest"]["key"]) == assets(11)
    assert made.count == 11


def test_no_asset_starts_nothing(sluice, states):
    assert reprocess(sluice, [], by="ada").count == 0
    assert states.started == []


def test_progress_is_the_map_run_s(sluice, states):
    states.execution = {"status": "RUNNING"}
    found = batch(sluice, "b-1")
    assert (found.total, found.pending, found.running, found.succeeded) == (12, 1, 2, 5)
    assert (found.failed, found.aborted, found.ended, found.is_running) == (2, 2, 7, True)


def test_unknown_batch_is_a_sentence(sluice):
    with pytest.raises(NotThereError, match="sluice batches"):
        batch(sluice, "b-1")


# going on


def ended(cloud, sluice, states, status, **more):
    """A batch of twelve, of which one has succeeded and one was rejected, one failed, and nine were not reached."""
    made = reprocess(sluice, map(known, assets(12)), by="ada")
    states.execution = {"status": status, "input": states.started[-1]["input"], **more}
    for number, outcome in enumerate(("succeeded", "rejected", "failed")):
        attempts = [{"number": 1, "execution": "e", "batch": made.name, "outcome": outcome}]
        cloud.put_record(a_record(f"a{number}", attempts=attempts))
    return made.name


@pytest.mark.parametrize("status", ["FAILED", "ABORTED", "TIMED_OUT"])
def test_interrupted_batch_is_redriven_as_itself(cloud, sluice, states, status):
    name = ended(cloud, sluice, states, status, error="States.ServiceRestart")
    assert resume(sluice, name, by="ben").name == name
    assert states.calls == ["redrive"]
    assert len(states.started) == 1


@pytest.mark.parametrize(
    ("status", "error", "refuses"),
    [
        ("SUCCEEDED", None, None),
        ("FAILED", "TooManyFailures", None),
        ("FAILED", "States.ServiceRestart", "ExecutionNotRedrivable"),
    ],
)
def test_where_aws_cannot_redrive_the_rest_becomes_a_batch_that_follows(cloud, sluice, states, status, error, refuses):
    name = ended(cloud, sluice, states, status, **({"error": error} if error else {}))
    states.refuses_redrive = refuses
    made = resume(sluice, name, by="ben")
    assert (made.name, made.count) == (f"{name}-r2", 10)
    wanted = json.loads(states.started[-1]["input"])
    assert manifest(cloud, wanted["manifest"]["key"]) == assets(12)[2:]
    assert (wanted["by"], wanted["concurrency"]) == ("ben", 20)


def test_batch_that_follows_one_that_follows_has_the_next_number(cloud, sluice, states):
    name = ended(cloud, sluice, states, "SUCCEEDED")
    states.execution["input"] = states.execution["input"].replace(f'"batch": "{name}"', f'"batch": "{name}-r2"')
    assert resume(sluice, f"{name}-r2", by="ben").name == f"{name}-r3"


def test_batch_with_nothing_left_says_so(cloud, sluice, states):
    name = ended(cloud, sluice, states, "SUCCEEDED")
    for number in range(12):
        attempts = [{"number": 1, "execution": "e", "batch": name, "outcome": "succeeded"}]
        cloud.put_record(a_record(f"a{number}", attempts=attempts))
    with pytest.raises(NotPossibleError, match="done"):
        resume(sluice, name, by="ben")


def test_batch_at_work_is_not_resumed_and_an_ended_one_not_stopped(cloud, sluice, states):
    name = ended(cloud, sluice, states, "RUNNING")
    with pytest.raises(NotPossibleError, match="--follow"):
        resume(sluice, name, by="ben")
    stop(sluice, name, by="ben")
    assert states.calls == ["stop"]
    states.execution["status"] = "SUCCEEDED"
    with pytest.raises(NotPossibleError, match="SUCCEEDED"):
        stop(sluice, name, by="ben")
