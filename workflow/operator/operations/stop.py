"""Stops executions that are at work: one by name, or those that a filter finds.

Stopping is one call; the rule on executions that ended has it recorded, and the sweeper where that is lost.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from tasks.shared.executions import LIVE, Executions
from tasks.shared.records.model import Record
from workflow.operator.client import Sluice
from workflow.operator.patience import PROBLEMS, patiently
from workflow.operator.stack import NotThereError

AT_ONCE = 8
STOPPED = "Stopped"
"""The error of an execution that an operator stopped."""


@dataclass(frozen=True)
class Stopped:
    """What was done with an execution: "stopped", "left" or "refused"; `because` says why not the first."""

    execution: str
    how: str
    because: str | None = None


@dataclass(frozen=True)
class Running:
    """An execution at work, and on what, as far as it is known. `started` in ISO 8601."""

    execution: str
    key: str | None
    asset_id: str | None
    kind: str | None
    started: str


@dataclass(frozen=True, kw_only=True)
class AtWork:
    """Which executions are meant; all that is given must hold. `prefix` is of the key, `text` is anywhere in it.

    `since` and `before` are compared with when an execution was started.
    """

    prefix: str = ""
    text: str = ""
    kind: str | None = None
    since: datetime | None = None
    before: datetime | None = None

    def may_take(self, listed: Any) -> bool:
        started = listed["startDate"]
        return (self.since is None or started >= self.since) and (self.before is None or started < self.before)

    def takes(self, row: Running) -> bool:
        key = row.key or ""
        return key.startswith(self.prefix) and self.text.lower() in key.lower() and self.kind in {None, row.kind}


def at_work(sluice: Sluice, wanted: AtWork) -> list[Running]:
    """Executions that run, the longest first, each with its file and, where it has come to one, its asset."""
    machine = Executions(sluice.aws.stepfunctions, sluice.stack.state_machine_arn)
    listed = {each["name"]: each for each in machine.listed("RUNNING") if wanted.may_take(each)}
    links = sluice.records.links.assets_of(listed)
    records = sluice.records.assets.many(set(links.values()))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        told = pool.map(partial(_told, machine), listed.values(), (records.get(links.get(each, "")) for each in listed))
        rows = [row for row in told if row and wanted.takes(row)]
    return sorted(rows, key=lambda row: row.started)


def _told(machine: Executions, listed: Any, record: Record | None) -> Running | None:
    """What one works on: as its record has it, or its input, while it has not come to an asset."""
    name, started = listed["name"], listed["startDate"].isoformat()
    if record:
        return Running(name, record.key, record.asset_id, record.kind, started)
    found = patiently(lambda: machine.find(name))
    if found is None or not found.lives:
        return None
    return Running(name, found.wanted.key if found.wanted else None, None, None, started)


def stop(sluice: Sluice, name: str, *, by: str, why: str) -> Stopped:
    """Stop an execution, which a redrive goes on with; its original stays where it is. Doing it again is nothing."""
    arn = sluice.execution_arn(name)
    step_functions = sluice.aws.stepfunctions
    try:
        status = step_functions.describe_execution(executionArn=arn)["status"]
    except ClientError as exc:
        if exc.response.get("Error", {}).get("Code") in {"ExecutionDoesNotExist", "InvalidArn"}:
            raise NotThereError(f"There is no execution {name}. `sluice executions` lists them.") from exc
        raise
    if status not in LIVE:
        return Stopped(name, "left", f"it is not at work: it is {status}")
    step_functions.stop_execution(executionArn=arn, error=STOPPED, cause=f"By {by}: {why}")
    return Stopped(name, "stopped")


def stop_all(sluice: Sluice, names: Iterable[str], *, by: str, why: str) -> Iterator[Stopped]:
    """Stop many, some at once, in the order given; one that AWS refuses keeps no other from it."""

    def each(name: str) -> Stopped:
        try:
            return patiently(lambda: stop(sluice, name, by=by, why=why))
        except PROBLEMS as exc:
            return Stopped(name, "refused", str(exc))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield from pool.map(each, names)
