"""Answers the calls of every boto3 client from what one account has, while it lasts."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ParamValidationError
from botocore.validate import ParamValidator

from tests.fakes.dynamodb import DynamoDB
from tests.fakes.errors import AwsError
from tests.fakes.messages import Events, Parameters, Queues, Topics
from tests.fakes.s3 import S3

Operation = Callable[..., dict[str, Any] | None]


class Account:
    """Empty at first."""

    def __init__(self) -> None:
        self.queues = Queues()
        self.services: Mapping[str, Any] = {
            "dynamodb": DynamoDB(),
            "s3": S3(),
            "sqs": self.queues,
            "sns": Topics(self.queues),
            "ssm": Parameters(),
            "events": Events(),
        }

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Services that are not faked are asked as before."""
        direct = BaseClient._make_api_call

        def call(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
            service = self.services.get(client.meta.service_model.service_name)
            return (
                direct(client, operation, parameters)
                if service is None
                else _answer(service, client, operation, parameters)
            )

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(BaseClient, "_make_api_call", call)
            yield


def _answer(service: Any, client: BaseClient, name: str, parameters: dict[str, Any]) -> dict[str, Any]:
    known: Operation | None = getattr(service, name, None)
    if known is None:
        raise NotImplementedError(f"{type(service).__name__} has no {name}.")
    _check(client, name, parameters)
    try:
        answer = known(**parameters) or {}
    except TypeError as exc:
        if "unexpected keyword argument" in str(exc):
            raise NotImplementedError(f"{type(service).__name__}: {exc}") from exc
        raise
    except AwsError as exc:
        raise client.exceptions.from_code(exc.code)(exc.response, name) from None
    return answer | {"ResponseMetadata": {"HTTPStatusCode": 200, "HTTPHeaders": {}, "RetryAttempts": 0}}


def _check(client: BaseClient, name: str, parameters: dict[str, Any]) -> None:
    """As boto3 checks them before it asks, once it has made texts of the sources of copies."""
    texts = {name: "text" for name in ("CopySource",) if name in parameters}
    report = ParamValidator().validate(parameters | texts, client.meta.service_model.operation_model(name).input_shape)
    if report.has_errors():
        raise ParamValidationError(report=report.generate_report())
