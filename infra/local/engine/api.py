"""How API actions answer: a function that returns the response's members, or raises a RefusedError."""

import functools
import re
from collections.abc import Callable
from typing import Any

from infra.local.engine.history import Record
from infra.local.ministack import stepfunctions as sf

ARN = re.compile(r"arn:[\w-]+:states:[\w-]*:\d*:.+", re.DOTALL)

Members = dict[str, Any]
# The emulator's form of a response: status, headers, body.
Response = tuple[int, dict[str, str], bytes]
Handler = Callable[[Members], Response]


class RefusedError(Exception):
    """An API call that AWS refuses: `code` is the exception's name in the API reference."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(f"{code}: {message}")

    def response(self) -> Response:
        return sf.error_response_json(self.code, self.message, 400)


def action(answer: Callable[[Members], Members]) -> Handler:
    @functools.wraps(answer)
    def respond(request: Members) -> Response:
        try:
            return sf.json_response(answer(request))
        except RefusedError as refusal:
            return refusal.response()

    return respond


def checked(require: Callable[[Members], None], handle: Handler) -> Handler:
    """A handler of the emulator's own, after a check that may raise a RefusedError."""

    def check_and_handle(request: Members) -> Response:
        try:
            require(request)
        except RefusedError as refusal:
            return refusal.response()
        return handle(request)

    return check_and_handle


def require_arn(arn: Any) -> None:
    """AWS tells what is no ARN of Step Functions from one that names nothing."""
    if not ARN.fullmatch(str(arn)):
        raise RefusedError("InvalidArn", f"Invalid Arn: 'Invalid ARN prefix: {arn}'")


def required_execution(request: Members) -> Record:
    arn = request.get("executionArn")
    require_arn(arn)
    record = sf._executions.get(arn)
    if record is None:
        raise RefusedError("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")
    return record
