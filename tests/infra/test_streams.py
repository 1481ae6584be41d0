"""Audit trail, outcome bus and telemetry stream: in the stages that switch them on, and what guards them."""

from typing import Any

import pytest

from tests.infra.conftest import Stage, Template, denies_plain_http, statements
from tests.infra.variants import assert_refused


def mapping(pipeline: Template, prefix: str) -> dict[str, Any]:
    return pipeline.only("Lambda::EventSourceMapping", prefix)


@pytest.fixture
def trail_policy(storage: Template) -> dict[str, Any]:
    return storage.only("S3::BucketPolicy", "Audit")["PolicyDocument"]


def test_trail_reads_records_in_order_and_gives_up_single_ones(pipeline: Template) -> None:
    reader = mapping(pipeline, "AuditTrail")
    assert reader["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert reader["BisectBatchOnFunctionError"] is True
    assert reader["StartingPosition"] == "TRIM_HORIZON"
    assert "ParallelizationFactor" not in reader
    assert '"sk":{"S":["record"]}' in reader["FilterCriteria"]["Filters"][0]["Pattern"]


@pytest.mark.parametrize("reader", ["AuditTrail", "TelemetryStream"])
def test_what_a_reader_gives_up_is_told_to_a_queue(stages: dict[str, Stage], reader: str) -> None:
    pipeline = stages["dev"].pipeline
    destination = mapping(pipeline, reader)["DestinationConfig"]["OnFailure"]["Destination"]["Fn::GetAtt"][0]
    assert destination in pipeline.of_type("SQS::Queue")


def test_trail_s_bucket_refuses_to_forget_and_to_replace(trail_policy: dict[str, Any]) -> None:
    refusals = [each for each in statements(trail_policy) if each["Effect"] == "Deny"]
    assert denies_plain_http(trail_policy)
    assert ["s3:DeleteObject", "s3:DeleteObjectVersion"] in [each["Action"] for each in refusals]
    (conditional,) = [each for each in refusals if each["Action"] == ["s3:PutObject"]]
    assert conditional["Condition"] == {"Null": {"s3:if-none-match": "true"}}
    assert all(each["Principal"] == {"AWS": "*"} for each in refusals)


def test_a_stage_can_have_the_trail_locked(unusual: Stage) -> None:
    lock = unusual.storage.only("S3::Bucket", "Audit")["ObjectLockConfiguration"]
    assert lock["Rule"] == {"DefaultRetention": {"Days": 30, "Mode": "GOVERNANCE"}}


def test_batches_of_telemetry_stay_as_they_are_when_they_come_again(stages: dict[str, Stage]) -> None:
    """The keys of objects follow from the first and last record of a batch."""
    reader = mapping(stages["dev"].pipeline, "TelemetryStream")
    assert "FunctionResponseTypes" not in reader or reader["FunctionResponseTypes"] == []
    assert reader["BisectBatchOnFunctionError"] is False
    assert reader["MaximumBatchingWindowInSeconds"] > 0


def test_prod_pays_no_stream_by_the_hour(stages: dict[str, Stage]) -> None:
    assert {name for name, stage in stages.items() if stage.pipeline.of_type("Kinesis::Stream")} == {"local", "dev"}


def test_a_bus_of_one_s_own_is_made_and_the_default_is_not(stages: dict[str, Stage]) -> None:
    names = {name: stage.pipeline.of_type("Events::EventBus") for name, stage in stages.items()}
    assert [name for name, buses in names.items() if buses] == ["unusual"]


def test_only_who_tells_outcomes_can_put_events(unusual: Stage) -> None:
    policies = unusual.pipeline.of_type("IAM::Policy")
    allowed = {
        name
        for name, policy in policies.items()
        for statement in statements(policy["Properties"]["PolicyDocument"])
        if "events:PutEvents" in statement["Action"]
    }
    assert sorted(name.partition("Role")[0] for name in allowed) == ["Notify", "Quarantine", "RecordFailure", "Sweep"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"ways_out": {"outcome_bus": "no spaces"}}, "outcome_bus must"),
        ({"audit_trail": {"enabled": False, "lock_days": 1}}, "need the trail"),
        ({"audit_trail": {"lock_days": -1}}, "lock_days must be a whole number >= 0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(change: dict[str, Any], problem: str) -> None:
    assert_refused(problem, **change)
