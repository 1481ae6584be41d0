"""Answers as API Gateway takes them (payload format 2.0): JSON, or RFC 9457's problem."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec

from tasks.api.problems import MEDIA_TYPE, Problem
from tasks.api.request import JSON
from tasks.api.shapes import ProblemDetails

Answer = dict[str, Any]
COMMON_HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


def answer(body: Any, status: HTTPStatus = HTTPStatus.OK, **headers: str) -> Answer:
    return _answer(status, JSON, body, headers)


def problem(found: Problem, request_id: str) -> Answer:
    details = ProblemDetails(
        type=found.uri(),
        title=found.title,
        status=int(found.status),
        detail=str(found),
        instance=f"urn:sluice:request:{request_id}",
    )
    return _answer(found.status, MEDIA_TYPE, details, found.headers)


def _answer(status: HTTPStatus, media_type: str, body: Any, headers: Mapping[str, str]) -> Answer:
    return {
        "statusCode": int(status),
        "headers": {"content-type": media_type, **COMMON_HEADERS, **headers},
        "body": msgspec.json.encode(body).decode(),
    }
