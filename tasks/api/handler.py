"""api: the HTTP API's one function. API Gateway has found out who calls; `endpoints` has what may be asked for."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from botocore.exceptions import ClientError

from tasks.api.answer import Answer, answer, problem
from tasks.api.endpoints import ENDPOINTS, IDEMPOTENCY_KEY
from tasks.api.executions import CallersExecutions
from tasks.api.listing import Listing
from tasks.api.openapi import document
from tasks.api.problems import MethodNotAllowed, NotFound, Problem, TooManyRequests
from tasks.api.request import Event, Request
from tasks.api.shapes import Asset, AssetFilter, AssetPath, ExecutionPath, NewExecution, NewUpload
from tasks.api.uploads import Uploads
from tasks.shared import clients
from tasks.shared.executions import Executions
from tasks.shared.observe import logger
from tasks.shared.records.adapter import Records
from tasks.shared.records.model import facts_of
from tasks.shared.settings import from_environment
from tasks.shared.task import is_transient


class Settings(msgspec.Struct, frozen=True):
    table_name: str
    state_machine_arn: str
    ingest_bucket: str
    expanded_bucket: str
    archive_bucket: str
    quarantine_bucket: str
    expand_archives: bool
    old_indexes: str = ""


settings = from_environment(Settings)
places = frozenset(
    {settings.ingest_bucket, settings.expanded_bucket, settings.archive_bucket, settings.quarantine_bucket}
)
records = Records(clients.dynamodb(), settings.table_name, settings.old_indexes)
uploads = Uploads(
    clients.signing_s3(),
    settings.ingest_bucket,
    frozenset() if settings.expand_archives else frozenset({"archive"}),
)
executions = CallersExecutions(Executions(clients.stepfunctions(), settings.state_machine_arn), records, places)
listing = Listing(records, settings.ingest_bucket)


def handle(event: Any, _context: Any) -> Answer:
    request = Request(msgspec.convert(event, Event))
    started = time.perf_counter()
    answered = _answered(request)
    facts = {"route": request.event.route_key, "status": answered["statusCode"], "request_id": request.id}
    logger.info("served", extra={**facts, "ms": round((time.perf_counter() - started) * 1000)})
    return answered


def _answered(request: Request) -> Answer:
    try:
        return _served(request)
    except Problem as exc:
        logger.warning("refused", extra={"problem": exc.slug(), "reason": str(exc), "request_id": request.id})
        return problem(exc, request.id)
    except Exception:
        logger.exception("failed", extra={"request_id": request.id})
        raise


def _served(request: Request) -> Answer:
    logger.info("asked", extra={"route": request.event.route_key, "by": request.by, "request_id": request.id})
    serve = SERVING.get(request.event.route_key)
    if serve is None:
        raise _no_route(request)
    try:
        return serve(request)
    except ClientError as exc:
        if is_transient(exc):
            raise TooManyRequests(f"AWS asked to try again: {exc}", retry_after="1") from exc
        raise


def _no_route(request: Request) -> Problem:
    http = request.event.request_context.http
    allowed = sorted(each.method for each in ENDPOINTS.values() if each.matches(http.path))
    if allowed:
        return MethodNotAllowed(f"{http.path} takes {', '.join(allowed)} only.", allow=", ".join(allowed))
    return NotFound(f"There is no {http.path}. GET /openapi.json tells what there is.")


def _create_upload(request: Request) -> Answer:
    return answer(uploads.form(request.body(NewUpload)), ENDPOINTS["POST /uploads"].status)


def _start_execution(request: Request) -> Answer:
    started = executions.start(request.body(NewExecution), request.by, request.header(IDEMPOTENCY_KEY))
    return answer(started, ENDPOINTS["POST /executions"].status, location=f"/executions/{started.execution}")


def _get_execution(request: Request) -> Answer:
    return answer(executions.show(request.path(ExecutionPath).execution))


def _list_assets(request: Request) -> Answer:
    return answer(listing.page(request.query(AssetFilter)))


def _get_asset(request: Request) -> Answer:
    asset_id = request.path(AssetPath).asset_id
    record = records.assets.get(asset_id)
    if record is None:
        raise NotFound(f"There is no asset {asset_id}. GET /assets lists them.")
    return answer(msgspec.convert(facts_of(record), Asset))


def _get_openapi(_request: Request) -> Answer:
    return answer(document())


SERVING: Mapping[str, Callable[[Request], Answer]] = {
    "POST /uploads": _create_upload,
    "POST /executions": _start_execution,
    "GET /executions/{execution}": _get_execution,
    "GET /assets": _list_assets,
    "GET /assets/{asset_id}": _get_asset,
    "GET /openapi.json": _get_openapi,
}
