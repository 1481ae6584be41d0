"""What rules and functions gave up is sent again; a message leaves its queue only after it was taken."""

import json
from types import SimpleNamespace

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError, ReadTimeoutError

from tests.unit.cloud import INGEST, OPERATIONS
from tests.unit.images import sample
from workflow.operator.operations.dead_letters import (
    discard_dead_letters,
    look,
    queues,
    redrive_dead_letters,
)  # fmt: skip
from workflow.operator.operations.sweep import SweepFailedError
from workflow.operator.stack import NotThereError


def waiting(sluice) -> dict[str, int]:
    """How many messages each queue has that can be looked at."""
    return {each.name: each.messages for each in queues(sluice) if each.messages is not None}


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
        QueueUrl=sluice.stack.dead_letters[queue],
        MessageBody=body,
        MessageAttributes={
            name: {"DataType": "String", "StringValue": text} for name, text in (attributes or {}).items()
        },
    )


def test_upload_that_could_not_be_started_is_started_as_its_rule_would_have(cloud, sluice, machine):
    at = cloud.upload('fotos/gr"oß 1.jpg', sample("JPEG"))
    bury(sluice, "events", created(at), GIVEN_UP)
    (done,) = redrive_dead_letters(sluice, by="ada")
    assert (done.queue, done.event, done.about) == ("events", "Object Created", at.key)
    assert done.gave_up == {"error": "RESOURCE_LIMIT_EXCEEDED", "message": "too many"}
    execution = machine.executions[done.sent_to]
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
    assert not any(waiting(sluice).values())


def test_upload_that_somebody_has_started_meanwhile_is_recognised(cloud, sluice, machine):
    at = cloud.upload("cat.jpg", sample("JPEG"))
    machine.run({"bucket": at.bucket, "key": at.key})
    bury(sluice, "events", created(at))
    (done,) = redrive_dead_letters(sluice, by="ada")
    assert machine.executions[done.sent_to].run().path == ["Validate", "Duplicate"]


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
    assert (done.queue, done.about, done.sent_to) == (queue, about, function)
    assert done.gave_up == {"error": "200", "message": "boom"}
    assert sluice.aws.lambda_.invoked == [(function, json.dumps(event).encode())]
    assert waiting(sluice)[queue] == 0


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("not JSON", "cannot be read"),
        ("[]", "cannot be read"),
        ({"detail-type": "Object Created", "detail": {"bucket": {"name": "b"}}}, "does not fit ExecutionInput"),
        ({"detail-type": "Object Deleted"}, "not an event that Sluice handles"),
        ({}, "not an event that Sluice handles"),
    ],
)
def test_message_that_cannot_be_sent_stays_and_is_told(sluice, body, words):
    bury(sluice, "events", body)
    (done,) = redrive_dead_letters(sluice, by="ada")
    assert words in done.kept
    assert waiting(sluice)["events"] == 1


def test_message_that_aws_does_not_take_stays_and_the_others_go(sluice, monkeypatch):
    for event in (FAILED, RESTORED):
        bury(sluice, "failures", event)
    taken = sluice.aws.lambda_.invoke

    def invoke(**call):
        if "record-failure" in call["FunctionName"]:
            raise ClientError({"Error": {"Code": "TooManyRequestsException"}}, "Invoke")
        return taken(**call)

    monkeypatch.setattr(sluice.aws.lambda_, "invoke", invoke)
    done = {each.event: each for each in redrive_dead_letters(sluice, by="ada")}
    assert "TooManyRequestsException" in done[FAILED["detail-type"]].kept
    assert done["Object Restore Completed"].kept is None
    assert waiting(sluice)["failures"] == 1


def test_all_messages_are_sent_however_many(sluice):
    for number in range(25):
        bury(sluice, "restores", {**RESTORED, "id": str(number)})
    told = []
    assert len(redrive_dead_letters(sluice, by="ada", on_progress=lambda: told.append(1))) == 25
    assert len(told) == len(sluice.aws.lambda_.invoked) == 25
    assert waiting(sluice)["restores"] == 0


def bodies(sluice, url):
    """What is in a queue."""
    return [each["Body"] for each in sluice.aws.sqs.receive_message(QueueUrl=url).get("Messages", [])]


@pytest.mark.parametrize("queue", ["requests", "webhook"])
def test_message_is_put_back_into_the_queue_that_gave_it_up(sluice, queue):
    bury(sluice, queue, {"key": "cat.jpg"}, {"reason": "no bucket"})
    (done,) = redrive_dead_letters(sluice, queue, by="ada")
    assert (done.about, done.gave_up) == ("cat.jpg", {"message": "no bucket"})
    assert bodies(sluice, sluice.stack.sources[queue]) == [json.dumps({"key": "cat.jpg"})]
    assert waiting(sluice)[queue] == 0


def test_message_that_is_put_back_keeps_what_its_sender_said_beside_it(sluice):
    bury(sluice, "requests", {"key": "cat.jpg"}, {"tenant": "zoo", "reason": "no bucket", "ERROR_CODE": "NO_RESOURCE"})
    redrive_dead_letters(sluice, "requests", by="ada")
    (back,) = sluice.aws.sqs.receive_message(QueueUrl=sluice.stack.sources["requests"], MessageAttributeNames=["All"])[
        "Messages"
    ]
    assert {name: each["StringValue"] for name, each in back["MessageAttributes"].items()} == {"tenant": "zoo"}


def test_message_that_comes_again_at_once_does_not_go_round_for_ever(sluice, monkeypatch):
    bury(sluice, "requests", {"nonsense": 1})
    sent, source = sluice.aws.sqs.send_message, sluice.stack.sources["requests"]

    def refuse_at_once(**call):
        assert call["QueueUrl"] == source
        return sent(**{**call, "QueueUrl": sluice.stack.dead_letters["requests"]})

    monkeypatch.setattr(sluice.aws.sqs, "send_message", refuse_at_once)
    first, second = redrive_dead_letters(sluice, "requests", by="ada")
    assert first.sent_to
    assert "came back at once" in second.kept
    assert waiting(sluice)["requests"] == 1


def test_one_sweep_does_what_all_failed_ones_were_to_do(sluice, monkeypatch):
    asked = []
    monkeypatch.setattr(
        "workflow.operator.operations.dead_letters.sweep",
        lambda _: asked.append(1) or SimpleNamespace(reports=["a report"]),
    )
    for number in range(3):
        bury(sluice, "sweeps", {"number": number})
    assert {each.sent_to for each in redrive_dead_letters(sluice, "sweeps", by="ada")} == {"a report"}
    assert (len(asked), waiting(sluice)["sweeps"]) == (1, 0)


def test_sweep_that_fails_again_leaves_its_message(sluice, monkeypatch):
    def fail(_sluice):
        raise SweepFailedError("the table is gone")

    monkeypatch.setattr("workflow.operator.operations.dead_letters.sweep", fail)
    bury(sluice, "sweeps", {})
    (done,) = redrive_dead_letters(sluice, "sweeps", by="ada")
    assert "the table is gone" in done.kept
    assert waiting(sluice)["sweeps"] == 1


def test_only_the_messages_that_are_meant_are_sent(sluice):
    for number in range(3):
        bury(sluice, "restores", {**RESTORED, "id": str(number)})
    chosen = look(sluice, "restores")[1]
    (done,) = redrive_dead_letters(sluice, "restores", by="ada", ids={chosen.message_id})
    assert done.body == chosen.body
    assert waiting(sluice) == dict.fromkeys(sluice.stack.dead_letters, 0) | {"restores": 2}


def test_look_tells_what_each_is_about_and_leaves_it(sluice):
    bury(sluice, "failures", FAILED, {"ErrorCode": "200", "ErrorMessage": "boom"})
    bury(sluice, "failures", "[" * 10_000)
    place = {"shardId": "shardId-1", "startSequenceNumber": "4", "batchSize": 7}
    bury(sluice, "failures", {"DDBStreamBatchInfo": place})
    for _ in range(2):
        found = look(sluice, "failures")
        assert {each.about for each in found} == {"first", None, "7 records from 4 of shardId-1"}
        assert {"error": "200", "message": "boom"} in [each.gave_up for each in found]
        assert waiting(sluice)["failures"] == 3
    assert len(look(sluice, "failures", limit=2)) == 2
    assert waiting(sluice)["failures"] == 3


def test_every_queue_is_listed_with_what_sending_again_does(sluice):
    bury(sluice, "requests", {})
    found = {each.name: each for each in queues(sluice)}
    assert found.keys() == sluice.stack.dead_letters.keys()
    assert (found["requests"].messages, found["requests"].problem) == (1, None)
    assert all(each.redrive != "see docs/runbook.md" for each in found.values())


def test_what_is_discarded_can_still_be_read(cloud, sluice):
    bury(sluice, "webhook", "not JSON", {"reason": "no receiver"})
    (gone,) = discard_dead_letters(sluice, "webhook", by="ada", why="the receiver is gone for good")
    assert waiting(sluice)["webhook"] == 0
    (copy,) = cloud.contents(OPERATIONS).items()
    assert gone.kept_as == f"s3://{OPERATIONS}/{copy[0]}"
    kept = json.loads(copy[1])
    assert (kept["body"], kept["discarded"]["by"]) == ("not JSON", "ada")


@pytest.fixture
def unanswered(sluice):
    """Lets the first call of an operation be without an answer."""
    left, direct = [], BaseClient._make_api_call  # pyright: ignore[reportAttributeAccessIssue]

    def call(client, operation, parameters):
        if operation in left:
            left.remove(operation)
            raise ReadTimeoutError(endpoint_url="https://aws.example")
        return direct(client, operation, parameters)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(BaseClient, "_make_api_call", call)
        yield left


@pytest.mark.parametrize("operation", ["PutObject", "DeleteMessage", "ChangeMessageVisibility"])
def test_message_that_aws_gives_no_answer_about_is_told_beside_the_others(sluice, unanswered, operation):
    for body in ("one", "two"):
        bury(sluice, "webhook", body)
    unanswered += [operation] * 2 if operation == "ChangeMessageVisibility" else [operation]
    ids = None if operation != "ChangeMessageVisibility" else {"none of them"}
    gone = discard_dead_letters(sluice, "webhook", by="ada", why="gone", ids=ids)
    assert ["timeout" in (each.kept or "") for each in gone] == ([True, False] if ids is None else [])


def test_message_that_was_sent_and_could_not_be_deleted_is_told_so(cloud, sluice, machine, unanswered):
    for number in range(2):
        bury(sluice, "events", created(cloud.upload(f"{number}.jpg", sample("JPEG"))))
    unanswered.append("DeleteMessage")
    first, second = redrive_dead_letters(sluice, "events", by="ada")
    assert {first.sent_to, second.sent_to} == set(machine.executions)
    assert (first.kept.startswith("It is done, but could not be deleted"), second.kept) == (True, None)


def test_queue_that_the_stage_does_not_have_is_a_sentence(sluice):
    with pytest.raises(NotThereError, match="no dead letters of 'nobody'; this stage has those of events"):
        look(sluice, "nobody")
