"""Errors of the services that a Task calls, by the names that a Catch would use, with the causes that AWS gives.

Defect: stock has SNS.PublishFailed, SQS.QueueDoesNotExist and StateMachineDoesNotExist, and succeeds where EventBridge
took no event. AWS: recorded in services/test_sns_task_service, 06-11-2025, error_handling/test_task_service_sqs,
22-06-2023, error_handling/test_task_service_sfn and services/test_events_task_service, 06-11-2025.
"""

import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, NoReturn

from infra.local.engine.errors import StateError
from infra.local.engine.history import to_text
from infra.local.ministack import s3, sns
from infra.local.ministack import stepfunctions as sf

Members = dict[str, Any]

RESOURCE = "arn:aws:states:::"
UNMODELLED = {"MissingParameter": "AmazonSQSException"}
"""Codes without an exception of their own in the SDK that Step Functions uses."""
MALFORMED = {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}


def install() -> None:
    sf._invoke_nested_start_execution = start_execution
    sf._SERVICE_DISPATCH |= {
        f"{RESOURCE}sqs:sendMessage": send_message(sf._invoke_sqs_send_message),
        f"{RESOURCE}sns:publish": publish,
        f"{RESOURCE}events:putEvents": put_events(sf._invoke_events_put_events),
    }


def fail(prefix: str, service: str, code: str, message: str, status: int = HTTPStatus.BAD_REQUEST) -> NoReturn:
    name = UNMODELLED.get(code) or f"{code.removesuffix('Exception')}Exception"
    where = f"Service: {service}; Status Code: {int(status)}; Error Code: {code}; Request ID: {sf.new_uuid()}"
    raise StateError(f"{prefix}.{name}", f"{message} ({where}; Proxy: null)")


def start_execution(_resource: str, arguments: Members) -> Members:
    given = arguments.get("Input")
    text = given if isinstance(given, str) else "{}" if given is None else to_text(given)
    status, _, body = sf._start_execution(sf._nested_start_execution_request({**arguments, "Input": text}))
    answer = json.loads(body)
    if status >= HTTPStatus.BAD_REQUEST:
        fail("StepFunctions", "AWSStepFunctions", answer["__type"].rpartition("#")[2], answer["message"], status)
    return {"ExecutionArn": answer["executionArn"], "StartDate": answer["startDate"]}


def send_message(send: Callable[[str, Members], Any]) -> Callable[[str, Members], Any]:
    def send_or_fail(resource: str, arguments: Members) -> Any:
        try:
            return send(resource, arguments)
        except StateError as failure:
            code = failure.error.removeprefix("SQS.").rpartition(".")[2]
            fail("SQS", "AmazonSQS", code, failure.cause)

    return send_or_fail


def publish(_resource: str, arguments: Members) -> Members:
    status, _, body = sns._publish(arguments)
    answer = s3.fromstring(body)
    if status >= HTTPStatus.BAD_REQUEST:
        fail("SNS", "AmazonSNS", _text(answer, "Code"), _text(answer, "Message"), status)
    return {"MessageId": _text(answer, "MessageId")}


def _text(answer: Any, name: str) -> str:
    return next(element.text for element in answer.iter() if element.tag.rpartition("}")[2] == name)


def put_events(put: Callable[[str, Members], Members]) -> Callable[[str, Members], Members]:
    def put_or_fail(resource: str, arguments: Members) -> Members:
        entries: list[Members] = arguments["Entries"]
        wrong = [entry for entry in entries if is_malformed(entry.get("Detail", "{}"))]
        taken = put(resource, {**arguments, "Entries": [entry for entry in entries if entry not in wrong]})
        answers = iter(taken["Entries"])
        told = [MALFORMED if entry in wrong else next(answers) for entry in entries]
        failed = sum("ErrorCode" in one for one in told)
        if failed:
            raise StateError("EventBridge.FailedEntry", to_text({"Entries": told, "FailedEntryCount": failed}))
        return {**taken, "Entries": told, "FailedEntryCount": 0}

    return put_or_fail


def is_malformed(detail: Any) -> bool:
    if not isinstance(detail, str):
        return False
    try:
        return not isinstance(json.loads(detail), dict)
    except ValueError:
        return True
