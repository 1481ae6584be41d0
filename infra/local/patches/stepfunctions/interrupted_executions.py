"""Tells EventBridge of the executions that were running when the emulator ended, which fail at its next start.

Defect: the emulator sets their status to FAILED (States.ServiceRestart) but no rule hears of it. AWS announces every
change of an execution's status.
"""

import asyncio
import contextvars
import threading
from typing import Any

from infra.local.ministack import app, responses, stepfunctions

Key = tuple[str, str, str]

_stock_restore = stepfunctions._restore_state


def install() -> None:
    stepfunctions._restore_state = restore_state


def restore_state(data: dict[str, Any]) -> None:
    """The emulator goes through all executions that there are: here through those that were running."""
    everything, stepfunctions._executions = stepfunctions._executions, responses.AccountRegionScopedDict()
    _stock_restore(data)
    interrupted, stepfunctions._executions = stepfunctions._executions, everything
    everything.update(interrupted)
    if keys := list(interrupted._data):
        threading.Thread(target=announce_once_served, args=(keys,), daemon=True).start()


def announce_once_served(keys: list[Key]) -> None:
    """A rule's target may be a function, which calls the emulator: it must be answering by then."""
    asyncio.run(app._wait_for_port(app._resolve_port()))
    for key in keys:
        contextvars.copy_context().run(announce, *key)


def announce(account: str, region: str, arn: str) -> None:
    responses.set_request_account_id(account)
    responses.set_request_region(region)
    stepfunctions._emit_execution_status_event(stepfunctions._executions[arn])
