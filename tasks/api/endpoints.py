"""The table of the HTTP API: the routes that API Gateway has, what the function checks, and the OpenAPI file."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType

import msgspec

from tasks.api.problems import (
    Conflict,
    MalformedRequest,
    NotFound,
    Problem,
    TooLarge,
    TooManyRequests,
    Unprocessable,
    UnsupportedType,
)
from tasks.api.shapes import (
    Asset,
    AssetFilter,
    AssetPage,
    AssetPath,
    Execution,
    ExecutionPath,
    NewExecution,
    NewUpload,
    OneOfBoth,
    Started,
    UploadForm,
)

IDEMPOTENCY_KEY = "idempotency-key"
ANY_OTHER = "$default"
"""API Gateway's route for what no other route takes."""

Shapes = type[msgspec.Struct]
ALWAYS: tuple[type[Problem], ...] = (TooManyRequests,)
BODY: tuple[type[Problem], ...] = (MalformedRequest, UnsupportedType, Unprocessable)


@dataclass(frozen=True)
class Endpoint:
    """One operation. `answer` is None where the body is no shape of ours, `idempotent` takes an Idempotency-Key."""

    operation: str
    route: str
    summary: str
    answer: Shapes | None
    status: HTTPStatus = HTTPStatus.OK
    path: Shapes | None = None
    query: Shapes | None = None
    body: Shapes | None = None
    body_meta: msgspec.Meta | None = None
    problems: tuple[type[Problem], ...] = ()
    idempotent: bool = False

    @property
    def method(self) -> str:
        return self.route.partition(" ")[0]

    @property
    def address(self) -> str:
        """The path, with its parameters in braces."""
        return self.route.partition(" ")[2]

    def matches(self, path: str) -> bool:
        """Whether a request's path leads here, whatever its method; the API's stage may stand before it."""
        return re.search(rf"(^|/){re.sub(r'{[^}]+}', '[^/]+', self.address[1:])}$", path) is not None

    @property
    def every_problem(self) -> tuple[type[Problem], ...]:
        return (*self.problems, *(BODY if self.body else ()), *ALWAYS)


_ALL = (
    Endpoint(
        "createUpload",
        "POST /uploads",
        "A form by which one file can be uploaded",
        UploadForm,
        status=HTTPStatus.CREATED,
        body=NewUpload,
        problems=(TooLarge,),
    ),
    Endpoint(
        "startExecution",
        "POST /executions",
        "Process an object, or an asset again",
        Started,
        status=HTTPStatus.ACCEPTED,
        body=NewExecution,
        body_meta=OneOfBoth,
        problems=(NotFound, Conflict),
        idempotent=True,
    ),
    Endpoint(
        "getExecution",
        "GET /executions/{execution}",
        "How an execution is doing, state by state",
        Execution,
        path=ExecutionPath,
        problems=(NotFound,),
    ),
    Endpoint(
        "listAssets",
        "GET /assets",
        "The assets that changed last",
        AssetPage,
        query=AssetFilter,
        problems=(MalformedRequest,),
    ),
    Endpoint(
        "getAsset",
        "GET /assets/{asset_id}",
        "All that is known of an asset",
        Asset,
        path=AssetPath,
        problems=(NotFound,),
    ),
    Endpoint("getOpenApi", "GET /openapi.json", "This description", None),
)

ENDPOINTS: Mapping[str, Endpoint] = MappingProxyType({endpoint.route: endpoint for endpoint in _ALL})
