"""A function's report of failed messages that cannot be right fails the whole batch, which then comes again.

Defect: stock deletes every message that the report does not name, also where it names none of the batch, lacks
`itemIdentifier` or cannot be read: the messages are lost.
AWS: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html, and recorded in
event_source_mapping/test_lambda_integration_sqs::test_report_batch_item_failures_*
"""

import json
from collections.abc import Sequence
from typing import Any, cast

from infra.local.ministack import lambda_svc

Members = dict[str, Any]
REPORTED = "ReportBatchItemFailures"

_stock_run_batch = lambda_svc._run_sqs_batch
_execute_function = lambda_svc._execute_function


def install() -> None:
    lambda_svc._run_sqs_batch = run_batch
    lambda_svc._execute_function = execute_function


def run_batch(esm: Members, function: Members, event: Members, *more: Any) -> None:
    """The stock's own, for a function whose report is checked."""
    checked = esm.get("FunctionResponseTypes", []) == [REPORTED]
    _stock_run_batch(esm, {**function, REPORTED: True} if checked else function, event, *more)


def execute_function(function: Members, event: Members) -> Members:
    result: Members = _execute_function(function, event)
    if not function.get(REPORTED) or result.get("error"):
        return result
    ids = [record["messageId"] for record in event["Records"]]
    if is_report(result.get("body"), ids):
        return result
    message = "The response is no report of the batch's failed items"
    return {**result, "error": True, "body": {"errorType": "InvalidBatchResponse", "errorMessage": message}}


def is_report(body: Any, ids: Sequence[str]) -> bool:
    """Whether all that the response says to have failed was in the batch; nothing at all says that nothing failed."""
    if isinstance(body, str | bytes):
        try:
            body = json.loads(body) if body.strip() else None
        except ValueError:
            return False
    if body is None:
        return True
    if not isinstance(body, dict):
        return False
    failures: Any = cast("Members", body).get("batchItemFailures") or cast("list[Any]", [])
    if not isinstance(failures, list):
        return False
    named = [
        cast("Members", one).get("itemIdentifier") if isinstance(one, dict) else None
        for one in cast("list[Any]", failures)
    ]
    return all(one in ids for one in named)
