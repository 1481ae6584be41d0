"""Which version of the state machine new executions run, how that changes, and which versions nothing needs any more.

An execution keeps the version that it started with, also when it is redriven: only new ones follow the alias.
"""

import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from workflow.errors import SluiceError
from workflow.events import ENDED_BADLY
from workflow.names import resource_name
from workflow.operator.stack import Connection

REDRIVABLE = timedelta(days=14)
"""For how long Step Functions can redrive an execution, counted from its end."""
ALL = 100
FOLLOW_SECONDS = 1.0

_FUNCTION_VERSION = re.compile(r"arn:[^:]+:lambda:[^:]+:\d+:function:[^:\"]+:\d+")


class RollbackError(SluiceError):
    """There is nothing to go back to, or no such version; the message says which there are."""


@dataclass(frozen=True)
class Version:
    """A published state machine. `share` is the percentage of new executions that run it, since `live_since`."""

    number: int
    arn: str
    created: datetime
    description: str | None
    share: int
    live_since: datetime | None
    running: int


@dataclass(frozen=True)
class Switch:
    """A rollback. `staying` counts the executions that go on with another version than `to`."""

    to: int
    shares_before: dict[int, int]
    staying: int


@dataclass(frozen=True)
class Pruned:
    """What was deleted: numbers of the state machine's versions, and ARNs of functions' versions."""

    state_machine: list[int]
    functions: list[str]


class Releases:
    """The versions of one stage's ingest state machine."""

    def __init__(self, connection: Connection) -> None:
        self._stepfunctions = connection.stepfunctions
        self._lambda = connection.lambda_
        self._cloudformation = connection.cloudformation
        self._stack_name = resource_name(connection.stage, "pipeline")
        self._machine_arn = connection.stack.state_machine_arn
        self._alias_arn = connection.stack.state_machine_alias_arn

    def versions(self) -> list[Version]:
        """Newest first."""
        alias = self._alias()
        shares = _shares(alias)
        return [self._version(listed, shares, alias["updateDate"]) for listed in self._listed()]

    def shares(self) -> dict[int, int]:
        """The percentage of new executions by the version that they run."""
        return _shares(self._alias())

    def planned(self, to: int | None = None) -> Switch:
        """What a rollback would do: to the version before the newest that is live, unless one is named."""
        return self._plan(to)[0]

    def roll_back(self, to: int | None = None) -> Switch:
        """Give all new executions to an earlier version, at once."""
        switch, arn = self._plan(to)
        self._stepfunctions.update_state_machine_alias(
            stateMachineAliasArn=self._alias_arn,
            routingConfiguration=[{"stateMachineVersionArn": arn, "weight": ALL}],
        )
        return switch

    def _plan(self, to: int | None) -> tuple[Switch, str]:
        if self.deploying():
            raise RollbackError("A deployment is under way, which would go on: cancel it by a rollback without --to.")
        before = self.shares()
        published = {_number(each): each for each in self._listed_arns()}
        target = to or max((number for number in published if number < max(before)), default=0)
        if target not in published:
            known = ", ".join(map(str, sorted(published)))
            raise RollbackError(f"There is no version {to or f'before {max(before)}'}; published are {known}.")
        others = (arn for number, arn in published.items() if number != target)
        return Switch(target, before, sum(self._count(arn, "RUNNING") for arn in others)), published[target]

    def cancel_deployment(self) -> bool:
        """Let CloudFormation put back what a deployment under way has changed. False where none is."""
        if not self.deploying():
            return False
        self._cloudformation.cancel_update_stack(StackName=self._stack_name)
        return True

    def follow(self, goes_on: Callable[[], bool], tell: Callable[[dict[int, int]], None]) -> None:
        """Tell the shares whenever they change, for as long as a deployment goes on."""
        told: dict[int, int] = {}
        while True:
            last = not goes_on()
            shares = self.shares()
            if shares != told:
                tell(shares)
            told = shares
            if last:
                return
            time.sleep(FOLLOW_SECONDS)

    def prune(self, now: datetime) -> Pruned:
        """Delete the versions that neither an execution at work, nor a redrive, nor a rollback of 14 days can need."""
        since = now - REDRIVABLE
        listed = list(self._listed())
        kept = {each["stateMachineVersionArn"] for each in self._needed(listed, since)}
        unneeded = [each["stateMachineVersionArn"] for each in listed if each["stateMachineVersionArn"] not in kept]
        named = {name for arn in (self._machine_arn, *kept) for name in _named_by(self._definition(arn))}
        named |= {name for arn in self._unversioned(since) for name in _named_by(self._definition_of(arn))}
        for arn in unneeded:
            self._stepfunctions.delete_state_machine_version(stateMachineVersionArn=arn)
        functions = {arn.rpartition(":")[0] for arn in named}
        gone = [arn for arn, changed in self._function_versions(functions) if arn not in named and changed < since]
        for arn in gone:
            self._lambda.delete_function(FunctionName=arn)
        self.cool()
        return Pruned(sorted(map(_number, unneeded)), gone)

    def cool(self) -> list[str]:
        """Take provisioned concurrency from versions of functions that no new execution calls; their ARNs.

        A deployment while a stage's functions were kept warm has left it there, where it is paid for.
        """
        shares = self.shares()
        live = (arn for arn in self._listed_arns() if _number(arn) in shares)
        called = {name for arn in live for name in _named_by(self._definition(arn))}
        left = [arn for arn in self._warmed({arn.rpartition(":")[0] for arn in called}) if arn not in called]
        for arn in left:
            function, _, version = arn.rpartition(":")
            self._lambda.delete_provisioned_concurrency_config(FunctionName=function, Qualifier=version)
        return left

    def _warmed(self, functions: Iterable[str]) -> Iterator[str]:
        """ARN of each version that has provisioned concurrency."""
        lister: Any = self._lambda.get_paginator("list_provisioned_concurrency_configs")
        pages = (page for function in sorted(functions) for page in lister.paginate(FunctionName=function))
        return (found["FunctionArn"] for page in pages for found in page["ProvisionedConcurrencyConfigs"])

    def _version(self, listed: Any, shares: dict[int, int], routed: datetime) -> Version:
        arn = listed["stateMachineVersionArn"]
        share = shares.get(_number(arn), 0)
        return Version(
            number=_number(arn),
            arn=arn,
            created=listed["creationDate"],
            description=self._stepfunctions.describe_state_machine(stateMachineArn=arn).get("description") or None,
            share=share,
            live_since=routed if share else None,
            running=self._count(arn, "RUNNING"),
        )

    def deploying(self) -> bool:
        """Whether a deployment of the pipeline is under way."""
        found = self._cloudformation.describe_stacks(StackName=self._stack_name)["Stacks"][0]
        return found["StackStatus"] == "UPDATE_IN_PROGRESS"

    def _alias(self) -> Any:
        return self._stepfunctions.describe_state_machine_alias(stateMachineAliasArn=self._alias_arn)

    def _listed(self) -> Iterator[Any]:
        """Newest first. boto3 has no paginator for this call."""
        request: dict[str, Any] = {"stateMachineArn": self._machine_arn}
        while True:
            page = self._stepfunctions.list_state_machine_versions(**request)
            yield from page["stateMachineVersions"]
            if "nextToken" not in page:
                return
            request["nextToken"] = page["nextToken"]

    def _listed_arns(self) -> Iterator[str]:
        return (each["stateMachineVersionArn"] for each in self._listed())

    def _needed(self, listed: Iterable[Any], since: datetime) -> Iterator[Any]:
        live = self.shares()
        for each in listed:
            arn = each["stateMachineVersionArn"]
            if each["creationDate"] >= since or _number(arn) in live or any(self._unfinished(arn, since)):
                yield each

    def _unfinished(self, arn: str, since: datetime) -> Iterator[Any]:
        """Executions at work, and those that a redrive may set to work again."""
        for status in ("RUNNING", "PENDING_REDRIVE"):
            yield from self._executions(arn, status)
        for status in ENDED_BADLY:
            yield from (each for each in self._executions(arn, status) if each["stopDate"] >= since)

    def _unversioned(self, since: datetime) -> Iterator[str]:
        """Unfinished executions that were started by the state machine's own ARN: they have its definition of then."""
        versioned = {"stateMachineVersionArn", "stateMachineAliasArn"}
        found = self._unfinished(self._machine_arn, since)
        return (each["executionArn"] for each in found if not any(each.get(name) for name in versioned))

    def _executions(self, arn: str, status: str) -> Iterator[Any]:
        pages = self._stepfunctions.get_paginator("list_executions").paginate(
            stateMachineArn=arn,
            statusFilter=status,  # pyright: ignore[reportArgumentType]
        )
        return (execution for page in pages for execution in page["executions"])

    def _count(self, arn: str, status: str) -> int:
        return sum(1 for _ in self._executions(arn, status))

    def _definition(self, arn: str) -> str:
        return self._stepfunctions.describe_state_machine(stateMachineArn=arn)["definition"]

    def _definition_of(self, execution_arn: str) -> str:
        return self._stepfunctions.describe_state_machine_for_execution(executionArn=execution_arn)["definition"]

    def _function_versions(self, functions: Iterable[str]) -> Iterator[tuple[str, datetime]]:
        """ARN of each published version, and when what it was published from was last changed."""
        lister: Any = self._lambda.get_paginator("list_versions_by_function")
        pages = (page for function in sorted(functions) for page in lister.paginate(FunctionName=function))
        for found in (version for page in pages for version in page["Versions"]):
            if found["Version"] != "$LATEST":
                yield found["FunctionArn"], datetime.fromisoformat(found["LastModified"])


def _shares(alias: Any) -> dict[int, int]:
    return {
        _number(each["stateMachineVersionArn"]): each["weight"]
        for each in alias["routingConfiguration"]
        if each["weight"]
    }


def _number(version_arn: str) -> int:
    return int(version_arn.rpartition(":")[2])


def _named_by(definition: str) -> list[str]:
    return _FUNCTION_VERSION.findall(definition)
