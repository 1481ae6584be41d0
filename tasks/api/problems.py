"""What the HTTP API refuses, as RFC 9457 has it: each class is a problem with a status and a title of its own.

Problem
├── MalformedRequest  400  ├── MethodNotAllowed  405  ├── UnsupportedType  415
├── Unidentified      401  ├── Conflict          409  ├── Unprocessable    422
└── NotFound          404  └── TooLarge          413  └── TooManyRequests  429

What is no problem of the caller's fails the function: API Gateway answers 500, and the alarms see it.
"""

import re
from collections.abc import Mapping
from http import HTTPStatus

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):  # noqa: N818 - the RFC's word
    """A request that is not served; its message tells the caller what to do."""

    status: HTTPStatus
    title: str

    def __init__(self, detail: str, **headers: str) -> None:
        """`headers` go with the answer, with underscores for hyphens."""
        super().__init__(detail)
        self.headers: Mapping[str, str] = {name.replace("_", "-"): value for name, value in headers.items()}

    @classmethod
    def uri(cls) -> str:
        return f"urn:sluice:problem:{cls.slug()}"

    @classmethod
    def slug(cls) -> str:
        return re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()


class MalformedRequest(Problem):
    status, title = HTTPStatus.BAD_REQUEST, "The request cannot be read"


class Unidentified(Problem):
    status, title = HTTPStatus.UNAUTHORIZED, "Nobody can be named who asks"


class NotFound(Problem):
    status, title = HTTPStatus.NOT_FOUND, "There is no such thing"


class MethodNotAllowed(Problem):
    status, title = HTTPStatus.METHOD_NOT_ALLOWED, "The path has no such method"


class Conflict(Problem):
    status, title = HTTPStatus.CONFLICT, "Something else is in the way"


class TooLarge(Problem):
    status, title = HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "More bytes than are accepted"


class UnsupportedType(Problem):
    status, title = HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Content of a type that is not accepted"


class Unprocessable(Problem):
    status, title = HTTPStatus.UNPROCESSABLE_ENTITY, "The request does not make sense"


class TooManyRequests(Problem):
    status, title = HTTPStatus.TOO_MANY_REQUESTS, "AWS asks to slow down"


def every_problem() -> list[type[Problem]]:
    return sorted(Problem.__subclasses__(), key=lambda problem: problem.status)
