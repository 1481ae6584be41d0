"""How API actions answer: a function that returns the response's members, or raises a RefusedError."""

import functools
import re
from collections.abc import Callable, Sequence
from typing import Any

from infra.local.engine.history import Record
from infra.local.ministack import stepfunctions as sf

DEFAULT_PAGE_SIZE = 100
MAX_PAGE_SIZE = 1000
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


def constraint(value: Any, member: str, broken: str) -> RefusedError:
    """What AWS says of a member that does not fit the API's model."""
    message = f"1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: {broken}"
    return RefusedError("ValidationException", message)


def page_size(request: Members) -> int:
    size: int = request.get("maxResults") or DEFAULT_PAGE_SIZE
    if size > MAX_PAGE_SIZE:
        raise constraint(size, "maxResults", f"Member must have value less than or equal to {MAX_PAGE_SIZE}")
    return size


def page(name: str, found: Sequence[Members], request: Members) -> Members:
    """The part of `found` that is asked for; the token is where the next one begins."""
    token: str = request.get("nextToken") or "0"
    if not token.isdecimal():
        raise invalid_token()
    end = int(token) + page_size(request)
    return {name: found[int(token) : end]} | ({"nextToken": str(end)} if end < len(found) else {})


def invalid_token() -> RefusedError:
    return RefusedError("InvalidToken", "Invalid Token: 'Invalid token'")


def require_machine(request: Members) -> Members:
    """The state machine's record."""
    arn = request.get("stateMachineArn")
    require_arn(arn)
    if arn not in sf._state_machines:
        raise RefusedError("StateMachineDoesNotExist", f"State Machine Does Not Exist: '{arn}'")
    return sf._state_machines[arn]


def require_execution_arn(request: Members) -> None:
    """An Express execution's ARN names nothing that can be asked for."""
    arn = request.get("executionArn")
    require_arn(arn)
    if str(arn).split(":")[5] == "express":
        raise RefusedError("InvalidArn", "Invalid Arn: 'Resource type not valid in this context: express'")


def required_execution(request: Members) -> Record:
    require_execution_arn(request)
    arn = request.get("executionArn")
    record = sf._executions.get(arn)
    if record is None:
        raise RefusedError("ExecutionDoesNotExist", f"Execution Does Not Exist: '{arn}'")
    return record
