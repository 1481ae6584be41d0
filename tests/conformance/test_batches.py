"""Which answers of a function that takes messages from a queue fail the whole batch.

Recorded: event_source_mapping/test_lambda_integration_sqs::test_report_batch_item_failures_*; listed in the developer
guide, "Handling errors for an SQS event source in Lambda".
"""

import json
from typing import Any

import pytest

from infra.local.patches.lambda_.partial_batches import is_report

IDS = ("one", "two")


def failed(*items: Any) -> dict[str, Any]:
    return {"batchItemFailures": list(items)}


@pytest.mark.parametrize(
    "body",
    [
        None,
        "",
        "null",
        {},
        failed(),
        {"batchItemFailures": None},
        failed({"itemIdentifier": "two"}),
        json.dumps(failed({"itemIdentifier": "one"}, {"itemIdentifier": "two"})),
    ],
)
def test_only_what_is_named_comes_again(body: Any) -> None:
    assert is_report(body, IDS)


@pytest.mark.parametrize(
    "body",
    [
        "{not json",
        "a text",
        [],
        failed({"itemIdentifier": "three"}),
        failed({"itemIdentifier": "one"}, {"itemIdentifier": "three"}),
        failed({"itemIdentifier": ""}),
        failed({"itemIdentifier": None}),
        failed({"foo": "one"}),
        failed("one"),
    ],
)
def test_the_whole_batch_comes_again(body: Any) -> None:
    assert not is_report(body, IDS)
