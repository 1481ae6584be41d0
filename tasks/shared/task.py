"""The frame around every task of the state machine: parse the call, do the work, add the result to the state."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

import msgspec
from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

from tasks.shared.observe import count, counting, logger, working_for
from workflow.errors import InputError, SluiceError, TransientError
from workflow.shapes import CaughtError, Run, dump, parse

S = TypeVar("S")

MAX_CAUSE_LETTERS = 1000

_TRANSIENT_CODES = frozenset(
    {
        "ConditionalRequestConflict",
        "InternalError",
        "InternalServerError",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestTimeout",
        "ServiceUnavailable",
        "SlowDown",
        "Throttled",
        "Throttling",
        "ThrottlingException",
        "TransactionInProgressException",
    }
)


@dataclass(frozen=True)
class Call:
    """What the state machine sends to a function."""

    run: Run
    state: dict[str, Any]


def task(
    name: str, state: type[S], *, result: str | None = None, into: str | None = None
) -> Callable[[Callable[[S, Run], Any]], Callable[[Any, Any], dict[str, Any]]]:
    """Make a Lambda handler of `work(state, run)`; what it returns goes into the state under the task's name.

    With `into`, under that name. With `result`, under that name and into a new state, as Validate turns the input into
    an asset.
    """

    def decorate(work: Callable[[S, Run], Any]) -> Callable[[Any, Any], dict[str, Any]]:
        @counting()
        @wraps(work)
        def handle(event: Any, _context: Any) -> dict[str, Any]:
            started = time.perf_counter()
            call = parse(event, Call)
            working_for(call.run, _asset_id(call.state))
            made = _attempt(lambda: work(parse(call.state, state), call.run))
            timings = {**call.state.get("timings", {}), name: round((time.perf_counter() - started) * 1000)}
            logger.info("done", extra={"task": name, "ms": timings[name]})
            so_far = {} if result else _brief(call.state)
            return {**so_far, result or into or name: dump(made), "timings": timings}

        return handle

    return decorate


def _attempt(work: Callable[[], Any]) -> Any:
    """Errors get the names that the state machine knows; each leaves a log line that names execution and asset."""
    try:
        return _translated(work)
    except SluiceError as exc:
        if exc.alert:
            count(exc.alert.metric)
        logger.warning("stopped", extra={"error": type(exc).__name__, "reason": str(exc)})
        raise
    except Exception as exc:
        logger.exception("failed", extra={"error": type(exc).__name__})
        raise


def _translated(work: Callable[[], Any]) -> Any:
    try:
        return work()
    except ClientError as exc:
        if is_transient(exc):
            raise TransientError(f"AWS asked to try again: {exc}") from exc
        raise
    except ParamValidationError as exc:
        raise InputError(f"AWS cannot be asked for what the input names: {exc}") from exc
    except BotoCoreError as exc:
        raise TransientError(f"The connection to AWS failed: {exc}") from exc


def is_transient(error: ClientError) -> bool:
    """Throttles and service errors, which another attempt may not see."""
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return error.response.get("Error", {}).get("Code") in _TRANSIENT_CODES or status == 429 or status >= 500  # noqa: PLR2004


def _brief(state: dict[str, Any]) -> dict[str, Any]:
    """The state without the stack trace of an error that was caught: it may be as long as all the rest."""
    state = {name: value for name, value in state.items() if name != "error"}
    if "thumbnail_error" not in state:
        return state
    caught = parse(state["thumbnail_error"], CaughtError)
    return {**state, "thumbnail_error": {"Error": caught.error, "Cause": caught.message[:MAX_CAUSE_LETTERS]}}


def _asset_id(state: dict[str, Any]) -> str | None:
    with suppress(msgspec.ValidationError):
        return msgspec.convert(state["asset"]["id"], str) if "asset" in state else None
    return None
