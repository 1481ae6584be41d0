"""What Sluice relies on in DynamoDB, SNS and SQS; the stock emulator does all of it."""

import json
import uuid
from dataclasses import dataclass
from typing import Any

import pytest

from tests.waiting import next_message

Item = dict[str, dict[str, Any]]
INDEX = {
    "IndexName": "by-status",
    "KeySchema": [
        {"AttributeName": "status", "KeyType": "HASH"},
        {"AttributeName": "updated", "KeyType": "RANGE"},
    ],
    "Projection": {"ProjectionType": "ALL"},
}


@dataclass(frozen=True)
class Table:
    """A table; the methods are DynamoDB's, with the table's name filled in."""

    dynamodb: Any
    name: str

    def __getattr__(self, operation: str) -> Any:
        return lambda **members: getattr(self.dynamodb, operation)(TableName=self.name, **members)

    def item(self, key: str) -> Item | None:
        return self.get_item(Key={"id": {"S": key}}, ConsistentRead=True).get("Item")


@pytest.fixture
def table(patched: Any) -> Table:
    created = Table(patched.client("dynamodb"), f"t-{uuid.uuid4().hex}")
    created.create_table(
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("id", "status", "updated")],
        GlobalSecondaryIndexes=[INDEX],
        BillingMode="PAY_PER_REQUEST",
    )
    return created


def asset(key: str, **texts: str) -> Item:
    return {"id": {"S": key}} | {name: {"S": text} for name, text in texts.items()}


def test_a_claim_succeeds_once(table: Table) -> None:
    claim = {"Item": asset("a", status="RUNNING"), "ConditionExpression": "attribute_not_exists(id)"}
    table.put_item(**claim)
    with pytest.raises(table.dynamodb.exceptions.ConditionalCheckFailedException) as refused:
        table.put_item(**claim, ReturnValuesOnConditionCheckFailure="ALL_OLD")
    assert refused.value.response["Item"] == asset("a", status="RUNNING")


def test_an_update_returns_what_was_asked_for(table: Table) -> None:
    table.put_item(Item=asset("a", status="RUNNING"))
    answers = {
        returned: table.update_item(
            Key={"id": {"S": "a"}},
            UpdateExpression="SET #status = :status ADD attempts :one",
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues={":status": {"S": returned}, ":one": {"N": "1"}},
            ReturnValues=returned,
        ).get("Attributes")
        for returned in ("NONE", "ALL_OLD", "UPDATED_NEW", "ALL_NEW")
    }
    assert answers == {
        "NONE": None,
        "ALL_OLD": asset("a", status="NONE") | {"attempts": {"N": "1"}},
        "UPDATED_NEW": {"status": {"S": "UPDATED_NEW"}, "attempts": {"N": "3"}},
        "ALL_NEW": asset("a", status="ALL_NEW") | {"attempts": {"N": "4"}},
    }


def test_a_newer_sequencer_wins(table: Table) -> None:
    def write(sequencer: str) -> None:
        table.update_item(
            Key={"id": {"S": "a"}},
            UpdateExpression="SET sequencer = :new",
            ConditionExpression="attribute_not_exists(sequencer) OR sequencer < :new",
            ExpressionAttributeValues={":new": {"S": sequencer}},
        )

    write("0A")
    write("0B")
    with pytest.raises(table.dynamodb.exceptions.ConditionalCheckFailedException):
        write("0A")
    assert table.item("a") == asset("a", sequencer="0B")


def test_an_index_is_queried_in_order_and_in_pages(table: Table) -> None:
    for key, updated in (("a", "3"), ("b", "1"), ("c", "2")):
        table.put_item(Item=asset(key, status="FAILED", updated=updated))
    table.put_item(Item=asset("d", status="DONE", updated="0"))
    query = {
        "IndexName": "by-status",
        "KeyConditionExpression": "#status = :status",
        "ExpressionAttributeNames": {"#status": "status"},
        "ExpressionAttributeValues": {":status": {"S": "FAILED"}},
        "ScanIndexForward": False,
        "Limit": 2,
    }
    first = table.query(**query)
    second = table.query(**query, ExclusiveStartKey=first["LastEvaluatedKey"])
    assert [item["id"]["S"] for item in first["Items"] + second["Items"]] == ["a", "c", "b"]
    assert "LastEvaluatedKey" not in second


def test_a_transaction_happens_as_a_whole_or_not_at_all(table: Table) -> None:
    def transact(expected: str) -> None:
        check = {
            "TableName": table.name,
            "Key": {"id": {"S": "head"}},
            "ConditionExpression": "version = :expected",
            "ExpressionAttributeValues": {":expected": {"S": expected}},
        }
        put = {"TableName": table.name, "Item": asset(f"after-{expected}")}
        table.dynamodb.transact_write_items(TransactItems=[{"ConditionCheck": check}, {"Put": put}])

    table.put_item(Item=asset("head", version="1"))
    transact("1")
    with pytest.raises(table.dynamodb.exceptions.TransactionCanceledException) as cancelled:
        transact("2")
    codes = [reason["Code"] for reason in cancelled.value.response["CancellationReasons"]]
    assert codes == ["ConditionalCheckFailed", "None"]
    assert table.item("after-1") is not None
    assert table.item("after-2") is None


def test_the_expiry_attribute_is_remembered(table: Table) -> None:
    table.update_time_to_live(TimeToLiveSpecification={"AttributeName": "expires", "Enabled": True})
    described = table.describe_time_to_live()["TimeToLiveDescription"]
    assert (described["AttributeName"], described["TimeToLiveStatus"]) == ("expires", "ENABLED")


def test_a_subscription_filters_by_attribute_and_delivers_raw(patched: Any) -> None:
    sns, sqs = patched.client("sns"), patched.client("sqs")
    name = f"n-{uuid.uuid4().hex}"
    topic = sns.create_topic(Name=name)["TopicArn"]
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = {"RawMessageDelivery": "true", "FilterPolicy": json.dumps({"outcome": ["failed"]})}
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes=policy)
    for outcome in ("succeeded", "failed"):
        attributes = {"outcome": {"DataType": "String", "StringValue": outcome}}
        sns.publish(TopicArn=topic, Message=f"it {outcome}", MessageAttributes=attributes)

    message = next_message(sqs, url)
    assert message["Body"] == "it failed"
    assert message["MessageAttributes"]["outcome"]["StringValue"] == "failed"
    assert "Messages" not in sqs.receive_message(QueueUrl=url)
