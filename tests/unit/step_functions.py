"""Step Functions' API in front of the state machine in this process: AWS's own client asks it, over no network."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.client import BaseClient

from tests.unit.state_machine import Execution, Machine


@contextmanager
def answering(machine_now: Callable[[], Machine], monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """While this lasts, every client of Step Functions is told of the executions of the machine that there is."""
    direct = BaseClient._make_api_call

    def call(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
        if client.meta.service_model.service_name != "stepfunctions":
            return direct(client, operation, parameters)
        return getattr(Api(machine_now()), operation)(client.exceptions, **parameters)

    with monkeypatch.context() as patched:
        patched.setattr(BaseClient, "_make_api_call", call)
        yield


class Api:
    """The operations, by their names in AWS."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def ListExecutions(self, _errors: Any, statusFilter: str = "", **_: Any) -> Any:  # noqa: N802, N803 - AWS's spelling
        found = [each for each in self._machine.executions.values() if statusFilter in {"", each.status}]
        return {"executions": [each.description() for each in found]}

    def DescribeExecution(self, errors: Any, executionArn: str) -> Any:  # noqa: N802, N803
        return self._execution(errors, executionArn).description()

    def GetExecutionHistory(self, errors: Any, executionArn: str, **_: Any) -> Any:  # noqa: N802, N803
        return {"events": self._execution(errors, executionArn).last_events()}

    def RedriveExecution(self, errors: Any, executionArn: str, clientToken: str) -> Any:  # noqa: N802, N803
        """The same again, by the same token, is fine."""
        execution = self._execution(errors, executionArn)
        if clientToken not in self._machine.redriven:
            if execution.description()["redriveStatus"] != "REDRIVABLE":
                raise errors.ExecutionNotRedrivable({"Error": {"Code": "ExecutionNotRedrivable"}}, "RedriveExecution")
            self._machine.redriven.add(clientToken)
            execution.resume()
        return {"redriveDate": execution.started}

    def StopExecution(self, errors: Any, executionArn: str, error: str, cause: str) -> Any:  # noqa: N802, N803
        execution = self._execution(errors, executionArn)
        if execution.status == "RUNNING":
            execution.end("ABORTED", error, cause)
        return {"stopDate": execution.started}

    def StartExecution(self, errors: Any, input: str, name: str = "", **_: Any) -> Any:  # noqa: A002, N802
        """The same again is fine as long as the first one runs."""
        known = self._machine.executions.get(name)
        if known and (known.status != "RUNNING" or known.wanted != json.loads(input)):
            raise errors.ExecutionAlreadyExists({"Error": {"Code": "ExecutionAlreadyExists"}}, "StartExecution")
        execution = known or self._machine.start(json.loads(input), name or None)
        return {"executionArn": execution.arn, "startDate": execution.started}

    def _execution(self, errors: Any, arn: str) -> Execution:
        name = arn.rpartition(":")[2]
        if name not in self._machine.executions:
            raise errors.ExecutionDoesNotExist({"Error": {"Code": "ExecutionDoesNotExist"}}, "DescribeExecution")
        return self._machine.executions[name]
