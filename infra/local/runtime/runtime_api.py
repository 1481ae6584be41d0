"""Lambda's runtime API, for awslambdaric where its native module of this name is missing: it is built on Linux only.

https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html, with the native module's functions, results and errors.
"""

import http.client
import os
from collections.abc import Mapping
from http import HTTPStatus

Headers = dict[str, str | int | None]

_INVOCATIONS = "/2018-06-01/runtime/invocation/"
_TEXTS = (
    "Lambda-Runtime-Aws-Request-Id",
    "Lambda-Runtime-Trace-Id",
    "Lambda-Runtime-Invoked-Function-Arn",
    "Lambda-Runtime-Client-Context",
    "Lambda-Runtime-Cognito-Identity",
    "Lambda-Runtime-Aws-Tenant-Id",
    "Lambda-Runtime-Invocation-Id",
    "Content-Type",
)
_DEADLINE = "Lambda-Runtime-Deadline-Ms"
_INVOCATION_ID = "Lambda-Runtime-Invocation-Id"

_user_agent: list[str] = []


def initialize_client(user_agent: str) -> None:
    _user_agent[:] = [user_agent]


def next() -> tuple[bytes, Headers]:  # noqa: A001 - its name there
    """The next event and what is said of it; waits until there is one."""
    answer, body = _ask("GET", "next")
    if answer.status != HTTPStatus.OK:
        raise RuntimeError("Failed to get next")
    texts = {name: answer.headers[name] or None for name in _TEXTS}
    return body, texts | {_DEADLINE: int(answer.headers[_DEADLINE])}


def post_invocation_result(invoke_id: str, result: bytes, content_type: str, invocation_id: str | None) -> None:
    if not _posted(f"{invoke_id}/response", result, {"Content-Type": content_type}, invocation_id):
        raise RuntimeError("Failed to post invocation response")


def post_error(invoke_id: str, error: str, xray_fault: str, invocation_id: str | None) -> None:
    headers = {"Content-Type": "application/json", "Lambda-Runtime-Function-XRay-Error-Cause": xray_fault}
    if not _posted(f"{invoke_id}/error", error.encode(), headers, invocation_id):
        raise RuntimeError("Failed to post invocation error")


def _posted(path: str, body: bytes, headers: Mapping[str, str], invocation_id: str | None) -> bool:
    known = {**headers, _INVOCATION_ID: invocation_id or ""}
    answer, _ = _ask("POST", path, body, {name: text for name, text in known.items() if text})
    return answer.status == HTTPStatus.ACCEPTED


def _ask(
    method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
) -> tuple[http.client.HTTPResponse, bytes]:
    """A connection for each call: one that is kept may have been closed meanwhile, and a call is not to be repeated."""
    connection = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    try:
        connection.request(method, _INVOCATIONS + path, body, {"User-Agent": "".join(_user_agent), **(headers or {})})
        answer = connection.getresponse()
        return answer, answer.read()
    except (OSError, http.client.HTTPException) as exc:
        raise RuntimeError(f"The runtime API does not answer: {exc!r}") from exc
    finally:
        connection.close()
