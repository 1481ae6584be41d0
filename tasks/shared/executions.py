"""Step Functions as the tasks need it: which executions of a state machine live, how one ended, start another."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import msgspec
from botocore.exceptions import ClientError

from tasks.shared.records.model import Reason
from tasks.shared.task import is_transient
from workflow.events import ENDED_BADLY
from workflow.limits import EXECUTION_TIMEOUT_SECONDS
from workflow.shapes import CaughtError, ExecutionInput, Run, dump

if TYPE_CHECKING:
    from mypy_boto3_stepfunctions import SFNClient

LIVE = frozenset({"RUNNING", "PENDING_REDRIVE"})
LONGEST = timedelta(seconds=EXECUTION_TIMEOUT_SECONDS)
EVER = datetime(1970, 1, 2, tzinfo=UTC)
UNQUALIFIED_PARTS = 7
"""Of a state machine's ARN, which a version or alias would be the eighth of."""
LIMIT_REACHED = "ExecutionLimitExceeded"
"""As many open executions as the account may have; Step Functions does not count it among its throttles."""


class BusyError(Exception):
    """Step Functions takes no more at the moment."""


@dataclass(frozen=True)
class Execution:
    """An execution as Step Functions describes it. `wanted` is None where the input is not one of ours."""

    run: Run
    status: str
    redrives: int
    error: CaughtError
    wanted: ExecutionInput | None

    @property
    def lives(self) -> bool:
        return self.status in LIVE

    @property
    def ended_badly(self) -> bool:
        return self.status in ENDED_BADLY


@dataclass(frozen=True)
class Executions:
    """The Step Functions adapter, for one state machine: by its own ARN, or by that of the alias that is started."""

    stepfunctions: "SFNClient"
    started_arn: str

    @property
    def state_machine_arn(self) -> str:
        """Without version or alias: all its executions, whatever started them, are found by this."""
        return ":".join(self.started_arn.split(":")[:UNQUALIFIED_PARTS])

    def arn(self, name: str) -> str:
        """The ARN of an execution: it never has the version or alias that started it."""
        return execution_arn(self.state_machine_arn, name)

    def running(self) -> Iterator[str]:
        """Names of those that run, as of some seconds ago: the list lags behind."""
        return (each["name"] for each in self.listed("RUNNING"))

    def ended_badly(self, *, since: datetime = EVER) -> Iterator[Any]:
        """What ListExecutions tells of those that failed, timed out or were stopped since then, by status."""
        for status in sorted(ENDED_BADLY):
            listed = back_to(since - LONGEST, self.listed(status))
            yield from (each for each in listed if each["stopDate"] >= since)

    def listed(self, status: str) -> Iterator[Any]:
        """What ListExecutions tells of those with a status, the latest first."""
        lister: Any = self.stepfunctions.get_paginator("list_executions")
        pages = lister.paginate(stateMachineArn=self.state_machine_arn, statusFilter=status)
        return (execution for page in pages for execution in page["executions"])

    def find(self, name: str) -> Execution | None:
        """How an execution is doing now; None where Step Functions does not know it, or no longer."""
        try:
            return self.describe(self.arn(name))
        except self.stepfunctions.exceptions.ExecutionDoesNotExist:
            return None

    def describe(self, arn: str) -> Execution:
        """How an execution is doing now."""
        found: Any = self.stepfunctions.describe_execution(executionArn=arn)
        return Execution(
            run=Run(arn=arn, name=found["name"], started=found["startDate"].isoformat()),
            status=found["status"],
            redrives=found.get("redriveCount", 0),
            error=CaughtError(error=found.get("error") or found["status"], cause=found.get("cause") or ""),
            wanted=_wanted(found.get("input", "")),
        )

    def start(self, name: str, wanted: ExecutionInput) -> bool:
        """Start an execution, once under this name; False where there was one that has ended, or for something else."""
        try:
            self.stepfunctions.start_execution(
                stateMachineArn=self.started_arn, name=name, input=json.dumps(dump(wanted))
            )
        except self.stepfunctions.exceptions.ExecutionAlreadyExists:
            return False
        except ClientError as exc:
            if is_transient(exc) or exc.response.get("Error", {}).get("Code") == LIMIT_REACHED:
                raise BusyError(f"Step Functions takes no more at the moment: {exc}") from exc
            raise
        return True

    def started_with(self, name: str, wanted: ExecutionInput) -> bool:
        """Whether the execution of this name was started with this input."""
        return self.describe(self.arn(name)).wanted == wanted

    def reason(self, execution: Execution) -> Reason:
        """Why an execution ended badly, as its record says it."""
        error = execution.error
        return Reason(code=error.error, message=error.message, state=self.last_state(execution.run))

    def last_state(self, run: Run) -> str:
        """The state that an execution entered last; "" where it entered none."""
        history = self.stepfunctions.get_paginator("get_execution_history")
        for page in history.paginate(executionArn=run.arn, reverseOrder=True, includeExecutionData=False):
            for event in page["events"]:
                if entered := event.get("stateEnteredEventDetails"):
                    return entered["name"]
        return ""


def back_to(moment: datetime, listed: Iterable[Any]) -> Iterator[Any]:
    """What ListExecutions tells of executions, up to the first that was over by `moment`: all others began before it.

    They come "sorted by time", and AWS does not say which: an old one may stand before those that are wanted.
    """
    return takewhile(lambda each: not was_over(each, moment), listed)


def was_over(listed: Any, moment: datetime) -> bool:
    """A redriven execution begins again, and lasts until it is stopped anew."""
    stopped = listed.get("stopDate")
    return stopped is not None and max(stopped, listed.get("redriveDate") or stopped) < moment


def execution_arn(machine_arn: str, name: str) -> str:
    """The ARN that an execution of a state machine has under this name."""
    return f"{machine_arn.replace(':stateMachine:', ':execution:')}:{name}"


def _wanted(text: str) -> ExecutionInput | None:
    try:
        return msgspec.json.decode(text, type=ExecutionInput)
    except msgspec.DecodeError:
        return None
