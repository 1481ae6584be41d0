"""A Task's calls of the AWS SDK: every action that botocore knows, with names and errors as the SDK for Java has them.

Stock knows some services and a few actions of each, gives S3's objects without their bodies, and names errors by the
code alone. AWS: recorded in services/test_aws_sdk_task_service, 06-11-2025, and error_handling/test_aws_sdk,
22-06-2023 to 22-01-2025.
"""

import datetime as dt
import functools
import os
import re
import threading
from collections.abc import Callable
from typing import Any, cast

import boto3
from botocore import xform_name
from botocore.client import BaseClient
from botocore.config import Config
from botocore.exceptions import ClientError, UnknownServiceError
from botocore.model import ListShape, MapShape, OperationModel, Shape, StructureShape

from infra.local.engine.errors import StateError
from infra.local.engine.history import to_text
from infra.local.ministack import stepfunctions as sf

SDK_CALL = re.compile(r"arn:[\w-]+:states:[\w-]*:\d*:aws-sdk:(?P<service>\w+):(?P<action>\w+)")
BOTOCORE_NAMES = {
    "cloudwatchlogs": "logs",
    "cognitoidentityprovider": "cognito-idp",
    "elasticloadbalancingv2": "elbv2",
    "eventbridge": "events",
    "rdsdata": "rds-data",
    "sfn": "stepfunctions",
}
"""Of the services whose names in a Task are not botocore's."""
KEPT_NAME = re.compile(r"Checksum[A-Z]+\d+")

# Creating a client is not safe between threads; calling one is.
_creation = threading.Lock()


def install() -> None:
    sf._invoke_aws_sdk_integration = call


def call(resource: str, arguments: Any) -> dict[str, Any]:
    named = SDK_CALL.match(resource)
    if named is None:
        raise StateError("States.Runtime", f"Invalid aws-sdk resource ARN: {resource}")
    service, action = named["service"].lower(), named["action"]
    client = _client(service, sf.get_region())
    operation: Any = _operation(client, service, action)
    given = _given(arguments or {}, operation.input_shape)
    try:
        answer: dict[str, Any] = getattr(client, xform_name(operation.name))(**given)
    except ClientError as failure:
        raise _failed(client, service, failure) from failure
    return _told({name: value for name, value in answer.items() if name != "ResponseMetadata"}, operation.output_shape)


def _client(service: str, region: str) -> BaseClient:
    with _creation:
        return _new_client(BOTOCORE_NAMES.get(service, service), region)


@functools.lru_cache(maxsize=64)
def _new_client(name: str, region: str) -> BaseClient:
    """A client that leaves it to the service to judge what it is given, as a Task does."""
    config = Config(
        inject_host_prefix=False,
        parameter_validation=False,
        response_checksum_validation="when_required",
        retries={"total_max_attempts": 1},
        s3={"addressing_style": "path"},
    )
    endpoint = f"http://{os.environ['BIND_HOST']}:{os.environ['GATEWAY_PORT']}"
    session: Any = boto3.Session(
        os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"], region_name=region
    )
    try:
        return session.client(name, endpoint_url=endpoint, config=config)
    except UnknownServiceError as exc:
        raise StateError("States.Runtime", f"Service '{name}' is not known to the SDK") from exc


def _operation(client: Any, service: str, action: str) -> OperationModel:
    name = action[:1].upper() + action[1:]
    if name not in client.meta.service_model.operation_names:
        raise StateError("States.Runtime", f"Service '{service}' has no action '{action}'")
    return client.meta.service_model.operation_model(name)


def _failed(client: Any, service: str, failure: ClientError) -> StateError:
    prefix: str = sf._AWS_SDK_ERROR_PREFIX.get(service, service.capitalize())
    response = cast("dict[str, Any]", failure.response)
    error, answer = response.get("Error", {}), response["ResponseMetadata"]
    code = error.get("Code", "").rpartition("#")[2]
    modelled = client.exceptions.from_code(code) is not ClientError
    name = f"{code.removesuffix('Exception') if modelled else prefix}Exception"
    where = f"Service: {prefix}, Status Code: {answer['HTTPStatusCode']}, Request ID: {answer.get('RequestId')}"
    if prefix == "S3":
        where += f", Extended Request ID: {answer.get('HostId')}"
    return StateError(f"{prefix}.{name}", f"{error.get('Message')} ({where}) (SDK Attempt Count: 1)")


def _given(value: Any, shape: Shape | None) -> Any:
    """The arguments with the service's own names; what is no text, and content always, is given as JSON."""
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        names = {name.lower(): name for name in shape.members}
        members = {names.get(key.lower(), key): each for key, each in cast("dict[str, Any]", value).items()}
        return {name: _given(each, shape.members.get(name)) for name, each in members.items() if each is not None}
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {key: _given(each, shape.value) for key, each in cast("dict[str, Any]", value).items()}
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [_given(each, shape.member) for each in cast("list[Any]", value)]
    kind = shape.type_name if shape is not None else None
    if kind == "blob":
        return to_text(value).encode()
    return to_text(value) if kind == "string" and not isinstance(value, str) else value


def _told(value: Any, shape: Shape | None) -> Any:
    """The answer as JSON, its members named as the SDK for Java names them."""
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        members = cast("dict[str, Any]", value).items()
        return {java_name(name): _told(each, shape.members.get(name)) for name, each in members}
    if isinstance(shape, MapShape) and isinstance(value, dict):
        return {key: _told(each, shape.value) for key, each in cast("dict[str, Any]", value).items()}
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [_told(each, shape.member) for each in cast("list[Any]", value)]
    if isinstance(value, dt.datetime):
        return f"{value.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%S}.{value.microsecond // 1000:03}Z"
    read: Callable[[], Any] | None = getattr(value, "read", None)
    content = read() if read is not None else value
    return content.decode(errors="replace") if isinstance(content, bytes) else content


def java_name(name: str) -> str:
    return name if KEPT_NAME.fullmatch(name) else sf._api_name_to_sfn_key(name)
