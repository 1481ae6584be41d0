"""RedriveExecution, which stock does not know.

AWS: a failed, aborted or timed out Standard execution goes on from the state that did not succeed, under its own ARN
and definition, with all earlier results and the history kept and the retries counted anew.
https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html
"""

from collections.abc import Awaitable, Callable
from typing import Any

from infra.local.engine import executions
from infra.local.engine.api import Members, RefusedError, Response, action, required_execution
from infra.local.engine.records import renew
from infra.local.ministack import stepfunctions as sf
from infra.local.patches.stepfunctions.executions import why_not_redrivable

ACTION = "AWSStepFunctions.RedriveExecution"


def install() -> None:
    handle_other: Callable[..., Awaitable[Response]] = sf.handle_request
    redrive = action(redrive_execution)

    async def handle_request(method: str, path: str, headers: dict[str, str], body: bytes, query: Any) -> Response:
        if headers.get("x-amz-target") == ACTION:
            return sf._finalize_response(redrive(sf.json.loads(body)))
        return await handle_other(method, path, headers, body, query)

    sf.handle_request = handle_request


def redrive_execution(request: Members) -> Members:
    record = required_execution(request)
    token = request.get("clientToken")
    if token is not None and token == record.get("redriveToken"):
        return {"redriveDate": record["redriveDate"]}
    if reason := why_not_redrivable(record):
        raise RefusedError("ExecutionNotRedrivable", f"{reason}: '{record['executionArn']}'")
    for tell in renew(record, token):
        tell()
    executions.run_in_background(record)
    return {"redriveDate": record["redriveDate"]}
