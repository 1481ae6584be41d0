"""What a Task's calls answer and how they fail, as AWS was recorded."""

import base64
import json
import re
import uuid
from typing import Any

import pytest

from tests.conformance.facts import Fact, told
from tests.integration.patches.conftest import Cloud
from tests.integration.patches.stepfunctions_probe import create, function, machine, next_token, queue, start

REQUEST_ID = re.compile(r"Request ID: [\w-]+")
PASS = machine(("A", {"Type": "Pass"}))


def task(action: str, parameters: dict[str, Any], **fields: Any) -> dict[str, Any]:
    state = {"Type": "Task", "Resource": f"arn:aws:states:::{action}", "Parameters": parameters}
    return machine(("Task", {**state, **fields}))


def failed(cloud: Cloud, definition: dict[str, Any]) -> tuple[str, str]:
    """Error and cause, without the request's id."""
    described = start(cloud, definition).ended()
    return described["error"], REQUEST_ID.sub("Request ID: ID", described["cause"]).partition(", Extended")[0]


def output(cloud: Cloud, definition: dict[str, Any], data: Any = None) -> Any:
    return start(cloud, definition, data).output()


def function_not_there(cloud: Cloud) -> Any:
    return failed(cloud, task("lambda:invoke", {"FunctionName": "nosuch", "Payload": {}}))


def log_tail(cloud: Cloud) -> Any:
    arn = function(cloud, "def handle(event, context):\n    print('said')\n")
    answer = output(cloud, task("lambda:invoke", {"FunctionName": arn, "LogType": "Tail", "Payload": {}}))
    lines = base64.b64decode(answer["LogResult"]).decode().splitlines()
    return [line.split()[0] for line in lines]


def machine_not_there(cloud: Cloud) -> Any:
    arn = "arn:aws:states:us-east-1:000000000000:stateMachine:nosuch"
    return failed(cloud, task("states:startExecution", {"StateMachineArn": arn}))


def nested_output(cloud: Cloud, pattern: str) -> Any:
    definition = task(f"states:startExecution{pattern}", {"StateMachineArn": create(cloud, PASS), "Input": {"a": 1}})
    answer = output(cloud, definition)
    return [answer[name] for name in ("Input", "InputDetails", "Output", "OutputDetails", "Status")]


def answered_in_place_of_the_nested(cloud: Cloud) -> Any:
    sqs, url = queue(cloud)
    asking = task("sqs:sendMessage", {"QueueUrl": url, "MessageBody.$": "$.token"}, Next="Wait")
    asking["States"]["Wait"] = {"Type": "Wait", "Seconds": 600, "End": True}
    parameters = {"StateMachineArn": create(cloud, asking), "Input": {"token.$": "$$.Task.Token"}}
    execution = start(cloud, task("states:startExecution.sync", parameters))
    cloud.client("stepfunctions").send_task_success(taskToken=next_token(sqs, url), output='"early"')
    return execution.output()


def topic_not_there(cloud: Cloud) -> Any:
    arn = "arn:aws:sns:us-east-1:000000000000:nosuch"
    return failed(cloud, task("sns:publish", {"TopicArn": arn, "Message": "m"}))[0]


def queue_not_there(cloud: Cloud) -> Any:
    url = f"{cloud.emulator.endpoint}/000000000000/nosuch"
    return failed(cloud, task("sqs:sendMessage", {"QueueUrl": url, "MessageBody": "m"}))[0]


def malformed_event(cloud: Cloud) -> Any:
    entries = [{"Detail": "notjson", "DetailType": "t", "Source": "s"}]
    error, cause = failed(cloud, task("events:putEvents", {"Entries": entries}))
    return error, json.loads(cause)["FailedEntryCount"]


def bucket(cloud: Cloud) -> str:
    name = f"b-{uuid.uuid4().hex}"
    cloud.client("s3").create_bucket(Bucket=name)
    return name


def object_read(cloud: Cloud) -> Any:
    name = bucket(cloud)
    cloud.client("s3").put_object(Bucket=name, Key="k", Body=b"text data")
    answer = output(cloud, task("aws-sdk:s3:getObject", {"Bucket": name, "Key": "k"}))
    return {member: answer[member] for member in sorted(answer) if member != "LastModified"}


def object_written(cloud: Cloud) -> Any:
    name, s3 = bucket(cloud), cloud.client("s3")
    for key, body in {"text": "text data", "object": {"Dict": "Value"}, "number": 0}.items():
        output(cloud, task("aws-sdk:s3:putObject", {"Bucket": name, "Key": key, "Body": body}))
    return [s3.get_object(Bucket=name, Key=key)["Body"].read() for key in ("text", "object", "number")]


def object_not_there(cloud: Cloud) -> Any:
    return failed(cloud, task("aws-sdk:s3:getObject", {"Bucket": bucket(cloud), "Key": "k"}))


def bucket_not_there(cloud: Cloud) -> Any:
    return failed(cloud, task("aws-sdk:s3:listObjects", {"Bucket": f"b-{uuid.uuid4().hex}"}))[0]


def table_not_there(cloud: Cloud) -> Any:
    return failed(cloud, task("aws-sdk:dynamodb:getItem", {"TableName": "nosuch", "Key": {"id": {"S": "1"}}}))[0]


def execution_started_with_json(cloud: Cloud) -> Any:
    parameters = {"StateMachineArn": create(cloud, PASS), "Input": {"key": "value"}}
    answer = output(cloud, task("aws-sdk:sfn:startExecution", parameters))
    described = cloud.client("stepfunctions").describe_execution(executionArn=answer["ExecutionArn"])
    return sorted(answer), described["input"]


def silent(cloud: Cloud, timeout: dict[str, Any]) -> Any:
    url = queue(cloud)[1]
    parameters = {"QueueUrl": url, "MessageBody.$": "$$.Task.Token"}
    return start(cloud, task("sqs:sendMessage.waitForTaskToken", parameters, **timeout)).failure()


def read(**members: Any) -> dict[str, Any]:
    return {"AcceptRanges": "bytes", **members, "Metadata": {}, "ServerSideEncryption": "AES256"}


FACTS: dict[str, Fact] = {
    # error_handling/test_task_service_lambda::test_no_such_function, 25-11-2025
    "no such function": Fact(
        function_not_there,
        (
            "Lambda.ResourceNotFoundException",
            (
                "Function not found: arn:aws:lambda:us-east-1:000000000000:function:nosuch:$LATEST "
                "(Service: AWSLambda; Status Code: 404; Error Code: ResourceNotFoundException; Request ID: ID; "
                "Proxy: null)"
            ),
        ),
    ),
    # services/test_lambda_task_service::test_invoke_unsupported_param, 06-11-2025; its text: Lambda's developer guide
    "the log's tail": Fact(log_tail, ["START", "said", "END", "REPORT"]),
    # error_handling/test_task_service_sfn::test_start_execution_no_such_arn, 30-06-2023
    "no such machine": Fact(
        machine_not_there,
        (
            "StepFunctions.StateMachineDoesNotExistException",
            (
                "State Machine Does Not Exist: 'arn:aws:states:us-east-1:000000000000:stateMachine:nosuch' (Service: "
                "AWSStepFunctions; Status Code: 400; Error Code: StateMachineDoesNotExist; Request ID: ID; Proxy: null)"
            ),
        ),
    ),
    # callback/test_callback::test_start_execution_sync, 30-06-2023, and ..._sync2, 12-08-2023
    "nested as text": Fact(
        lambda cloud: nested_output(cloud, ".sync"),
        ['{"a":1}', {"Included": True}, '{"a":1}', {"Included": True}, "SUCCEEDED"],
    ),
    "nested as JSON": Fact(
        lambda cloud: nested_output(cloud, ".sync:2"),
        [{"a": 1}, {"Included": True}, {"a": 1}, {"Included": True}, "SUCCEEDED"],
    ),
    # callback/test_callback::test_sync_with_task_token, 12-07-2024
    "a token ends a nested execution's task": Fact(answered_in_place_of_the_nested, "early"),
    # services/test_sns_task_service::test_publish_base_error_topic_arn, 06-11-2025
    "no such topic": Fact(topic_not_there, "SNS.NotFoundException"),
    # error_handling/test_task_service_sqs::test_send_message_no_such_queue, 22-06-2023
    "no such queue": Fact(queue_not_there, "SQS.QueueDoesNotExistException"),
    # services/test_events_task_service::test_put_events_malformed_detail, 06-11-2025
    "malformed event": Fact(malformed_event, ("EventBridge.FailedEntry", 1)),
    # services/test_aws_sdk_task_service::test_s3_get_object and test_s3_put_object, 06-11-2025
    "an object is read": Fact(
        object_read,
        read(
            Body="text data",
            ContentLength=9,
            ContentType="binary/octet-stream",
            ETag='"332eec544317a6d340b8e77da7fe54ad"',
        ),
    ),
    "an object is written as JSON": Fact(object_written, [b'"text data"', b'{"Dict":"Value"}', b"0"]),
    # error_handling/test_aws_sdk::test_s3_no_such_key, 22-01-2025, and test_no_such_bucket, 22-06-2023
    "no such object": Fact(
        object_not_there,
        (
            "S3.NoSuchKeyException",
            "The specified key does not exist. (Service: S3, Status Code: 404, Request ID: ID",
        ),
    ),
    "no such bucket": Fact(bucket_not_there, "S3.NoSuchBucketException", stock=True),
    # error_handling/test_aws_sdk::test_dynamodb_put_item_no_such_table, 27-07-2023
    "no such table": Fact(table_not_there, "DynamoDb.ResourceNotFoundException", stock=True),
    # services/test_aws_sdk_task_service::test_sfn_start_execution_implicit_json_serialisation
    "an execution takes JSON": Fact(execution_started_with_json, (["ExecutionArn", "StartDate"], '{"key":"value"}')),
    # timeouts/test_heartbeats::test_heartbeat_timeout, 18-04-2024
    "no heartbeat": Fact(
        lambda cloud: silent(cloud, {"HeartbeatSeconds": 1, "TimeoutSeconds": 60}), ("FAILED", "States.Timeout")
    ),
}
NOT_ASKED_OF_STOCK = frozenset({"no heartbeat", "a token ends a nested execution's task"})
"""Stock waits for ever, or as long as the timeout says."""


@pytest.mark.parametrize("name", FACTS)
def test_a_task_answers_as_on_aws(cloud: Cloud, name: str) -> None:
    assert FACTS[name].ask(cloud) == FACTS[name].answer


@pytest.mark.parametrize("name", sorted(FACTS.keys() - NOT_ASKED_OF_STOCK))
def test_stock_needs_its_patch(stock: Cloud, name: str) -> None:
    assert told(FACTS[name], stock) is FACTS[name].stock
