"""The buckets, the table and the topic, in every stage."""

import re
from typing import Any

import pytest

from tasks.shared.indexes import INDEXES, OLD_INDEXES
from tests.infra.conftest import Stage, Template, denies_plain_http

BUCKETS = {"Ingest", "Expanded", "Output", "Archive", "Quarantine", "Operations", "Audit", "AccessLogs"}
KEEPS_ORIGINALS = ["Ingest", "Expanded", "Archive", "Quarantine"]


def lifecycle(storage: Template, bucket: str) -> list[dict[str, Any]]:
    return storage.only("S3::Bucket", bucket)["LifecycleConfiguration"]["Rules"]


@pytest.mark.parametrize("name", sorted(BUCKETS))
def test_bucket_is_private_encrypted_and_tls_only(storage: Template, name: str) -> None:
    bucket = storage.only("S3::Bucket", name)
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    assert bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    (encryption,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert denies_plain_http(storage.only("S3::BucketPolicy", f"{name}Policy")["PolicyDocument"])


def test_there_are_no_other_buckets_and_their_names_are_generated(storage: Template) -> None:
    buckets = storage.of_type("S3::Bucket")
    assert len(buckets) == len(BUCKETS)
    assert all("BucketName" not in bucket["Properties"] for bucket in buckets.values())


@pytest.mark.parametrize("name", KEEPS_ORIGINALS)
def test_bucket_that_keeps_originals_is_versioned(storage: Template, name: str) -> None:
    assert storage.only("S3::Bucket", name)["VersioningConfiguration"] == {"Status": "Enabled"}


@pytest.mark.parametrize("name", ["Ingest", "Expanded", "Archive"])
def test_no_rule_removes_a_current_original(storage: Template, name: str) -> None:
    assert all("ExpirationInDays" not in rule for rule in lifecycle(storage, name))


@pytest.mark.parametrize("name", ["Ingest", "Expanded"])
def test_no_rule_removes_an_overwritten_original_before_it_is_archived(storage: Template, name: str) -> None:
    assert all("NoncurrentVersionExpiration" not in rule for rule in lifecycle(storage, name))


@pytest.mark.parametrize("name", sorted(BUCKETS))
def test_abandoned_uploads_are_dropped(storage: Template, name: str) -> None:
    assert any("AbortIncompleteMultipartUpload" in rule for rule in lifecycle(storage, name))


@pytest.mark.parametrize("name", ["Ingest", "Expanded", "Archive"])
def test_bucket_that_starts_work_tells_eventbridge_without_a_helper_function(storage: Template, name: str) -> None:
    configuration = storage.only("S3::Bucket", name)["NotificationConfiguration"]
    assert configuration == {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}
    assert not storage.of_type("Lambda::Function")


def test_only_the_ways_in_and_the_archive_tell_so_that_outputs_cannot_feed_the_pipeline(storage: Template) -> None:
    telling = [
        name for name, b in storage.of_type("S3::Bucket").items() if "NotificationConfiguration" in b["Properties"]
    ]
    assert sorted(re.sub(r"[0-9A-F]{8}$", "", name) for name in telling) == ["Archive", "Expanded", "Ingest"]


def test_archive_moves_originals_to_the_stage_s_tiers(stage: Stage) -> None:
    rules = [rule for rule in lifecycle(stage.storage, "Archive") if "Transitions" in rule]
    tiers = [(t["TransitionInDays"], t["StorageClass"]) for rule in rules for t in rule["Transitions"]]
    assert tiers == [(tier.after_days, tier.storage_class) for tier in stage.settings.archive.tiers]


def test_archive_of_prod_goes_on_to_deep_archive(stages: dict[str, Stage]) -> None:
    rules = lifecycle(stages["prod"].storage, "Archive")
    assert [t["StorageClass"] for rule in rules for t in rule.get("Transitions", [])] == ["DEEP_ARCHIVE"]


def test_output_moves_to_standard_ia_when_the_stage_says(stage: Stage) -> None:
    (rule,) = (rule for rule in lifecycle(stage.storage, "Output") if "Transitions" in rule)
    assert rule["Transitions"] == [
        {"StorageClass": "STANDARD_IA", "TransitionInDays": stage.settings.storage.output_ia_days}
    ]


@pytest.mark.parametrize("name", ["Archive", "Output"])
def test_object_that_is_charged_for_128_kb_at_least_is_not_moved(stage: Stage, name: str) -> None:
    moving = [rule for rule in lifecycle(stage.storage, name) if "Transitions" in rule]
    assert len(moving) == (1 if name == "Output" or stage.settings.archive.tiers else 0)
    assert {int(rule["ObjectSizeGreaterThan"]) for rule in moving} <= {128 * 1024 - 1}


def test_copy_that_was_overwritten_expires_whatever_its_size(stage: Stage) -> None:
    (rule,) = (rule for rule in lifecycle(stage.storage, "Archive") if "NoncurrentVersionExpiration" in rule)
    assert "ObjectSizeGreaterThan" not in rule
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": stage.settings.archive.superseded_copies_days}


def test_rejected_original_expires_and_can_be_brought_back_for_as_long_again(stage: Stage) -> None:
    days = stage.settings.storage.quarantine_days
    (rule,) = (rule for rule in lifecycle(stage.storage, "Quarantine") if "ExpirationInDays" in rule)
    assert rule["ExpirationInDays"] == rule["NoncurrentVersionExpiration"]["NoncurrentDays"] == days >= 180


def test_table_is_on_demand_recoverable_and_streams_changes(storage: Template) -> None:
    table = storage.only("DynamoDB::Table")
    assert table["BillingMode"] == "PAY_PER_REQUEST"
    assert table["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
    assert table["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert table["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}
    assert table["KeySchema"] == [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ]


def test_table_is_indexed_by_status_kind_key_and_content(stage: Stage) -> None:
    """The laptop's has the indexes of the first layout as well, for executions that an older Sluice started."""
    table = stage.storage.only("DynamoDB::Table")
    old = OLD_INDEXES.values() if stage.settings.stage == "local" else ()
    expected = [(each, "KEYS_ONLY") for each in INDEXES.values()] + [(each, "ALL") for each in old]
    made = {
        index["IndexName"]: (
            [key["AttributeName"] for key in index["KeySchema"]],
            index["Projection"]["ProjectionType"],
        )
        for index in table["GlobalSecondaryIndexes"]
    }
    assert made == {each.name: ([each.partition, each.sort], projected) for each, projected in expected}
    assert {attribute["AttributeType"] for attribute in table["AttributeDefinitions"]} == {"S"}


def test_topic_is_encrypted_and_tls_only(storage: Template) -> None:
    assert "alias/aws/sns" in str(storage.only("SNS::Topic")["KmsMasterKeyId"])
    assert denies_plain_http(storage.only("SNS::TopicPolicy")["PolicyDocument"])


def test_data_outlives_the_stack_where_the_stage_says_so(stage: Stage) -> None:
    kept = "Retain" if stage.settings.storage.retain_data else "Delete"
    keepers = stage.storage.of_type("S3::Bucket") | stage.storage.of_type("DynamoDB::Table")
    assert {resource["DeletionPolicy"] for resource in keepers.values()} == {kept}
    assert stage.storage.only("DynamoDB::Table")["DeletionProtectionEnabled"] is stage.settings.storage.retain_data


def test_prod_retains_its_data(stages: dict[str, Stage]) -> None:
    assert stages["prod"].settings.storage.retain_data


def test_names_are_published(stage: Stage) -> None:
    published = {name for name, output in stage.storage.body["Outputs"].items() if "Export" not in output}
    on_its_way = {"OldIndexes"} if stage.settings.storage.old_indexes != "none" else set()
    assert published - on_its_way == {
        "IngestBucket",
        "ExpandedBucket",
        "OutputBucket",
        "ArchiveBucket",
        "QuarantineBucket",
        "OperationsBucket",
        "AuditBucket",
        "TableName",
        "TopicArn",
    }
