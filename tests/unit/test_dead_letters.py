"""What rules and functions gave up is sent again; a message leaves its queue only after it was taken."""

import json

import pytest
from botocore.exceptions import ClientError

from tests.unit.cloud import INGEST
from tests.unit.images import sample
from workflow.operator.operations.dead_letters import dead_letters, redrive_dead_letters


@pytest.fixture
def sluice(sluice, monkeypatch):
    monkeypatch.setattr("workflow.operator.operations.dead_letters.PATIENCE_SECONDS", 0)
    return sluice


def created(at):
    """S3's event about an upload."""
    found = {"key": at.key, "size": 5, "etag": "e", "version-id": at.version_id, "sequencer": "0055AED6DCD90281E5"}
    detail = {"version": "0", "bucket": {"name": at.bucket}, "object": found, "reason": "PutObject"}
    return {"id": "17793124", "detail-type": "Object Created", "source": "aws.s3", "detail": detail}


FAILED = {
    "detail-type": "Step Functions Execution Status Change",
    "detail": {"name": "first", "executionArn": "arn:first", "status": "FAILED"},
}
RESTORED = {"detail-type": "Object Restore Completed", "detail": {"object": {"key": "photos/cat.jpg"}}}
GIVEN_UP = {"ERROR_CODE": "RESOURCE_LIMIT_EXCEEDED", "ERROR_MESSAGE": "too many", "RULE_ARN": "arn:rule"}


def bury(sluice, queue, event, attributes=None):
    """What EventBridge or Lambda puts there."""
    body = event if isinstance(event, str) else json.dumps(event)
    sluice.aws.sqs.send_message(
        QueueUrl=getattr(sluice.stack.dead_letters, queue),
        MessageBody=body,
        MessageAttributes={
            name: {"DataType": "String", "StringValue": text} for name, text in (attributes or {}).items()
        },
    )


def test_upload_that_could_not_be_started_is_started_as_its_rule_would_have(cloud, sluice, machine):
    at = cloud.upload('fotos/gr"oß 1.jpg', sample("JPEG"))
    bury(sluice, "events", created(at), GIVEN_UP)
    (done,) = redrive_dead_letters(sluice, by="ada")
    assert (done["queue"], done["event"], done["about"]) == ("events", "Object Created", at.key)
    assert done["gave_up"] == {"error": "RESOURCE_LIMIT_EXCEEDED", "message": "too many"}
    execution = machine.executions[done["sent_to"]]
    assert execution.wanted == {
        "bucket": INGEST,
        "key": at.key,
        "version_id": at.version_id,
        "size": 5,
        "etag": "e",
        "sequencer": "0055AED6DCD90281E5",
        "event_id": "17793124",
        "trigger": "upload",
        "force": False,
        "by": "ada",
    }
    assert execution.run().status == "SUCCEEDED"
    assert dead_letters(sluice) == {"events": 0, "failures": 0, "restores": 0}


def test_upload_that_somebody_has_started_meanwhile_is_recognised(cloud, sluice, machine):
    at = cloud.upload("cat.jpg", sample("JPEG"))
    machine.run({"bucket": at.bucket, "key": at.key})
    bury(sluice, "events", created(at))
    (done,) = redrive_dead_letters(sluice, by="ada")
    assert machine.executions[done["sent_to"]].run().path == ["Validate", "Duplicate"]


@pytest.mark.parametrize(
    ("queue", "event", "function", "about"),
    [
        ("failures", FAILED, "sluice-test-record-failure", "first"),
        ("restores", RESTORED, "sluice-test-continue-restored", "photos/cat.jpg"),
    ],
)
def test_event_for_a_function_is_queued_for_it_again(sluice, queue, event, function, about):
    bury(sluice, queue, event, {"ErrorCode": "200", "ErrorMessage": "boom"})
    (done,) = redrive_dead_letters(sluice, by="ada")
    assert (done["queue"], done["about"], done["sent_to"]) == (queue, about, function)
    assert done["gave_up"] == {"error": "200", "message": "boom"}
    assert sluice.aws.lambda_.invoked == [(function, json.dumps(event).encode())]
    assert dead_letters(sluice)[queue] == 0


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("not JSON", "cannot be read"),
        ("[]", "cannot be read"),
        ({"detail-type": "Object Created", "detail": {"bucket": {"name": "b"}}}, "does not fit ExecutionInput"),
        ({"detail-type": "Object Deleted"}, "no event that Sluice listens to"),
        ({}, "no event that Sluice listens to"),
    ],
)
def test_message_that_cannot_be_sent_stays_and_is_told(sluice, body, words):
    bury(sluice, "events", body)
    (done,) = redrive_dead_letters(sluice, by="ada")
    assert words in done["kept"]
    assert dead_letters(sluice)["events"] == 1


def test_message_that_aws_does_not_take_stays_and_the_others_go(sluice, monkeypatch):
    for event in (FAILED, RESTORED):
        bury(sluice, "failures", event)
    taken = sluice.aws.lambda_.invoke

    def invoke(**call):
        if "record-failure" in call["FunctionName"]:
            raise ClientError({"Error": {"Code": "TooManyRequestsException"}}, "Invoke")
        return taken(**call)

    monkeypatch.setattr(sluice.aws.lambda_, "invoke", invoke)
    done = {each["event"]: each for each in redrive_dead_letters(sluice, by="ada")}
    assert "TooManyRequestsException" in done[FAILED["detail-type"]]["kept"]
    assert "kept" not in done["Object Restore Completed"]
    assert dead_letters(sluice)["failures"] == 1


def test_all_messages_are_sent_however_many(sluice):
    for number in range(25):
        bury(sluice, "restores", {**RESTORED, "id": str(number)})
    told = []
    assert len(redrive_dead_letters(sluice, by="ada", on_progress=lambda: told.append(1))) == 25
    assert len(told) == len(sluice.aws.lambda_.invoked) == 25
    assert dead_letters(sluice)["restores"] == 0
