"""The intake function, with the events that AWS documents for SQS, SNS and S3."""

import json
from types import ModuleType
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.unit.cloud import DEAD_LETTERS, INGEST, STATE_MACHINE, Cloud

TOPIC = "arn:aws:sns:eu-central-1:111122223333:partner"
SENDER = "AIDAIENQZJOLO23YVJ4VO"


def sqs_record(body: Any, message_id: str = "059f36b4-87a3-44ab-83d2-661975830a7d") -> dict[str, Any]:
    """A message as Lambda's guide shows it."""
    return {
        "messageId": message_id,
        "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a...",
        "body": body if isinstance(body, str) else json.dumps(body),
        "attributes": {
            "ApproximateReceiveCount": "1",
            "SentTimestamp": "1545082649183",
            "SenderId": SENDER,
            "ApproximateFirstReceiveTimestamp": "1545082649185",
        },
        "messageAttributes": {},
        "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-central-1:123456789012:my-queue",
        "awsRegion": "eu-central-1",
    }


def enveloped(message: Any) -> dict[str, Any]:
    """What SNS delivers to a queue, as its guide shows it."""
    return {
        "Type": "Notification",
        "MessageId": "dc1e94d9-56c5-5e96-808d-cc7f68faa162",
        "TopicArn": TOPIC,
        "Subject": "Amazon S3 Notification",
        "Message": json.dumps(message),
        "Timestamp": "2026-11-23T10:00:00.000Z",
        "SignatureVersion": "1",
        "Signature": "EXAMPLE",
        "SigningCertURL": "https://sns.eu-central-1.amazonaws.com/SimpleNotificationService.pem",
        "UnsubscribeURL": "https://sns.eu-central-1.amazonaws.com/?Action=Unsubscribe",
    }


def s3_notification(key: str, event_name: str = "ObjectCreated:Put") -> dict[str, Any]:
    """S3's, as its user guide shows it; keys are URL-encoded."""
    return {
        "Records": [
            {
                "eventVersion": "2.1",
                "eventSource": "aws:s3",
                "awsRegion": "eu-central-1",
                "eventTime": "2026-11-23T10:00:00.000Z",
                "eventName": event_name,
                "userIdentity": {"principalId": "AIDAJDPLRKLG7UEXAMPLE"},
                "requestParameters": {"sourceIPAddress": "192.0.2.1"},
                "responseElements": {"x-amz-request-id": "C3D13FE58DE4C810", "x-amz-id-2": "FMyUVURIY8/IgAtTv8xRjskZ"},
                "s3": {
                    "s3SchemaVersion": "1.0",
                    "configurationId": "testConfigRule",
                    "bucket": {
                        "name": INGEST,
                        "ownerIdentity": {"principalId": "A3NL1KOZZKExample"},
                        "arn": f"arn:aws:s3:::{INGEST}",
                    },
                    "object": {
                        "key": key,
                        "size": 1024,
                        "eTag": "d41d8cd98f00b204e9800998ecf8427e",
                        "versionId": "096fKKXTRTtl3on89fVO.nfljtsv6qko",
                        "sequencer": "0055AED6DCD90281E5",
                    },
                },
            }
        ]
    }


TEST_EVENT = {
    "Service": "Amazon S3",
    "Event": "s3:TestEvent",
    "Time": "2026-11-23T10:00:00.000Z",
    "Bucket": INGEST,
    "RequestId": "5582815E1AEA5ADF",
    "HostId": "8cLeGAmw098X5cv4Zkwcmo8vvZa3eH3eKxsPzbB9wrR+YstdA6Knx4Ip8EXAMPLE",
}


class Intake:
    """The function, and what it started or set aside."""

    def __init__(self, function: ModuleType, cloud: Cloud) -> None:
        self.function = function
        self.cloud = cloud

    def __call__(self, *records: dict[str, Any]) -> list[str]:
        """Ids of the messages that are to come again."""
        answered = self.function.handle({"Records": list(records)}, None)
        return [failure["itemIdentifier"] for failure in answered["batchItemFailures"]]

    def started(self) -> dict[str, Any]:
        """Execution inputs by execution name."""
        states = self.cloud.stepfunctions
        listed = states.list_executions(stateMachineArn=STATE_MACHINE)["executions"]
        described = [states.describe_execution(executionArn=each["executionArn"]) for each in listed]
        return {each["name"]: json.loads(each["input"]) for each in described}

    def set_aside(self) -> list[tuple[str, str]]:
        """Bodies in the dead-letter queue, each with the reason."""
        messages = self.cloud.sqs.receive_message(
            QueueUrl=DEAD_LETTERS, MessageAttributeNames=["All"], MaxNumberOfMessages=10
        ).get("Messages", [])
        return [(each["Body"], each["MessageAttributes"]["reason"]["StringValue"]) for each in messages]


@pytest.fixture
def intake(cloud: Cloud, functions: dict[str, ModuleType]) -> Intake:
    definition = json.dumps({"StartAt": "A", "States": {"A": {"Type": "Succeed"}}})
    role = "arn:aws:iam::123456789012:role/sluice"
    cloud.stepfunctions.create_state_machine(name="sluice-ingest", definition=definition, roleArn=role)
    cloud.sqs.create_queue(QueueName=DEAD_LETTERS.rpartition("/")[2])
    return Intake(functions["intake"], cloud)


@pytest.fixture
def refuse(intake: Intake, monkeypatch: pytest.MonkeyPatch):
    """Let Step Functions refuse whatever comes after so many starts."""
    stepfunctions = intake.function.executions.stepfunctions
    start = stepfunctions.start_execution

    def after(count: int, code: str) -> None:
        left = iter(range(count))

        def start_execution(**wanted: Any) -> Any:
            if next(left, None) is None:
                raise ClientError({"Error": {"Code": code, "Message": "No"}}, "StartExecution")
            return start(**wanted)

        monkeypatch.setattr(stepfunctions, "start_execution", start_execution)

    return after


def test_request_starts_an_execution_named_after_the_message(intake):
    assert intake(sqs_record({"bucket": INGEST, "key": "a b+c%20.jpg", "why": "bulk"})) == []
    assert intake.started() == {
        "sqs-059f36b4-87a3-44ab-83d2-661975830a7d-1": {
            "bucket": INGEST,
            "key": "a b+c%20.jpg",
            "trigger": "manual",
            "force": False,
            "by": f"sqs:{SENDER}",
            "why": "bulk",
        }
    }


def test_one_message_can_ask_for_many(intake):
    requests = [{"bucket": INGEST, "key": f"{number}.jpg"} for number in range(3)]
    assert intake(sqs_record({"requests": requests})) == []
    assert sorted(each["key"] for each in intake.started().values()) == ["0.jpg", "1.jpg", "2.jpg"]


def test_message_that_comes_again_starts_nothing_twice(intake):
    message = sqs_record({"requests": [{"bucket": INGEST, "key": "a.jpg"}, {"bucket": INGEST, "key": "b.jpg"}]})
    assert (intake(message), intake(message)) == ([], [])
    assert len(intake.started()) == 2


def test_s3_s_notification_is_an_upload_with_its_key_decoded(intake):
    assert intake(sqs_record(enveloped(s3_notification("fotos/gr%C3%B6%C3%9Fe+1%2B2.jpg")))) == []
    assert intake.started() == {
        "sns-dc1e94d9-56c5-5e96-808d-cc7f68faa162-1": {
            "bucket": INGEST,
            "key": "fotos/größe 1+2.jpg",
            "version_id": "096fKKXTRTtl3on89fVO.nfljtsv6qko",
            "size": 1024,
            "etag": "d41d8cd98f00b204e9800998ecf8427e",
            "sequencer": "0055AED6DCD90281E5",
            "event_id": "sns-dc1e94d9-56c5-5e96-808d-cc7f68faa162",
            "trigger": "upload",
            "force": False,
            "by": f"sns:{TOPIC}",
        }
    }


def test_message_that_sns_delivers_twice_starts_once(intake):
    notification = enveloped({"bucket": INGEST, "key": "cat.jpg"})
    assert intake(sqs_record(notification, "first"), sqs_record(notification, "second")) == []
    assert list(intake.started()) == ["sns-dc1e94d9-56c5-5e96-808d-cc7f68faa162-1"]


def test_raw_delivery_is_understood_as_well(intake):
    assert intake(sqs_record(s3_notification("cat.jpg"))) == []
    (started,) = intake.started().values()
    assert (started["key"], started["by"]) == ("cat.jpg", f"sqs:{SENDER}")


@pytest.mark.parametrize("message", [TEST_EVENT, s3_notification("cat.jpg", "ObjectRemoved:Delete"), {"Records": []}])
def test_what_asks_for_nothing_is_taken_and_starts_nothing(intake, message):
    assert intake(sqs_record(enveloped(message))) == []
    assert (intake.started(), intake.set_aside()) == ({}, [])


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("hello", "malformed"),
        ("", "truncated"),
        ("[]", "object"),
        ({"bucket": INGEST}, "key"),
        ({"bucket": INGEST, "key": "cat.jpg", "colour": "red"}, "colour"),
        ({"requests": []}, "length"),
        ({"requests": [{"bucket": INGEST, "key": "cat.jpg"}] * 101}, "length"),
        ({"Records": [{"dynamodb": {}}]}, "eventName"),
        (json.loads('{"a": ' + "[" * 64 + "]" * 64 + "}"), "65 levels deep"),
    ],
)
def test_message_that_is_not_understood_is_set_aside_at_once_with_the_reason(intake, body, reason):
    record = sqs_record(body)
    assert intake(record) == []
    ((text, said),) = intake.set_aside()
    assert text == record["body"]
    assert reason in said
    assert intake.started() == {}


@pytest.mark.parametrize("code", ["ThrottlingException", "ExecutionLimitExceeded"])
def test_what_could_not_be_started_comes_again_and_nothing_is_tried_meanwhile(intake, refuse, code):
    refuse(1, code)
    records = [sqs_record({"bucket": INGEST, "key": f"{each}.jpg"}, each) for each in ("a", "b", "c")]
    assert intake(*records) == ["b", "c"]
    assert list(intake.started()) == ["sqs-a-1"]


def test_half_of_a_batch_comes_again_and_only_its_rest_is_started(intake, refuse):
    batch = sqs_record({"requests": [{"bucket": INGEST, "key": f"{number}.jpg"} for number in range(4)]}, "m")
    refuse(2, "ThrottlingException")
    assert intake(batch) == ["m"]
    assert sorted(intake.started()) == ["sqs-m-1", "sqs-m-2"]
    refuse(4, "ThrottlingException")
    assert intake(batch) == []
    assert sorted(intake.started()) == ["sqs-m-1", "sqs-m-2", "sqs-m-3", "sqs-m-4"]


def test_error_of_one_message_does_not_stop_the_others(intake, refuse):
    refuse(0, "AccessDeniedException")
    records = [sqs_record({"bucket": INGEST, "key": "cat.jpg"}, "a"), sqs_record(TEST_EVENT, "b")]
    assert intake(*records) == ["a"]
