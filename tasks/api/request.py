"""A request as API Gateway hands it over (payload format 2.0), checked against the shapes of its endpoint."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec

from tasks.api.problems import MalformedRequest, NotFound, Unidentified, Unprocessable, UnsupportedType
from tasks.shared.nesting import decode_json

S = TypeVar("S", bound=msgspec.Struct)

JSON = "application/json"


class Iam(msgspec.Struct, frozen=True, rename="camel"):
    user_arn: str


class Jwt(msgspec.Struct, frozen=True):
    claims: dict[str, Any]


class Authorizer(msgspec.Struct, frozen=True):
    """Who API Gateway found out is calling; which of both depends on the stage's authoriser."""

    iam: Iam | None = None
    jwt: Jwt | None = None


class Http(msgspec.Struct, frozen=True):
    method: str
    path: str


class Context(msgspec.Struct, frozen=True, rename="camel"):
    request_id: str
    http: Http
    authorizer: Authorizer | None = None


class Event(msgspec.Struct, frozen=True, rename="camel"):
    """The part of the event that is used. Header names are in lower case, several values of one joined by commas."""

    route_key: str
    request_context: Context
    headers: dict[str, str] = {}
    path_parameters: dict[str, str] | None = None
    query_string_parameters: dict[str, str] | None = None
    body: str | None = None
    is_base64_encoded: bool = False


@dataclass(frozen=True)
class Request:
    """One request."""

    event: Event

    @property
    def id(self) -> str:
        return self.event.request_context.request_id

    @property
    def by(self) -> str:
        """Who asks: the IAM principal's ARN, or the JWT's subject. Nobody is served who cannot be named."""
        authorizer = self.event.request_context.authorizer or Authorizer()
        if authorizer.iam:
            return authorizer.iam.user_arn
        subject = authorizer.jwt.claims.get("sub") if authorizer.jwt else None
        if not subject:
            raise Unidentified("Sign the request (IAM), or send a token that has a subject (JWT).")
        return str(subject)

    def header(self, name: str) -> str | None:
        return self.event.headers.get(name)

    def path(self, shape: type[S]) -> S:
        values = self.event.path_parameters or {}
        try:
            return msgspec.convert(values, shape)
        except msgspec.ValidationError as exc:
            raise NotFound(f"{'/'.join(values.values())!r} names nothing here: {exc}.") from exc

    def query(self, shape: type[S]) -> S:
        return _converted(self.event.query_string_parameters or {}, shape)

    def body(self, shape: type[S]) -> S:
        media_type = (self.header("content-type") or "").partition(";")[0].strip().lower()
        if media_type != JSON:
            raise UnsupportedType(f"Send the body as {JSON}, not as {media_type or 'nothing that is named'}.")
        try:
            return decode_json(self._body_bytes(), shape)
        except msgspec.ValidationError as exc:
            raise Unprocessable(f"{exc}.") from exc
        except (msgspec.DecodeError, UnicodeDecodeError) as exc:
            raise MalformedRequest(f"The body is no JSON: {exc}.") from exc

    def _body_bytes(self) -> bytes:
        text = self.event.body or ""
        if not self.event.is_base64_encoded:
            return text.encode()
        try:
            return base64.b64decode(text, validate=True)
        except binascii.Error as exc:
            raise MalformedRequest(f"The body is no base64: {exc}.") from exc


def _converted(values: Mapping[str, str], shape: type[S]) -> S:
    try:
        return msgspec.convert(values, shape, strict=False)
    except msgspec.ValidationError as exc:
        raise MalformedRequest(f"{exc}.") from exc
