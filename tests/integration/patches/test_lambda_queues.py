"""What Sluice relies on where Lambda takes messages out of a queue."""

import io
import json
import uuid
import zipfile
from typing import Any

from tests.waiting import until

CODE = """
import json, os

def handle(event, _context):
    if os.environ["FAIL"] == "all":
        raise RuntimeError("no")
    if os.environ["FAIL"] == "others":
        return {"batchItemFailures": [{"itemIdentifier": "of another batch"}]}
    bad = [each["messageId"] for each in event["Records"] if each["body"] == "bad"]
    return {"batchItemFailures": [{"itemIdentifier": each} for each in bad]}
"""


def packed() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("code.py", CODE)
    return data.getvalue()


def queue(sqs: Any, name: str, **attributes: str) -> tuple[str, str]:
    """URL and ARN of a new queue."""
    url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
    return url, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]


def served_queue(patched: Any, *, fail: str) -> tuple[str, str]:
    """URLs of a queue that a function is served from, twice at most, and of its dead letters."""
    name = f"q-{uuid.uuid4().hex}"
    sqs, lambda_ = patched.client("sqs"), patched.client("lambda")
    dead_letters, dead_letters_arn = queue(sqs, f"{name}-dead")
    redrive = json.dumps({"deadLetterTargetArn": dead_letters_arn, "maxReceiveCount": 2})
    url, arn = queue(sqs, name, VisibilityTimeout="1", RedrivePolicy=redrive)
    lambda_.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="code.handle",
        Role="arn:aws:iam::000000000000:role/any",
        Code={"ZipFile": packed()},
        Environment={"Variables": {"FAIL": fail}},
    )
    lambda_.create_event_source_mapping(
        FunctionName=name,
        EventSourceArn=arn,
        FunctionResponseTypes=["ReportBatchItemFailures"],
        ScalingConfig={"MaximumConcurrency": 2},
    )
    return url, dead_letters


def received(sqs: Any, url: str) -> list[str]:
    """The next bodies in a queue, whenever they come."""
    found = until(lambda: sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5, MaxNumberOfMessages=10).get("Messages"))
    return [message["Body"] for message in found]


def left(sqs: Any, url: str) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    return sum(
        int(each) for each in sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"].values()
    )


def test_only_the_messages_that_failed_come_again_and_end_as_dead_letters(patched: Any) -> None:
    sqs = patched.client("sqs")
    url, dead_letters = served_queue(patched, fail="some")
    for number, body in enumerate(("good", "bad", "fine")):
        sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": str(number), "MessageBody": body}])
    assert received(sqs, dead_letters) == ["bad"]
    assert left(sqs, url) == 0


def test_a_batch_whose_function_fails_comes_again_as_a_whole(patched: Any) -> None:
    sqs = patched.client("sqs")
    url, dead_letters = served_queue(patched, fail="all")
    sqs.send_message(QueueUrl=url, MessageBody="good")
    assert received(sqs, dead_letters) == ["good"]
    assert left(sqs, url) == 0


def test_a_batch_comes_again_when_the_report_names_a_message_that_was_not_in_it(stock: Any, patched: Any) -> None:
    sqs = stock.client("sqs")
    url, dead_letters = served_queue(stock, fail="others")
    sqs.send_message(QueueUrl=url, MessageBody="lost")
    until(lambda: left(sqs, url) == 0)
    assert left(sqs, dead_letters) == 0

    sqs = patched.client("sqs")
    url, dead_letters = served_queue(patched, fail="others")
    sqs.send_message(QueueUrl=url, MessageBody="kept")
    assert received(sqs, dead_letters) == ["kept"]
    assert left(sqs, url) == 0
