"""The OpenAPI 3.1 description, from the table of endpoints."""

import json
from collections.abc import Iterable, Iterator
from functools import cache
from http import HTTPStatus
from inspect import cleandoc
from typing import Any

import msgspec

from tasks.api import problems
from tasks.api.endpoints import ENDPOINTS, IDEMPOTENCY_KEY, Endpoint, Shapes
from tasks.api.problems import Problem
from tasks.api.request import JSON
from tasks.api.shapes import GatewayMessage, ProblemDetails

VERSION = "1"
Json = dict[str, Any]

SECURITY: Json = {
    "sigv4": {
        "type": "apiKey",
        "name": "Authorization",
        "in": "header",
        "description": "AWS Signature Version 4 for the service execute-api, where the stage identifies callers by IAM",
        "x-amazon-apigateway-authtype": "awsSigv4",
    },
    "jwt": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "A token of the issuer that the stage names, where it identifies callers by JWT",
    },
}
BY_THE_GATEWAY = {
    HTTPStatus.UNAUTHORIZED: "No token, or one that is not accepted (JWT)",
    HTTPStatus.FORBIDDEN: "No signature, or one that is not accepted or may not call this (IAM); or a missing scope",
    HTTPStatus.TOO_MANY_REQUESTS: "The stage's limit is reached",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Something is broken; the function's log says what",
}
"""What the function never sees."""


@cache
def document() -> Json:
    """The whole description."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Sluice",
            "version": VERSION,
            "summary": "Upload files, have them processed, and see what became of them",
        },
        "security": [{name: []} for name in SECURITY],
        "paths": _paths(),
        "components": {"schemas": _schemas(), "securitySchemes": SECURITY},
    }


def _paths() -> Json:
    paths: Json = {}
    for endpoint in ENDPOINTS.values():
        paths.setdefault(endpoint.address, {})[endpoint.method.lower()] = _operation(endpoint)
    return paths


def _operation(endpoint: Endpoint) -> Json:
    parameters = list(_parameters(endpoint))
    return {
        "operationId": endpoint.operation,
        "summary": endpoint.summary,
        **({"parameters": parameters} if parameters else {}),
        **({"requestBody": _request_body(endpoint)} if endpoint.body else {}),
        "responses": {
            str(int(endpoint.status)): _response(endpoint),
            **_gateway_responses(),
            **{str(int(problem.status)): _problem(problem) for problem in _by_status(endpoint.every_problem)},
        },
    }


def _parameters(endpoint: Endpoint) -> Iterator[Json]:
    for place, shape in (("path", endpoint.path), ("query", endpoint.query)):
        if shape:
            yield from _fields(shape, place)
    if endpoint.idempotent:
        schema = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"}
        yield {"name": IDEMPOTENCY_KEY, "in": "header", "required": False, "schema": schema}


def _fields(shape: Shapes, place: str) -> Iterator[Json]:
    for field in msgspec.structs.fields(shape):
        schema = msgspec.json.schema(field.type)
        yield {"name": field.name, "in": place, "required": field.required, "schema": schema}


def _request_body(endpoint: Endpoint) -> Json:
    extra = (endpoint.body_meta.extra_json_schema or {}) if endpoint.body_meta else {}
    return {"required": True, "content": {JSON: {"schema": _reference(endpoint.body) | extra}}}


def _response(endpoint: Endpoint) -> Json:
    schema = _reference(endpoint.answer) if endpoint.answer else {"type": "object"}
    return {"description": endpoint.summary, "content": {JSON: {"schema": schema}}}


def _gateway_responses() -> Json:
    content = {JSON: {"schema": _reference(GatewayMessage)}}
    return {str(int(status)): {"description": text, "content": content} for status, text in BY_THE_GATEWAY.items()}


def _problem(problem: type[Problem]) -> Json:
    by_the_gateway = {JSON: {"schema": _reference(GatewayMessage)}} if problem.status in BY_THE_GATEWAY else {}
    content = {problems.MEDIA_TYPE: {"schema": _reference(ProblemDetails)}} | by_the_gateway
    return {"description": f"{problem.title} (`{problem.uri()}`)", "content": content}


def _by_status(found: Iterable[type[Problem]]) -> list[type[Problem]]:
    return sorted(set(found), key=lambda problem: problem.status)


def _reference(shape: Shapes | None) -> Json:
    return {"$ref": f"#/components/schemas/{shape.__name__}"} if shape else {}


def _schemas() -> Json:
    shapes = {shape for each in ENDPOINTS.values() for shape in (each.answer, each.body) if shape}
    named = sorted({*shapes, ProblemDetails, GatewayMessage}, key=lambda shape: shape.__name__)
    _, schemas = msgspec.json.schema_components(named, ref_template="#/components/schemas/{name}")
    return {name: _told_alike(schema) for name, schema in sorted(schemas.items())}


def _told_alike(schema: Json) -> Json:
    """Since 3.13, Python itself takes the indentation out of what describes a shape."""
    return schema | {"description": cleandoc(schema["description"])} if "description" in schema else schema


def text() -> str:
    return json.dumps(document(), indent=2) + "\n"
