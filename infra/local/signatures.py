"""Who signed a request: in its headers, in its address, or in the policy of a form.

The arithmetic is the emulator's own; it uses it only with AUTH=true, and there not for the account's own keys.
Signature Version 2 is what boto3 still presigns S3's addresses and forms with, unless it is told otherwise.
"""

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, cast

from infra.local.ministack import app, iam_evaluator, responses, router, s3, sigv4

ALGORITHM = "AWS4-HMAC-SHA256"
FORM = "multipart/form-data"
BUCKET = re.compile(r"/[^/]*/?")
SIGNED_FORM = ("policy", "x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature")
VERSION_2_FORM = ("policy", "awsaccesskeyid", "signature")
VERSION_2_QUERY = {"AWSAccessKeyId", "Signature", "Expires"}
SCOPE_PARTS = 5
"""Key, day, region, service, and a constant."""
DIGEST = re.compile(r"[0-9a-f]{64}")
ADVICE = "The embedded AWS takes calls with its own keys only, which `sluice env` prints."

Response = tuple[int, dict[str, str], bytes]
Values = dict[str, list[str]]


@dataclass(frozen=True)
class Request:
    """`headers` by lower-case name, lines of the same name joined by a comma as signatures have them."""

    method: str
    path: str
    raw_path: str
    query: Values
    headers: dict[str, str]

    @property
    def is_form(self) -> bool:
        """Whether only the form in the body can be signed: for a bucket, and nothing names another service."""
        others = {"authorization", "x-amz-target"} & self.headers.keys()
        form = self.headers.get("content-type", "").startswith(FORM)
        return self.method == "POST" and form and not (others or self.query) and bool(BUCKET.fullmatch(self.path))

    @property
    def is_presigned(self) -> bool:
        signed = "X-Amz-Signature" in self.query or self.query.keys() >= VERSION_2_QUERY
        return signed and "authorization" not in self.headers

    @property
    def is_of_version_2(self) -> bool:
        return self.authorization.startswith("AWS ") or (self.is_presigned and "X-Amz-Signature" not in self.query)

    @property
    def may_be_signed(self) -> bool:
        return self.is_form or self.is_presigned or self.is_of_version_2 or self.authorization.startswith(ALGORITHM)

    @property
    def authorization(self) -> str:
        return self.headers.get("authorization", "")


class NotSignedError(Exception):
    """A request that is refused; `code` is AWS's own for it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code

    def response(self, request: Request) -> Response:
        """As the service that the request is for would say it."""
        service = router.detect_service(request.method, request.path, request.headers, request.query)
        return app._credential_failure(service, "", responses.new_uuid(), Denied(self.code, str(self)), request.headers)


@dataclass(frozen=True)
class Denied:
    code: str
    message: str


def signer(request: Request, body: bytes) -> Any:
    """The credential that signed the request: an emulator's ResolvedCredential."""
    if request.is_form:
        return _signer_of_form(request, body)
    if request.is_of_version_2:
        return _signer_by_version_2(request)
    read = sigv4.parse_query_signature if request.is_presigned else sigv4.parse_header_signature
    signature = _or_refused(read(request.query if request.is_presigned else request.headers))
    if request.is_presigned:
        _require_not_expired(signature.amz_date, request.query)
    else:
        _or_refused(sigv4.request_time_failure(signature))
        _require_body(request.headers.get("x-amz-content-sha256", ""), body)
    credential = credential_of(signature.access_key_id, _session_token(request))
    signed = (request.method, request.raw_path, request.query, request.headers, body)
    secret = credential.secret_access_key
    _or_refused(sigv4.header_signature_failure(signature, secret, *signed, presigned=request.is_presigned))
    return credential


def credential_of(access_key_id: str, session_token: str) -> Any:
    """The account's own keys, a user's or a session's."""
    try:
        owner = iam_evaluator.find_iam_access_key_account(access_key_id)
    except iam_evaluator.AmbiguousAccessKeyError:
        raise NotSignedError("InvalidAccessKeyId", ADVICE) from None
    responses.set_request_account_id(owner or access_key_id)
    found = iam_evaluator.resolve_credential(access_key_id, responses.get_account_id(), session_token)
    if isinstance(found, iam_evaluator.CredentialResolutionError):
        raise NotSignedError(found.code, f"{found.message} {ADVICE}")
    return found


def _signer_by_version_2(request: Request) -> Any:
    key = request.query.get("AWSAccessKeyId", [request.authorization.removeprefix("AWS ").partition(":")[0]])[0]
    bucket = app._extract_s3_vhost_bucket(request.headers["host"])
    path = f"/{bucket}{request.raw_path}" if bucket else request.raw_path
    signed = iam_evaluator.SignedRequest(
        key, request.method, request.raw_path, request.query, request.headers, sigv2=True, auth_path=path
    )
    credential_of(key, _session_token(request))
    found = iam_evaluator._sigv2_check(signed, responses.get_account_id())
    if isinstance(found, iam_evaluator.AuthError):
        raise NotSignedError(found.code, found.message)
    return found


def _signer_of_form(request: Request, body: bytes) -> Any:
    parts = s3._parse_multipart_form(request.headers["content-type"], body)
    fields = [(name.lower(), value) for name, _file, _headers, value in parts if name.lower() != "file"]
    form = {name: value.decode("utf-8", "replace") for name, value in fields}
    if len(form) < len(fields):
        raise NotSignedError("AccessDenied", "The form has a field twice.")
    token = form.get("x-amz-security-token", "")
    if form.keys() >= set(SIGNED_FORM):
        scope = form["x-amz-credential"].split("/")
        if form["x-amz-algorithm"] != ALGORITHM or len(scope) != SCOPE_PARTS:
            raise NotSignedError("AccessDenied", "The form's signature is none of version 4.")
        key, given = scope[0], form["x-amz-signature"]
        credential = credential_of(key, token)
        wanted = sigv4.calculate_signature(credential.secret_access_key, *scope[1:4], form["policy"])
    elif form.keys() >= set(VERSION_2_FORM):
        credential, given = credential_of(form["awsaccesskeyid"], token), form["signature"]
        digest = hmac.digest(credential.secret_access_key.encode(), form["policy"].encode(), "sha1")
        wanted = base64.b64encode(digest).decode()
    else:
        raise NotSignedError("AccessDenied", f"The form has no signed policy. {ADVICE}")
    if not hmac.compare_digest(wanted.encode(), given.encode()):
        raise NotSignedError("SignatureDoesNotMatch", f"{sigv4.SIGNATURE_MISMATCH} {ADVICE}")
    return credential


def _require_not_expired(signed_at: str, query: Values) -> None:
    try:
        expired = sigv4.presigned_request_is_expired(signed_at, query["X-Amz-Expires"][0])
    except (KeyError, ValueError):
        raise NotSignedError("AuthorizationQueryParametersError", "X-Amz-Date or X-Amz-Expires is no time.") from None
    if expired:
        raise NotSignedError("AccessDenied", "Request has expired")


def _require_body(signed: str, body: bytes) -> None:
    """The emulator believes the digest that the headers name."""
    if DIGEST.fullmatch(signed) and hashlib.sha256(body).hexdigest() != signed:
        raise NotSignedError("XAmzContentSHA256Mismatch", "The body is not the one that was signed.")


def _session_token(request: Request) -> str:
    if request.is_presigned:
        name = "x-amz-security-token" if request.is_of_version_2 else "X-Amz-Security-Token"
        return request.query.get(name, [""])[0]
    return request.headers.get("x-amz-security-token", "")


def _or_refused(found: Any) -> Any:
    """The emulator gives a pair of code and message for what it refuses."""
    if isinstance(found, tuple):
        code, message = cast("tuple[str, str]", found)
        raise NotSignedError(code, f"{message} {ADVICE}" if code == "SignatureDoesNotMatch" else message)
    return found


def as_response(status: HTTPStatus, text: str) -> Response:
    return status, {"content-type": "text/plain; charset=utf-8"}, f"{text}\n".encode()
