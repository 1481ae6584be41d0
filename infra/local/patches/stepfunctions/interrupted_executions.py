"""A start looks at the executions that were running when the emulator ended, and at no others.

Defect: to mark those as FAILED (States.ServiceRestart), the emulator goes through all executions that there are.
"""

from typing import Any

from infra.local.ministack import responses, stepfunctions

_stock_restore = stepfunctions._restore_state


def install() -> None:
    stepfunctions._restore_state = restore_state


def restore_state(data: dict[str, Any]) -> None:
    everything, stepfunctions._executions = stepfunctions._executions, responses.AccountRegionScopedDict()
    _stock_restore(data)
    interrupted, stepfunctions._executions = stepfunctions._executions, everything
    everything.update(interrupted)
