"""The reprocess state machine: an ingest execution for each asset of a manifest in S3, so many at a time, and a report.

An asset's execution is named after batch and asset. Step Functions takes a name once, so that a repeat is noticed; and
what a batch has behind it, Validate refuses to do for that batch again.
"""

from typing import Any

from workflow.asl import Choice, ChoiceRule, DistributedMap, Fail, Graph, ServiceTask, Succeed
from workflow.ingest import retry, task

TOO_MANY_FAILURES = "TooManyFailures"

STATES_BUSY = [
    "StepFunctions.ExecutionLimitExceededException",
    "StepFunctions.AWSStepFunctionsException",
    "StepFunctions.SdkClientException",
]
TAKEN_BEFORE = "StepFunctions.ExecutionAlreadyExistsException"
OVER_THRESHOLD = "States.ExceedToleratedFailureThreshold"

ONCE = "States.Format('{}-{}', $.batch, $.item.asset_id)"


def reprocess() -> Graph:
    """The definition. Its input: {manifest: {bucket, key}, batch, concurrency, tolerate_percent, by, why}.

    A line of the manifest is JSON: {asset_id, bucket, key, version_id}, as the object was uploaded.
    """
    each = DistributedMap(
        "ReprocessEach",
        comment="An ingest execution for every line of the manifest",
        each=one_asset(),
        item_reader=MANIFEST,
        gets={"item.$": "$$.Map.Item.Value", "batch.$": "$.batch", "by.$": "$.by", "why.$": "$.why"},
        max_concurrency_path="$.concurrency",
        tolerated_failure_percentage_path="$.tolerate_percent",
        result_writer=RESULTS,
        keep_as="$.map_run",
    )
    report = task(
        "ReportBatch",
        "What became of each asset, as a table in S3",
        gets={"state": {"batch.$": "$", "ingest": "${ingest}"}},
    )
    too_many = Fail(
        TOO_MANY_FAILURES, error=TOO_MANY_FAILURES, cause="More assets failed than were tolerated. See the report."
    )
    done = Succeed("Reported")

    each.then(report).then(
        Choice("TooMany", (ChoiceRule.IsPresent("$.batch.over_threshold", value=True), too_many), otherwise=done)
    )
    each.on_error(OVER_THRESHOLD, then=report, keep_as="$.over_threshold")
    return Graph(each, comment="Sluice: process many assets again, and report what became of each")


MANIFEST: dict[str, Any] = {
    "Resource": "arn:aws:states:::s3:getObject",
    # Not CSV: there a backslash, which keys may have, escapes what follows.
    "ReaderConfig": {"InputType": "JSONL"},
    "Parameters": {"Bucket.$": "$.manifest.bucket", "Key.$": "$.manifest.key"},
}
RESULTS: dict[str, Any] = {
    "Resource": "arn:aws:states:::s3:putObject",
    "Parameters": {"Bucket.$": "$.manifest.bucket", "Prefix.$": "States.Format('reprocess/{}/results', $.batch)"},
}


def one_asset() -> ServiceTask:
    """What is done for each. Where a run was interrupted before, Validate knows whether the batch has it behind it."""
    start = ingestion("StartIngest", "Process the asset, wherever its original is", **{"Name.$": ONCE})
    again = ingestion("StartAgain", "Its execution ended before this run: go on unless the asset is done")
    start.on_error(TAKEN_BEFORE, then=again)
    return start


def ingestion(state_name: str, comment: str, **name: str) -> ServiceTask:
    """Starts an ingest execution, and fails as it fails."""
    wanted = {
        **{f"{field}.$": f"$.item.{field}" for field in ("bucket", "key", "version_id")},
        **{f"{field}.$": f"$.{field}" for field in ("batch", "by", "why")},
        "trigger": "reprocess",
        "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID.$": "$$.Execution.Id",
    }
    return ServiceTask(
        state_name,
        comment=comment,
        service="states:startExecution.sync:2",
        parameters={"StateMachineArn": "${ingest}", "Input": wanted, **name},
        result_selector={"execution.$": "$.ExecutionArn"},
        keep_as="$.ingest",
        retry=[retry(STATES_BUSY, first_delay=2, attempts=20)],
    )
