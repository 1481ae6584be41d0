"""Lambda tasks: errors by the names that Retry and Catch use on AWS, and the whole result of `lambda:invoke`.

Stock reports a throttled invocation as Lambda.Unknown, so that a retrier for Lambda.TooManyRequestsException never
takes it, ignores Qualifier and LogType, and gives only StatusCode and Payload. AWS: recorded in
error_handling/test_task_service_lambda, 25-11-2025, and services/test_lambda_task_service, 06-11-2025; and
https://docs.aws.amazon.com/step-functions/latest/dg/connect-lambda.html
"""

import base64
import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, cast

from infra.local.engine.errors import StateError
from infra.local.engine.history import to_text
from infra.local.ministack import lambda_svc
from infra.local.ministack import stepfunctions as sf
from infra.local.patches.lambda_.logs import listener
from infra.local.patches.stepfunctions.service_errors import fail

INVOKE = "arn:aws:states:::lambda:invoke"
SERVICE_ERROR = "Lambda.ServiceException"
LATEST = "$LATEST"
LOG_TAIL_BYTES = 4096


def install() -> None:
    invoke_other: Callable[[str, Any], Any] = sf._invoke_resource

    def invoke_resource(resource: str, arguments: Any) -> Any:
        return invoke_function(arguments) if resource.startswith(INVOKE) else invoke_other(resource, arguments)

    sf._invoke_resource = invoke_resource
    sf._call_lambda = call_plain_function


def invoke_function(arguments: dict[str, Any]) -> dict[str, Any]:
    reference = sf._resolve_lambda_function_ref(arguments.get("FunctionName", ""), optimized=True)
    if qualifier := arguments.get("Qualifier"):
        reference = f"{reference}:{qualifier}"
    logged: list[str] = []
    token = listener.set(logged)
    try:
        payload, version = call_function(reference, arguments.get("Payload", {}))
    finally:
        listener.reset(token)
    return {
        **({"LogResult": tail_of(logged)} if arguments.get("LogType") == "Tail" else {}),
        "ExecutedVersion": version,
        "Payload": payload,
        "SdkHttpMetadata": {"HttpStatusCode": 200},
        "SdkResponseMetadata": {"RequestId": sf.new_uuid()},
        "StatusCode": 200,
    }


def tail_of(logged: list[str]) -> str:
    return base64.b64encode("\n".join([*logged, ""]).encode()[-LOG_TAIL_BYTES:]).decode()


def call_plain_function(reference: str, event: Any) -> Any:
    return call_function(reference, event)[0]


def call_function(reference: str, event: Any) -> tuple[Any, str]:
    """What the function answers, and the version that ran."""
    function, config, name = lambda_svc._get_func_record_for_ref(reference)
    if not function or not config:
        arn = f"arn:aws:lambda:{sf.get_region()}:{sf.get_account_id()}:function:{name}"
        not_found = f"Function not found: {arn}:{reference.partition(f':{name}:')[2] or LATEST}"
        fail("Lambda", "AWSLambda", "ResourceNotFoundException", not_found, HTTPStatus.NOT_FOUND)
    invocation = lambda_svc._execution_record_for_config(function, config)
    try:
        result = lambda_svc._execute_function_with_config_scope(invocation, event)
    except Exception as exc:
        raise StateError(SERVICE_ERROR, str(exc)) from exc
    if result.get("error"):
        raise _failure(result.get("body"))
    return _answer(result.get("body")), config.get("Version", LATEST)


def _failure(body: Any) -> StateError:
    if not isinstance(body, dict):
        return StateError(SERVICE_ERROR, str(body))
    error = cast("dict[str, str]", body)
    if "__type" in error:
        return StateError(f"Lambda.{error['__type']}", error.get("message", ""))
    return StateError(error.get("errorType", "Lambda.Unknown"), to_text(error))


def _answer(body: Any) -> Any:
    if not isinstance(body, str | bytes):
        return body
    try:
        return json.loads(body)
    except ValueError:
        return body if isinstance(body, str) else body.decode()
