"""What the fakes answer, the embedded AWS answers: the same calls are made to both."""

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.response import StreamingBody

from tests.fakes.aws import Account
from tests.integration.patches.conftest import REGION, Cloud

Client = Callable[[str], Any]

TABLE, BUCKET, OTHER = "fakes", "fakes-one", "fakes-other"
CHANGING = {
    "CopySourceVersionId",
    "ResponseMetadata",
    "LastModified",
    "VersionId",
    "UploadId",
    "RequestId",
    "HostId",
    "MessageId",
    "ReceiptHandle",
}
KEYS = {"TableName": TABLE, "Key": {"pk": {"S": "a"}, "sk": {"S": "record"}}}
WRITES: list[dict[str, Any]] = [
    {"UpdateExpression": "SET #s = :s, n = :n", "names": {"#s": "status"}, "values": {":s": "new", ":n": 1}},
    {"UpdateExpression": "SET n = if_not_exists(n, :n), m = if_not_exists(m, :n)", "values": {":n": 7}},
    {"UpdateExpression": "SET n = n + :n REMOVE #s, absent", "names": {"#s": "status"}, "values": {":n": 2}},
    {"UpdateExpression": "SET n = absent", "values": {}},
    {"UpdateExpression": "SET status = :s", "values": {":s": "reserved"}},
    {"UpdateExpression": "SET n = :n", "values": {":n": 1, ":unused": 1}},
    {"UpdateExpression": "SET n = :missing", "values": {":n": 1}},
    {"UpdateExpression": "SET pk = :k", "values": {":k": "the key"}},
    {"UpdateExpression": "SET attempts = :l", "values": {":l": [{"number": 1}]}},
    {"UpdateExpression": "SET attempts = list_append(attempts, :l)", "values": {":l": [{"number": 2}]}},
    {"UpdateExpression": "SET attempts[1].#n = :n", "names": {"#n": "number"}, "values": {":n": 3}},
    {"UpdateExpression": "SET absent.inside = :n", "values": {":n": 3}},
    {"UpdateExpression": "ADD n :n", "values": {":n": 5}},
]
CONDITIONS: list[tuple[str, dict[str, Any]]] = [
    ("attribute_not_exists(pk)", {}),
    ("attribute_exists(attempts) AND n > :n", {":n": 3}),
    ("n > :n", {":n": "text"}),
    ("n <> :n", {":n": "text"}),
    ("absent <> :n", {":n": 3}),
    ("absent = :n OR n = :m", {":n": 3, ":m": 8}),
    ("NOT (absent < :n) AND n BETWEEN :n AND :m", {":n": 3, ":m": 1000}),
    ("n IN (:n, :m)", {":n": 3, ":m": 8}),
    ("attempts = :l", {":l": [{"number": 1}, {"number": 3}]}),
    ("attribute_not_exists(pk) OR n = :n OR n < :m", {":n": 3, ":m": 1}),
    ("begins_with(pk, :p) AND size(attempts) = :two", {":p": "a", ":two": 2}),
    ("n = :n AND :n", {":n": 3}),
]
QUERIES: list[dict[str, Any]] = [
    {"KeyConditionExpression": "pk = :p", "values": {":p": "a"}},
    {"KeyConditionExpression": "kind = :k", "IndexName": "by_kind", "values": {":k": "image"}},
    {"KeyConditionExpression": "kind = :k", "IndexName": "by_kind", "values": {":k": "image"},
     "ScanIndexForward": False},
    {"KeyConditionExpression": "kind = :k AND #at BETWEEN :a AND :b", "IndexName": "by_kind", "names": {"#at": "at"},
     "values": {":k": "image", ":a": "2", ":b": "3"}},
    {"KeyConditionExpression": "kind = :k", "FilterExpression": "n = :n", "IndexName": "by_kind",
     "values": {":k": "image", ":n": 2}},
    {"KeyConditionExpression": "kind = :k", "IndexName": "by_kind", "values": {":k": "image"},
     "ProjectionExpression": "n"},
    {"KeyConditionExpression": "kind = :k", "IndexName": "nowhere", "values": {":k": "image"}},
]  # fmt: skip
ADDRESSES: list[dict[str, Any]] = [
    {"Bucket": "fakes-nowhere", "Key": "a"},
    {"Bucket": BUCKET, "Key": "absent"},
    {"Bucket": BUCKET, "Key": "removed"},
    {"Bucket": BUCKET, "Key": "a", "VersionId": "00000000-0000-0000-0000-000000000000"},
    {"Bucket": BUCKET, "Key": "a"},
]
NOT_OF_IT = base64.b64encode(hashlib.sha256(b"other").digest()).decode()


def wire(value: Any) -> dict[str, Any]:
    match value:
        case str():
            return {"S": value}
        case int():
            return {"N": str(value)}
        case list():
            return {"L": [*map(wire, value)]}
    return {"M": {name: wire(each) for name, each in value.items()}}


def asked(expressions: dict[str, Any]) -> dict[str, Any]:
    """A request with the names and the values that its expressions take."""
    request = {name: value for name, value in expressions.items() if name not in {"names", "values"}}
    if names := expressions.get("names"):
        request["ExpressionAttributeNames"] = names
    if values := expressions["values"]:
        request["ExpressionAttributeValues"] = {name: wire(value) for name, value in values.items()}
    return request


def answer(call: Callable[..., Any], **request: Any) -> Any:
    """What can be compared of it."""
    try:
        return comparable(call(**request))
    except ClientError as exc:
        return exc.response["Error"]["Code"], exc.response["ResponseMetadata"]["HTTPStatusCode"]


def comparable(value: Any) -> Any:
    match value:
        case dict():
            return {name: comparable(each) for name, each in value.items() if name not in CHANGING}
        case list():
            return [*map(comparable, value)]
        case StreamingBody():
            return value.read()
        case datetime():
            return "a moment"
        case str():
            return re.sub(r"\.\d+$", "", value)
    return value


def create_table(dynamodb: Any) -> None:
    schemas = {"": ("pk", "sk"), "by_kind": ("kind", "at")}
    keys = {
        name: [{"AttributeName": pk, "KeyType": "HASH"}, {"AttributeName": sk, "KeyType": "RANGE"}]
        for name, (pk, sk) in schemas.items()
    }
    dynamodb.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[
            {"AttributeName": name, "AttributeType": "S"} for names in schemas.values() for name in names
        ],
        KeySchema=keys[""],
        GlobalSecondaryIndexes=[
            {"IndexName": "by_kind", "KeySchema": keys["by_kind"], "Projection": {"ProjectionType": "ALL"}}
        ],
    )


def table_told(client: Client) -> Iterator[tuple[str, Any]]:
    dynamodb = client("dynamodb")
    create_table(dynamodb)
    for write in WRITES:
        yield write["UpdateExpression"], answer(dynamodb.update_item, **KEYS, **asked(write)) or None
        yield "then", dynamodb.get_item(**KEYS, ConsistentRead=True).get("Item")
    for text, values in CONDITIONS:
        guarded = asked(
            {"ConditionExpression": text, "UpdateExpression": "SET touched = :t", "values": {**values, ":t": 1}}
        )
        yield text, answer(dynamodb.update_item, **KEYS, **guarded)
    for number in range(1, 4):
        item = {"pk": f"q{number}", "sk": "record", "kind": "image", "at": str(number), "n": number}
        dynamodb.put_item(TableName=TABLE, Item={name: wire(value) for name, value in item.items()})
    for query in QUERIES:
        yield str(query), answer(dynamodb.query, TableName=TABLE, **asked(query))
    pages = dynamodb.get_paginator("query").paginate(
        TableName=TABLE, **asked(QUERIES[1]), PaginationConfig={"PageSize": 2}
    )
    yield "pages", [[item["n"]["N"] for item in page["Items"]] for page in pages]
    wanted = [{"pk": wire(f"q{number}"), "sk": wire("record")} for number in (1, 9)]
    yield "many", dynamodb.batch_get_item(RequestItems={TABLE: {"Keys": wanted}})["Responses"]
    gone = asked({"ConditionExpression": "n = :n", "values": {":n": 9}})
    yield "delete", answer(dynamodb.delete_item, TableName=TABLE, Key=wanted[0], **gone)
    yield "deleted", answer(dynamodb.delete_item, TableName=TABLE, Key=wanted[0])
    yield "no key", answer(dynamodb.get_item, TableName=TABLE, Key={"pk": wire("a")})
    yield "no table", answer(dynamodb.get_item, TableName="nowhere", Key=wanted[0])


def objects_told(client: Client) -> Iterator[tuple[str, Any]]:
    s3 = client("s3")
    for bucket in (BUCKET, OTHER):
        s3.create_bucket(Bucket=bucket)
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket=BUCKET, Key="a", Body=b"one", ContentType="text/plain", Metadata={"by": "ada"})[
        "VersionId"
    ]
    second = {"Bucket": BUCKET, "Key": "a", "Body": b"second", "ContentType": "text/plain", "Tagging": "owner=ada"}
    s3.put_object(**second, ChecksumAlgorithm="SHA256")
    s3.put_object(Bucket=BUCKET, Key="removed", Body=b"gone")
    yield "remove", answer(s3.delete_object, Bucket=BUCKET, Key="removed")
    pinned = {"Bucket": BUCKET, "Key": "a", "VersionId": first}
    for address in (*ADDRESSES, pinned):
        yield f"head {address['Key']} of {address['Bucket']}", answer(s3.head_object, **address, ChecksumMode="ENABLED")
        yield f"get {address['Key']} of {address['Bucket']}", answer(s3.get_object, **address)
    yield "range", answer(s3.get_object, Bucket=BUCKET, Key="a", Range="bytes=1-3")
    yield "no range", answer(s3.get_object, Bucket=BUCKET, Key="a", Range="bytes=99-100")
    yield "not new", answer(s3.put_object, Bucket=BUCKET, Key="a", Body=b"", IfNoneMatch="*")
    yield "wrong", answer(s3.put_object, Bucket=BUCKET, Key="b", Body=b"b", ChecksumSHA256=NOT_OF_IT)
    yield "tags", answer(s3.get_object_tagging, Bucket=BUCKET, Key="a")
    copied = {"Bucket": OTHER, "Key": "copy/a", "ChecksumAlgorithm": "SHA256", "StorageClass": "GLACIER"}
    yield "copy", answer(s3.copy_object, **copied, CopySource=pinned)
    yield "copied", answer(s3.head_object, Bucket=OTHER, Key="copy/a", ChecksumMode="ENABLED")
    yield "frozen", answer(s3.get_object, Bucket=OTHER, Key="copy/a")
    yield "warm", answer(s3.restore_object, Bucket=BUCKET, Key="a", RestoreRequest={"Days": 1})
    yield "listed", answer(s3.list_objects_v2, Bucket=OTHER, Prefix="copy/")["Contents"]
    for kind in ("Versions", "DeleteMarkers"):
        found = s3.list_object_versions(Bucket=BUCKET)[kind]
        yield kind, [(each["Key"], each["IsLatest"]) for each in found]
    yield "delete", answer(s3.delete_object, **pinned)
    yield "again", answer(s3.delete_object, **pinned)
    yield "deleted", answer(s3.head_object, **pinned)


def messages_told(client: Client) -> Iterator[tuple[str, Any]]:
    sqs, sns, ssm = (client(service) for service in ("sqs", "sns", "ssm"))
    url = sqs.create_queue(QueueName="fakes")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = sns.create_topic(Name="fakes")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={})
    attributes = {"status": {"DataType": "String", "StringValue": "succeeded"}}
    sns.publish(TopicArn=topic, Subject="s", Message="m", MessageAttributes=attributes)
    (message,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"]
    envelope = json.loads(message["Body"])
    yield "envelope", {name: envelope[name] for name in ("Type", "Subject", "Message", "MessageAttributes")}
    yield "hidden", answer(sqs.receive_message, QueueUrl=url).get("Messages")
    sqs.change_message_visibility(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0)
    (again,) = sqs.receive_message(QueueUrl=url, MessageSystemAttributeNames=["ApproximateReceiveCount"])["Messages"]
    yield "again", again["Attributes"]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=again["ReceiptHandle"])
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    yield "counted", answer(sqs.get_queue_attributes, QueueUrl=url, AttributeNames=names)
    yield "no topic", answer(sns.publish, TopicArn=f"{topic}-2", Subject="s", Message="m", MessageAttributes=attributes)
    ssm.put_parameter(Name="/fakes", Value="{}", Type="String")
    yield "parameter", ssm.get_parameter(Name="/fakes")["Parameter"]["Value"]
    yield "twice", answer(ssm.put_parameter, Name="/fakes", Value="{}", Type="String")
    yield "no parameter", answer(ssm.get_parameter, Name="/fakes-2")
    entry = {"Source": "s", "DetailType": "d", "Detail": "{}", "EventBusName": "default"}
    yield "event", client("events").put_events(Entries=[entry])["FailedEntryCount"]


@pytest.mark.parametrize("told", [table_told, objects_told, messages_told])
def test_a_fake_answers_as_the_embedded_aws_does(
    told: Callable[[Client], Iterator[tuple[str, Any]]], cloud: Cloud
) -> None:
    real = [*told(cloud.client)]
    with Account().answering():
        fake = [*told(lambda service: boto3.client(service, REGION, aws_access_key_id="a", aws_secret_access_key="b"))]
    assert [(ours, theirs) for ours, theirs in zip(fake, real, strict=True) if ours != theirs] == []


def test_what_a_fake_does_not_know_it_refuses() -> None:
    with Account().answering():
        s3 = boto3.client("s3", REGION, aws_access_key_id="a", aws_secret_access_key="b")
        with pytest.raises(NotImplementedError):
            s3.get_bucket_location(Bucket="any")
        s3.create_bucket(Bucket="any")
        with pytest.raises(NotImplementedError):
            s3.put_object(Bucket="any", Key="a", Body=b"", ServerSideEncryption="aws:kms")
