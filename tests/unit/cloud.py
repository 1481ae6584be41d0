"""The AWS that these tests see: fakes or moto in this process, with Sluice's buckets, table and topic in it."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any
from unittest.mock import patch

import boto3
from boto3.dynamodb.types import TypeSerializer
from botocore.config import Config
from moto import mock_aws

from tasks.shared import clients
from tasks.shared.indexes import INDEXES, filed
from tasks.shared.records.adapter import Records
from tasks.shared.records.model import Record, decoded, facts_of
from tests.fakes.aws import Account
from workflow.limits import FUNCTIONS, task_of
from workflow.shapes import Pointer

REGION = "us-east-1"
INGEST, EXPANDED, OUTPUT = "sluice-ingest", "sluice-expanded", "sluice-output"
ARCHIVE, QUARANTINE = "sluice-archive", "sluice-quarantine"
OPERATIONS = "sluice-operations"
AUDIT = "sluice-audit"
PLACES = (INGEST, EXPANDED, ARCHIVE, QUARANTINE)
TABLE = "sluice-table"
TOPIC = f"arn:aws:sns:{REGION}:123456789012:sluice"
STATE_MACHINE = f"arn:aws:states:{REGION}:123456789012:stateMachine:sluice-ingest"
DEAD_LETTERS = f"https://sqs.{REGION}.amazonaws.com/123456789012/dead-letters"
LIVE_SETTINGS = "/sluice/test/settings"
WEBHOOK_KEY = "webhook-key"
WEBHOOK_QUEUE = f"https://sqs.{REGION}.amazonaws.com/123456789012/webhook"
ENVIRONMENT = {
    "AWS_DEFAULT_REGION": REGION,
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "POWERTOOLS_SERVICE_NAME": "sluice",
    "POWERTOOLS_METRICS_NAMESPACE": "Sluice",
    "TABLE_NAME": TABLE,
    "TOPIC_ARN": TOPIC,
    "OUTCOME_BUS": "default",
    "DEAD_LETTERS_URL": DEAD_LETTERS,
    "REJECTS_URL": DEAD_LETTERS,
    "INGEST_BUCKET": INGEST,
    "EXPANDED_BUCKET": EXPANDED,
    "OUTPUT_BUCKET": OUTPUT,
    "ARCHIVE_BUCKET": ARCHIVE,
    "QUARANTINE_BUCKET": QUARANTINE,
    "OPERATIONS_BUCKET": OPERATIONS,
    "STATE_MACHINE_ARN": STATE_MACHINE,
    "SWEEP_OLDER_THAN_MINUTES": "15",
    "LIVE_SETTINGS": LIVE_SETTINGS,
    "POWERTOOLS_PARAMETERS_MAX_AGE": "0",
    "WEBHOOK_URL": "https://receiver.example/sluice",
    "WEBHOOK_SECRET_ARN": WEBHOOK_KEY,
    "WEBHOOK_QUEUE_URL": WEBHOOK_QUEUE,
    "AUDIT_BUCKET": AUDIT,
    "ARCHIVE_STORAGE_CLASS": "STANDARD_IA",
    "QUARANTINE_DAYS": "180",
    "RENDITION_FORMATS": "webp",
    "PARTITION_BY": "",
    "PUBLISH_PRIVATE_METADATA": "false",
    "EXPAND_ARCHIVES": "true",
    "LONG_VIDEO_CPU_SECONDS": "120",
}


@dataclass
class Cloud:
    """A running cloud, with clients that belong to the test and not to the functions."""

    s3: Any
    dynamodb: Any
    sns: Any
    sqs: Any
    stepfunctions: Any
    ssm: Any
    queue_url: str = ""
    _received: list[dict[str, Any]] = field(default_factory=list)

    def upload(self, key: str, data: bytes, **options: Any) -> Pointer:
        version_id = self.s3.put_object(Bucket=INGEST, Key=key, Body=data, **options)["VersionId"]
        return Pointer(bucket=INGEST, key=key, version_id=version_id)

    def versions(self, bucket: str) -> list[tuple[str, str]]:
        """Key and version id of everything in a bucket."""
        found = self.s3.list_object_versions(Bucket=bucket).get("Versions", [])
        return [(version["Key"], version["VersionId"]) for version in found]

    def subscribe(self, name: str, policy: Mapping[str, Any] | None = None) -> str:
        """A queue on the topic; its URL."""
        url = self.sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        attributes = {"FilterPolicy": json.dumps(policy)} if policy else {}
        self.sns.subscribe(TopicArn=TOPIC, Protocol="sqs", Endpoint=arn, Attributes=attributes)
        return url

    def envelopes(self, queue_url: str | None = None) -> list[dict[str, Any]]:
        """What SNS delivered since the last call."""
        url = queue_url or self.queue_url
        found: list[dict[str, Any]] = []
        while messages := self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            found += [json.loads(message["Body"]) for message in messages]
            for message in messages:
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return found

    def announced(self) -> list[dict[str, Any]]:
        """Every CloudEvent that the topic has carried, repeats included."""
        self._received += [json.loads(envelope["Message"]) for envelope in self.envelopes()]
        return self._received

    def set_record(self, asset_id: str, /, **attributes: Any) -> None:
        """Write attributes into a record past Sluice, which need not be there; a new status has its place."""
        if "status" in attributes:
            attributes |= filed({**attributes, "asset_id": asset_id})
        names = {f"#{name}": name for name in attributes}
        plain = json.loads(json.dumps(attributes), parse_float=Decimal)
        self.dynamodb.update_item(
            TableName=TABLE,
            Key={"pk": {"S": f"asset#{asset_id}"}, "sk": {"S": "record"}},
            UpdateExpression="SET " + ", ".join(f"#{name} = :{name}" for name in attributes),
            ExpressionAttributeNames=names,
            ExpressionAttributeValues={f":{name}": TypeSerializer().serialize(plain[name]) for name in attributes},
        )

    def put_record(self, record: Record) -> None:
        """Write a whole record past Sluice."""
        self.set_record(record.asset_id, **{k: v for k, v in facts_of(record).items() if k not in {"pk", "sk"}})

    def record(self, asset_id: str) -> dict[str, Any]:
        """A record as people are told it; empty where there is none."""
        found = Records(self.dynamodb, TABLE).assets.get(asset_id)
        return facts_of(found) if found else {}

    def exists(self, bucket: str, key: str, version_id: str | None = None) -> bool:
        version = {"VersionId": version_id} if version_id else {}
        try:
            self.s3.head_object(Bucket=bucket, Key=key, **version)
        except self.s3.exceptions.ClientError:
            return False
        return True

    def read(self, bucket: str, key: str) -> bytes:
        return self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()

    def keys(self, bucket: str) -> list[str]:
        return [item["Key"] for item in self.s3.list_objects_v2(Bucket=bucket).get("Contents", [])]

    def contents(self, bucket: str) -> dict[str, bytes]:
        return {key: self.read(bucket, key) for key in self.keys(bucket)}


def a_record(asset_id: str = "a" * 32, **attributes: Any) -> Record:
    """A record with what every one has, and these attributes."""
    known: dict[str, Any] = {
        "asset_id": asset_id,
        "bucket": INGEST,
        "key": "photos/cat.jpg",
        "version_id": "v1",
        "status": "succeeded",
        "size": 885,
        "etag": "e",
        "created_at": "2026-11-23T10:00:00+00:00",
        "updated_at": "2026-11-23T10:00:00+00:00",
        "last_modified": "2026-11-23T09:59:58+00:00",
        "upload_order": "2026-11-23T09:59:58+00:00#",
        "execution": "first",
        "execution_arn": f"{STATE_MACHINE.replace(':stateMachine:', ':execution:')}:first",
        **attributes,
    }
    run = {name: known[name] for name in ("execution", "execution_arn")}
    attempt = {"number": 1, "trigger": "upload", "started_at": "2026-11-23T10:00:00+00:00", **run}
    known["attempts"] = [attempt | each for each in known.get("attempts", [])]
    known |= {"reason": {"message": "", **known["reason"]}} if "reason" in known else {}
    place = {name: known[name] for name in ("bucket", "key", "version_id")}
    known = {"object_key": f"{known['bucket']}/{known['key']}", "original": place, **known}
    return decoded(known, Record)


@contextmanager
def wired_cloud() -> Iterator[Cloud]:
    """An empty cloud of moto's: requests are built, sent and parsed. The environment must be set."""
    with mock_aws():
        yield _filled()


@contextmanager
def fake_cloud(account: Account) -> Iterator[Cloud]:
    """The same out of fakes, which are many times as fast."""
    with account.answering():
        yield _filled()


@cache
def client(service: str, **settings: Any) -> Any:
    """Made once, as each takes as long as many tests; whatever AWS there is answers it."""
    return boto3.client(service, REGION, config=Config(**settings))


def _filled() -> Cloud:
    cloud = Cloud(*(client(name) for name in ("s3", "dynamodb", "sns", "sqs", "stepfunctions", "ssm")))
    for bucket in (*PLACES, OUTPUT, OPERATIONS, AUDIT):
        cloud.s3.create_bucket(Bucket=bucket)
    for bucket in PLACES:
        cloud.s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    _create_table(cloud.dynamodb)
    cloud.ssm.put_parameter(Name=LIVE_SETTINGS, Value="{}", Type="String")
    cloud.sns.create_topic(Name=TOPIC.rpartition(":")[2])
    cloud.queue_url = cloud.subscribe("subscriber")
    return cloud


def load_function(function: str, **settings: str) -> ModuleType:
    """A function's module as a cold start imports it, with `settings` in its environment."""
    spec = find_spec(f"tasks.{task_of(function)[0]}.handler")
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    with patch.dict(os.environ, settings):
        spec.loader.exec_module(module)
    return module


def load_functions() -> dict[str, ModuleType]:
    """All of them, on clients that were made under the mocks."""
    with mock_aws():
        forget_clients()
        return {function: load_function(function) for function in FUNCTIONS}


def forget_clients() -> None:
    for client in vars(clients).values():
        if hasattr(client, "cache_clear"):
            client.cache_clear()


def _create_table(dynamodb: Any) -> None:
    attributes = {"pk", "sk"} | {name for each in INDEXES.values() for name in (each.partition, each.sort)}
    dynamodb.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in sorted(attributes)],
        KeySchema=_keys("pk", "sk"),
        GlobalSecondaryIndexes=[
            {
                "IndexName": each.name,
                "KeySchema": _keys(each.partition, each.sort),
                "Projection": {"ProjectionType": "KEYS_ONLY"},
            }
            for each in INDEXES.values()
        ],
    )


def _keys(partition: str, sort: str) -> list[dict[str, str]]:
    return [{"AttributeName": partition, "KeyType": "HASH"}, {"AttributeName": sort, "KeyType": "RANGE"}]
